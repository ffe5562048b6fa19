"""Answers to the exercises of lesson 01."""

from itertools import groupby

import numpy as np
import torch

from answers import Answers


def _grouped(mask):
    counts = [len(list(group)) for _, group in groupby(mask.T.ravel())]
    return [0, *counts] if mask[0, 0] else counts


def _counted_in_bytes(mask):
    counts, value = [np.uint8(0)], 0
    for pixel in mask.flatten(order="F"):
        if pixel != value:
            counts.append(np.uint8(0))
            value = pixel
        counts[-1] = np.uint8((int(counts[-1]) + 1) % 256)
    return counts


def _by_changes(mask):
    column = np.concatenate([[0], mask.flatten(order="F")])
    ends = np.flatnonzero(np.diff(column))
    return np.diff(np.concatenate([[0], ends, [mask.size]]))


def _source(row, odd_on_left=True):
    larger = -(-len(row) // 16) * 16
    before = (larger - len(row) + odd_on_left) // 2
    places = [abs(i - before) for i in range(larger)]
    return [row[i if i < len(row) else 2 * (len(row) - 1) - i] for i in places]


def _voted(mask, factor, pick=min):
    small = np.zeros((mask.shape[0] // factor, mask.shape[1] // factor), int)
    for y, x in np.ndindex(*small.shape):
        block = mask[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
        ids, counts = np.unique(block, return_counts=True)
        small[y, x] = pick(ids[counts == counts.max()])
    return small


ANSWERS = {
    "run_lengths": Answers(
        right={
            "a list, by groups": _grouped,
            "places of changes": _by_changes,
            "an iterator": lambda mask: iter(_grouped(mask)),
            "a tuple of floats": lambda mask: tuple(map(float, _grouped(mask))),
            "int32 tensor": lambda mask: torch.tensor(_grouped(mask), dtype=torch.int32),
        },
        wrong={
            "uint8 counts": (_counted_in_bytes, "counted in uint8"),
            "uint8 array": (lambda mask: np.array(_grouped(mask)).astype(mask.dtype), "counted in uint8"),
            "along the rows": (lambda mask: _grouped(mask.T), "along the rows"),
            "first count missing": (
                lambda mask: [len(list(group)) for _, group in groupby(mask.T.ravel())],
                "lacks its first count",
            ),
            "object only": (lambda mask: _grouped(mask)[1::2], "only the object's runs"),
            "last run missing": (lambda mask: _by_changes(mask)[:-1], "the last run is missing"),
            "ends": (lambda mask: np.cumsum(_grouped(mask)), "at which the runs end"),
            "object first": (lambda mask: _grouped(1 - mask), "changed places"),
            "lengths with values": (lambda mask: [(n, i % 2) for i, n in enumerate(_grouped(mask))], ""),
        },
    ),
    "mirror_row": Answers(
        right={
            "a list, place by place": _source,
            "NumPy's padding": lambda row: np.pad(row, ((-len(row) % 16 + 1) // 2, -len(row) % 16 // 2), "reflect"),
            "a tensor": lambda row: torch.tensor(np.array(_source(row))),
        },
        wrong={
            "border twice": (
                lambda row: np.pad(row, ((-len(row) % 16 + 1) // 2, -len(row) % 16 // 2), "symmetric"),
                "occurs twice",
            ),
            "odd one on the right": (lambda row: _source(row, False), "the odd one belongs on the left"),
            "all on the right": (lambda row: np.pad(row, (0, -len(row) % 16), "reflect"), "all new pixels"),
            "repeated": (
                lambda row: np.pad(row, ((-len(row) % 16 + 1) // 2, -len(row) % 16 // 2), "wrap"),
                "the row was repeated",
            ),
            "not mirrored": (
                lambda row: np.r_[
                    row[1 : (-len(row) % 16 + 1) // 2 + 1], row, row[len(row) - 1 - -len(row) % 16 // 2 : len(row) - 1]
                ],
                "not mirrored",
            ),
            "black": (lambda row: np.pad(row, ((-len(row) % 16 + 1) // 2, -len(row) % 16 // 2)), ""),
            "always longer": (
                lambda row: np.pad(row, ((17 - len(row) % 16) // 2, (16 - len(row) % 16) // 2), "reflect"),
                "must stay as it is",
            ),
            "unchanged": (lambda row: row, ""),
        },
    ),
    "shrink_ids": Answers(
        right={
            "a loop over blocks": _voted,
            "nested lists": lambda mask, factor: _voted(mask, factor).tolist(),
            "a list of tensors": lambda mask, factor: list(torch.tensor(_voted(mask, factor)).float()),
        },
        wrong={
            "mean of ids": (
                lambda mask, factor: mask.reshape(-1, factor, mask.shape[1] // factor, factor).mean((1, 3)).round(),
                "were averaged",
            ),
            "first pixel": (lambda mask, factor: mask[::factor, ::factor], "one pixel of each block"),
            "largest id": (
                lambda mask, factor: torch.nn.functional.max_pool2d(torch.tensor(mask[None]).float(), factor)[0],
                "the largest id was taken, however",
            ),
            "median": (
                lambda mask, factor: np.median(mask.reshape(-1, factor, mask.shape[1] // factor, factor), (1, 3)),
                "no order",
            ),
            "largest in a tie": (lambda mask, factor: _voted(mask, factor, max), "in a tie the largest"),
            "mean not rounded": (
                lambda mask, factor: mask.reshape(-1, factor, mask.shape[1] // factor, factor).mean((1, 3)),
                "",
            ),
            "last pixel": (lambda mask, factor: mask[factor - 1 :: factor, factor - 1 :: factor], ""),
            "not made smaller": (lambda mask, factor: mask, ""),
        },
    ),
}
