"""Answers to the exercises of lesson 01."""

import numpy as np
import torch

from answers import Answers


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
