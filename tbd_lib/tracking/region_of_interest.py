"""Each object's log-odds, decoded for it alone: everywhere, or, as an option that trades exactness for time, near it.

The method decodes every pixel for every object. Near an object means its box: all cells in which it was, or in which
its own fine templates beat the background's, and a margin. The decoder's gates then see the box instead of the frame,
so masks are not the method's to the pixel; ``results/bench_cpu.json`` has J&F beside the speed.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.method.aggregate import MOST_LOG_ODDS
from tbd_lib.method.model import Features
from tbd_lib.method.shapes import STRIDE
from tbd_lib.method.templates import Templates
from tbd_lib.tracking.config import TrackConfig

Maps = Float[Tensor, "... _y _x"]
Scores = Float[Tensor, "1 o 10 h w"]

MIN_COVERAGE = 0.05  # share of a cell that an object has to cover in the frame before to count as having been there


@dataclass(frozen=True)
class Box:
    """Cells of the grid; ``bottom`` and ``right`` are the first ones outside."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, maps: Maps, per_cell: int = 1) -> Tensor:
        """The part of maps with so many places per cell, each way."""
        top, bottom, left, right = (side * per_cell for side in (self.top, self.bottom, self.left, self.right))
        return maps[..., top:bottom, left:right]


def log_odds(
    segmenter: Segmenter, features: Features, templates: Templates, scores: Scores, config: TrackConfig
) -> Float[Tensor, "o H W"]:
    """Foreground against background for each object alone, everywhere or near it, as the configuration says."""
    if config.roi_margin is None:
        return log_odds_everywhere(segmenter, features, templates, scores, config.objects_at_once)
    return log_odds_near(segmenter, features, templates, scores, config.roi_margin)


def log_odds_everywhere(
    segmenter: Segmenter, features: Features, templates: Templates, scores: Scores, at_once: int | None
) -> Float[Tensor, "o H W"]:
    """The method's, some objects at a time: the decoder's maps of all would not fit in memory.

    Args:
        segmenter: decodes.
        features: of the frame.
        templates: of the objects.
        scores: of the objects in this frame.
        at_once: objects; None is one for each thread on a CPU, and eight on a GPU.
    """
    at_once = at_once or (torch.get_num_threads() if scores.device.type == "cpu" else 8)
    odds = []
    for first in range(0, scores.shape[1], at_once):
        part = slice(first, first + at_once)
        logits = segmenter.segment(features, templates.take(part), scores[:, part])[0]
        odds.append(logits[:, 1] - logits[:, 0])
    return torch.cat(odds)


def log_odds_near(
    segmenter: Segmenter, features: Features, templates: Templates, scores: Scores, margin: int
) -> Float[Tensor, "o H W"]:
    """Log-odds that are decoded inside each object's box only; elsewhere the lowest that aggregation tells apart.

    The box reaches ``margin`` cells beyond the cells in which the object is possible.
    """
    odds = scores.new_full((scores.shape[1], *(side * STRIDE for side in scores.shape[-2:])), -MOST_LOG_ODDS)
    cells = possible_cells(scores[0], templates.prev_mask[0, :, 1]).cpu()  # at once: a GPU has to be waited for
    for number in range(scores.shape[1]):
        part = slice(number, number + 1)
        box = box_around(cells[number], margin)
        inside = Features(
            box.cut(features.s4, 4), box.cut(features.s8, 2), box.cut(features.s16), box.cut(features.key)
        )
        remembered = _cut_templates(templates.take(part), box)
        logits = segmenter.segment(inside, remembered, box.cut(scores[:, part]))[0, 0]
        box.cut(odds[number], STRIDE)[:] = logits[1] - logits[0]
    return odds


def _cut_templates(templates: Templates, box: Box) -> Templates:
    return replace(
        templates,
        first_key=box.cut(templates.first_key),
        first_mask=box.cut(templates.first_mask),
        prev_key=box.cut(templates.prev_key),
        prev_mask=box.cut(templates.prev_mask),
    )


def possible_cells(scores: Float[Tensor, "*o 10 h w"], before: Float[Tensor, "*o h w"]) -> Bool[Tensor, "*o h w"]:
    """Cells in which an object was, or in which a fine template of its own is more alike than the background's."""
    far, near = (scores[..., first + 1, :, :] > scores[..., first, :, :] for first in (0, 2))
    return (before > MIN_COVERAGE) | far | near


def box_around(cells: Bool[Tensor, "h w"], margin: int) -> Box:
    """The box of the given cells with a margin, inside the grid; all of the grid where there are none."""
    h, w = cells.shape
    rows, columns = cells.any(1).nonzero()[:, 0].tolist(), cells.any(0).nonzero()[:, 0].tolist()
    if not rows:
        return Box(0, h, 0, w)
    return Box(
        max(rows[0] - margin, 0),
        min(rows[-1] + 1 + margin, h),
        max(columns[0] - margin, 0),
        min(columns[-1] + 1 + margin, w),
    )
