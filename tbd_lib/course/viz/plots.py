"""Figures of numbers: curves, lines, bars and matrices."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tbd_lib.course.viz import page
from tbd_lib.course.viz.described import Described
from tbd_lib.video.overlay import OKABE_ITO

Lines = Mapping[str, Float[np.ndarray, " _"]]


def curves(
    values: Lines, measure: str, along: str = "frame", first: int = 0, marked: Iterable[int | float] = ()
) -> Described:
    """A measure in [0, 1] along the frames of a video, or along anything else that is counted; a curve for each name.

    Args:
        values: one value per frame; at most four names.
        measure: what it is, as the upright axis is called.
        along: what is counted, as the other axis is called.
        first: the frame of the first value (the scores of DAVIS begin with frame 1).
        marked: frames at which a thin upright line is drawn.

    Raises:
        ValueError: more than four names.
    """
    places = {name: first + np.arange(len(line), dtype=np.float64) for name, line in values.items()}
    figure = _line_figure(places, values, measure, along, marked)
    figure.axes[0].set_ylim(0, 1.02)
    clauses = [
        f"{name}: from {line[0]:.2f} to {line[-1]:.2f}, mean {line.mean():.2f}, "
        f"least {line.min():.2f} at {first + int(line.argmin())}"
        for name, line in values.items()
    ]
    return Described(figure, f"{measure} by {along}. {'; '.join(clauses)}.")


def lines(
    along: Float[np.ndarray, " n"] | Lines,
    values: Lines,
    measure: str,
    name_along: str,
    marked: Iterable[int | float] = (),
) -> Described:
    """Quantities of any range against another quantity; a line for each name.

    Args:
        along: where the values were taken; a mapping with the same names where each line has places of its own.
        values: as many values per name; at most four names.
        measure: what the values are, with their unit, as the upright axis is called.
        name_along: what ``along`` is, with its unit, as the other axis is called.
        marked: places at which a thin upright line is drawn.

    Raises:
        ValueError: more than four names.
    """
    places = along if isinstance(along, Mapping) else dict.fromkeys(values, along)
    clauses = [
        f"{name}: from {line[0]:.3g} to {line[-1]:.3g}, least {line.min():.3g} at {places[name][line.argmin()]:g}, "
        f"most {line.max():.3g}"
        for name, line in values.items()
    ]
    figure = _line_figure(places, values, measure, name_along, marked)
    return Described(figure, f"{measure} by {name_along}. {'; '.join(clauses)}.")


def _line_figure(places: Lines, values: Lines, measure: str, name_along: str, marked: Iterable[int | float]) -> Figure:
    """Lines with their names above them; the ticks are whole numbers where all places are."""
    figure = page.new_figure(3.0)
    ax = figure.subplots()
    page.draw_lines(ax, places, values)
    page.mark(ax, marked)
    ax.set(xlabel=name_along, ylabel=measure)
    whole = all((line == line.round()).all() for line in places.values())
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=whole))
    figure.legend(loc="outside upper left", ncols=len(values), frameon=False)
    return figure


def bars(
    values: Mapping[str, float], measure: str, spread: Mapping[str, tuple[float, float]] | None = None
) -> Described:
    """One bar per name, from top to bottom, with its value beside it.

    Args:
        values: the lengths.
        measure: what they are, with their unit.
        spread: least and greatest value of each, drawn as a thin black line and named in the caption; the value then
            stands inside the bar, since at the end of the line it would read as the greatest.
    """
    figure = page.new_figure(0.8 + 0.3 * len(values))
    ax = figure.subplots()
    spread = spread or {}
    ax.barh(list(values), list(values.values()), color=OKABE_ITO[1], height=0.7)
    clauses = []
    for row, (name, value) in enumerate(values.items()):
        ends = spread.get(name, (value, value))
        ax.plot(ends, (row, row), color="black", linewidth=1.5)
        ax.text(0 if name in spread else value, row, f" {value:.3g}", va="center")
        clauses.append(f"{name} {value:.3g}" + (f" ({ends[0]:.3g} to {ends[1]:.3g})" if name in spread else ""))
    ax.invert_yaxis()
    ax.set(xlabel=measure)
    page.open_axes(ax)
    return Described(figure, f"{measure}: {', '.join(clauses)}.")


def heat_maps(maps: Mapping[str, Float[np.ndarray, "_ _"]], measure: str, columns: int = 5) -> Described:
    """Matrices side by side on one colour scale, with the greatest value of each and where it stands.

    Args:
        maps: one matrix per title.
        measure: what the values are.
        columns: at most so many in a row.
    """
    tallest = max(matrix.shape[0] / matrix.shape[1] for matrix in maps.values())
    figure, axes = page.new_panels(len(maps), columns, tallest, 0.9 * page.WIDTH)
    norm = Normalize(min(matrix.min() for matrix in maps.values()), max(matrix.max() for matrix in maps.values()))
    clauses = []
    for ax, (name, matrix) in zip(axes, maps.items(), strict=True):
        ax.imshow(matrix, cmap=page.COLOUR_MAP, norm=norm)
        ax.set(xticks=[], yticks=[], title=name)
        row, column = np.unravel_index(int(matrix.argmax()), matrix.shape)
        extent = f"{_short(matrix.min())} to {_short(matrix.max())}"
        clauses.append(f"{name}: {extent}, greatest at row {row}, column {column}")
    page.add_scale(figure, norm, figure.axes)
    return Described(figure, f"{measure}. {'; '.join(clauses)}.")


def _short(value: float) -> str:
    """Three digits; a value near 0 is called 0, since its digits differ from machine to machine."""
    return f"{value:.3g}" if abs(value) >= 1e-3 else "0"
