"""Exercises of lesson 03: templates and what they remember."""

import math

import torch
import torch.nn.functional as F

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def winning_template(product: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Which template position wins at every query position.

    product: cosines, of shape (q, p).
    share: how much of each template cell belongs to the region, of shape (p,).
    Returns the number of the winning template position for every query position, of shape (q,).
    """
    return (product * share).argmax(1)


def _products() -> list[tuple[torch.Tensor, torch.Tensor]]:
    random, sizes = torch.Generator().manual_seed(3), ((6, 6), (4, 9), (1, 5))
    return [(torch.rand(q, p, generator=random) * 2 - 1, torch.rand(p, generator=random)) for q, p in sizes]


def overall_after(vectors: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    """The overall template after some frames (step 7).

    vectors: the coarse vector of one region in every frame, unit vectors, of shape (t, c).
    areas: the region's area in every frame, in grid cells, of shape (t,).
    Returns the overall template after the last frame, a unit vector of shape (c,).
    """
    overall, seen = vectors[0], areas[0]
    for vector, area in zip(vectors[1:], areas[1:], strict=True):
        seen = seen + area
        keep = 1 - area / seen
        overall = keep * overall + (1 - keep) * vector
        overall = overall / overall.norm()
    return overall


def _seen_too_late(vectors: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    overall, seen = vectors[0], areas[0]
    for vector, area in zip(vectors[1:], areas[1:], strict=True):
        keep = 1 - area / seen
        overall = keep * overall + (1 - keep) * vector
        overall = overall / overall.norm()
        seen = seen + area
    return overall


def _vectors() -> list[tuple[torch.Tensor, torch.Tensor]]:
    random = torch.Generator().manual_seed(5)
    cases = []
    for frames in (2, 5, 9):
        vectors = torch.rand(frames, 8, generator=random)
        areas = 1 + 20 * torch.rand(frames, generator=random)
        cases.append((vectors / vectors.norm(dim=1, keepdim=True), areas))
    return cases


def half_life(theta: float) -> float:
    """After how many frames an exponential template has forgotten half of what it knew.

    theta: the learned inertia; the old vector keeps 1 / (1 + exp(theta)) at every update.
    Returns a number of frames, not rounded. Leave the division by the vector's length out of account.
    """
    keep = 1 / (1 + math.exp(theta))
    return math.log(0.5) / math.log(keep)


EXERCISES = (
    Exercise(
        "Which template wins? Write the function that the inspector's button *template: the winner* needs: for every "
        "query position, the number of the template position whose offer is the greatest. Think of *when* the share "
        "comes in.",
        winning_template,
        _products,
        Mistake(
            lambda product, share: product.argmax(1),
            "the share is missing: a template position outside of the region must not win; multiply first, "
            "then look for the greatest",
        ),
        Mistake(
            lambda product, share: (product * share).argmax(0),
            "this is the best query position for every template; the maximum runs over the templates",
        ),
    ),
    Exercise(
        "Write the overall template. You are given the coarse vector and the area of every frame, the first frame "
        "included. Mind the order: does $A$ in equation (5) contain this frame's area or not? And when is the length "
        "made one?",
        overall_after,
        _vectors,
        Mistake(
            lambda vectors, areas: overall_after(vectors, torch.ones_like(areas)),
            "every frame counts the same here; a frame's weight is its area's share",
        ),
        Mistake(_seen_too_late, "A must contain this frame's area before it is used"),
        Mistake(
            lambda vectors, areas: (vectors * areas[:, None]).sum(0) / areas.sum(),
            "this is the weighted mean, whose length is below one; templates are unit vectors",
        ),
        Mistake(
            lambda vectors, areas: F.normalize((vectors * areas[:, None]).sum(0), dim=0),
            "nearly: the length is made one after every update, not only at the end, and that gives early frames "
            "another weight",
        ),
    ),
    Exercise(
        "How long is *long*? Write the half-life of an exponential template: after how many frames has the weight of "
        "what it knew fallen to one half? Then call it with the model's inertias.",
        half_life,
        lambda: [(1.0,), (-1.0,), (-2.5,), (0.0,)],
        Mistake(lambda theta: half_life(-theta), "look at the sign: a greater theta keeps less of the old vector"),
        Mistake(
            lambda theta: -1 / math.log(1 / (1 + math.exp(theta))),
            "this is the time until 1/e is left; the half-life is until one half is left",
        ),
    ),
)
