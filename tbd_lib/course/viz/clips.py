"""Training clips as rows of frames."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from tbd_lib.course.viz.described import DPI, WIDTH, Described, picture
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.overlay import overlay

TITLE = 0.27  # inches above each row
GAP = 4  # white pixels between frames


def clip_rows(rows: Mapping[str, Sequence[tuple[Image, Mask]]], said: str) -> Described:
    """Clips of equally many frames of one size, a row for each, with their targets marked.

    Args:
        rows: frames and masks, by the row's title.
        said: the sentence.
    """
    joined = {title: _side_by_side(frames) for title, frames in rows.items()}
    height = max(WIDTH * one.shape[0] / one.shape[1] for one in joined.values())
    whole = len(rows) * (height + TITLE)
    figure = Figure(figsize=(WIDTH, whole), dpi=DPI)
    for number, (title, one) in enumerate(joined.items(), 1):
        ax = figure.add_axes((0, (whole - number * (height + TITLE)) / whole, 1, height / whole))
        picture(ax, one, "")
        ax.set_title(title, fontsize=10, pad=4, loc="left")
    return Described(figure, said, photographic=True)


def _side_by_side(frames: Sequence[tuple[Image, Mask]]) -> UInt8[np.ndarray, "H _ 3"]:
    """Frames with their masks in one picture, with white between."""
    shown = [overlay(image, mask) for image, mask in frames]
    gap = np.full((shown[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([part for one in shown for part in (gap, one)][1:], 1)
