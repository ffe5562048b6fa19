"""Answers to the exercises of lesson 07."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from answers import Answers


def _frames(predictions, truth, empty: float = 1.0):
    both = (predictions & truth).sum((1, 2))
    either = (predictions | truth).sum((1, 2))
    return [b / e if e else empty for b, e in zip(both.tolist(), either.tolist(), strict=True)]


def _euclidean(apart):
    return np.hypot(apart[..., 0], apart[..., 1])


def _harmonic(p, r):
    return 2 * p * r / (p + r) if p + r else 0.0


def _both(near):
    return near.any(1).mean(), near.any(0).mean()


def _f(found, true, radius, distance=_euclidean, mean=_harmonic, shares=_both):
    if not len(found) and not len(true):
        return 1.0
    if not len(found) or not len(true):
        return 0.0
    return mean(*shares(distance(found[:, None] - true) <= radius))


def _assigned(near):
    pairs = near[linear_sum_assignment(near, maximize=True)].sum()
    return pairs / near.shape[0], pairs / near.shape[1]


def _loop(found, true, radius):
    def matched(pixels, others):
        return sum(any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in pixels)

    if len(found) + len(true) == 0:
        return 1
    p, r = matched(found.tolist(), true.tolist()), matched(true.tolist(), found.tolist())
    return 2 * p * r / (p * len(true) + r * len(found)) if p * r else 0


def _objects(videos):
    return [np.mean(values) for objects in videos for values in objects]


ANSWERS = {
    "video_mean_j": Answers(
        right={
            "frame by frame": lambda *case: sum(_frames(*case)[1:-1]) / (len(case[0]) - 2),
            "a tensor": lambda *case: torch.tensor(_frames(*case)[1:-1]).mean(),
            "half precision": lambda *case: np.mean(_frames(*case)[1:-1]).astype(np.float16),
        },
        wrong={
            "all frames": (lambda *case: np.mean(_frames(*case)), "all frames were counted"),
            "with the last": (lambda *case: np.mean(_frames(*case)[1:]), "the last frame was counted"),
            "with the first": (lambda *case: np.mean(_frames(*case)[:-1]), "the first frame was counted"),
            "empty scores 0": (lambda p, t: np.mean(_frames(p, t, 0.0)[1:-1]), "J is 1, not 0"),
            "empty scores nan": (lambda p, t: np.mean(_frames(p, t, np.nan)[1:-1]), "0 / 0"),
            "pooled": (lambda p, t: np.sum((p & t)[1:-1]) / np.sum((p | t)[1:-1]), "were pooled"),
            "accuracy": (lambda p, t: 1 - (p ^ t)[1:-1].mean(), "the background counts too"),
            "a curve": (lambda *case: _frames(*case)[1:-1], ""),
            "the median": (lambda *case: np.median(_frames(*case)[1:-1]), ""),
        },
    ),
    "f_of_boundaries": Answers(
        right={
            "loops over pixels": _loop,
            "a table of distances": _f,
            "a tensor, from squares": lambda found, true, radius: torch.tensor(_loop(found, true, radius)),
        },
        wrong={
            "Manhattan": (lambda *case: _f(*case, distance=lambda apart: abs(apart).sum(-1)), "Manhattan distance"),
            "a square": (lambda *case: _f(*case, distance=lambda apart: abs(apart).max(-1)), "is a square"),
            "squares and radius": (
                lambda *case: _f(*case, distance=lambda apart: (apart**2).sum(-1)),
                "square the radius",
            ),
            "recall from the wrong side": (
                lambda *case: _f(*case, shares=lambda near: (near.any(1).mean(),) * 2),
                "the share of the *true* ones",
            ),
            "hits over true pixels": (
                lambda *case: _f(*case, shares=lambda near: (near.any(1).mean(), near.any(1).sum() / near.shape[1])),
                "matched *predicted* pixels",
            ),
            "one to one": (lambda *case: _f(*case, shares=_assigned), "a single partner"),
            "at the radius not": (lambda f, t, radius: _f(f, t, radius - 1e-6), "compare with <="),
            "plain mean": (lambda *case: _f(*case, mean=lambda p, r: (p + r) / 2), "harmonic mean is 2"),
            "geometric mean": (lambda *case: _f(*case, mean=lambda p, r: (p * r) ** 0.5), ""),
            "nothing against nothing": (lambda f, t, r: _f(f, t, r) if len(t) else 0, "F is 1"),
            "precision alone": (lambda *case: _f(*case, mean=lambda p, r: p), "recall was left out"),
            "precision alone, empty sets forgotten": (
                lambda f, t, r: np.mean(_euclidean(f[:, None] - t).min(1) <= r),
                "left out",
            ),
            "the other's pixels": (lambda f, t, r: len({*map(tuple, f)} & {*map(tuple, t)}) / max(len(t), 1), ""),
        },
    ),
    "data_set_mean": Answers(
        right={
            "a mean of means": lambda videos: sum(_objects(videos)) / len(_objects(videos)),
            "a 0-d tensor": lambda videos: torch.tensor(_objects(videos)).mean(),
            "a 0-d array": lambda videos: np.array(np.mean(_objects(videos)), np.float32),
        },
        wrong={
            "videos first": (
                lambda videos: np.mean([np.mean(_objects([v])) for v in videos]),
                "each video was averaged",
            ),
            "frames pooled": (lambda videos: np.hstack([np.hstack(v) for v in videos]).mean(), "were pooled"),
            "first objects": (lambda videos: np.mean([np.mean(v[0]) for v in videos]), "only the first object"),
            "divided by videos": (lambda videos: sum(_objects(videos)) / len(videos), "the number of videos"),
            "a list": (lambda videos: [np.mean(_objects([v])) for v in videos], "one number per video"),
            "objects": (_objects, ""),
            "the median": (lambda videos: np.median(_objects(videos)), ""),
            "medians": (lambda videos: np.mean([np.median(j) for v in videos for j in v]), ""),
        },
    ),
}
