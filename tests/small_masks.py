"""Masks and pictures that several files of tests begin with."""

import numpy as np

from tbd_lib.video.arrays import Mask

IDS = np.arange(600).reshape(20, 30) % 3
RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def square(left: int, i: int = 1) -> Mask:
    """A square of 20 pixels in a frame of 40 x 60."""
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[5:25, left : left + 20] = i
    return mask
