"""The size at which a frame is worked on: resized, then padded by reflection to multiples of 16, and back."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tbd_lib.method.shapes import STRIDE

Size = tuple[int, int]
"""Rows and columns, in pixels."""


def padded_size(size: Size) -> Size:
    """The next multiples of 16."""
    return -(-size[0] // STRIDE) * STRIDE, -(-size[1] // STRIDE) * STRIDE


def margins(size: Size) -> Size:
    """Rows on top and columns on the left that padding adds: half of what is missing, rounded up."""
    height, width = padded_size(size)
    return (height - size[0] + 1) // 2, (width - size[1] + 1) // 2


def pad(maps: Float[Tensor, "n c y x"]) -> Float[Tensor, "n c H W"]:
    """Reflect at the borders until both sides are multiples of 16; masks likewise, as the weights were trained."""
    y, x = maps.shape[-2:]
    height, width = padded_size((y, x))
    top, left = margins((y, x))
    return F.pad(maps, (left, width - x - left, top, height - y - top), mode="reflect")


def crop(maps: Float[Tensor, "n H W"], size: Size) -> Float[Tensor, "n y x"]:
    """Undo ``pad``."""
    top, left = margins(size)
    return maps[:, top : top + size[0], left : left + size[1]]


def resized(prob: Float[Tensor, "y x"], size: Size) -> Float[Tensor, "H W"]:
    """A map of probabilities at another size (bilinear)."""
    if prob.shape == size:
        return prob
    return F.interpolate(prob[None, None], size, mode="bilinear", antialias=True)[0, 0]
