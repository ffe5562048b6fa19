"""Answers to the exercises of lesson 04."""

import math

import numpy as np
import torch

from answers import Answers


def _divmod(query, template, columns):
    (a, b), (c, d) = divmod(query, columns), divmod(template, columns)
    return max(a - c, c - a) * columns + max(b - d, d - b)


def _units(distance, w, b, v, c, relu=lambda x: max(x, 0.0), out=lambda x: 1 / (1 + math.exp(-x))):
    units = list(zip(w.tolist(), b.tolist(), v.tolist(), strict=True))
    return [out(float(c) + sum(vj * relu(wj * d + bj) for wj, bj, vj in units)) for d in distance.tolist()]


def _first(score, distance, twin, own_score):
    for s, d in zip(score.tolist(), distance.tolist(), strict=True):
        if twin * s < own_score:
            return d
    raise AssertionError


ANSWERS = {
    "table_entry": Answers(
        right={
            "divmod": _divmod,
            "a float": lambda *case: float(_divmod(*case)),
            "a 0-d tensor": lambda *case: torch.tensor(_divmod(*case)),
            "unravelled": lambda query, template, columns: np.ravel_multi_index(
                np.abs(np.subtract(*(np.unravel_index(n, (99, columns)) for n in (query, template)))), (99, columns)
            ),
        },
        wrong={
            "numbers subtracted": (lambda q, t, n: max(q, t) - min(q, t), "at opposite edges"),
            "swapped": (lambda q, t, n: abs(q // n - t // n) + n * abs(q % n - t % n), "have changed places"),
            "with a sign": (lambda q, t, n: n * (q // n - t // n) + (q % n - t % n), "has no sign"),
            "squared distance": (lambda q, t, n: (q // n - t // n) ** 2 + (q % n - t % n) ** 2, "squared distance"),
            "city blocks": (lambda q, t, n: abs(q // n - t // n) + abs(q % n - t % n), "were added up"),
            "Euclidean": (lambda q, t, n: math.hypot(q // n - t // n, q % n - t % n), ""),
            "row and column": (lambda q, t, n: (abs(q // n - t // n), abs(q % n - t % n)), ""),
            "a text": (lambda *case: str(_divmod(*case)), ""),
        },
    ),
    "score_by_hand": Answers(
        right={
            "a list, unit by unit": _units,
            "half precision": lambda *case: torch.tensor(_units(*case), dtype=torch.float16),
            "NumPy": lambda distance, w, b, v, c: (
                1 / (1 + np.exp(-(np.maximum(np.outer(distance, w) + b.numpy(), 0) @ v.numpy() + c.item())))
            ),
            "scores that carry gradients": lambda *case: [torch.tensor(s, requires_grad=True) for s in _units(*case)],
        },
        wrong={
            "no ReLU": (lambda *case: _units(*case, relu=lambda x: x), "one straight line"),
            "no sigmoid": (lambda *case: _units(*case, out=lambda x: x), "the last step is missing"),
            "no hidden bias": (lambda d, w, b, v, c: _units(d, w, 0 * b, v, c), "bend at the same place"),
            "no last bias": (lambda d, w, b, v, c: _units(d, w, b, v, 0), "the last bias"),
            "sigmoid twice": (
                lambda *case: _units(*case, relu=lambda x: 1 / (1 + math.exp(-x))),
                "the sigmoid comes once",
            ),
            "bias after the ReLU": (
                lambda d, w, b, v, c: _units(d, w, 0 * b, v, c + b @ v),
                "added after the ReLU",
            ),
            "mean of the units": (lambda d, w, b, v, c: _units(d, w, b, v / len(v), c), ""),
            "tanh": (lambda *case: _units(*case, out=math.tanh), ""),
            "a column": (lambda *case: torch.tensor(_units(*case))[:, None], ""),
        },
    ),
    "far_enough": Answers(
        right={
            "a loop": _first,
            "a 0-d tensor": lambda score, distance, twin, own_score: distance[twin * score < own_score].min(),
            "the number of scores that are not below": lambda score, distance, twin, own_score: np.float32(
                distance[int((twin * score >= own_score).sum())]
            ),
        },
        wrong={
            "index": (lambda s, d, twin, target: int((twin * s >= target).sum()), "the place in the list"),
            "no cosine": (lambda s, d, twin, target: _first(s, d, 1, target), "the twin's cosine counts too"),
            "or equal": (lambda s, d, twin, target: d[twin * s <= target][0], "compare with <"),
            "the last that is not below": (
                lambda s, d, twin, target: d[twin * s >= target].max() if (twin * s >= target).any() else d[0],
                "the next one is asked for",
            ),
            "the score": (lambda s, d, twin, target: s[twin * s < target].max(), "the distance itself"),
            "the last distance": (lambda s, d, twin, target: d.max(), "the first is asked for"),
            "all of them": (lambda s, d, twin, target: d[twin * s < target], ""),
            "between two distances": (
                lambda s, d, twin, target: np.interp(-target, -(twin * s).numpy(), d.numpy()),
                "",
            ),
        },
    ),
}
