"""Matching: how similar is each place of this frame to what is remembered of an object (steps 2 to 4)."""

from collections.abc import Mapping
from typing import get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .config import Template
from .shapes import STRIDE

Key = Float[Tensor, "b c h w"]


class KeyHead(nn.Module):
    """A 1x1 convolution, then vectors of length one: their products are cosine similarities (step 2).

    As in the original there is no epsilon in the norm: a vector of zeros would give NaN rather than a silent zero.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 1)

    def forward(self, s16: Float[Tensor, "b c_in h w"]) -> Key:
        """The key of every grid position, of unit length over ``c``."""
        key = full_precision(self.conv(s16))
        return key / key.norm(dim=1, keepdim=True)


def full_precision(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``x`` in float32 where it is a half type: similarities and templates are never computed in half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def grid_mask(regions: Float[Tensor, "b o 2 H W"], stride: int = STRIDE) -> Float[Tensor, "b o 2 h w"]:
    """The share of each grid cell that belongs to each region: average pooling (step 3)."""
    return F.avg_pool2d(regions.flatten(1, 2), stride).unflatten(1, regions.shape[1:3])


def affinity(query: Key, template: Key) -> Float[Tensor, "b q p"]:
    """The cosine similarity of every query position with every template position."""
    return query.flatten(2).transpose(1, 2) @ template.flatten(2)


def best_match(product: Float[Tensor, "b q p"], mask: Float[Tensor, "b o r h w"]) -> Float[Tensor, "b o r h w"]:
    """For every query position and region the best product, weighted by how much of the region each template holds.

    ``max over p of mask[r, p] * product[q, p]``. The weight is multiplied before the maximum is taken, so that a
    position outside the region scores 0 and negative similarities are pulled towards 0 (step 4).
    """
    weighted = mask.flatten(3)[:, :, :, None, :] * product[:, None, None]  # b o r q p
    return weighted.amax(-1).view(mask.shape)


def prototype_match(query: Key, prototypes: Float[Tensor, "b o r c"]) -> Float[Tensor, "b o r h w"]:
    """The cosine similarity of every query position with one unit vector per region (step 4)."""
    similarity = prototypes.flatten(1, 2) @ query.flatten(2)  # b (o r) q
    return similarity.view(*prototypes.shape[:3], *query.shape[-2:])


def join_scores(scores: Mapping[Template, Float[Tensor, "b o 2 h w"]]) -> Float[Tensor, "b o 10 h w"]:
    """The ten score maps in the decoder's order: that of ``Template``, background before foreground."""
    return torch.cat([scores[kind] for kind in get_args(Template)], 2)
