"""Exercises of lesson 00: a score, and what it is worth."""

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def overlap(prediction: np.ndarray, truth: np.ndarray) -> float:
    """J of two masks.

    Args:
        prediction: True where the tracker marks the object, bool, shape (rows, columns).
        truth: True where the object is, bool, shape (rows, columns).

    Returns:
        The number of pixels in both masks over the number in at least one; 1 if both masks are empty.
    """
    either = (prediction | truth).sum()
    return float((prediction & truth).sum() / either) if either else 1.0


def _dice(prediction: np.ndarray, truth: np.ndarray) -> float:
    both = prediction.sum() + truth.sum()
    return float(2 * (prediction & truth).sum() / both) if both else 1.0


def _masks() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    small, moved, inside = np.zeros((3, 4), bool), np.zeros((3, 4), bool), np.zeros((8, 9), bool)
    small[:2, :3] = moved[1:] = inside[2:5, 3:8] = True
    pairs = [(a, b) for a, b in (random.random((2, 8, 9)) < share for share in (0.3, 0.7))]
    return [(small, moved), *pairs, (np.ones_like(inside), inside), (~small & False, small & False)]


def better_than_nothing(tracked: np.ndarray, still: np.ndarray) -> float:
    """What a tracker adds to doing nothing, as a share of all that could be added.

    Args:
        tracked: J of a tracker in every frame, shape (frames,).
        still: J of the first mask kept unchanged, with a mean below 1, shape (frames,).

    Returns:
        A number made of the two means: 0 for a tracker that is as good as doing nothing, 1 for a perfect one, below 0
        for a worse one, and halfway between doing nothing and perfect 0.5.
    """
    return float((tracked.mean() - still.mean()) / (1 - still.mean()))


def _curves() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(1)
    short = (np.array([0.9, 0.8, 0.7]), np.array([0.9, 0.4, 0.2]))
    cases = [(random.uniform(0.5, 0.95, 12), random.uniform(0.1, 0.8, 12)) for _ in range(2)]
    return [short, *cases, (np.full(4, 0.2), np.array([0.5, 0.4, 0.3, 0.2]))]


EXERCISES = (
    Exercise(
        "Write J yourself. Mind the frame in which the object is not to be seen and the tracker's mask is empty: "
        "nothing is wrong there.",
        overlap,
        _masks,
        Mistake(
            lambda prediction, truth: float((prediction & truth).sum() / truth.sum()) if truth.any() else 1.0,
            "this is the share of the true pixels that were found; a tracker that marks the whole frame gets 1",
        ),
        Mistake(
            lambda prediction, truth: float((prediction & truth).sum() / prediction.sum()) if prediction.any() else 1.0,
            "this is the share of the predicted pixels that are right; a tracker that marks a single sure pixel gets 1",
        ),
        Mistake(
            lambda prediction, truth: float((prediction == truth).mean()),
            "pixels of the background count as right here; there are so many that nearly every mask looks good",
        ),
        Mistake(
            lambda prediction, truth: overlap(prediction, truth) if (prediction | truth).any() else 0.0,
            "where both masks are empty nothing is wrong, and J is 1",
        ),
        Mistake(
            lambda prediction, truth: (prediction & truth).sum() / (prediction | truth).sum(),
            "0 / 0 is not a number; where both masks are empty J is defined as 1",
        ),
        Mistake(
            _dice, "this is the Dice score, twice the intersection over the sum of both areas; J divides by the union"
        ),
        reasoning="J is the intersection over the union. With boolean masks `&` marks the pixels of both and `|` those "
        "of at least one, and a sum counts them. If both masks are empty the union has no pixel and the quotient is "
        "0 / 0. The tracker is right to mark nothing, so J is defined as 1 there.",
    ),
    Exercise(
        "A mean J of 0.9 may be worth nothing, if the first mask kept unchanged reaches 0.9 too. Turn the two curves "
        "of this lesson into one number that is 0 for doing nothing and 1 for perfect masks: the share that the "
        "tracker gains of what doing nothing leaves to be gained. Take the mean of each curve first.",
        better_than_nothing,
        _curves,
        Mistake(
            lambda tracked, still: float(tracked.mean() - still.mean()),
            "the difference alone is not 1 for a perfect tracker; divide it by what could be gained, 1 - mean of still",
        ),
        Mistake(
            lambda tracked, still: float(tracked.mean() / still.mean()),
            "a ratio of the two means is 1, not 0, for doing nothing",
        ),
        Mistake(
            lambda tracked, still: float(tracked.mean() / still.mean() - 1),
            "this is the gain relative to doing nothing, which is not 1 for a perfect tracker; divide by what could be "
            "gained, 1 - mean of still",
        ),
        Mistake(
            lambda tracked, still: float((1 - tracked.mean()) / (1 - still.mean())),
            "this is the share of the error that is left: 1 for doing nothing, 0 for a perfect tracker",
        ),
        Mistake(
            lambda tracked, still: float(((tracked - still) / (1 - still)).mean()),
            "take the means first: a single frame in which still is near 1 would outweigh all others",
        ),
        reasoning="Doing nothing leaves `1 - still.mean()` to be gained, and the tracker gains "
        "`tracked.mean() - still.mean()` of it. The quotient is 0 if both are equal and 1 if the tracker is perfect. "
        "Dividing frame by frame would give a huge weight to the first frames, in which the unchanged mask is still "
        "nearly right and almost nothing can be gained.",
    ),
)
