"""Drawings in SVG as pixels, for pages that show no SVG: only the shapes and attributes that ``diagrams`` writes."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch, Polygon
from matplotlib.path import Path

PIXELS_PER_POINT = 72  # dots per inch at which a unit of the drawing is a pixel, and text as large as it says
CODES = {"M": Path.MOVETO, "l": Path.LINETO, "h": Path.LINETO, "v": Path.LINETO, "c": Path.CURVE4, "z": Path.CLOSEPOLY}
FONT = "DejaVu Sans"  # which comes with Matplotlib
Attributes = Mapping[str, str]


def pixels_of(drawing: str) -> UInt8[np.ndarray, "y x 3"]:
    """A drawing at its own size.

    Args:
        drawing: the text of an SVG file.

    Raises:
        KeyError: a shape that is not known here.
    """
    root = ElementTree.fromstring(drawing)
    width, height = (float(root.attrib[side]) for side in ("width", "height"))
    figure = Figure(figsize=(width / PIXELS_PER_POINT, height / PIXELS_PER_POINT), dpi=PIXELS_PER_POINT)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    for element in root:
        shape = element.tag.rpartition("}")[2]
        if shape == "text":
            _write(ax, {**root.attrib, **element.attrib}, element.text or "")
        elif shape != "title":
            ax.add_patch(SHAPES[shape](element.attrib, _style(element.attrib)))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _style(given: Attributes) -> dict[str, Any]:
    dashes = [float(length) for length in given.get("stroke-dasharray", "").split()]
    width = float(given.get("stroke-width", 0))
    return {
        "facecolor": given.get("fill", "none"),
        "edgecolor": given.get("stroke", "none"),
        "linewidth": width,
        "linestyle": (0, tuple(length / width for length in dashes)) if dashes else "-",
        "capstyle": given.get("stroke-linecap", "butt"),
        "zorder": 1,
    }


def _write(ax: Axes, given: Attributes, words: str) -> None:
    side = {"start": "left", "middle": "center"}[given["text-anchor"]]
    style: dict[str, Any] = {"weight": given.get("font-weight", "normal"), "family": FONT, "zorder": 1}
    x, y, size = (float(given[name]) for name in ("x", "y", "font-size"))
    ax.text(x, y, words, size=size, color=given["fill"], ha=side, va="baseline", **style)


def _box(given: Attributes, style: dict[str, Any]) -> Patch:
    x, y, width, height = (float(given[name]) for name in ("x", "y", "width", "height"))
    corner = float(given.get("rx", 0))
    return FancyBboxPatch((x, y), width, height, f"round,pad=0,rounding_size={corner}", **style)


def _round(given: Attributes, style: dict[str, Any]) -> Patch:
    x, y, radius = (float(given[name]) for name in ("cx", "cy", "r"))
    return Circle((x, y), radius, **style)


def _corners(closed: bool) -> Callable[[Attributes, dict[str, Any]], Patch]:
    def made(given: Attributes, style: dict[str, Any]) -> Patch:
        places = np.array([[float(number) for number in place.split(",")] for place in given["points"].split()])
        return Polygon(places, closed=closed, **style)

    return made


def _path(given: Attributes, style: dict[str, Any]) -> Patch:
    """Moves to a place, and lines and curves by steps, as ``CODES`` lists them."""
    places, codes, at = [], [], np.zeros(2)
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", given["d"]):
        values = np.array([float(number) for number in re.findall(r"-?[\d.]+", numbers)])
        steps = {"h": lambda v: np.outer(v, (1, 0)), "v": lambda v: np.outer(v, (0, 1))}
        points = steps.get(command, lambda v: v.reshape(-1, 2))(values)
        points = points + (0 if command == "M" else at) if len(points) else at[None]
        places += list(points)
        codes += [CODES[command]] * len(points)
        at = points[-1]
    return PathPatch(Path(np.array(places), codes), **style)


SHAPES: dict[str, Callable[[Attributes, dict[str, Any]], Patch]] = {
    "rect": _box,
    "circle": _round,
    "path": _path,
    "polyline": _corners(closed=False),
    "polygon": _corners(closed=True),
}
