"""One pixel of a frame, and every object's claim to it before and after aggregation."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tbd_lib.course.viz.described import DPI, HALO, WIDTH, Described, aspect, picture
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.overlay import COLOURS, overlay


def odds_figure(
    image: Image,
    mask: Mask,
    place: tuple[float, float],
    before: Mapping[str, float],
    after: Mapping[str, float],
    said: str,
) -> Described:
    """A frame with one pixel marked, and two bars per label: its probability before and after aggregation.

    Args:
        image: the frame.
        mask: predicted ids.
        place: row and column of the pixel.
        before: probability of every label alone; labels are named "background" or "object <id>".
        after: the same labels' shares together.
        said: the sentence.
    """
    left = 0.58  # share of the width that the picture takes
    height = max(left * WIDTH * aspect(image), 0.9 + 0.4 * len(before))
    figure = Figure(figsize=(WIDTH, height + 0.3), dpi=DPI)
    top = height / (height + 0.3)
    ax = figure.add_axes((0, 0, left - 0.01, top))
    picture(ax, overlay(image, mask), "predicted masks and the pixel")
    row, column = place
    ax.autoscale(False)
    ax.axhline(row, color="white", linewidth=0.8, alpha=0.7)
    ax.axvline(column, color="white", linewidth=0.8, alpha=0.7)
    ax.plot(column, row, "o", markersize=9, markerfacecolor="none", color="white", path_effects=HALO)
    chart = figure.add_axes((left + 0.12, 0.16, 0.27, top - 0.2))
    rows = np.arange(len(before))
    colours = [_colour(name) for name in before]
    chart.barh(rows - 0.2, list(before.values()), 0.36, color=colours, alpha=0.45, label="alone", hatch="//")
    chart.barh(rows + 0.2, list(after.values()), 0.36, color=colours, label="together")
    chart.set(xlim=(0, 1.02), yticks=rows, yticklabels=list(before), xlabel="probability")
    chart.invert_yaxis()
    chart.spines[["top", "right"]].set_visible(False)
    chart.set_title("hatched: alone, full: together", fontsize=9, pad=2, loc="right")
    return Described(figure, said, photographic=True)


def _colour(name: str) -> tuple[float, ...]:
    """An object's colour; grey for the background."""
    if name == "background":
        return (0.6, 0.6, 0.6)
    return tuple((COLOURS[int(name.split()[-1])] / 255).tolist())
