"""Figures of data: pictures of any shape in rows of one height."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from tbd_lib.course.viz.described import DPI, TITLE, WIDTH, Described, aspect, picture
from tbd_lib.video.arrays import Image

GAP = 0.06  # inches between pictures


def gallery(panels: Mapping[str, Image], said: str, rows: int = 2) -> Described:
    """Pictures under their titles, upright and lying ones mixed: each row as wide as the page, and of one height.

    Args:
        panels: one picture per title, in order.
        said: the sentence. Compute it from what the pictures are to show.
        rows: so many, of as many pictures each; the last may have fewer.

    Raises:
        ValueError: no picture.
    """
    if not panels:
        raise ValueError("found no picture; expected at least one")
    titles, each = list(panels), -(-len(panels) // rows)
    lines = [titles[at : at + each] for at in range(0, len(titles), each)]
    heights = [_height([aspect(panels[title]) for title in line]) for line in lines]
    whole = sum(heights) + len(lines) * TITLE
    figure = Figure(figsize=(WIDTH, whole), dpi=DPI)
    top = whole
    for line, height in zip(lines, heights, strict=True):
        top -= TITLE + height
        _draw_line(figure, {title: panels[title] for title in line}, top, height)
    return Described(figure, said, photographic=True)


def _draw_line(figure: Figure, line: Mapping[str, Image], bottom: float, height: float) -> None:
    """Pictures side by side; ``bottom`` and ``height`` are in inches."""
    whole, left = float(figure.get_size_inches()[1]), 0.0
    for title, one in line.items():
        width = height / aspect(one)
        ax = figure.add_axes((left / WIDTH, bottom / whole, width / WIDTH, height / whole))
        picture(ax, one, title)
        ax.title.set_fontsize(9)
        left += width + GAP
    figure.axes[-1].title.set(ha="right", x=1)  # so that the title of a narrow one does not leave the page


def _height(aspects: Sequence[float]) -> float:
    """The height, in inches, at which pictures side by side are as wide as the page."""
    return (WIDTH - GAP * (len(aspects) - 1)) / sum(1 / one for one in aspects)
