"""Figures of what ideas are worth, and of what goes wrong: effects, curves of learning, pixels missed or taken."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import (
    TITLE,
    WIDTH,
    aspect,
    draw_lines,
    in_corner,
    new_figure,
    new_panels,
    open_axes,
    picture,
    surroundings,
)
from tbd_lib.evaluation.metrics import jaccard
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.frames import Frame
from tbd_lib.video.masks import only
from tbd_lib.video.overlay import OKABE_ITO

KINDS = {
    "right": OKABE_ITO[1],
    "missed": OKABE_ITO[3],
    "from other objects": OKABE_ITO[6],
    "from the background": OKABE_ITO[5],
}
"""What can become of a pixel, and its colour."""
LABELS = 2.4  # inches for the names beside the panels


def effects(panels: Mapping[str, Mapping[str, Mapping[str, float]]], measure: str, columns: int = 3) -> Described:
    """Differences with their intervals, a panel for each set of videos; a filled point where zero lies outside.

    Args:
        panels: by set and name, the ``mean`` difference, and ``low`` and ``high``, the ends of its interval. All sets
            have the same names.
        measure: what the differences are, as the axis is called.
        columns: at most so many panels in a row.
    """
    names = list(next(iter(panels.values())))
    shape = min(columns, len(panels)) * (0.6 + 0.22 * len(names)) / (WIDTH - LABELS)
    figure, axes = new_panels(len(panels), columns, shape)
    clauses = []
    for number, (ax, (title, rows)) in enumerate(zip(axes, panels.items(), strict=True)):
        ax.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        seen: list[str] = []
        for row, name in enumerate(names):
            mean, low, high = (rows[name][part] for part in ("mean", "low", "high"))
            if shown := low > 0 or high < 0:
                seen.append(f"{name} {mean:+.3f}")
            colour = OKABE_ITO[5] if shown else "0.45"
            ax.plot((low, high), (row, row), color=colour, linewidth=1.5)
            ax.plot(mean, row, "o", color=colour, markerfacecolor=colour if shown else "white", markersize=5)
        clauses.append(f"{title}: {', '.join(seen) or 'none'}")
        ax.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
        ax.set_title(title.replace(", ", "\n"), fontsize="medium")
        ax.set_yticklabels(names if number % columns == 0 else [])
        ax.tick_params("y", length=0)
        open_axes(ax)
    ends = [end for ax in axes for end in ax.get_xlim()]
    for ax in axes:
        ax.set_xlim(min(ends), max(ends))
    figure.supxlabel(measure, fontsize="medium")
    return Described(figure, f"{measure}; those whose interval leaves zero out. {'; '.join(clauses)}.")


def learning_curves(
    panels: Mapping[str, Mapping[str, Sequence[float]]], iterations: Sequence[int], measure: str, columns: int = 4
) -> Described:
    """How scores rise while heads are trained: a panel for each set of videos, all on one scale.

    Args:
        panels: by set and name (at most four), a score after each number of iterations.
        iterations: those numbers.
        measure: what the scores are, as the upright axis is called.
        columns: at most so many panels in a row.

    Raises:
        ValueError: more than four names.
    """
    figure, axes = new_panels(len(panels), columns, 1.0)
    clauses = []
    for number, (ax, (title, names)) in enumerate(zip(axes, panels.items(), strict=True)):
        draw_lines(ax, dict.fromkeys(names, iterations), names, marker="o", markersize=4)
        ax.set_title(title.replace(", ", "\n"), fontsize="medium")
        ax.set(xticks=iterations, ylabel=measure if number % columns == 0 else "")
        last = ", ".join(f"{name} {scores[-1]:.2f}" for name, scores in names.items())
        clauses.append(f"{title}: {last}")
    ends = [end for ax in axes for end in ax.get_ylim()]
    for ax in axes:
        ax.set_ylim(min(ends), max(ends))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False)
    figure.supxlabel("iterations", fontsize="medium")
    return Described(figure, f"{measure} after {iterations[-1]} iterations. {'; '.join(clauses)}.")


def pixel_kinds(predicted: Mask, true: Mask, number: int) -> dict[str, Bool[np.ndarray, "H W"]]:
    """The pixels of an object by what became of them, as ``KINDS`` names them: together they are the union in J."""
    found, object_ = predicted == number, true == number
    extra = found & ~object_
    regions = found & object_, object_ & ~found, extra & (true > 0), extra & (true == 0)
    return dict(zip(KINDS, regions, strict=True))


def error_strip(frames: Sequence[Frame], predicted: Sequence[Mask], truth: Sequence[Mask], number: int) -> Described:
    """Grey frames side by side, one object's pixels coloured by what became of them, its true outline in white.

    Of every frame the same part is shown, that in which the object or its mask is. All sequences have one entry per
    frame.
    """
    part = surroundings(np.any([mask == number for mask in (*predicted, *truth)], 0))
    frames = [Frame(frame.name, frame.image[part]) for frame in frames]
    predicted, truth = ([mask[part] for mask in masks] for masks in (predicted, truth))
    figure = new_figure(WIDTH / len(frames) * aspect(frames[0].image) + 2.4 * TITLE)
    axes = figure.subplots(1, len(frames), squeeze=False)[0]
    clauses = []
    for ax, frame, mask, true in zip(axes, frames, predicted, truth, strict=True):
        kinds = pixel_kinds(mask, true, number)
        score = jaccard(mask == number, true == number)
        picture(ax, _coloured(frame.image, kinds), f"frame {frame.name}", only(true, number))
        in_corner(ax, f"J {score:.2f}")
        union = max(sum(int(region.sum()) for region in kinds.values()), 1)
        shares = ", ".join(f"{name} {region.sum() / union:.2f}" for name, region in kinds.items())
        clauses.append(f"frame {frame.name}: J {score:.2f}, {shares}")
    patches = [Patch(color=colour, label=name) for name, colour in KINDS.items()]
    figure.legend(handles=patches, loc="outside lower left", ncols=len(patches), frameon=False)
    sentence = f"Shares of the union of object {number} and its mask. {'; '.join(clauses)}."
    return Described(figure, sentence, photographic=True)


def _coloured(image: Image, kinds: Mapping[str, Bool[np.ndarray, "H W"]]) -> Image:
    """The picture in grey, its pixels of each kind in that kind's colour, shaded as the picture is."""
    grey = image.mean(2, keepdims=True)
    result = np.repeat(70 + 0.5 * grey, 3, 2)
    for name, region in kinds.items():
        result[region] = 0.25 * grey[region] + 0.75 * 255 * np.array(to_rgb(KINDS[name]))
    return result.astype(np.uint8)
