"""Panels on the grid of templates: frames and score maps, whose unit is a grid cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from tbd_lib.course.viz import page
from tbd_lib.course.viz.described import Described
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.geometry import Size, margins, pad
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of
from tbd_lib.video.overlay import COLOURS

Cell = tuple[int, int]
"""Row and column of the grid."""


@dataclass(frozen=True)
class Panel:
    """A frame or a map of scores, with the outlines of objects."""

    title: str
    picture: Image | None = None
    scores: Float[np.ndarray, "h w"] | None = None
    outlined: Mask | None = None


def grid_panels(panels: Sequence[Panel], size: Size, sentence: str, columns: int = 4, most: float = 1.0) -> Described:
    """Panels side by side, all in grid cells, so that a place is at the same spot in each.

    Args:
        panels: what to draw.
        size: rows and columns, in pixels, at which the tracker works on the frames, before padding.
        sentence: the caption.
        columns: at most so many in a row.
        most: the score at the upper end of the colour scale.
    """
    figure, axes = page.new_panels(len(panels), columns, size[0] / size[1], 0.95 * page.WIDTH)
    for ax, panel in zip(axes, panels, strict=True):
        draw_panel(ax, panel, size, most)
    if any(panel.scores is not None for panel in panels):
        page.add_scale(figure, Normalize(0, most), axes, slender=20 if len(axes) > columns else 12)
    return Described(figure, sentence, photographic=any(panel.picture is not None for panel in panels))


def draw_panel(ax: Axes, panel: Panel, size: Size, most: float = 1.0) -> None:
    """Draw one panel into axes whose unit is a grid cell."""
    left, right, bottom, top = frame_in_cells(size)
    if panel.scores is not None:
        h, w = panel.scores.shape
        ax.imshow(panel.scores, extent=(0, w, h, 0), cmap=page.COLOUR_MAP, vmin=0, vmax=most)
    if panel.picture is not None:
        ax.imshow(panel.picture, extent=(left, right, bottom, top))
    if panel.outlined is not None:
        _outlines(ax, panel.outlined, size, coloured=panel.picture is not None)
    ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    ax.set_title(panel.title)
    ax.spines[:].set_visible(False)


def frame_in_cells(size: Size) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge of a frame of ``size`` pixels on the grid of the padded frame."""
    above, before = (side / STRIDE for side in margins(size))
    return before, before + size[1] / STRIDE, above + size[0] / STRIDE, above


def _outlines(ax: Axes, mask: Mask, size: Size, coloured: bool) -> None:
    """Draw round every object: in its colour on a frame, in white on a map."""
    left, right, bottom, top = frame_in_cells(size)
    rows = top + (np.arange(mask.shape[0]) + 0.5) * (bottom - top) / mask.shape[0]
    columns = left + (np.arange(mask.shape[1]) + 0.5) * (right - left) / mask.shape[1]
    for i in ids_of(mask):
        page.contour(ax, columns, rows, mask == i, COLOURS[i] / 255 if coloured else "white", 1.2)


def best_cell(scores: Float[np.ndarray, "h w"], where: Bool[np.ndarray, "h w"]) -> Cell | None:
    """The cell with the highest score among some cells; None where there are none."""
    if not where.any():
        return None
    row, column = np.unravel_index(int(np.where(where, scores, -np.inf).argmax()), scores.shape)
    return int(row), int(column)


def cells_of(inside: Bool[np.ndarray, "H W"], size: Size) -> Bool[np.ndarray, "h w"]:
    """The cells of the padded frame that hold a pixel of a mask, which is resized to ``size`` first."""
    maps = F.interpolate(torch.from_numpy(inside)[None, None].float(), size, mode="nearest-exact")
    return (F.max_pool2d(pad(maps), STRIDE)[0, 0] > 0).numpy()
