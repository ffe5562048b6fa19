"""Panels on the grid of templates: frames, score maps and marked cells side by side, in grid cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tbd_lib.course.viz.described import DPI, HALO, LINES, WIDTH, Described
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.geometry import Size, margins, pad
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of
from tbd_lib.video.overlay import COLOURS

Cell = tuple[int, int]
"""Row and column of the grid."""

COLOURS_OF_SCORES = "viridis"
RANGE = Normalize(0, 1)  # of every score: a cosine times weights between 0 and 1
TOP = 0.27  # inches above the panels, for their titles
BAR = 0.45  # inches to the right of the panels, for the colour scale


@dataclass(frozen=True)
class Panel:
    """One panel: a frame or a map of scores, outlines of objects, and cells marked with a letter."""

    title: str
    picture: Image | None = None
    scores: Float[np.ndarray, "h w"] | None = None
    outlined: Mask | None = None
    marked: Mapping[str, Cell] = field(default_factory=dict)


def grid_panels(panels: Sequence[Panel], size: Size, said: str, columns: int = 4) -> Described:
    """Panels side by side, all in grid cells, so that a place is at the same spot in each.

    Args:
        panels: what to draw.
        size: rows and columns, in pixels, at which the tracker works on the frames, before padding.
        said: the sentence.
        columns: at most so many in a row.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    width = (WIDTH - BAR) / columns
    height = width * size[0] / size[1]
    whole = rows * (height + TOP)
    figure = Figure(figsize=(WIDTH, whole), dpi=DPI)  # laid out by hand: in half the time
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        bottom = whole - (row + 1) * (height + TOP)
        ax = figure.add_axes((column * width / WIDTH, bottom / whole, width * 0.985 / WIDTH, height / whole))
        draw_panel(ax, panel, size)
    if any(panel.scores is not None for panel in panels):
        _add_scale(figure, height)
    return Described(figure, said, photographic=True)


def _add_scale(figure: Figure, height: float) -> None:
    """The colours of scores, right of the lowest panel, which is ``height`` inches high."""
    whole = float(figure.get_size_inches()[1])
    bar = figure.add_axes(((WIDTH - BAR) / WIDTH, 0.1 / whole, 0.1 / WIDTH, (height - 0.2) / whole))
    figure.colorbar(ScalarMappable(RANGE, COLOURS_OF_SCORES), cax=bar, ticks=[0, 0.5, 1])


def draw_panel(ax: Axes, panel: Panel, size: Size) -> None:
    """Draw one panel into axes whose unit is a grid cell."""
    left, right, bottom, top = frame_in_cells(size)
    if panel.scores is not None:
        h, w = panel.scores.shape
        ax.imshow(panel.scores, extent=(0, w, h, 0), cmap=COLOURS_OF_SCORES, norm=RANGE)
    if panel.picture is not None:
        ax.imshow(panel.picture, extent=(left, right, bottom, top))
    if panel.outlined is not None:
        _outlines(ax, panel.outlined, size, coloured=panel.picture is not None)
    for letter, (row, column) in panel.marked.items():
        square = ([column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row])
        ax.plot(*square, color="white", linewidth=1.5, path_effects=HALO)
        right_half = column + 0.5 > (left + right) / 2  # the letter stands on the side where there is room
        place, side = (column - 0.2, "right") if right_half else (column + 1.2, "left")
        ax.text(place, row + 0.5, letter, color="white", ha=side, va="center", weight="bold", path_effects=HALO)
    ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    ax.set_title(panel.title, fontsize=10, pad=4)
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
        colour = COLOURS[i] / 255 if coloured else "white"
        lines = ax.contour(columns, rows, mask == i, levels=[0.5], colors=[colour], linewidths=1.2)
        lines.set_path_effects(HALO)  # as an argument older releases of Matplotlib ignore it


def cells_of(inside: Bool[np.ndarray, "H W"], size: Size) -> Bool[np.ndarray, "h w"]:
    """The cells of the padded frame that hold a pixel of a mask, which is resized to ``size`` first."""
    maps = F.interpolate(torch.from_numpy(inside)[None, None].float(), size, mode="nearest-exact")
    return (F.max_pool2d(pad(maps), STRIDE)[0, 0] > 0).numpy()


def curve_and_panels(
    along: Sequence[int | float], curves: Mapping[str, Sequence[float]], panels: Sequence[Panel], size: Size, said: str
) -> Described:
    """Curves of the distance score on the left, panels as in ``grid_panels`` on the right.

    Args:
        along: distances, in grid cells, at which the curves are given; straight lines between.
        curves: one score per distance, by name.
        panels: what to draw beside them.
        size: rows and columns, in pixels, at which the tracker works on the frames, before padding.
        said: the sentence.
    """
    width = (WIDTH - BAR) / (len(panels) + 1)
    height = width * size[0] / size[1]
    figure = Figure(figsize=(WIDTH, height + TOP), dpi=DPI)
    foot, side = 0.42, 0.42  # inches, for the curve's axes
    ax = figure.add_axes(
        (side / WIDTH, foot / (height + TOP), (width - side - 0.15) / WIDTH, 1 - (foot + TOP) / (height + TOP))
    )
    for (name, one), (colour, dash) in zip(curves.items(), LINES, strict=False):
        ax.plot(along, one, dash, color=colour, linewidth=2, marker="o", markersize=4, label=name)
    ax.set(ylim=(0, 1.05), xlabel="distance in cells")
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title("distance score", fontsize=10, pad=4)
    for number, panel in enumerate(panels, 1):
        draw_panel(
            figure.add_axes((number * width / WIDTH, 0, width * 0.985 / WIDTH, height / (height + TOP))), panel, size
        )
    _add_scale(figure, height)
    return Described(figure, said, photographic=True)
