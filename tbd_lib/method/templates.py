"""Templates: all that is remembered of the objects, diversified in space (fine, coarse) and time (step 7)."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .matching import Key

GridMask = Float[Tensor, "b o 2 h w"]
Vectors = Float[Tensor, "b o 2 c"]


@dataclass(frozen=True)
class Templates:
    """What is remembered of the objects that entered in one frame: a cohort, which shares its first key.

    Keys and masks are kept apart (the original stores their product), so that all objects share one product with a
    key. Nothing is ever changed in place: an update makes a new record, and a kept record is history.
    """

    first_key: Key  # global matching: the frame in which the objects were given
    first_mask: GridMask
    prev_key: Key  # local matching: the frame before this one
    prev_mask: GridMask  # the decoder sees it too
    area: Float[Tensor, "b o 2"]  # sum of each region's mask so far, in grid cells
    overall: Vectors  # unit vectors: the running mean weighted by area,
    short: Vectors  # and two exponential means with learned inertia
    long: Vectors

    def take(self, objects: Int[Tensor, "n"] | slice) -> "Templates":
        """The templates of some of the objects only, in the given order."""
        names = ("first_mask", "prev_mask", "area", "overall", "short", "long")
        return replace(self, **{name: getattr(self, name)[:, objects] for name in names})


def start_templates(key: Key, mask: GridMask) -> Templates:
    """Templates of objects seen for the first time, with their mask on the grid."""
    coarse = coarse_vectors(key, mask)
    return Templates(
        first_key=key,
        first_mask=mask,
        prev_key=key,
        prev_mask=mask,
        area=mask.sum((-2, -1)),
        overall=coarse,
        short=coarse,
        long=coarse,
    )


def update_templates(
    templates: Templates,
    key: Key,
    mask: GridMask,
    short_inertia: Float[Tensor, "2"],
    long_inertia: Float[Tensor, "2"],
) -> Templates:
    """Templates after one more frame, of which the key and the soft masks on the grid are known.

    Args:
        templates: what was remembered before.
        key: this frame's key.
        mask: this frame's region masks on the grid.
        short_inertia: theta per region; the old short-term vector keeps ``1 / (1 + exp(theta))``.
        long_inertia: the same for the long-term vector.
    """
    coarse = coarse_vectors(key, mask)
    gained = mask.sum((-2, -1))
    area = templates.area + gained
    return replace(
        templates,
        prev_key=key,
        prev_mask=mask,
        area=area,
        overall=_blend(templates.overall, coarse, 1 - gained / area),
        short=_blend(templates.short, coarse, kept(short_inertia)),
        long=_blend(templates.long, coarse, kept(long_inertia)),
    )


def coarse_vectors(key: Key, mask: GridMask) -> Vectors:
    """One unit vector per region: the sum of its keys, weighted by the mask.

    The clamp to 1e-7 is per channel, so that it acts as a ReLU and zeroes about half of the channels. That looks like a
    guard against division by zero which does more than meant, but the published weights were trained with it.
    """
    total = mask.flatten(3).flatten(1, 2) @ key.flatten(2).transpose(1, 2)  # b (o r) c
    return unit(total.clamp(min=1e-7).unflatten(1, mask.shape[1:3]))


def kept(inertia: Float[Tensor, "2"]) -> Float[Tensor, "2"]:
    """The share of the old vector that is kept, from the learned inertia theta."""
    return torch.sigmoid(-inertia)


def unit(vectors: Vectors) -> Vectors:
    """Vectors of length one in the same direction."""
    return vectors / vectors.norm(dim=-1, keepdim=True)


def _blend(old: Vectors, new: Vectors, keep: Float[Tensor, "*b 2"]) -> Vectors:
    """``unit(keep old + (1 - keep) new)``, with one share per region."""
    return unit(keep[..., None] * old + (1 - keep[..., None]) * new)
