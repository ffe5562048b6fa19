"""What figures are made of: pages and panels of one width, pictures, outlines, lines and colour scales.

Objects have the colours of ``tbd_lib.video.overlay``, and outlines besides; quantities have a perceptual colour map.
Figures are made without pyplot, which would keep every one of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke

from tbd_lib.tracking.region_of_interest import box_around
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of
from tbd_lib.video.overlay import OKABE_ITO

WIDTH = 10.0  # inches, of every figure
TITLE = 0.3  # inches, the height of a line of text above the panels
MARGIN = 16  # pixels of a picture around the part of it that is shown
DPI = 100  # 1,000 pixels: as wide as a notebook's page
COLOUR_MAP = "viridis"  # of quantities
LINES = tuple(zip((OKABE_ITO[4], OKABE_ITO[5], OKABE_ITO[2], OKABE_ITO[6]), ("-", "--", "-.", ":"), strict=True))
"""Colour and dash of each line, which can be told apart without colour too."""
HALO: list[AbstractPathEffect] = [withStroke(linewidth=2.5, foreground="black")]
"""A dark border, with which white lines and letters can be read on any picture."""


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, so many inches high and wide."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    return figure


def new_panels(count: int, columns: int, panel_aspect: float, width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels in rows, with room for a title above each row.

    Args:
        count: how many panels.
        columns: at most so many in a row.
        panel_aspect: height of a panel over its width.
        width: inches that a whole row takes.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = new_figure(rows * (width / columns * panel_aspect + TITLE))
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes[:count]


def aspect(image: Image) -> float:
    """Height over width."""
    return image.shape[0] / image.shape[1]


def surroundings(region: Bool[np.ndarray, "H W"]) -> tuple[slice, slice]:
    """The rows and columns of some pixels with a margin of ``MARGIN``; all of them where there are none."""
    box = box_around(torch.from_numpy(region), MARGIN)
    return slice(box.top, box.bottom), slice(box.left, box.right)


def picture(ax: Axes, image: Image, title: str, outlined: Mask | None = None) -> None:
    """Draw an image without axes around it, and the outlines of the objects of a mask."""
    ax.imshow(image)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)
    if outlined is not None:
        outline(ax, outlined)


def outline(ax: Axes, mask: Mask) -> None:
    """Draw round every object of a mask in white."""
    for i in ids_of(mask):
        inside = np.pad(mask == i, 1)  # so that the line closes where the object touches the border
        rows, columns = (np.arange(-1, side + 1) for side in mask.shape)
        contour(ax, columns, rows, inside, "white", 1.0)
    ax.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def contour(ax: Axes, columns: np.ndarray, rows: np.ndarray, inside: np.ndarray, colour: Any, width: float) -> None:
    """Draw a line with a dark border round some pixels, whose middles are at these places."""
    lines = ax.contour(columns, rows, inside, levels=[0.5], colors=[colour], linewidths=width)
    lines.set_path_effects(HALO)  # as an argument older releases of Matplotlib ignore it


def in_corner(ax: Axes, text: str) -> None:
    """Write into the lower left corner of a picture."""
    ax.text(0.03, 0.05, text, color="white", path_effects=HALO, transform=ax.transAxes)


def draw_lines(
    ax: Axes, along: Mapping[str, Sequence | np.ndarray], values: Mapping[str, Sequence | np.ndarray], **style: Any
) -> None:
    """A line for each name, through its values at its places along the other axis.

    Raises:
        ValueError: more names than there are kinds of lines.
    """
    if len(values) > len(LINES):
        raise ValueError(f"{len(values)} lines; expected at most {len(LINES)}, which can be told apart")
    for name, (colour, dash) in zip(values, LINES, strict=False):
        ax.plot(along[name], values[name], dash, color=colour, linewidth=2, label=name, **style)
    open_axes(ax)


def open_axes(ax: Axes) -> None:
    """Axes without a frame on top and on the right."""
    ax.spines[["top", "right"]].set_visible(False)


def mark(ax: Axes, places: Iterable[int | float], colour: str = "0.75") -> None:
    """Thin upright lines behind what is drawn."""
    for place in places:
        ax.axvline(place, color=colour, linewidth=0.8, zorder=0)


def add_scale(figure: Figure, norm: Normalize, axes: Sequence[Axes], slender: int = 12) -> None:
    """Show the colours of a range of quantities right of some panels; ``slender`` times as high as wide."""
    figure.colorbar(ScalarMappable(norm, COLOUR_MAP), ax=list(axes), shrink=0.8, aspect=slender, pad=0.01)
