"""Answers to the exercise of the appendix on formats."""

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
}
