"""Answers to the exercises of lesson 00."""

import numpy as np
import torch

from answers import Answers


def _counting(prediction, truth):
    both = either = 0
    for p, t in zip(prediction.ravel(), truth.ravel(), strict=True):
        both += p and t
        either += p or t
    return both / either if either else 1


ANSWERS = {
    "overlap": Answers(
        right={
            "a loop over pixels": _counting,
            "a 0-d tensor, from areas": lambda p, t: torch.tensor(
                float((p * t).sum() / (p.sum() + t.sum() - (p * t).sum())) if p.any() or t.any() else 1.0
            ),
            "half precision": lambda p, t: np.float16((p & t).sum() / (p | t).sum() if (p | t).any() else 1),
        },
        wrong={
            "share of the truth": (lambda p, t: p[t].mean() if t.any() else 1.0, "share of the true pixels"),
            "share of the prediction": (lambda p, t: t[p].mean() if p.any() else 1.0, "a single sure pixel"),
            "accuracy": (lambda p, t: 1 - (p ^ t).mean(), "pixels of the background count"),
            "Dice": (lambda p, t: (p & t).sum() / ((p.sum() + t.sum()) / 2) if p.any() else 1, "Dice score"),
            "Dice, empty forgotten": (lambda p, t: 2 * int((p & t).sum()) / int(p.sum() + t.sum()), "Dice score"),
            "empty masks score 0": (lambda p, t: (p & t).sum() / max((p | t).sum(), 1), "nothing is wrong"),
            "empty masks score nan": (lambda p, t: np.divide((p & t).sum(), (p | t).sum()), "0 / 0"),
            "the count": (lambda p, t: (p & t).sum(), ""),
            "in per cent": (lambda p, t: 100 * _counting(p, t), ""),
            "an array of one number": (lambda p, t: [_counting(p, t)], ""),
        },
    ),
    "better_than_nothing": Answers(
        right={
            "errors instead of scores": lambda tracked, still: 1 - (1 - tracked.mean()) / (1 - still.mean()),
            "sums in Python": lambda tracked, still: (sum(tracked) - sum(still)) / (len(still) - sum(still)),
            "tensors": lambda tracked, still: torch.tensor(tracked - still).mean() / torch.tensor(1 - still).mean(),
        },
        wrong={
            "the difference": (lambda tracked, still: (tracked - still).mean(), "the difference alone"),
            "a ratio": (lambda tracked, still: sum(tracked) / sum(still), "a ratio"),
            "relative to still": (lambda tracked, still: (tracked - still).sum() / still.sum(), "relative to doing"),
            "the error that is left": (lambda tracked, still: (1 - tracked).sum() / (1 - still).sum(), "error that is"),
            "frame by frame": (lambda tracked, still: np.mean(1 - (1 - tracked) / (1 - still)), "means first"),
            "the curve": (lambda tracked, still: (tracked - still) / (1 - still.mean()), ""),
            "never below 0": (lambda tracked, still: max((tracked - still).sum() / (1 - still).sum(), 0), ""),
        },
    ),
}
