"""Each object's log-odds, decoded for it alone: everywhere, or, as an option that trades exactness for time, near it.

The method decodes every pixel for every object. Near an object means its box: all cells in which it was, or in which
its own fine templates beat the background's, and a margin. The decoder's gates then see the box instead of the frame,
so masks are not the method's to the pixel; ``results/bench_cpu.json`` has J&F beside the speed.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tbd_lib.method.decoder import Context
from tbd_lib.method.matching import full_precision
from tbd_lib.method.model import TBD, Features
from tbd_lib.method.shapes import STRIDE
from tbd_lib.method.templates import Templates
from tbd_lib.tracking.config import TrackConfig

Maps = Float[Tensor, "... _y _x"]
Scores = Float[Tensor, "1 o 10 h w"]

MOST_LOG_ODDS = math.log((1 - 1e-7) / 1e-7)  # a probability is kept 1e-7 away from 0 and 1 before odds are taken
HAS_BEEN = 0.05  # share of a cell that the object covered in the frame before


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

    def seen_from(self, other: "Box") -> "Box":
        """The same box, counted from another's corner."""
        return Box(self.top - other.top, self.bottom - other.top, self.left - other.left, self.right - other.left)


def log_odds(
    model: TBD, features: Features, templates: Templates, scores: Scores, config: TrackConfig
) -> Float[Tensor, "o H W"]:
    """Foreground against background for each object alone, everywhere or near it, as the configuration says."""
    if config.near is None:
        return log_odds_everywhere(model, features, templates, scores, config.objects_at_once)
    return log_odds_near(model, features, templates, scores, config.near)


def log_odds_everywhere(
    model: TBD, features: Features, templates: Templates, scores: Scores, at_once: int | None
) -> Float[Tensor, "o H W"]:
    """The method's, some objects at a time: the decoder's maps of all would not fit in memory.

    Args:
        model: whose decoder is used.
        features: of the frame.
        templates: of the objects.
        scores: of the objects in this frame.
        at_once: objects; None is one on a CPU, whose caches hold no more, and eight on a GPU.
    """
    at_once = at_once or (1 if scores.device.type == "cpu" else 8)
    parts = zip(scores.split(at_once, 1), templates.prev_mask.split(at_once, 1), strict=True)
    logits = (model.decode(features.context, own, mask) for own, mask in parts)
    return torch.cat([some[0, :, 1] - some[0, :, 0] for some in logits])


def log_odds_near(
    model: TBD, features: Features, templates: Templates, scores: Scores, margin: int
) -> Float[Tensor, "o H W"]:
    """Decoded in each object's box of ``margin`` cells around where it can be, as unlikely as can be elsewhere."""
    own = scores[0].unbind()
    boxes = [box_around(can_be(maps, mask[1]), margin) for maps, mask in zip(own, templates.prev_mask[0], strict=True)]
    hull = Box(
        min(b.top for b in boxes), max(b.bottom for b in boxes), min(b.left for b in boxes), max(b.right for b in boxes)
    )
    shared = model.decoder.context(hull.cut(features.s4, 4), hull.cut(features.s8, 2), hull.cut(features.s16))
    odds = scores.new_full((len(boxes), *(side * STRIDE for side in scores.shape[-2:])), -MOST_LOG_ODDS)
    for number, box in enumerate(boxes):
        one = slice(number, number + 1)
        maps = box.cut(scores[:, one]), box.cut(templates.prev_mask[:, one])
        logits = full_precision(model.decoder(_part(shared, box.seen_from(hull)), *maps))[0, 0]
        box.cut(odds[number], STRIDE)[:] = logits[1] - logits[0]
    return odds


def can_be(scores: Float[Tensor, "10 h w"], before: Float[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Cells in which an object was, or in which a fine template of its own is more alike than the background's."""
    return (before > HAS_BEEN) | (scores[1] > scores[0]) | (scores[3] > scores[2])


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


def _part(context: Context, box: Box) -> Context:
    coarse, middle, fine = context
    return box.cut(coarse), box.cut(middle, 2), box.cut(fine, 4)
