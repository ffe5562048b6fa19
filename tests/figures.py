"""What the tests of figures share: small frames and masks, and what a figure has drawn."""

import numpy as np
from matplotlib.axes import Axes

from tbd_lib.course.viz import Described
from tbd_lib.video.frames import Frame

SIZE = (24, 40)


def frame(name: str, seed: int = 0) -> Frame:
    return Frame(name, np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8))


def box(top: int, bottom: int, left: int, right: int, i: int = 1) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top:bottom, left:right] = i
    return mask


def drawn(described: Described) -> list[np.ndarray]:
    """The images of all panels, in the order in which they were made."""
    return [np.asarray(image.get_array()) for ax in described.figure.axes for image in ax.images]


def loops(ax: Axes) -> list[np.ndarray]:
    """The outlines in a panel: corners as columns and rows."""
    return [np.asarray(path.vertices) for lines in ax.collections for path in lines.get_paths()]
