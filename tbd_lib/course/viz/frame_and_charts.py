"""A frame on the left and charts on the right: the whole video at a glance, and the claims to one pixel."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import (
    HALO,
    TITLE,
    WIDTH,
    aspect,
    draw_lines,
    mark,
    new_figure,
    open_axes,
    outline,
    picture,
)
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.overlay import COLOURS, overlay

Curves = Mapping[str, Float[np.ndarray, "_"]]
LEFT = 0.58  # share of the width that the frame takes


def timeline(
    image: Image, mask: Mask, truth: Mask, scores: Curves, drift: Curves, frame: int, sentence: str
) -> Described:
    """A frame with its mask (true outline in white), and beside it the scores and the templates' drift of all frames.

    Args:
        image: the frame.
        mask: predicted ids.
        truth: true ids.
        scores: one value per frame, by name.
        drift: one cosine per frame from the second on, by name.
        frame: which one is shown; a line marks it in the curves.
        sentence: the caption.
    """
    figure = new_figure(max(LEFT * WIDTH * aspect(image), 3.0) + 2 * TITLE)
    axes = figure.subplot_mosaic("fs;fd", width_ratios=[LEFT, 1 - LEFT])
    left, upper, lower = axes["f"], axes["s"], axes["d"]
    picture(left, overlay(image, mask), f"frame {frame}")
    outline(left, truth)
    _curves(upper, scores, 0, frame)
    _curves(lower, drift, 1, frame)
    least = min(float(values.min(initial=1)) for values in drift.values())
    upper.set_ylim(0, 1.02)
    lower.set_ylim(min(0.9, np.floor(10 * least) / 10), 1.02)  # cosines stay near 1
    lower.set_title("cosine with the first vector", fontsize=9)
    lower.set_xlabel("frame")
    return Described(figure, sentence, photographic=True)


def _curves(ax: Axes, values: Curves, first: int, frame: int) -> None:
    """Curves whose first value is that of this frame, with the frame that is shown marked."""
    draw_lines(ax, {name: first + np.arange(len(curve)) for name, curve in values.items()}, values)
    mark(ax, [frame], "0.4")
    ax.tick_params(labelsize=8)
    ax.legend(frameon=False, fontsize=8, ncols=len(values), loc="lower left", borderpad=0)


def odds_figure(
    image: Image,
    mask: Mask,
    place: tuple[float, float],
    before: Mapping[str, float],
    after: Mapping[str, float],
    sentence: str,
) -> Described:
    """A frame with one pixel marked, and two bars per label: its probability before and after aggregation.

    Args:
        image: the frame.
        mask: predicted ids.
        place: row and column of the pixel.
        before: probability of every label alone; labels are named "background" or "object <id>".
        after: the same labels' shares together.
        sentence: the caption.
    """
    figure = new_figure(max(LEFT * WIDTH * aspect(image), 0.9 + 0.4 * len(before)) + 2 * TITLE)
    left, chart = figure.subplots(1, 2, width_ratios=[LEFT, 1 - LEFT])
    picture(left, overlay(image, mask), "predicted masks and the pixel")
    row, column = place
    left.autoscale(False)
    left.axhline(row, color="white", linewidth=0.8, alpha=0.7)
    left.axvline(column, color="white", linewidth=0.8, alpha=0.7)
    left.plot(column, row, "o", markersize=9, markerfacecolor="none", color="white", path_effects=HALO)
    rows = np.arange(len(before))
    colours = [_colour(name) for name in before]
    chart.barh(rows - 0.2, list(before.values()), 0.36, color=colours, alpha=0.45, hatch="//")
    chart.barh(rows + 0.2, list(after.values()), 0.36, color=colours)
    chart.set(xlim=(0, 1.02), yticks=rows, yticklabels=list(before), xlabel="probability")
    chart.set_title("hatched: alone, full: together", fontsize=9, loc="right")
    chart.invert_yaxis()
    open_axes(chart)
    return Described(figure, sentence, photographic=True)


def _colour(name: str) -> tuple[float, ...]:
    """An object's colour; grey for the background."""
    if name == "background":
        return (0.6, 0.6, 0.6)
    return tuple((COLOURS[int(name.split()[-1])] / 255).tolist())
