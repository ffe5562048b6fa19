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


def _once(prob: torch.Tensor, times: int) -> torch.Tensor:
    return prob**2 / (prob**2 + (1 - prob) ** 2)


def _added(prob: torch.Tensor, times: int) -> torch.Tensor:
    return torch.sigmoid(2 * times * prob.logit())


def _not_normalised(prob: torch.Tensor, times: int) -> torch.Tensor:
    return prob ** (2**times)


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


def _least(prob: torch.Tensor) -> torch.Tensor:
    every = torch.cat([(1 - prob).amin(0, keepdim=True), prob])
    odds = every / (1 - every)
    return odds / odds.sum(0)


def _without_odds(prob: torch.Tensor) -> torch.Tensor:
    every = torch.cat([(1 - prob).prod(0, keepdim=True), prob])
    return every / every.sum(0)


def _background_as_it_is(prob: torch.Tensor) -> torch.Tensor:
    every = torch.cat([(1 - prob).prod(0, keepdim=True), prob / (1 - prob)])
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


def _keys_of_every_object(rows: int, columns: int, channels: int, objects: int) -> int:
    return objects * (2 * channels * rows * columns + 4 * rows * columns + 2 + 6 * channels)


def _one_frame(rows: int, columns: int, channels: int, objects: int) -> int:
    return channels * rows * columns + objects * (2 * rows * columns + 2 + 6 * channels)


def _foreground_only(rows: int, columns: int, channels: int, objects: int) -> int:
    return 2 * channels * rows * columns + objects * (2 * rows * columns + 1 + 3 * channels)


def _no_areas(rows: int, columns: int, channels: int, objects: int) -> int:
    return 2 * channels * rows * columns + objects * (4 * rows * columns + 6 * channels)


EXERCISES = (
    Exercise(
        "05",
        "A single object's probability is aggregated again and again. Write what is left of it after `times` rounds, "
        "without a loop. (What does one round do to the log-odds?)",
        sharpened,
        _single,
        (
            Mistake(_once, "this is one round, however many were asked for; what does a second one do to the first?"),
            Mistake(_added, "every round doubles the log-odds, so that they grow as a power of two, not as a multiple"),
            Mistake(_not_normalised, "the background's odds are squared as well; divide by the sum of both"),
        ),
    ),
    Exercise(
        "05",
        "The background's probability is the least of all `1 - p`. Another candidate is the product of all of them, "
        "as if the objects knew nothing of each other. Write the aggregation with it. With which number of objects is "
        "it the same as before?",
        odds_with_product,
        _objects,
        (
            Mistake(_least, "the background here is still the least of all 1 - p; multiply them"),
            Mistake(_without_odds, "probabilities were divided by their sum; make odds p / (1 - p) of them first"),
            Mistake(_background_as_it_is, "the background competes with its odds too, not with its probability"),
        ),
    ),
    Exercise(
        "05",
        "Count what a tracker remembers. The list is step 7 of the method; the fields of `Templates` have it too. Does "
        "the length of the video occur in your formula?",
        numbers_kept,
        lambda: [(15, 27, 128, 1), (30, 54, 512, 5), (1, 1, 8, 255)],
        (
            Mistake(_keys_of_every_object, "a key belongs to a frame, not to an object; all objects share the two"),
            Mistake(_one_frame, "fine templates of two frames are kept: the one of the given mask and the one before"),
            Mistake(_foreground_only, "the background is a region too, with masks, areas and vectors of its own"),
            Mistake(_no_areas, "the overall mean is weighted by area, so the sums of both regions' areas are kept"),
        ),
    ),
)
