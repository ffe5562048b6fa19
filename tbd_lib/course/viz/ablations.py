"""Figures of what goes wrong and why: scores by seed, and the pixels of an object that were missed or taken."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, UInt8
from matplotlib.patches import Patch

from tbd_lib.course.viz.described import HALO, LINES, TITLE, WIDTH, Described, aspect, new_figure, outline, picture
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
    """One line per name over the seeds: lines side by side say that luck belongs to the seed.

    Args:
        values: a score per seed, for at most four names.
        measure: what the scores are, as the upright axis is called.

    Raises:
        ValueError: more than four names.
    """
    figure = new_figure(3.0)
    ax = figure.subplots()
    for (name, one), (colour, dash) in zip(values.items(), LINES[: len(values)], strict=True):
        ax.plot([f"seed {i}" for i in range(len(one))], one, dash, color=colour, linewidth=2, marker="o", label=name)
    ax.set(ylabel=measure)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(values), frameon=False)
    said = "; ".join(f"{name}: {', '.join(f'{score:.2f}' for score in one)}" for name, one in values.items())
    return Described(figure, f"{measure} by seed. {said}.")


def pixel_kinds(predicted: Mask, true: Mask, number: int) -> dict[str, Bool[np.ndarray, "H W"]]:
    """The pixels of an object by what became of them, as ``KINDS`` names them: together they are the union in J."""
    mine, own = predicted == number, true == number
    extra = mine & ~own
    return dict(zip(KINDS, (mine & own, own & ~mine, extra & (true > 0), extra & (true == 0)), strict=True))


def error_strip(frames: Sequence[Frame], predicted: Sequence[Mask], truth: Sequence[Mask], number: int) -> Described:
    """Grey frames side by side, one object's pixels coloured by what became of them, its true outline in white.

    All sequences have one entry per frame.
    """
    figure = new_figure(WIDTH / len(frames) * aspect(frames[0].image) + 2.4 * TITLE)
    said = []
    for ax, frame, mask, true in zip(
        figure.subplots(1, len(frames), squeeze=False)[0], frames, predicted, truth, strict=True
    ):
        kinds = pixel_kinds(mask, true, number)
        score = jaccard(mask == number, true == number)
        picture(ax, _coloured(frame.image, kinds), f"frame {frame.name}")
        outline(ax, np.where(true == number, true, 0).astype(np.uint8))
        ax.text(0.03, 0.05, f"J {score:.2f}", color="white", path_effects=HALO, transform=ax.transAxes)
        union = max(sum(int(where.sum()) for where in kinds.values()), 1)
        parts = ", ".join(f"{name} {where.sum() / union:.2f}" for name, where in kinds.items())
        said.append(f"frame {frame.name}: J {score:.2f}, {parts}")
    patches = [Patch(color=colour, label=name) for name, colour in KINDS.items()]
    figure.legend(handles=patches, loc="outside lower left", ncols=len(patches), frameon=False)
    return Described(
        figure, f"Shares of the union of object {number} and its mask. {'; '.join(said)}.", photographic=True
    )


def _colours() -> dict[str, UInt8[np.ndarray, "3"]]:
    """The colours of ``KINDS`` as red, green and blue."""
    return {name: np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.uint8) for name, colour in KINDS.items()}


def _coloured(image: Image, kinds: Mapping[str, Bool[np.ndarray, "H W"]]) -> Image:
    """The picture in grey, with some of its pixels in the colours of their kinds, shaded as the picture is."""
    grey = image.mean(2, keepdims=True)
    result = np.repeat(70 + 0.5 * grey, 3, 2)
    for name, colour in _colours().items():
        result[kinds[name]] = 0.25 * grey[kinds[name]] + 0.75 * colour
    return result.astype(np.uint8)
