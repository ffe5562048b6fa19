"""What an inspector shows: pictures with marked cells, charts and tables, for a page that is alive and for a still.

A scene is plain data. ``tbd_lib.course.widgets.board`` sends it to a page, which draws it and can be pointed at, and
``still`` draws the same with Matplotlib, for pages that run no widgets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from scipy import ndimage

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.grid import Cell, frame_in_cells
from tbd_lib.course.viz.page import COLOUR_MAP, HALO, LINES, TITLE, WIDTH, aspect, mark, new_figure, open_axes, picture
from tbd_lib.evaluation.metrics import boundary
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.geometry import Size, margins
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.overlay import OKABE_ITO, OPACITY, overlay

COLUMNS = 6  # of the page, of which a part takes some
MARKS = {
    "query": ("white", "-"),
    "pixel": ("white", "-"),
    "foreground": (OKABE_ITO[0], "-"),
    "background": (OKABE_ITO[1], "--"),
}
"""Colour and dash of marks and of lines that lead to them, by name. Names stand beside the marks."""
FINE = 60  # columns from which on a cell is too small to be seen, and has a ring
CHART_ASPECT = 0.48  # height of a chart over its width
ROW = 0.26  # inches, of a table
BETWEEN = 2  # letters, between two columns of a table
PIXELS_PER_LINE = 400  # a white outline is one pixel wide per so many columns of the picture
DARKENED = 0.35  # what is left of the picture beside a white outline, which is so seen on any picture


Numbers = Sequence[int | float] | np.ndarray


@dataclass(frozen=True)
class Mark:
    """A cell that is marked in a picture; its name, above it or ``below``, is one of ``MARKS``.

    With ``joined`` a line leads to it from the query.
    """

    name: str
    cell: Cell
    joined: bool = False
    below: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture that lies on a grid, with marked cells.

    ``extent`` is left, right, bottom and top of the picture in cells of the grid. What ``points`` names is chosen by
    pointing at a cell; nothing can be chosen where it is empty. ``scale`` is the quantity at which the colours end.
    """

    title: str
    image: Image
    extent: tuple[float, float, float, float]
    marks: tuple[Mark, ...] = ()
    points: str = ""
    scale: float | None = None
    span: int = 3


@dataclass(frozen=True)
class Chart:
    """Lines by name, each as places and values. A ``ghost`` is drawn in grey, below the others.

    ``at`` is marked by an upright line, which the page can move to ``first`` and later places. ``dragged`` is the line
    whose points can be moved.
    """

    title: str
    along: str
    lines: Mapping[str, tuple[Numbers, Numbers]]
    ghost: str = ""
    at: int | None = None
    first: int = 0
    dragged: str = ""
    least: float = 0.0
    last: float | None = None  # where the axis ends, if lines that are not complete end before
    span: int = 3


@dataclass(frozen=True)
class Table:
    """Rows of text below a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    span: int = COLUMNS


Part = Picture | Chart | Table


@dataclass(frozen=True)
class Scene:
    """The parts from left to right and from top to bottom, what to see in one sentence, and all of it in numbers."""

    parts: tuple[Part, ...]
    caption: str
    description: str


def heat(scores: Float[np.ndarray, "h w"], size: Size, outlined: Mask | None = None) -> UInt8[np.ndarray, "y x 3"]:
    """Scores per cell in colours, 1 at the bright end, at the working size; with outlines in white.

    Args:
        scores: on the grid of the padded frame.
        size: rows and columns, in pixels, at which the tracker works, before padding.
        outlined: ids at any size.
    """
    above, before = margins(size)
    large = colours(scores).repeat(STRIDE, 0).repeat(STRIDE, 1)[above : above + size[0], before : before + size[1]]
    return large if outlined is None else with_outlines(large, _resized(outlined, size))


def colours(quantities: Float[np.ndarray, "h w"]) -> Image:
    """Quantities from 0 to 1 in colours."""
    return (colormaps[COLOUR_MAP](np.clip(quantities, 0, 1))[..., :3] * 255).round().astype(np.uint8)


def on_grid(title: str, image: Image, size: Size, **rest: object) -> Picture:
    """A picture of the frame, or of scores, on the grid of templates."""
    return Picture(title, image, frame_in_cells(size), **rest)  # pyright: ignore[reportArgumentType]


def whole(size: Size) -> tuple[float, float, float, float]:
    """The extent of a picture of this size that lies on a grid of its pixels."""
    rows, columns = size
    return 0.0, float(columns), float(rows), 0.0


def masked(image: Image, mask: Mask, truth: Mask | None = None, opacity: float = OPACITY) -> Image:
    """A frame with its masks, and the true outlines in white."""
    shown = overlay(image, mask, opacity)
    return shown if truth is None else with_outlines(shown, truth)


def with_outlines(image: Image, mask: Mask) -> Image:
    """A picture with white lines round every object, which are dark on both sides."""
    width = max(1, round(image.shape[1] / PIXELS_PER_LINE))
    line = boundary(mask)
    line = _widened(line, width - 1)
    beside = _widened(line, width) & ~line
    result = image.copy()
    result[beside] = (DARKENED * image[beside]).astype(np.uint8)
    result[line] = 255
    return result


def _widened(region: Bool[np.ndarray, "H W"], pixels: int) -> Bool[np.ndarray, "H W"]:
    """A region and what is within so many pixels of it."""
    return np.asarray(ndimage.binary_dilation(region, iterations=pixels), bool) if pixels else region


def _resized(mask: Mask, size: Size) -> UInt8[np.ndarray, "y x"]:
    """Ids at another size: of each pixel the id at its middle."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]


