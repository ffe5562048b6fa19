"""Figures of cost: a roofline."""

from collections.abc import Mapping

import numpy as np

from tbd_lib.course.viz.described import Described, new_figure
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
    ends = np.array([min(ridge, *intensity.values()) / 2, max(ridge, *intensity.values()) * 2])
    along = np.geomspace(ends[0], ends[1], 200)
    ax.plot(along, np.minimum(peak, along * bandwidth) / 1e9, color="black", linewidth=2)
    ax.axvline(ridge, color="0.75", linewidth=0.8, zorder=0)
    said = []
    for row, (name, one) in enumerate(sorted(intensity.items(), key=lambda item: item[1])):
        best = min(peak, one * bandwidth)
        bound = "memory" if one < ridge else "arithmetic"
        colour = OKABE_ITO[5] if one < ridge else OKABE_ITO[4]
        ax.plot(one, best / 1e9, "o", color=colour, markersize=8)
        ax.annotate(
            name, (one, best / 1e9), (0, -12 - 14 * (row % 4)), textcoords="offset points", ha="center", va="top"
        )
        said.append(f"{name}: {one:.3g} operations per byte, bound by {bound}")
    ax.set(xscale="log", yscale="log", xlim=ends, xlabel="operations per byte", ylabel="billion operations per second")
    ax.set_ylim(ax.get_ylim()[0] / 2, peak / 1e9 * 2)
    ax.spines[["top", "right"]].set_visible(False)
    roof = f"Roof of {peak / 1e9:.3g} billion operations and {bandwidth / 1e9:.3g} billion bytes per second"
    return Described(figure, f"{roof}, ridge at {ridge:.3g} operations per byte. {'; '.join(said)}.")
