"""Figures of data: pictures of any shape in rows of one height."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import DPI, TITLE, WIDTH, aspect, picture
from tbd_lib.video.arrays import Image, Mask

GAP = 0.06  # inches between pictures


def gallery(
    panels: Mapping[str, Image], sentence: str, rows: int = 2, outlined: Mapping[str, Mask] | None = None
) -> Described:
    """Pictures under their titles, upright and lying ones mixed: each row as wide as the page, and of one height.

    Args:
        panels: one picture per title, in order.
        sentence: the caption. Compute it from what the pictures are to show.
        rows: so many, of as many pictures each; the last may have fewer.
        outlined: masks, by title, whose outlines are drawn in white.

    Raises:
        ValueError: no picture.
    """
    if not panels:
        raise ValueError("found no picture; expected at least one")
    titles, each = list(panels), -(-len(panels) // rows)
    lines = [titles[start : start + each] for start in range(0, len(titles), each)]
    widths = [[1 / aspect(panels[title]) for title in line] for line in lines]  # of pictures that are one inch high
    heights = [(WIDTH - GAP * (len(line) - 1)) / sum(line) for line in widths]
    figure = Figure(figsize=(WIDTH, sum(heights) + TITLE * len(lines)), dpi=DPI)
    bands = figure.subfigures(len(lines), 1, squeeze=False, height_ratios=[height + TITLE for height in heights])[:, 0]
    for band, line, ratios, height in zip(bands, lines, widths, heights, strict=True):
        axes = band.subplots(1, len(line), squeeze=False, width_ratios=ratios)[0]
        band.subplots_adjust(0, 0, 1, height / (height + TITLE), GAP * len(line) / (height * sum(ratios)))
        for ax, title in zip(axes, line, strict=True):
            picture(ax, panels[title], title, (outlined or {}).get(title))
            ax.title.set_fontsize(9)
        axes[-1].title.set(ha="right", x=1)  # so that the title of a narrow picture does not leave the page
    return Described(figure, sentence, photographic=True)