def still(scene: Scene) -> Described:
    """The scene as a figure. Its caption is the scene's sentence, and its alternative text the description."""
    rows = _rows(scene.parts)
    heights = [max(_height(part) for part in row) for row in rows]
    figure = new_figure(sum(heights))
    grid = figure.add_gridspec(len(rows), COLUMNS, height_ratios=heights)
    places: dict[str, tuple[Axes, Mark]] = {}
    for line, row in enumerate(rows):
        column = 0
        for part in row:
            ax = figure.add_subplot(grid[line, column : column + part.span])
            column += part.span
            DRAW[type(part)](ax, part)
            places |= {mark.name: (ax, mark) for mark in getattr(part, "marks", ()) if mark.name not in places}
    for name, (ax, marked) in places.items():
        if marked.joined and "query" in places:
            _join(figure, places["query"], (ax, marked), name)
    return Described(figure, scene.description, photographic=True, caption=scene.caption)


def _rows(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts line by line, each line no wider than the page."""
    rows: list[list[Part]] = [[]]
    for part in parts:
        if sum(each.span for each in rows[-1]) + part.span > COLUMNS:
            rows.append([])
        rows[-1].append(part)
    return rows


def _height(part: Part) -> float:
    """Inches."""
    width = part.span * WIDTH / COLUMNS
    if isinstance(part, Table):
        return ROW * (len(part.rows) + 2)
    return width * (aspect(part.image) if isinstance(part, Picture) else CHART_ASPECT) + TITLE


def _draw_picture(ax: Axes, part: Picture) -> None:
    """The picture in cells, and its marks."""
    left, right, bottom, top = part.extent
    picture(ax, part.image, part.title + ("" if part.scale is None else f" (dark 0, bright {part.scale:g})"))
    ax.images[0].set_extent(part.extent)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    for marked in part.marks:
        (row, column), (colour, dash) = marked.cell, MARKS[marked.name]
        style = {"fill": False, "edgecolor": colour, "linestyle": dash, "linewidth": 2, "path_effects": HALO}
        ax.add_patch(Rectangle((column, row), 1, 1, **style))
        if right - left > FINE:
            ax.plot(
                column + 0.5, row + 0.5, "o", markersize=10, markerfacecolor="none", color=colour, path_effects=HALO
            )
        right_half = column + 0.5 > (left + right) / 2  # the name stands on the side where there is room
        place, side = (column, "right") if right_half else (column + 1, "left")
        height, above = (row + 1, "top") if marked.below else (row, "bottom")
        ax.text(place, height, marked.name, color=colour, ha=side, va=above, weight="bold", path_effects=HALO)


def _draw_chart(ax: Axes, part: Chart) -> None:
    """The lines under their names."""
    colours = iter(LINES)
    for name, (places, values) in part.lines.items():
        colour, dash = ("0.6", "-") if name == part.ghost else next(colours)
        ax.plot(places, values, dash, color=colour, label=name, marker="o" if name == part.dragged else "")
    mark(ax, [] if part.at is None else [part.at], "0.4")
    ax.set(ylim=(part.least, 1.02), xlabel=part.along)
    if part.last is not None:
        ax.set_xlim(right=part.last)
    ax.set_title(part.title, fontsize=10)
    ax.legend(frameon=False, fontsize=8, ncols=len(part.lines), loc="lower left")
    open_axes(ax)


def _draw_table(ax: Axes, part: Table) -> None:
    """Text in rows. The longest text of a column says how wide it is."""
    ax.set_axis_off()
    lengths = [max(map(len, column)) + BETWEEN for column in zip(part.head, *part.rows, strict=True)]
    widths = [length / sum(lengths) for length in lengths]
    rows = [list(row) for row in part.rows]
    table = ax.table(rows, colLabels=part.head, colWidths=widths, loc="center", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.3)


DRAW = {Picture: _draw_picture, Chart: _draw_chart, Table: _draw_table}


def _join(figure: Figure, query: tuple[Axes, Mark], other: tuple[Axes, Mark], name: str) -> None:
    """A line from the middle of one marked cell to that of another."""
    ends = [(marked.cell[1] + 0.5, marked.cell[0] + 0.5) for _, marked in (query, other)]
    colour, dash = MARKS[name]
    style: dict[str, Any] = {"color": colour, "linestyle": dash, "linewidth": 1.5}
    line = ConnectionPatch(ends[0], ends[1], "data", "data", axesA=query[0], axesB=other[0], **style)
    line.set_path_effects(HALO)
    figure.add_artist(line)
