"""Figures of cost: a roofline."""

from collections.abc import Mapping

import numpy as np

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import mark, new_figure, open_axes
from tbd_lib.video.overlay import OKABE_ITO


def roofline(intensity: Mapping[str, float], peak: float, bandwidth: float) -> Described:
    """How fast each part can run at best: below the roof that memory and arithmetic set (Williams et al., 2009).

    Args:
        intensity: floating-point operations per byte that is moved, by the part's name.
        peak: operations per second that the machine can do at most.
        bandwidth: bytes per second that its memory can move at most.

    Raises:
        ValueError: an intensity, peak or bandwidth that is not above 0.
    """
    if min(peak, bandwidth, *intensity.values()) <= 0:
        raise ValueError(f"intensities {dict(intensity)}, peak {peak}, bandwidth {bandwidth}; expected all above 0")
    figure = new_figure(4.0)
    ax = figure.subplots()
    ridge = peak / bandwidth
    ends = min(ridge, *intensity.values()) / 2, max(ridge, *intensity.values()) * 2
    along = np.geomspace(*ends, 200)
    ax.plot(along, np.minimum(peak, along * bandwidth) / 1e9, color="black", linewidth=2)
    mark(ax, [ridge])
    clauses = []
    for name, density in sorted(intensity.items(), key=lambda item: item[1]):
        bound, colour = ("memory", OKABE_ITO[5]) if density < ridge else ("arithmetic", OKABE_ITO[4])
        point = density, min(peak, density * bandwidth) / 1e9
        ax.plot(*point, "o", color=colour, markersize=8)
        ax.annotate(name, point, (0, -8), textcoords="offset points", ha="center", va="top", rotation="vertical")
        clauses.append(f"{name}: {density:.3g} operations per byte, bound by {bound}")
    ax.set(xscale="log", yscale="log", xlim=ends, xlabel="operations per byte", ylabel="billion operations per second")
    ax.set_ylim(ax.get_ylim()[0] / 8, peak / 1e9 * 2)  # room for the names
    open_axes(ax)
    roof = f"Roof of {peak / 1e9:.3g} billion operations and {bandwidth / 1e9:.3g} billion bytes per second"
    return Described(figure, f"{roof}, ridge at {ridge:.3g} operations per byte. {'; '.join(clauses)}.")
