"""What the benchmarks track: noise, and any number of objects in it. Seconds do not depend on what is seen."""

from dataclasses import dataclass

import numpy as np

from tbd_lib.video.arrays import Image, Mask

SIZES = {480: (480, 854), 720: (720, 1280)}  # rows and columns, by the name that people use


@dataclass(frozen=True)
class Scene:
    """Frames, and the mask of the first one."""

    images: list[Image]
    given: Mask


def scene(frames: int, size: tuple[int, int], objects: int) -> Scene:
    """So many frames of noise, with objects that lie one above the other."""
    images = list(np.random.default_rng(0).integers(0, 256, (frames, *size, 3), np.uint8))
    given = np.zeros(size, np.uint8)
    for number, rows in enumerate(np.array_split(np.arange(size[0]), objects), 1):
        given[rows[: len(rows) * 2 // 3 + 1], size[1] // 4 : size[1] // 2] = number
    return Scene(images, given)
