"""Exercises of lesson 00: a score, and what it is worth."""

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def overlap(prediction: np.ndarray, truth: np.ndarray) -> float:
    """J of two masks, equation (1).

    prediction, truth: True where the object is, of shape (rows, columns).
    Returns the share of the pixels in either mask that are in both; 1 if both masks are empty.
    """
    either = (prediction | truth).sum()
    return float((prediction & truth).sum() / either) if either else 1.0


def _dice(prediction: np.ndarray, truth: np.ndarray) -> float:
    both = prediction.sum() + truth.sum()
    return float(2 * (prediction & truth).sum() / both) if both else 1.0


def _masks() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    pairs = [tuple(random.random((2, 8, 9)) < share) for share in (0.3, 0.7)]
    inside = np.zeros((8, 9), bool)
    inside[2:5, 3:8] = True
    return [*((a, b) for a, b in pairs), (np.ones_like(inside), inside), (~inside & False, inside & False)]


def better_than_nothing(tracked: np.ndarray, still: np.ndarray) -> float:
    """How much of what doing nothing leaves open a tracker has won.

    tracked: J of a tracker in every frame, of shape (frames,).
    still: J of the first mask kept unchanged, of shape (frames,), with a mean below 1.
    Returns 0 for a tracker that is as good as doing nothing, 1 for a perfect one, below 0 for a worse one.
    """
    return float((tracked.mean() - still.mean()) / (1 - still.mean()))


def _curves() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(1)
    cases = [(random.uniform(0.5, 0.95, 12), random.uniform(0.1, 0.8, 12)) for _ in range(2)]
    return [*cases, (np.full(4, 0.2), np.array([0.5, 0.4, 0.3, 0.2]))]


EXERCISES = (
    Exercise(
        "Write J yourself. Mind the case in which the object is not in the picture, and the tracker says so.",
        overlap,
        _masks,
        Mistake(
            lambda prediction, truth: float((prediction & truth).sum() / truth.sum()) if truth.any() else 1.0,
            "this is the share of the true pixels that were found; whoever marks everything gets 1",
        ),
        Mistake(
            lambda prediction, truth: float((prediction == truth).mean()),
            "the background counts here, and there is so much of it that every mask looks good",
        ),
        Mistake(
            lambda prediction, truth: overlap(prediction, truth) if (prediction | truth).any() else 0.0,
            "where both masks are empty nothing is wrong, and J is 1",
        ),
        Mistake(_dice, "this is the Dice score, 2 both / (one + other); J divides by the union"),
    ),
    Exercise(
        "A mean J of 0.9 may be worth nothing. Turn the two curves of this lesson into one number that is 0 for doing "
        "nothing and 1 for perfect masks.",
        better_than_nothing,
        _curves,
        Mistake(
            lambda tracked, still: float(tracked.mean() - still.mean()),
            "the difference of 0.9 and 0.8 is that of 0.3 and 0.2, but half of what was open is won",
        ),
        Mistake(lambda tracked, still: float(tracked.mean() / still.mean()), "a ratio is 1, not 0, for doing nothing"),
        Mistake(
            lambda tracked, still: float(((tracked - still) / (1 - still)).mean()),
            "take the means first: single frames with still near 1 would outweigh all others",
        ),
    ),
)
