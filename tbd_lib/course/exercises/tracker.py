"""Exercises of lesson 05: what aggregation does to one object and to many, and how much a tracker remembers."""

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def sharpened(prob: torch.Tensor, times: int) -> torch.Tensor:
    """The probability of a single object after several aggregations in a row.

    Args:
        prob: its probability before, above 0 and below 1, any shape.
        times: how often it is aggregated; 0 leaves it as it is.

    Returns:
        Its probability afterwards, the same shape.
    """
    return torch.sigmoid(2**times * prob.logit())


def _single() -> list[tuple[torch.Tensor, int]]:
    prob = torch.tensor([[0.1, 0.4, 0.5], [0.55, 0.7, 0.9]])
    return [(prob, 2), (prob, 0), (prob, 1), (prob, 3)]


def odds_with_product(prob: torch.Tensor) -> torch.Tensor:
    """Step 6 with another background: the probability that none of the objects is there, were they independent.

    Args:
        prob: every object's own probability, above 0 and below 1, shape (objects, rows, columns).

    Returns:
        The background and all objects, with sum 1 at every pixel, shape (1 + objects, rows, columns).
    """
    background = (1 - prob).prod(0, keepdim=True)
    every = torch.cat([background, prob])
    odds = every / (1 - every)
    return odds / odds.sum(0)


def _odds(prob: torch.Tensor) -> torch.Tensor:
    return prob / (1 - prob)


def _shares(background: torch.Tensor, objects: torch.Tensor) -> torch.Tensor:
    every = torch.cat([background[None], objects])
    return every / every.sum(0)


def _objects() -> list[tuple[torch.Tensor]]:
    random = torch.Generator().manual_seed(0)
    small = torch.tensor([[[0.5, 0.2]], [[0.5, 0.9]]])
    return [(small,), *((0.05 + 0.9 * torch.rand(count, 3, 4, generator=random),) for count in (2, 5, 1))]


def numbers_kept(rows: int, columns: int, channels: int, objects: int) -> int:
    """How many numbers a tracker remembers between two frames, for objects that were given in the same frame.

    Args:
        rows: of the grid.
        columns: of the grid.
        channels: of a key and of a coarse vector.
        objects: how many are tracked.

    Returns:
        The count: keys, masks on the grid, areas and coarse vectors; what objects share counts once.
    """
    keys = 2 * channels * rows * columns  # of the first frame and of the one before
    masks = 2 * 2 * rows * columns  # two regions in each of the two
    coarse = 3 * 2 * channels  # overall, short and long, for two regions
    return keys + objects * (masks + 2 + coarse)


