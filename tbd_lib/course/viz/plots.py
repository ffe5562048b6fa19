"""Figures of numbers: curves, lines, bars and maps."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from tbd_lib.course.viz.described import LINES, TITLE, WIDTH, Described, new_figure
from tbd_lib.video.overlay import OKABE_ITO


def curves(
    values: Mapping[str, Float[np.ndarray, " n"]],
    measure: str,
    along: str = "frame",
    first: int = 0,
    marked: Iterable[int] = (),
) -> Described:
    """A measure in [0, 1] along the frames of a video, or along anything else that is counted; a curve for each name.

    Args:
        values: one value per frame; at most four names.
        measure: what it is, as the upright axis is called.
        along: what is counted, as the other axis is called.
        first: the frame of the first value (the scores of DAVIS begin with frame 1).
        marked: frames at which a thin line is drawn.

    Raises:
        ValueError: more than four names.
    """
    figure = new_figure(3.0)
    ax = figure.subplots()
    for (name, one), (colour, dash) in zip(values.items(), LINES[: len(values)], strict=True):
        ax.plot(first + np.arange(len(one)), one, dash, color=colour, linewidth=2, label=name)
    for place in marked:
        ax.axvline(place, color="0.75", linewidth=0.8, zorder=0)
    ax.set(xlabel=along, ylabel=measure, ylim=(0, 1.02))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(values), frameon=False)
    said = "; ".join(f"{name}: {_extent(one, first)}" for name, one in values.items())
    return Described(figure, f"{measure} by {along}. {said}.")


def _extent(values: Float[np.ndarray, " n"], first: int) -> str:
    """How a curve begins and ends, its mean and its least value."""
    ends = f"from {values[0]:.2f} to {values[-1]:.2f}, mean {values.mean():.2f}"
    return f"{ends}, least {values.min():.2f} at {first + int(values.argmin())}"


def lines(
    along: Float[np.ndarray, " n"] | Mapping[str, Float[np.ndarray, " _"]],
    values: Mapping[str, Float[np.ndarray, " _"]],
    measure: str,
    name_along: str,
    marked: Iterable[float] = (),
    logarithmic: bool = False,
) -> Described:
    """Quantities of any range against another quantity; a line for each name.

    Args:
        along: where the values were taken; for every line its own places if it is a mapping with the same names.
        values: as many values per name; at most four names.
        measure: what the values are, with their unit, as the upright axis is called.
        name_along: what ``along`` is, with its unit, as the other axis is called.
        marked: places at which a thin upright line is drawn.
        logarithmic: whether the upright axis is.

    Raises:
        ValueError: more than four names.
    """
    figure = new_figure(3.0)
    ax = figure.subplots()
    said = []
    for (name, one), (colour, dash) in zip(values.items(), LINES[: len(values)], strict=True):
        places = along[name] if isinstance(along, Mapping) else along
        ax.plot(places, one, dash, color=colour, linewidth=2, label=name)
        least = f"least {one.min():.3g} at {places[int(one.argmin())]:g}"
        said.append(f"{name}: from {one[0]:.3g} to {one[-1]:.3g}, {least}, most {one.max():.3g}")
    for place in marked:
        ax.axvline(place, color="0.75", linewidth=0.8, zorder=0)
    ax.set(xlabel=name_along, ylabel=measure, yscale="log" if logarithmic else "linear")
    every = np.concatenate(list(along.values())) if isinstance(along, Mapping) else along
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=bool((every == every.round()).all())))
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(values), frameon=False)
    return Described(figure, f"{measure} by {name_along}. {'; '.join(said)}.")


def bars(
    values: Mapping[str, float],
    measure: str,
    spread: Mapping[str, tuple[float, float]] | None = None,
    limit: tuple[str, float] | None = None,
) -> Described:
    """One bar per name, from top to bottom, with its value beside it.

    Args:
        values: the lengths.
        measure: what they are, with their unit.
        spread: least and greatest value of each, drawn as a thin black line and said.
        limit: name and place of a dashed line to compare with.
    """
    figure = new_figure(0.8 + 0.3 * len(values))
    ax = figure.subplots()
    spread = spread or {}
    ax.barh(list(values), list(values.values()), color=OKABE_ITO[1], height=0.7)
    said = []
    for row, (name, value) in enumerate(values.items()):
        ends = spread.get(name, (value, value))
        ax.plot(ends, (row, row), color="black", linewidth=1.5)
        ax.text(max(*ends, value), row, f" {value:.3g}", va="center")
        said.append(f"{name} {value:.3g}" + (f" ({ends[0]:.3g} to {ends[1]:.3g})" if name in spread else ""))
    if limit:
        ax.axvline(limit[1], color=OKABE_ITO[5], linestyle="--", label=limit[0])
        ax.legend(frameon=False)
        said.append(f"dashed line, {limit[0]}, at {limit[1]:.3g}")
    ax.invert_yaxis()
    ax.set(xlabel=measure)
    ax.spines[["top", "right"]].set_visible(False)
    return Described(figure, f"{measure}: {', '.join(said)}.")


def heat_maps(maps: Mapping[str, Float[np.ndarray, "_ _"]], measure: str, columns: int = 5) -> Described:
    """Matrices side by side on one colour scale, each with its greatest value and where it stands.

    Args:
        maps: one matrix per title.
        measure: what the values are.
        columns: at most so many in a row.
    """
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    side = max(one.shape[0] / one.shape[1] for one in maps.values())
    figure = new_figure(rows * (WIDTH * 0.9 / columns * side + TITLE))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    low, high = (float(f([f(one) for one in maps.values()])) for f in (np.min, np.max))
    scale = ScalarMappable(Normalize(low, high), "viridis")
    said = []
    for ax, (name, one) in zip(axes, maps.items(), strict=False):
        ax.imshow(one, cmap=scale.cmap, norm=scale.norm)
        row, column = np.unravel_index(int(one.argmax()), one.shape)
        said.append(f"{name}: {_short(one.min())} to {_short(one.max())}, greatest at row {row}, column {column}")
        ax.set(xticks=[], yticks=[], title=name)
    for ax in axes[len(maps) :]:
        ax.set_axis_off()
    figure.colorbar(scale, ax=list(axes), shrink=0.8, aspect=12, pad=0.01)
    return Described(figure, f"{measure}. {'; '.join(said)}.")


def _short(value: float) -> str:
    """Three digits; what is nearly nothing is called 0, since its digits differ from machine to machine."""
    return f"{value:.3g}" if abs(value) >= 1e-3 else "0"
