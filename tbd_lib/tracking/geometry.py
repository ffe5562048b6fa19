"""The size at which a frame is worked on: resized, then padded by reflection to multiples of 16, and back."""

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.config import SMALL_OBJECT, TrackConfig
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import ids_of

Size = tuple[int, int]
"""Rows and columns, in pixels."""


def working_size(given: Mask, config: TrackConfig) -> Size:
    """The size at which a video is worked on whose first objects are given by this mask, before padding."""
    size = (given.shape[0], given.shape[1])
    if config.keep_small_objects and small_object(given, config):
        return size
    scale = _scale(size, config)
    return round(size[0] * scale), round(size[1] * scale)


def small_object(given: Mask, config: TrackConfig) -> tuple[int, float] | None:
    """The smallest object and its pixels at ``short_side``, if these are few since the frame is reduced to it."""
    scale = _scale((given.shape[0], given.shape[1]), config)
    pixels = np.bincount(given.ravel())
    smallest = min(ids_of(given), key=pixels.__getitem__)
    left = float(pixels[smallest] * scale**2)
    return (smallest, left) if scale < 1 and left < SMALL_OBJECT else None


def _scale(size: Size, config: TrackConfig) -> float:
    """What the sides are multiplied with so that the shorter one becomes ``short_side``."""
    if config.short_side is None or (min(size) < config.short_side and not config.enlarge):
        return 1.0
    return config.short_side / min(size)


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
