"""Lesson 01: run lengths, mirrored borders, masks made smaller."""

import math
from typing import Literal

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """The lengths of the runs of equal pixels in a mask of 0 and 1, as COCO counts them.

    Args:
        mask: shape (H, W), of 0 and 1.

    Returns:
        A whole number per run, background first, pixels counted down the columns. Shape (runs,).
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
    drawn = [(random.random((5, 7)) < 0.4).astype(np.uint8) for _ in range(3)]
    drawn[0][0, 0], drawn[1][0, 0] = 0, 1  # both beginnings occur
    whole = [np.zeros((4, 3), np.uint8), np.ones((2, 6), np.uint8)]
    return [(mask,) for mask in drawn + whole]


def mirror_row(row: np.ndarray) -> np.ndarray:
    """A row of pixels, mirrored at both ends until its length is a multiple of 16.

    Args:
        row: shape (n,), n at least 16.

    Returns:
        Shape (N,). Of the N - n new pixels half are on the left; of an odd number, the odd one too.
    """
    missing = -len(row) % 16
    left = math.ceil(missing / 2)
    right = missing - left
    return np.concatenate([row[1 : left + 1][::-1], row, row[len(row) - 1 - right : len(row) - 1][::-1]])


def _padded(row: np.ndarray, left: int, mode: Literal["reflect", "symmetric"] = "reflect") -> np.ndarray:
    return np.pad(row, (left, -len(row) % 16 - left), mode=mode)


def _not_mirrored(row: np.ndarray) -> np.ndarray:
    left, right = math.ceil(-len(row) % 16 / 2), -len(row) % 16 // 2
    return np.concatenate([row[1 : left + 1], row, row[len(row) - 1 - right : len(row) - 1]])


def _rows() -> list[tuple[np.ndarray]]:
    return [(np.random.default_rng(n).integers(0, 256, n),) for n in (27, 22, 31, 32, 33)]


def shrink_ids(mask: np.ndarray, factor: int) -> np.ndarray:
    """An id mask made smaller: each block of factor x factor pixels becomes the id that most of its pixels have.

    Args:
        mask: shape (H, W), both multiples of ``factor``, ids from 0 on.
        factor: how many pixels become one, each way.

    Returns:
        Shape (H / factor, W / factor). In a tie the smallest id wins.
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
    return [(drawn[0], 3), (drawn[1], 2), (tie, 2), (drawn[1], 1), (np.zeros((4, 4), int), 2)]


EXERCISES = (
    Exercise(
        "The other way round: from a mask to its run lengths. Draw a mask with two columns on paper first, one in "
        "which the object begins in the very first pixel. `decode_runs` is at hand to check yourself.",
        run_lengths,
        _masks,
        Mistake(
            lambda mask: run_lengths(mask.T), "the pixels have been counted along the rows; COCO goes down the columns"
        ),
        Mistake(
            lambda mask: run_lengths(mask)[0 if mask[0, 0] == 0 else 1 :],
            "a mask that begins with the object lacks its first count; background comes first even if it is empty, "
            "with the count 0",
        ),
        Mistake(
            lambda mask: run_lengths(mask)[1::2],
            "only the object's runs are there; without those between them nobody knows where",
        ),
    ),
    Exercise(
        "Mirror a single row, without any function that pads. Equation (3) says which pixel each place shows. "
        "Which pixels end up beside the first one and beside the last one?",
        mirror_row,
        _rows,
        Mistake(
            lambda row: _padded(row, math.ceil(-len(row) % 16 / 2), "symmetric"),
            "the border pixel occurs twice; it is the mirror itself: begin one pixel inside",
        ),
        Mistake(
            lambda row: _padded(row, -len(row) % 16 // 2),
            "where the number of new pixels is odd, the odd one belongs on the left",
        ),
        Mistake(
            lambda row: _padded(row, 0),
            "all new pixels are on the right; half of them belong on the left",
        ),
        Mistake(_not_mirrored, "the right pixels, but not mirrored: the nearest to the border belongs next to it"),
    ),
    Exercise(
        "Make an id mask smaller by a vote: each block of pixels gets the id that most of its pixels have. This is "
        "the way through region masks: every id's share of the block, then the largest.",
        shrink_ids,
        _id_masks,
        Mistake(
            lambda mask, factor: np.round(_in_blocks(mask, factor).mean((1, 3))).astype(int),
            "the ids themselves have been averaged; average each id's region mask instead",
        ),
        Mistake(
            lambda mask, factor: mask[::factor, ::factor],
            "one pixel of each block decides; all of its pixels have a vote",
        ),
        Mistake(
            lambda mask, factor: _in_blocks(mask, factor).max((1, 3)),
            "the largest id wins, however few pixels it has; count the pixels of each id",
        ),
        Mistake(_without_background, "background has no vote here; it is an id like the others, 0"),
    ),
)
