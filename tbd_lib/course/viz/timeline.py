"""One frame of a tracked video beside the curves of the whole video."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbd_lib.course.viz.described import DPI, LINES, WIDTH, Described, aspect, outline, picture
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.overlay import overlay

Curves = Mapping[str, Float[np.ndarray, "_"]]


def timeline(image: Image, mask: Mask, truth: Mask, scores: Curves, drift: Curves, frame: int, said: str) -> Described:
    """A frame with its mask (true outline in white), and beside it the scores and the templates' drift of all frames.

    Args:
        image: the frame.
        mask: predicted ids.
        truth: true ids.
        scores: one value per frame, by name.
        drift: one cosine per frame from the second on, by name.
        frame: which one is shown; a line marks it in the curves.
        said: the sentence.
    """
    left = 0.58  # share of the width that the picture takes
    height = max(left * WIDTH * aspect(image) + 0.3, 3.0)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    ax = figure.add_axes((0, 0, left - 0.01, 1 - 0.3 / height))
    picture(ax, overlay(image, mask), f"frame {frame}")
    outline(ax, truth)
    _curves(figure.add_axes((left + 0.05, 0.58, 0.36, 0.34)), scores, 0, frame, "")
    lower = figure.add_axes((left + 0.05, 0.13, 0.36, 0.34))
    _curves(lower, drift, 1, frame, "cosine with the first vector")
    lower.set_xlabel("frame", labelpad=1)
    return Described(figure, said, photographic=True)


def _curves(ax: Axes, values: Curves, first: int, marked: int, title: str) -> None:
    """Curves between 0 and 1 with one frame marked."""
    for (name, one), (colour, dash) in zip(values.items(), LINES, strict=False):
        ax.plot(first + np.arange(len(one)), one, dash, color=colour, linewidth=2, label=name)
    ax.axvline(marked, color="0.4", linewidth=1)
    least = min(float(one.min(initial=1)) for one in values.values())
    ax.set(ylim=(min(0.9, np.floor(10 * least) / 10) if first else 0, 1.02))  # cosines stay near 1
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(title, fontsize=9, pad=2, loc="right")
    ax.legend(frameon=False, fontsize=8, ncols=len(values), loc="lower left", borderpad=0)
