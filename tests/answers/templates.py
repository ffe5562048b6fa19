"""Answers to the exercises of lesson 03."""

import math

import numpy as np
import torch

from answers import Answers


def _best_of_each(product, share):
    best = []
    for cosines in product.tolist():
        weighted = [cosine * weight for cosine, weight in zip(cosines, share.tolist(), strict=True)]
        best.append(weighted.index(max(weighted)))
    return best


def _updated(vectors, areas, kept=lambda area, before: before / (before + area), normed=True):
    template, before = np.array(vectors[0]), float(areas[0])
    for vector, area in zip(np.array(vectors[1:]), areas.tolist()[1:], strict=True):
        rho = kept(area, before)
        template = rho * template + (1 - rho) * vector
        before += area
        if normed:
            template = template / np.linalg.norm(template)
    return template


def _mean_at_the_end(vectors, areas):
    mean = np.average(vectors.numpy(), axis=0, weights=areas.numpy())
    return mean / np.linalg.norm(mean)


ANSWERS = {
    "winning_template": Answers(
        right={
            "a list, by loops": _best_of_each,
            "NumPy": lambda product, share: np.argmax(product.numpy() * share.numpy(), axis=1),
            "max and its indices": lambda product, share: (product * share).max(dim=1).indices.float(),
        },
        wrong={
            "no share": (lambda product, share: np.argmax(product.numpy(), axis=1), "the share is missing"),
            "over the queries": (lambda product, share: np.argmax(product * share, axis=0), "runs over the templates"),
            "the value": (lambda product, share: (product * share).max(dim=1).values, "these are the greatest values"),
            "added": (lambda product, share: product.add(share).max(dim=1)[1], "were added"),
            "share as a threshold": (
                lambda product, share: np.where(share > 0.5, product, -np.inf).argmax(1),
                "a yes or no",
            ),
            "both": (lambda product, share: tuple((product * share).max(dim=1)), ""),
            "worst": (lambda product, share: (product * share).argmin(1), ""),
            "one for all": (lambda product, share: (product * share).argmax(), ""),
        },
    ),
    "overall_after": Answers(
        right={
            "NumPy, the kept share from areas before": _updated,
            "a list of numbers": lambda vectors, areas: _updated(vectors, areas).tolist(),
            "the weighted mean, made a unit vector at the end": _mean_at_the_end,
            "bfloat16": lambda vectors, areas: torch.tensor(_updated(vectors, areas)).bfloat16(),
        },
        wrong={
            "frames count the same": (
                lambda vectors, areas: _updated(vectors, torch.ones(len(areas))),
                "every frame counts the same",
            ),
            "A without this area": (
                lambda vectors, areas: _updated(vectors, areas, lambda area, before: 1 - area / before),
                "A must contain",
            ),
            "shares swapped": (
                lambda vectors, areas: _updated(vectors, areas, lambda area, before: area / (before + area)),
                "changed places",
            ),
            "never a unit vector": (
                lambda vectors, areas: _updated(vectors, areas, normed=False),
                "whose length is below one",
            ),
            "plain mean as a unit vector": (
                lambda vectors, areas: vectors.sum(0) / vectors.sum(0).norm(),
                "only at the end; weight frames",
            ),
            "the last frame": (lambda vectors, areas: vectors[len(areas) - 1], "only the last frame is left"),
            "half and half": (lambda vectors, areas: _updated(vectors, areas, lambda area, before: 0.5), ""),
            "the first frame": (lambda vectors, areas: vectors[0], ""),
        },
    ),
    "half_life": Answers(
        right={
            "a list": lambda theta: [math.log(2) / math.log(1 + math.exp(x)) for x in theta.tolist()],
            "softplus": lambda theta: math.log(2) / torch.nn.functional.softplus(theta),
            "NumPy, logarithms of base 2": lambda theta: 1 / np.log2(1 + np.exp(theta.numpy())),
            "with a gradient": lambda theta: -math.log(2) / torch.sigmoid(-theta).requires_grad_().log(),
        },
        wrong={
            "the sign": (lambda theta: -math.log(2) / torch.sigmoid(theta).log(), "look at the sign"),
            "until 1/e": (lambda theta: 1 / torch.log(1 + theta.exp()), "until 1/e is left"),
            "upside down": (lambda theta: torch.log2(1 + theta.exp()), "its reciprocal"),
            "linear": (lambda theta: 0.5 / torch.sigmoid(theta), "use logarithms"),
            "rounded": (lambda theta: np.ceil(1 / np.log2(1 + np.exp(theta.numpy()))), "was rounded"),
            "math on a tensor": (
                lambda theta: -math.log(2) / math.log(1 / (1 + math.exp(theta))),
                "single numbers",
            ),
            "the share kept": (lambda theta: 1 / (1 + theta.exp()), ""),
            "the first region only": (lambda theta: math.log(2) / math.log(1 + math.exp(theta[0])), ""),
        },
    ),
}
