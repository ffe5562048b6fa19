"""Figures of what goes wrong and why: scores by seed, and the pixels of an object that were missed or taken."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import TITLE, WIDTH, aspect, draw_lines, in_corner, new_figure, outline, picture
from tbd_lib.evaluation.metrics import jaccard
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.frames import Frame
from tbd_lib.video.overlay import OKABE_ITO

KINDS = {
    "right": OKABE_ITO[1],
    "missed": OKABE_ITO[3],
    "from other objects": OKABE_ITO[6],
    "from the background": OKABE_ITO[5],
}
"""What can become of a pixel, and its colour."""


def by_seed(values: Mapping[str, Sequence[float]], measure: str) -> Described:
    """One line per name over the seeds: lines that rise and fall together show that luck belongs to the seed.

    Args:
        values: a score per seed, for at most four names.
        measure: what the scores are, as the upright axis is called.

    Raises:
        ValueError: more than four names.
    """
    figure = new_figure(3.0)
    ax = figure.subplots()
    seeds = {name: [f"seed {i}" for i in range(len(scores))] for name, scores in values.items()}
    draw_lines(ax, seeds, values, marker="o")
    ax.set(ylabel=measure)
    figure.legend(loc="outside upper left", ncols=len(values), frameon=False)
    clauses = [f"{name}: {', '.join(f'{score:.2f}' for score in scores)}" for name, scores in values.items()]
    return Described(figure, f"{measure} by seed. {'; '.join(clauses)}.")


def pixel_kinds(predicted: Mask, true: Mask, number: int) -> dict[str, Bool[np.ndarray, "H W"]]:
    """The pixels of an object by what became of them, as ``KINDS`` names them: together they are the union in J."""
    found, object_ = predicted == number, true == number
    extra = found & ~object_
    regions = found & object_, object_ & ~found, extra & (true > 0), extra & (true == 0)
    return dict(zip(KINDS, regions, strict=True))


def error_strip(frames: Sequence[Frame], predicted: Sequence[Mask], truth: Sequence[Mask], number: int) -> Described:
    """Grey frames side by side, one object's pixels coloured by what became of them, its true outline in white.

    All sequences have one entry per frame.
    """
    figure = new_figure(WIDTH / len(frames) * aspect(frames[0].image) + 2.4 * TITLE)
    axes = figure.subplots(1, len(frames), squeeze=False)[0]
    clauses = []
    for ax, frame, mask, true in zip(axes, frames, predicted, truth, strict=True):
        kinds = pixel_kinds(mask, true, number)
        score = jaccard(mask == number, true == number)
        picture(ax, _coloured(frame.image, kinds), f"frame {frame.name}")
        outline(ax, np.where(true == number, true, 0).astype(np.uint8))
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
