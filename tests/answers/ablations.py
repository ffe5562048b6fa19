"""Answers to the exercises of lesson 08."""

import math
import statistics

import numpy as np
import torch

from answers import Answers


def _pairs(full, without):
    return [b - a for a, b in zip(full.tolist(), without.tolist(), strict=True)]


ANSWERS = {
    "paired_difference": Answers(
        right={
            "the statistics module": lambda *case: (statistics.mean(_pairs(*case)), statistics.stdev(_pairs(*case))),
            "an array": lambda f, w: np.array([np.mean(w - f), np.std(w - f, ddof=1)]),
            "a list of tensors": lambda f, w: [torch.tensor(w - f).mean(), torch.tensor(w - f).std()],
        },
        wrong={
            "spreads added": (
                lambda f, w: (w.mean() - f.mean(), math.hypot(f.std(ddof=1), w.std(ddof=1))),
                "nothing in common",
            ),
            "divided by n": (lambda f, w: (np.mean(w - f), statistics.pstdev(_pairs(f, w))), "divided by n;"),
            "without signs": (lambda f, w: (np.mean(abs(f - w)), np.std(abs(f - w), ddof=1)), "keep the sign"),
            "the other way": (lambda f, w: (np.mean(f) - np.mean(w), np.std(w - f, ddof=1)), "without - full"),
            "variance": (lambda f, w: (np.mean(w - f), statistics.variance(_pairs(f, w))), "this is the variance"),
            "standard error": (
                lambda f, w: (np.mean(w - f), statistics.stdev(_pairs(f, w)) / math.sqrt(len(w))),
                "standard error",
            ),
            "the mean alone": (lambda f, w: np.mean(w - f), ""),
            "the two in the other order": (lambda f, w: (np.std(f - w, ddof=1), np.mean(w - f)), ""),
        },
    ),
    "seeds_needed": Answers(
        right={
            "a logarithm": lambda threshold: math.ceil(math.log2(2 / threshold)),
            "a float": lambda threshold: float(np.ceil(1 - np.log2(threshold))),
            "a search": lambda threshold: next(n for n in range(1, 99) if 2 ** (1 - n) <= threshold),
        },
        wrong={
            "one sign": (lambda t: next(n for n in range(1, 99) if 2**-n <= t), "twice as large"),
            "below the threshold": (lambda t: next(n for n in range(1, 99) if 2 ** (1 - n) < t), "counts too"),
            "not whole": (lambda t: math.log2(2 / t), "the next whole number"),
            "rounded down": (lambda t: int(math.log2(2 / t)), "rounded down"),
            "in proportion": (lambda t: math.ceil(2 / t), "with the logarithm"),
            "natural logarithm": (lambda t: math.ceil(math.log(2 / t)), ""),
            "counted from 0": (lambda t: math.ceil(-math.log2(t)), ""),
            "the probability": (lambda t: 2 / 2 ** math.ceil(math.log2(2 / t)), ""),
        },
    ),
}
