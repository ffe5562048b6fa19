"""Figures of tracking: given masks, predicted masks over their frames, score maps."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.grid import Panel, best_cell, cells_of, grid_panels
from tbd_lib.course.viz.page import TITLE, WIDTH, aspect, in_corner, new_figure, new_panels, picture
from tbd_lib.evaluation.metrics import jaccard
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.geometry import padded_size
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.frames import Frame
from tbd_lib.video.masks import ids_of, size_of
from tbd_lib.video.overlay import overlay


def pictures(
    panels: Mapping[str, Image], sentence: str, outlined: Mapping[str, Mask] | None = None, columns: int = 4
) -> Described:
    """Pictures side by side under their titles.

    Args:
        panels: one picture per title; ``overlay`` makes one with masks.
        sentence: the caption. Compute it from what the pictures are to show: sizes, counts, places, scores.
        outlined: masks, by title, whose outlines are drawn in white.
        columns: at most so many in a row.
    """
    figure, axes = new_panels(len(panels), columns, max(map(aspect, panels.values())))
    for ax, (title, image) in zip(axes, panels.items(), strict=True):
        picture(ax, image, title, (outlined or {}).get(title))
    return Described(figure, sentence, photographic=True)


def given_mask(frame: Frame, mask: Mask) -> Described:
    """A frame, and the same frame with the objects that are given in it."""
    places = "; ".join(_place_of(mask, i) for i in ids_of(mask))
    panels = {f"frame {frame.name}": frame.image, "given mask": overlay(frame.image, mask)}
    return pictures(panels, f"Frame {frame.name} and the mask given in it: {places}.")


def mask_strip(frames: Sequence[Frame], rows: Mapping[str, Sequence[Mask]], truth: Sequence[Mask]) -> Described:
    """Frames side by side, a row for each name: its masks filled, the true outlines in white, J in the corner.

    J is averaged over the objects of the true masks. All sequences have one entry per frame.
    """
    figure = new_figure(len(rows) * WIDTH / len(frames) * aspect(frames[0].image) + TITLE)
    axes = figure.subplots(len(rows), len(frames), squeeze=False)
    ids = sorted({i for mask in truth for i in ids_of(mask)})
    clauses = []
    for row, (name, masks) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name)
        scores = [mean_jaccard(mask, true, ids) for mask, true in zip(masks, truth, strict=True)]
        for ax, frame, mask, true, score in zip(row, frames, masks, truth, scores, strict=True):
            picture(ax, overlay(frame.image, mask), "" if clauses else f"frame {frame.name}", true)
            in_corner(ax, f"J {score:.2f}")
        clauses.append(f"{name}: {', '.join(f'{score:.2f}' for score in scores)}")
    numbers = ", ".join(frame.name for frame in frames)
    return Described(figure, f"J in the frames {numbers}. {'; '.join(clauses)}.", photographic=True)


def score_maps(
    image: Image | None, mask: Mask, maps: Mapping[str, Float[Tensor, "h w"]], columns: int | None = None
) -> Described:
    """A frame, and scores per grid cell on one colour scale: where they are best inside the object, and where outside.

    Args:
        image: the frame at the size at which the tracker works; none if the maps alone are to be drawn.
        mask: the object's pixels, drawn as an outline. A cell lies outside if none of its pixels is the object's.
        maps: scores on the grid of the padded frame, as in ``Step.scores``.
        columns: at most so many panels in a row; all stand in one row without it.

    Raises:
        ValueError: a map that is not of the frame's grid.
    """
    size = mask.shape[0], mask.shape[1]
    arrays = {name: scores.detach().cpu().numpy() for name, scores in maps.items()}
    for scores in arrays.values():
        if padded_size(size) != (scores.shape[0] * STRIDE, scores.shape[1] * STRIDE):
            raise ValueError(f"a map of {size_of(scores.shape)} cells; expected the grid of {size_of(size)} pixels")
    panels = [] if image is None else [Panel("frame", image, outlined=mask)]
    panels += [Panel(name, scores=scores, outlined=mask) for name, scores in arrays.items()]
    inside = cells_of(mask > 0, size)
    clauses = [
        f"{name}: {_best(scores, inside)} inside, {_best(scores, ~inside)} outside" for name, scores in arrays.items()
    ]
    sentence = f"Best score inside and outside the object's outline. {'; '.join(clauses)}."
    most = max(float(scores.max()) for scores in arrays.values())
    return grid_panels(panels, size, sentence, columns or len(panels), most)


def _place_of(mask: Mask, i: int) -> str:
    """How large an object is, and where."""
    rows, columns = np.nonzero(mask == i)
    share = f"{len(rows):,} px, {len(rows) / mask.size:.1%} of the frame"
    return f"object {i} has {share}, around row {rows.mean():.0f}, column {columns.mean():.0f}"


def mean_jaccard(mask: Mask, true: Mask, ids: Sequence[int]) -> float:
    """J averaged over objects."""
    return float(np.mean([jaccard(mask == i, true == i) for i in ids]))


def _best(scores: Float[np.ndarray, "h w"], where: Bool[np.ndarray, "h w"]) -> str:
    """The highest score among some cells, and its cell."""
    cell = best_cell(scores, where)
    return "no cell" if cell is None else f"{scores[cell]:.2f} (row {cell[0]}, column {cell[1]})"
