"""Exercises of lesson 03: templates and what they remember."""

import math

import torch
import torch.nn.functional as F

from tbd_lib.course.exercises.exercise import Exercise, Mistake, Variant


def winning_template(product: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Which template position is the best match of every query position.

    Args:
        product: cosines, shape (q, p).
        share: how much of each template cell belongs to the region, from 0 to 1, shape (p,).

    Returns:
        For every query position the number of the template position whose cosine times share is the greatest, shape
        (q,).
    """
    return (product * share).argmax(1)


def _products() -> list[tuple[torch.Tensor, torch.Tensor]]:
    small = torch.tensor([[0.9, 0.6, 0.8], [0.2, 0.9, 0.5]]), torch.tensor([0.1, 0.4, 1.0])
    random, sizes = torch.Generator().manual_seed(3), ((6, 6), (4, 9), (1, 5))
    drawn = [(torch.rand(q, p, generator=random) * 2 - 1, torch.rand(p, generator=random)) for q, p in sizes]
    return [small, *drawn]


def overall_after(vectors: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    """The overall template after some frames (step 7).

    Args:
        vectors: the coarse vector of one region in every frame, unit vectors, shape (t, c).
        areas: the region's area in every frame, in grid cells, shape (t,).

    Returns:
        The overall template after the last frame, a unit vector, shape (c,).
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


def _kept_swapped(vectors: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    overall, seen = vectors[0], areas[0]
    for vector, area in zip(vectors[1:], areas[1:], strict=True):
        seen = seen + area
        overall = F.normalize(area / seen * overall + (1 - area / seen) * vector, dim=0)
    return overall


def _weighted_mean(vectors: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    return (vectors * areas[:, None]).sum(0) / areas.sum()


def _vectors() -> list[tuple[torch.Tensor, torch.Tensor]]:
    random = torch.Generator().manual_seed(5)
    cases = [(torch.eye(2), torch.tensor([3.0, 1.0]))]
    for frames in (2, 5, 9):
        vectors = torch.rand(frames, 8, generator=random)
        areas = 1 + 20 * torch.rand(frames, generator=random)
        cases.append((vectors / vectors.norm(dim=1, keepdim=True), areas))
    return cases


def half_life(theta: torch.Tensor) -> torch.Tensor:
    """After how many updates an exponential template has kept half of what it knew.

    Leave the division by the vector's length out of account.

    Args:
        theta: the learned number of each region, shape (regions,); at every update the part 1 / (1 + exp(theta)) of the
            old vector is kept.

    Returns:
        A number of updates per region, not rounded, shape (regions,).
    """
    keep = 1 / (1 + torch.exp(theta))
    return math.log(0.5) / torch.log(keep)


EXERCISES = (
    Exercise(
        "Which template position is the best match? The template inspector needs to know it to draw its line: write "
        "the function that returns, for every query position, the *number* of the template position whose cosine "
        "times share is the greatest. Does it matter whether the share comes in before or after the maximum?",
        winning_template,
        _products,
        Mistake(
            lambda product, share: product.argmax(1),
            "the share is missing: a template position outside of the region must not be chosen; multiply first, "
            "then look for the greatest",
        ),
        Mistake(
            lambda product, share: (product * share).argmax(0),
            "this is the best query position for every template; the maximum runs over the templates, dimension 1",
        ),
        Mistake(
            lambda product, share: (product * share).amax(1),
            "these are the greatest values; the number of the template position that has it is asked for",
        ),
        Mistake(
            lambda product, share: (product + share).argmax(1),
            "cosine and share were added; the share is a weight, so multiply",
        ),
        Mistake(
            lambda product, share: product.masked_fill(share <= 0.5, -torch.inf).argmax(1),
            "the share was made a yes or no; it is a weight between 0 and 1, and half a cell counts half",
        ),
        reasoning="`product * share` multiplies the cosines of every query, a row of `product`, by the shares of the "
        "templates; `argmax(1)` is the best template of each row. **The order matters**: after the maximum it is too "
        "late for the share, since the best cosine may lie outside of the region.",
    ),
    Exercise(
        "Write the overall template. You are given the coarse vector and the area of every frame, the first one "
        "included. At every update the part $1 - a/A$ of the old vector is kept and the new one gets the rest. If $A$ "
        "did not contain this frame's area $a$, what would be left of the first frame after a second of the same area? "
        "And when is the length made one?",
        overall_after,
        _vectors,
        Mistake(
            lambda vectors, areas: overall_after(vectors, torch.ones_like(areas)),
            "every frame counts the same here; a frame's weight is its area over the sum of all",
        ),
        Mistake(_seen_too_late, "A must contain this frame's area before it is used"),
        Mistake(
            _kept_swapped, "the weights have changed places: the old vector keeps 1 - a / A, the new one gets a / A"
        ),
        Mistake(
            _weighted_mean,
            "this is the weighted mean, whose length is below one; templates are unit vectors",
        ),
        Mistake(
            lambda vectors, areas: F.normalize(vectors.mean(0), dim=0),
            "every frame counts the same here, and the length is made one only at the end; weight frames by their area",
        ),
        Mistake(
            lambda vectors, areas: vectors[-1],
            "only the last frame is left; the overall template is a mean of all frames",
        ),
        variants=(
            Variant(
                lambda vectors, areas: F.normalize(_weighted_mean(vectors, areas), dim=0),
                "this is the mean weighted by area, made a unit vector at the end. The method makes the length one at "
                "every update, which gives earlier frames a slightly greater weight",
            ),
        ),
        reasoning="**$A$ contains this frame's area.** Then the new vector gets the weight $a/A$, and the result is "
        "the mean weighted by area. In a second frame of the same area $a/A$ is one half, as it should be; without "
        "this frame's area in $A$ it would be one, and nothing of the first frame would be left. **The method makes "
        "the length one after every update.** A mean of unit vectors that differ is shorter than one; lengthening it "
        "at each step gives what is already in it a slightly greater weight than the plain weighted mean would. The "
        "checker accepts that mean, made a unit vector at the end, too.",
    ),
    Exercise(
        "How long is *long*? Write the half-life of an exponential template: after how many updates has the weight of "
        "what it knew fallen to one half? Then call it with the $\\theta$ of the model, `model.short_inertia.detach()` "
        "and `model.long_inertia.detach()`, which hold one number for the background and one for the foreground.",
        half_life,
        lambda: [
            (torch.tensor([1.0, -1.0]),),
            (torch.tensor([-2.5, 0.0]),),
            (torch.tensor([0.3]),),
        ],
        Mistake(lambda theta: half_life(-theta), "look at the sign: a greater theta keeps less of the old vector"),
        Mistake(
            lambda theta: -1 / torch.log(1 / (1 + torch.exp(theta))),
            "this is the time until 1/e is left; the half-life is until one half is left",
        ),
        Mistake(
            lambda theta: torch.log(1 / (1 + torch.exp(theta))) / math.log(0.5),
            "this is how many halvings happen in one update; the updates per halving are its reciprocal",
        ),
        Mistake(
            lambda theta: 0.5 / (1 - 1 / (1 + torch.exp(theta))),
            "the loss was taken to be the same in every update; the part kept is multiplied each time, so use "
            "logarithms",
        ),
        Mistake(
            lambda theta: torch.ceil(half_life(theta)),
            "the number of updates was rounded; leave it as it is",
        ),
        Mistake(
            lambda theta: math.log(0.5) / math.log(1 / (1 + math.exp(theta))),  # pyright: ignore[reportArgumentType]
            "the functions of `math` take single numbers, and theta holds one per region; use torch.exp and torch.log",
        ),
        reasoning="After $n$ updates the part $\\rho^n$ of the old vector is left. Setting it to one half and taking "
        "logarithms gives $n = \\log 0.5 / \\log \\rho$. Printed below are the model's half-lives, background and "
        "foreground: **long is longer than short, but both are short beside a video**. Only *overall* and *global* "
        "reach back to its beginning.",
        example="from tbd_lib.training.checkpoint import bundled_model\n\nmodel = bundled_model()\n"
        'for name in ("short", "long"):\n'
        '    updates = half_life(getattr(model, f"{name}_inertia").detach())\n'
        '    print(f"{name}: {updates[0]:.1f} updates for the background, {updates[1]:.1f} for the foreground")',
    ),
)
