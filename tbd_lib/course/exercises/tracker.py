"""Exercises of lesson 05: what aggregation does to one object and to many, and how much a tracker remembers."""

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def sharpened(prob: torch.Tensor, times: int) -> torch.Tensor:
    """The probability of a single object after several aggregations in a row.

    prob: its probability before, of any shape, between 0 and 1.
    times: how often it is aggregated; 0 leaves it as it is.
    Returns its probability afterwards, of the same shape.
    """
    return torch.sigmoid(2**times * prob.logit())


def _single() -> list[tuple[torch.Tensor, int]]:
    prob = torch.tensor([[0.1, 0.4, 0.5], [0.55, 0.7, 0.9]])
    return [(prob, 1), (prob, 0), (prob, 3)]


def odds_with_product(prob: torch.Tensor) -> torch.Tensor:
    """Step 6 with another background: the probability that none of the objects is there, were they independent.

    prob: every object's own probability, of shape (objects, rows, columns), above 0 and below 1.
    Returns the background and all objects, of shape (1 + objects, rows, columns), with sum 1 at every pixel.
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
    return [(0.05 + 0.9 * torch.rand(count, 3, 4, generator=random),) for count in (2, 5, 1)]


def numbers_kept(rows: int, columns: int, channels: int, objects: int) -> int:
    """How many numbers a tracker remembers between two frames, for objects that were given in the same frame.

    rows, columns: of the grid. channels: of a key. objects: how many are tracked.
    Returns the count: keys, masks on the grid, areas and coarse vectors; what objects share counts once.
    """
    keys = 2 * channels * rows * columns  # of the first frame and of the one before
    masks = 2 * 2 * rows * columns  # two regions in each of the two
    coarse = 3 * 2 * channels  # overall, short and long, for two regions
    return keys + objects * (masks + 2 + coarse)


EXERCISES = (
    Exercise(
        "A single object's probability is aggregated again and again. Write what is left of it after `times` rounds, "
        "without a loop. (What does one round do to the log-odds?)",
        sharpened,
        _single,
        Mistake(
            lambda prob, times: prob**2 / (prob**2 + (1 - prob) ** 2),
            "this is one round, however many were asked for; what does a second one do to the first?",
        ),
        Mistake(
            lambda prob, times: torch.sigmoid(2 * times * prob.logit()),
            "every round doubles the log-odds, so that they grow as a power of two, not as a multiple",
        ),
        Mistake(
            lambda prob, times: prob ** (2**times),
            "the background's odds are squared as well; divide by the sum of both",
        ),
    ),
    Exercise(
        "The background's probability is the least of all `1 - p`. Another candidate is the product of all of them, "
        "as if the objects knew nothing of each other. Write the aggregation with it. With which number of objects is "
        "it the same as before?",
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
    ),
    Exercise(
        "Count what a tracker remembers. The list is step 7 of the method; the fields of `Templates` have it too. Does "
        "the length of the video occur in your formula?",
        numbers_kept,
        lambda: [(15, 27, 128, 1), (30, 54, 512, 5), (1, 1, 8, 255)],
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
            "the background is a region too, with masks, areas and vectors of its own",
        ),
        Mistake(
            lambda rows, columns, channels, objects: (
                2 * channels * rows * columns + objects * (4 * rows * columns + 6 * channels)
            ),
            "the overall mean is weighted by area, so the sums of both regions' areas are kept",
        ),
    ),
)
