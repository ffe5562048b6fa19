"""Lesson 01: mirrored borders, masks made smaller."""

import math
from typing import Literal

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def mirror_row(row: np.ndarray) -> np.ndarray:
    """A row of pixels, mirrored at both ends until its length is a multiple of 16.

    Args:
        row: shape (n,), n at least 16.

    Returns:
        Shape (N,), N the next multiple of 16. Of the N - n new pixels half are on the left; of an odd number, the odd
        one is on the left too.
    """
    missing = -len(row) % 16
    left = math.ceil(missing / 2)
    right = missing - left
    return np.concatenate([row[1 : left + 1][::-1], row, row[len(row) - 1 - right : len(row) - 1][::-1]])


def _padded(row: np.ndarray, left: int, mode: Literal["reflect", "symmetric", "wrap"] = "reflect") -> np.ndarray:
    return np.pad(row, (left, -len(row) % 16 - left), mode=mode)


def _not_mirrored(row: np.ndarray) -> np.ndarray:
    left, right = math.ceil(-len(row) % 16 / 2), -len(row) % 16 // 2
    return np.concatenate([row[1 : left + 1], row, row[len(row) - 1 - right : len(row) - 1]])


def _rows() -> list[tuple[np.ndarray]]:
    return [(np.random.default_rng(n).integers(0, 256, n),) for n in (27, 22, 31, 32, 33, 17)]


def shrink_ids(mask: np.ndarray, factor: int) -> np.ndarray:
    """An id mask made smaller: each block of factor x factor pixels becomes the id that most of its pixels have.

    Args:
        mask: shape (H, W), both multiples of ``factor``, ids from 0 on.
        factor: how many pixels become one, each way.

    Returns:
        Shape (H / factor, W / factor). In a tie, the smallest of the ids.
    """
    height, width = mask.shape
    blocks = mask.reshape(height // factor, factor, width // factor, factor)
    shares = np.stack([(blocks == i).mean((1, 3)) for i in range(mask.max() + 1)])
    return shares.argmax(0)


def _in_blocks(mask: np.ndarray, factor: int) -> np.ndarray:
    return mask.reshape(len(mask) // factor, factor, -1, factor)


def _without_background(mask: np.ndarray, factor: int) -> np.ndarray:
    shares = np.stack([(_in_blocks(mask, factor) == i).mean((1, 3)) for i in range(1, max(int(mask.max()), 1) + 1)])
    return np.where(shares.max(0) > 0, shares.argmax(0) + 1, 0)


def _id_masks() -> list[tuple[np.ndarray, int]]:
    random = np.random.default_rng(1)
    drawn = [random.choice([0, 1, 2, 4], size, p=[0.4, 0.1, 0.2, 0.3]) for size in ((12, 18), (6, 6))]
    tie = np.array([[0, 3], [3, 0]])
    small = np.array([[0, 0, 4, 1], [0, 2, 4, 4], [2, 2, 0, 4], [2, 1, 0, 0]])
    return [(small, 2), (drawn[0], 3), (drawn[1], 2), (tie, 2), (drawn[1], 1), (np.zeros((4, 4), int), 2)]


EXERCISES = (
    Exercise(
        "Mirror a single row at both ends, without any function that pads. The border pixel is the mirror itself and "
        "is not doubled. Which pixels end up beside the first one and beside the last one?",
        mirror_row,
        _rows,
        Mistake(
            lambda row: _padded(row, math.ceil(-len(row) % 16 / 2), "symmetric"),
            "the border pixel occurs twice; it is the mirror itself, so begin one pixel further inside",
        ),
        Mistake(
            lambda row: _padded(row, -len(row) % 16 // 2),
            "where the number of new pixels is odd, the odd one belongs on the left",
        ),
        Mistake(
            lambda row: _padded(row, 0),
            "all new pixels are on the right; half of them belong on the left",
        ),
        Mistake(
            lambda row: _padded(row, math.ceil(-len(row) % 16 / 2), "wrap"),
            "the row was repeated: the left end shows pixels of the right one; each end mirrors the pixels beside it",
        ),
        Mistake(_not_mirrored, "the right pixels, but not mirrored: the nearest to the border belongs next to it"),
        Mistake(
            lambda row: (
                _padded(row, math.ceil((16 - len(row) % 16) / 2)) if len(row) % 16 else np.pad(row, 8, "reflect")
            ),
            "a row whose length is a multiple of 16 already must stay as it is",
        ),
        reasoning="`-len(row) % 16` is the number of missing pixels: 0 where the length fits already. The left part is "
        "pixels 1, 2, 3, ... in reverse order, so **beside the first pixel stands a copy of the second, and beside the "
        "last a copy of the last but one**. The slice on the right is written with `len(row) - 1 - right` because a "
        "slice from `-0` would take the whole row when nothing is missing there.",
    ),
    Exercise(
        "Make an id mask smaller by a vote: each block of pixels gets the id that most of its pixels have, background "
        "(0) included. In a tie take the smallest of the ids. One way goes through region masks: every id's share of "
        "the block, then the largest share.",
        shrink_ids,
        _id_masks,
        Mistake(
            lambda mask, factor: np.round(_in_blocks(mask, factor).mean((1, 3))).astype(int),
            "the ids themselves were averaged; average each id's region mask instead",
        ),
        Mistake(
            lambda mask, factor: mask[::factor, ::factor],
            "one pixel of each block decides; all of its pixels have a vote",
        ),
        Mistake(
            lambda mask, factor: _in_blocks(mask, factor).max((1, 3)),
            "the largest id was taken, however few pixels it has; count the pixels of each id",
        ),
        Mistake(
            lambda mask, factor: np.median(_in_blocks(mask, factor), (1, 3)),
            "ids have no order, so their median means nothing; count the pixels of each id",
        ),
        Mistake(
            lambda mask, factor: mask.max() - shrink_ids(mask.max() - mask, factor),
            "in a tie the largest id was taken; take the smallest",
        ),
        Mistake(_without_background, "the background has no vote here; its id, 0, counts like any other"),
        reasoning="The mask of one id is 1 where the id is and 0 elsewhere, so its mean over a block is the id's "
        "share of the block. `reshape` splits rows and columns into (block, place within the block), and the mean "
        "runs over the two places. `argmax` returns the first of several equal shares, which is the smallest id. Ids "
        "that do not occur have the share 0 and do no harm.",
    ),
)
