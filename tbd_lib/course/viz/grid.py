"""Panels on the grid of templates: frames, score maps and marked cells, whose unit is a grid cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

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
    """A frame or a map of scores, with the outlines of objects and cells that are marked by name."""

    title: str
    picture: Image | None = None
    scores: Float[np.ndarray, "h w"] | None = None
    outlined: Mask | None = None
    marked: Mapping[str, Cell] = field(default_factory=dict)


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
    return Described(figure, sentence, photographic=True)


def curve_and_panels(
    along: Sequence[int | float],
    curves: Mapping[str, Sequence[float]],
    panels: Sequence[Panel],
    size: Size,
    sentence: str,
) -> Described:
    """Curves of the distance score on the left, panels as in ``grid_panels`` on the right.

    Args:
        along: distances, in grid cells, at which the curves are given; straight lines between.
        curves: one score per distance, by name.
        panels: what to draw beside them.
        size: rows and columns, in pixels, at which the tracker works on the frames, before padding.
        sentence: the caption.
    """
    ratios = [0.7] + [1.0] * len(panels)
    figure = page.new_figure(0.87 * page.WIDTH / sum(ratios) * size[0] / size[1] + 2.5 * page.TITLE)
    left, *axes = figure.subplots(1, len(ratios), width_ratios=ratios)
    page.draw_lines(left, dict.fromkeys(curves, along), curves, marker="o", markersize=4)
    left.set(ylim=(0, 1.05), xlabel="distance in cells")
    left.set_title("distance score")
    left.legend(frameon=False, fontsize=8)
    for ax, panel in zip(axes, panels, strict=True):
        draw_panel(ax, panel, size)
    page.add_scale(figure, Normalize(0, 1), axes)
    return Described(figure, sentence, photographic=True)


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
    for name, (row, column) in panel.marked.items():
        ax.add_patch(Rectangle((column, row), 1, 1, fill=False, color="white", linewidth=1.5, path_effects=page.HALO))
        right_half = column + 0.5 > (left + right) / 2  # the name stands on the side where there is room
        place, side = (column - 0.2, "right") if right_half else (column + 1.2, "left")
        ax.text(place, row + 0.5, name, color="white", ha=side, va="center", weight="bold", path_effects=page.HALO)
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


def cells_of(inside: Bool[np.ndarray, "H W"], size: Size) -> Bool[np.ndarray, "h w"]:
    """The cells of the padded frame that hold a pixel of a mask, which is resized to ``size`` first."""
    maps = F.interpolate(torch.from_numpy(inside)[None, None].float(), size, mode="nearest-exact")
    return (F.max_pool2d(pad(maps), STRIDE)[0, 0] > 0).numpy()