EXERCISES = (
    Exercise(
        "The video holds a single object, and its probability is aggregated `times` times in a row: each round takes "
        "the odds of object and background and divides by their sum, as in step 6. Write what comes out, without a "
        "loop. (What does one round do to the log-odds?)",
        sharpened,
        _single,
        Mistake(
            lambda prob, times: prob**2 / (prob**2 + (1 - prob) ** 2),
            "this is one round, however many were asked for; what does a second one do to the result of the first?",
        ),
        Mistake(
            lambda prob, times: torch.sigmoid(2 * times * prob.logit()),
            "every round doubles the log-odds, so that they grow as a power of two, not as a multiple",
        ),
        Mistake(
            lambda prob, times: prob ** (2**times),
            "the background's odds change as well; divide by the sum of both",
        ),
        Mistake(
            lambda prob, times: torch.sigmoid((times + 1) * prob.logit()),
            "every round doubles the log-odds; adding them once per round is too little",
        ),
        Mistake(
            lambda prob, times: torch.exp(2**times * prob.logit()),
            "these are the odds p / (1 - p); turn them into a probability again",
        ),
        Mistake(
            lambda prob, times: 2**times * prob.logit(),
            "these are the log-odds; turn them into a probability again",
        ),
        reasoning="With one object the background has the probability $1 - p$, so its odds are the reciprocal of the "
        "object's odds $o = p/(1-p)$. One round gives $o / (o + 1/o) = o^2 / (o^2 + 1)$: the new odds are $o^2$, and "
        "**one round doubles the log-odds**. `times` rounds multiply them by `2**times`, and the sigmoid turns "
        "log-odds into a probability. One half stays one half; everything else moves away from it.",
    ),
    Exercise(
        "In step 6 the background's probability is the least of all `1 - p`. Another candidate is their product: the "
        "probability that none of the objects is there, if they were independent. Write the aggregation with it. With "
        "which number of objects is it the same as before?",
        odds_with_product,
        _objects,
        Mistake(
            lambda prob: _shares(_odds((1 - prob).amin(0)), _odds(prob)),
            "the background here is still the least of all 1 - p; multiply them",
        ),
        Mistake(
            lambda prob: _shares((1 - prob).prod(0), prob),
            "probabilities were divided by their sum; make odds p / (1 - p) of them first",
        ),
        Mistake(
            lambda prob: _shares((1 - prob).prod(0), _odds(prob)),
            "the background competes with its odds too, not with its probability",
        ),
        Mistake(
            lambda prob: _shares(_odds(1 - prob.prod(0)), _odds(prob)),
            "1 minus the product of all p is the probability that at least one object is missing; multiply the 1 - p",
        ),
        Mistake(
            lambda prob: odds_with_product(prob)[1:],
            "the background is missing; it comes first",
        ),
        Mistake(
            lambda prob: odds_with_product(prob).roll(-1, 0),
            "the background stands last; it comes first",
        ),
        reasoning="The product takes the place of the minimum, and all else stays: odds of everything, divided by "
        "their sum at each pixel. **With one object both are $1 - p$, so nothing changes.** With several, the product "
        "is never above the least factor, so the background gets weaker with every object, even with those that are "
        "far away and have a small $p$.",
    ),
    Exercise(
        "Count the numbers that a tracker remembers from one frame to the next, if all objects were given in the same "
        "frame. The fields of `Templates` are the list: `first_key` and `prev_key`, of shape (channels, rows, "
        "columns), which all objects share; and for each object and each of its two regions `first_mask`, "
        "`prev_mask`, `area`, `overall`, `short` and `long`. Does the length of the video occur in your formula?",
        numbers_kept,
        lambda: [(1, 1, 8, 2), (15, 27, 128, 1), (30, 54, 512, 5), (1, 1, 8, 254)],
        Mistake(
            lambda rows, columns, channels, objects: (
                objects * (2 * channels * rows * columns + 4 * rows * columns + 2 + 6 * channels)
            ),
            "a key belongs to a frame, not to an object; all objects share the two",
        ),
        Mistake(
            lambda rows, columns, channels, objects: (
                channels * rows * columns + objects * (2 * rows * columns + 2 + 6 * channels)
            ),
            "fine templates of two frames are kept: the one of the given mask and the one before",
        ),
        Mistake(
            lambda rows, columns, channels, objects: (
                2 * channels * rows * columns + objects * (2 * rows * columns + 1 + 3 * channels)
            ),
            "the background is a region too, with masks, area and vectors of its own",
        ),
        Mistake(
            lambda rows, columns, channels, objects: (
                2 * channels * rows * columns + objects * (4 * rows * columns + 6 * channels)
            ),
            "the overall mean is weighted by area, so the sums of both regions' areas are kept",
        ),
        Mistake(
            lambda rows, columns, channels, objects: (
                2 * channels * rows * columns + objects * (4 * rows * columns + 2 + 2 * channels)
            ),
            "there are three coarse vectors per region: overall, short and long",
        ),
        reasoning="Two keys of `channels * rows * columns` numbers, shared. For each object two masks of two regions "
        "on the grid, two sums of areas, and three vectors of two regions with one number per channel. **The length "
        "of the video does not occur**: a tracker of this kind needs the same memory after an hour as after a second, "
        "unlike those that add every few frames to a memory bank.",
    ),
)
