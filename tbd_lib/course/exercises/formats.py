"""Appendix on formats: run lengths."""

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """The lengths of the runs of equal pixels in a mask of 0 and 1, as COCO counts them.

    Args:
        mask: shape (H, W), of 0 and 1.

    Returns:
        A whole number per run, in turn of background and object, the background's first (0 if the object begins in the
        first pixel); pixels are counted down the columns. Shape (runs,).
    """
    counts, value = [0], 0
    for pixel in mask.T.ravel():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return np.array(counts)


def _masks() -> list[tuple[np.ndarray]]:
    random = np.random.default_rng(0)
    drawn = [(random.random((rows, 4)) < 0.5).astype(np.uint8) for rows in (3, 4, 9)]
    drawn[0][0, 0], drawn[1][0, 0] = 0, 1  # both beginnings occur
    whole = [np.zeros((4, 3), np.uint8), np.ones((2, 6), np.uint8)]
    large = np.zeros((40, 30), np.uint8)
    large[3:37, 4:5], large[:, 9:20] = 1, 1  # runs of more than 255 pixels, of either kind
    return [(mask,) for mask in [*drawn, *whole, large]]


EXERCISES = (
    Exercise(
        "The other way round: from a mask to its run lengths. Draw a mask with two columns on paper first, and one in "
        "which the object begins in the very first pixel. `decode_runs` is at hand to check yourself.",
        run_lengths,
        _masks,
        Mistake(lambda mask: run_lengths(mask.T), "the pixels were counted along the rows; COCO goes down the columns"),
        Mistake(
            lambda mask: run_lengths(mask)[0 if mask[0, 0] == 0 else 1 :],
            "a mask that begins with the object lacks its first count; background comes first even if it is empty, "
            "with the count 0",
        ),
        Mistake(
            lambda mask: run_lengths(mask)[1::2],
            "only the object's runs are there; without the runs of background between them their places are lost",
        ),
        Mistake(
            lambda mask: run_lengths(mask)[:-1],
            "the last run is missing: it ends with the mask, not with a change of value",
        ),
        Mistake(
            lambda mask: np.cumsum(run_lengths(mask)),
            "these are the places at which the runs end; the lengths are the differences between them",
        ),
        Mistake(
            lambda mask: run_lengths(mask).astype(np.uint8),
            "a run of 256 pixels or more was counted in uint8, the mask's own type, which starts again at 0 after 255",
        ),
        Mistake(
            lambda mask: run_lengths(1 - mask),
            "background and object have changed places: the first count is the background's",
        ),
        reasoning="`mask.T.ravel()` is the order in which COCO counts: down the first column, then down the next. The "
        "list starts with one count of 0 for the background. If the first pixel belongs to the object, that count "
        "stays 0 and a new one begins, so no special case is needed. Counting in Python's whole numbers matters: the "
        "mask is `uint8`, and a run longer than 255 would start again at 0.",
    ),
)
