"""Exercises of lesson 09: counting operations and bytes before measuring."""

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def conv_multiply_adds(
    c_in: int, c_out: int, kernel: int, stride: int, padding: int, groups: int, height: int, width: int
) -> int:
    """Multiply-adds of a 2D convolution with a square kernel.

    Args:
        c_in: channels of the input.
        c_out: channels of the output.
        kernel: side of the kernel.
        stride: step between two places at which the kernel is laid on.
        padding: rows and columns of zeros on each side of the input. Their products count like all others.
        groups: into how many parts the channels are split; an output channel sees only the inputs of its own part.
        height: rows of the input.
        width: columns of the input.

    Returns:
        The number of multiply-adds, bias not counted.
    """
    rows = (height + 2 * padding - kernel) // stride + 1
    columns = (width + 2 * padding - kernel) // stride + 1
    return rows * columns * c_out * (c_in // groups) * kernel * kernel


def product_bytes(height: int, width: int, cohorts: int) -> int:
    """Bytes of all products with template keys that a tracker takes for one frame.

    Args:
        height: rows of the frame in pixels; padded to the next multiple of 16.
        width: columns of the frame; padded likewise.
        cohorts: groups of objects that entered together. Each has a first frame of its own; the previous frame is
            the same for all.

    Returns:
        Bytes in float32, 4 per number.
    """
    places = -(-height // 16) * -(-width // 16)
    return 4 * places * places * (cohorts + 1)


def speed_up(common: float, per_object: float, objects: int) -> float:
    """By which factor sharing makes a frame cheaper.

    Args:
        common: cost of what does not depend on the object, above 0.
        per_object: cost of what each object needs for itself, above 0.
        objects: how many there are, at least 1.

    Returns:
        The cost with everything computed for every object, over the cost with the common part computed once.
    """
    return objects * (common + per_object) / (common + objects * per_object)


EXERCISES = (
    Exercise(
        "Write `conv_multiply_adds` from what the constructor of a convolution is given and the size of its input; "
        "the number of output places has to be computed first. Mind `groups`: where they equal the channels, each "
        "channel is filtered alone (a *depthwise* convolution), and that is why such layers are cheap.",
        conv_multiply_adds,
        lambda: [
            (4, 6, 3, 2, 1, 2, 8, 9),
            (3, 24, 3, 2, 1, 1, 240, 432),
            (64, 64, 3, 1, 1, 1, 15, 27),
            (32, 32, 3, 1, 1, 32, 20, 30),
            (8, 4, 1, 1, 0, 1, 7, 5),
            (2, 2, 3, 1, 0, 1, 3, 3),
        ],
        Mistake(
            lambda c_in, c_out, kernel, stride, padding, groups, height, width: (
                height * width * c_out * (c_in // groups) * kernel * kernel
            ),
            "these are the places of the input; the kernel is laid on once per output place, and with a stride of 2, "
            "or without padding, there are fewer of them",
        ),
        Mistake(
            lambda c_in, c_out, kernel, stride, padding, groups, *size: conv_multiply_adds(
                c_in, c_out, kernel, stride, padding, 1, *size
            ),
            "with groups, an output channel sees c_in // groups inputs, not all of them",
        ),
        Mistake(
            lambda c_in, c_out, kernel, *others: conv_multiply_adds(c_in, c_out, kernel, *others) // kernel,
            "a kernel of side k has k * k weights for each pair of channels",
        ),
        Mistake(
            lambda c_in, c_out, kernel, stride, padding, groups, height, width: (
                ((height + padding - kernel) // stride + 1)
                * ((width + padding - kernel) // stride + 1)
                * c_out
                * (c_in // groups)
                * kernel**2
            ),
            "the padding is added on both sides: 2 * padding rows and columns in all",
        ),
        Mistake(
            lambda c_in, c_out, kernel, stride, padding, groups, height, width: (
                ((height + 2 * padding - kernel) // stride)
                * ((width + 2 * padding - kernel) // stride)
                * c_out
                * (c_in // groups)
                * kernel**2
            ),
            "the first place is missing: after the steps of the stride, add 1",
        ),
        Mistake(
            lambda c_in, c_out, kernel, stride, padding, groups, height, width: (
                2 * conv_multiply_adds(c_in, c_out, kernel, stride, padding, groups, height, width)
            ),
            "multiplications and additions were counted apart; a multiply-add is both, counted once",
        ),
        reasoning="With padding the input has `height + 2 * padding` rows. The kernel's first row can stand in "
        "`height + 2 * padding - kernel + 1` of them, and the stride takes every `stride`-th of these, the first one "
        "included. At each place each output channel takes `kernel * kernel` products with each of the "
        "`c_in // groups` inputs of its own part.",
    ),
    Exercise(
        "For each frame a tracker multiplies the frame's key with the key of each template frame, every cell with "
        "every cell, and lets all objects use these products. Template frames are the previous frame and each frame "
        "in which objects entered. Write `product_bytes`: how many bytes do all products for one frame hold together?",
        product_bytes,
        lambda: [(20, 60, 2), (240, 427, 1), (480, 854, 2), (720, 1280, 3), (16, 16, 2), (17, 16, 1)],
        Mistake(
            lambda height, width, cohorts: 4 * ((height // 16) * (width // 16)) ** 2 * (cohorts + 1),
            "a frame that is no multiple of 16 is padded, so the number of cells is rounded up",
        ),
        Mistake(
            lambda height, width, cohorts: product_bytes(height, width, 2 * cohorts - 1),
            "the previous frame is the same for all cohorts, so there is only one product with it",
        ),
        Mistake(
            lambda height, width, cohorts: 4 * -(-height // 16) * -(-width // 16) * (cohorts + 1),
            "a product holds a number for every pair of cells, not for every cell",
        ),
        Mistake(
            lambda height, width, cohorts: product_bytes(height, width, cohorts - 1),
            "the product with the previous frame is missing",
        ),
        Mistake(
            lambda height, width, cohorts: product_bytes(height, width, cohorts) // 4,
            "these are the numbers; each takes 4 bytes in float32",
        ),
        Mistake(
            lambda height, width, cohorts: 4 * (height * width) ** 2 * (cohorts + 1),
            "pixels were counted; keys have one cell per 16 x 16 pixels",
        ),
        reasoning="The padded frame has `places` cells, and one product a number for each of their pairs, `places` "
        "squared. There is one product with the first frame of each cohort and one with the previous frame, which is "
        "the same for all, so `cohorts + 1` of them. `-(-height // 16)` divides and rounds up.",
    ),
    Exercise(
        "Write `speed_up`: by which factor does a frame become cheaper if the common part is computed once instead of "
        "once per object? It is a form of *Amdahl's law*. What happens with one object, and what with very many?",
        speed_up,
        lambda: [(3.0, 1.0, 4), (2.0, 1.0, 1), (0.5, 3.0, 20), (100.0, 1.0, 50)],
        Mistake(
            lambda common, per_object, objects: 1 / speed_up(common, per_object, objects),
            "this is below 1; a speed-up is the old cost over the new one",
        ),
        Mistake(
            lambda common, per_object, objects: (common + per_object) / per_object,
            "that is the limit for very many objects; with one object nothing is gained",
        ),
        Mistake(
            lambda common, per_object, objects: objects * (common + per_object) / (common + per_object),
            "each object still pays its own part: with sharing, the cost is common + objects * per_object",
        ),
        Mistake(
            lambda common, per_object, objects: (objects - 1) * common,
            "this is the cost that is saved; the factor is the cost before over the cost after",
        ),
        Mistake(
            lambda common, per_object, objects: (objects * common + per_object) / (common + objects * per_object),
            "without sharing each object needs both parts: objects * (common + per_object)",
        ),
        reasoning="Without sharing each object pays for both parts, with it the common part is paid once. **With one "
        "object the two costs are the same and the factor is 1. With very many it approaches `(common + per_object) / "
        "per_object`**: what cannot be shared sets the limit, as printed below for a common part of 2 and an "
        "own part of 1.",
        example='for objects in (1, 10, 1000):\n    print(f"{objects:4} objects: {speed_up(2.0, 1.0, objects):.2f}")',
    ),
)
