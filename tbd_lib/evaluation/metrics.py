"""Region similarity J and boundary accuracy F of DAVIS, and their statistics (``docs/method.md``, Evaluation).

Both measures come from Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation"
(CVPR 2016); precision and recall of boundaries from Martin et al., "Learning to Detect Natural Image Boundaries Using
Local Brightness, Color, and Texture Cues" (PAMI 2004).

The usual way to match boundaries dilates a whole frame by a disk, twice per object. Boundaries are thin, so here only
their pixels are visited: the disk around a pixel is one run per row, and whether a run holds a pixel of the other
boundary is the difference of two entries of a running count. All of it is integer arithmetic: matches are exact.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from itertools import pairwise, zip_longest
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from tbd_lib.errors import InputError
from tbd_lib.video.arrays import Mask

RADIUS_SHARE = 0.008  # a boundary may be off by this share of the frame's diagonal
RECALL_THRESHOLD = 0.5  # a frame counts as found above this
DECAY_PARTS = 4  # decay compares the first and the last of this many parts of a video

Points = Int[np.ndarray, "_ 2"]
"""Rows and columns of pixels."""


@dataclass(frozen=True)
class Statistics:
    """What DAVIS reports of one measure.

    ``mean`` over frames; ``recall``, the share of frames above 0.5; ``decay``, how much the mean falls from the first
    quarter of the video to the last (negative where it rises).
    """

    mean: float
    recall: float
    decay: float


@dataclass(frozen=True)
class ObjectScore:
    """J and F of one object in every scored frame: all frames but the first and the last."""

    j: Float[np.ndarray, " n"]
    f: Float[np.ndarray, " n"]

    @property
    def j_statistics(self) -> Statistics:
        """Mean, recall and decay of J."""
        return statistics(self.j)

    @property
    def f_statistics(self) -> Statistics:
        """Mean, recall and decay of F."""
        return statistics(self.f)

    @property
    def j_and_f(self) -> float:
        """Mean of mean J and mean F."""
        return (float(self.j.mean()) + float(self.f.mean())) / 2


class Overall(NamedTuple):
    """Statistics of J and F averaged over objects, and J&F: the mean of the two means."""

    j: Statistics
    f: Statistics
    j_and_f: float


def jaccard(prediction: Bool[np.ndarray, "H W"], truth: Bool[np.ndarray, "H W"]) -> float:
    """Region similarity J in [0, 1]: intersection over union, and 1 if both masks are empty."""
    union = np.count_nonzero(prediction | truth)
    return np.count_nonzero(prediction & truth) / union if union else 1.0


def boundary(mask: Bool[np.ndarray, "H W"] | UInt8[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Pixels that differ from their right, lower or lower-right neighbour, as far as those lie in the frame.

    The last row looks to the right only, the last column down only, the last corner nowhere. Of an id mask, this
    holds the boundaries of all objects.
    """
    found = np.zeros(mask.shape, dtype=bool)
    found[:, :-1] = mask[:, :-1] != mask[:, 1:]
    found[:-1] |= mask[:-1] != mask[1:]
    found[:-1, :-1] |= mask[:-1, :-1] != mask[1:, 1:]
    return found


def boundary_f(prediction: Bool[np.ndarray, "H W"], truth: Bool[np.ndarray, "H W"]) -> float:
    """Boundary accuracy F in [0, 1]: harmonic mean of boundary precision and recall.

    A boundary pixel is matched if the other boundary has a pixel at a Euclidean distance of at most
    ``match_radius``. Where only one of the masks has a boundary F is 0, where neither has F is 1 (a mask that fills
    the frame has none, like an empty one).
    """
    height, width = truth.shape
    found, true = (Outlines(mask.astype(np.uint8)).of(1) for mask in (prediction, truth))
    return _f_of_points(found, true, match_radius(height, width))


def match_radius(height: int, width: int) -> int:
    """Pixels by which a boundary may be off: 0.008 of the diagonal, rounded up (8 for 480 x 854)."""
    return math.ceil(RADIUS_SHARE * math.hypot(height, width))


def statistics(values: Float[np.ndarray, " n"]) -> Statistics:
    """Mean, recall and decay of per-frame values (at least one).

    The quarters of the decay share their border frames, as in the reference. The reference also keeps the borders in
    8 bits, which goes wrong from 256 frames on; here they are whole numbers of any size.
    """
    edges = np.round(np.linspace(1, len(values), DECAY_PARTS + 1) + 1e-10).astype(int) - 1
    first, last = values[edges[0] : edges[1] + 1], values[edges[-2] : edges[-1] + 1]
    recall = np.mean(values > RECALL_THRESHOLD)
    return Statistics(float(values.mean()), float(recall), float(first.mean() - last.mean()))


def overall(objects: Iterable[ObjectScore]) -> Overall:
    """Global numbers: every statistic averaged over all objects (at least one) of all videos, with equal weights."""
    each = np.array([[astuple(score.j_statistics), astuple(score.f_statistics)] for score in objects])
    j, f = (Statistics(*values) for values in each.mean(axis=0).tolist())
    return Overall(j, f, (j.mean + f.mean) / 2)


def join(mask: Mask) -> Mask:
    """The mask with all its objects as one, whose id is 1, as DAVIS-2016 has it."""
    return (mask > 0).astype(np.uint8)


def score_video(
    predictions: Iterable[Mask], truth: Iterable[Mask], joined: bool = False, name: str = "video"
) -> dict[int, ObjectScore]:
    """J and F of every object of a video in every frame but the first and the last.

    Masks are taken one pair at a time and let go, so both may be read or predicted while they are scored. Objects are
    the ids of the first truth frame, ascending; ``joined`` (DAVIS-2016) makes all objects of a frame one, with id 1.
    Errors begin with ``name``.

    Raises:
        InputError: no object in the first truth frame, fewer than three frames, one side longer than the other, or
            masks of different sizes.
    """
    pairs = _pairs(predictions, truth, joined, name)
    first = next(pairs, None)
    if first is None:
        raise InputError(f"{name}: found no frames, expected at least 3")
    ids = np.unique(first[1][first[1] > 0]).tolist()
    if not ids:
        raise InputError(f"{name}, frame 0: found no object in the true mask, expected at least one id above 0")
    frames = [_score_frame(*pair, ids) for pair, _ in pairwise(pairs)]  # a pair counts once the next one has come
    if not frames:
        raise InputError(f"{name}: found 2 frames or fewer, expected at least 3: the first and the last are not scored")
    values = np.array(frames, dtype=np.float64)  # frame, object, measure
    return {i: ObjectScore(values[:, k, 0], values[:, k, 1]) for k, i in enumerate(ids)}


class Outlines:
    """The boundaries of all objects of one id mask: the mask is searched once, each object then costs its boundary."""

    def __init__(self, mask: Mask) -> None:
        height, width = mask.shape
        rows, columns = np.divmod(np.flatnonzero(boundary(mask)), width)
        lower, right = np.minimum(rows + 1, height - 1), np.minimum(columns + 1, width - 1)
        self._points = np.stack([rows, columns], axis=1)
        self._corners = np.stack([mask[rows, columns], mask[rows, right], mask[lower, columns], mask[lower, right]])

    def of(self, object_id: int) -> Points:
        """Boundary pixels of one object: it holds the pixel or one of its three neighbours, which are not all alike."""
        return self._points[(self._corners == object_id).any(axis=0)]


def _f_of_points(prediction: Points, truth: Points, radius: int) -> float:
    """F of two boundaries. One that is missing matches nothing: P = 1 and R = 0 or the other way round, so F = 0."""
    if not len(prediction) or not len(truth):
        return float(len(prediction) == len(truth))
    precision, recall = _share_near(prediction, truth, radius), _share_near(truth, prediction, radius)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(points: Points, others: Points, radius: int) -> float:
    """Share of ``points`` that have one of ``others`` within a disk of ``radius``; neither set is empty."""
    origin = points.min(axis=0) - radius  # a window from which no disk around a point sticks out
    height, width = points.max(axis=0) + radius + 1 - origin
    rows, columns = (others - origin).T
    seen = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    before = np.zeros(height * width + 1, dtype=np.int32)  # how many others come before each pixel, row by row
    before[(rows * width + columns)[seen] + 1] = 1
    np.cumsum(before, out=before)

    places = (points - origin) @ np.array([width, 1])
    near = np.zeros(len(points), dtype=bool)
    for offset in range(-radius, radius + 1):  # the disk's rows, each a run of pixels around its centre
        reach = math.isqrt(radius**2 - offset**2)
        centre = places + offset * width
        near |= before[centre + reach + 1] > before[centre - reach]
    return np.count_nonzero(near) / len(points)


def _score_frame(prediction: Mask, truth: Mask, ids: list[int]) -> list[tuple[float, float]]:
    """J and F of every object in one frame."""
    radius = match_radius(truth.shape[0], truth.shape[1])
    found, true = Outlines(prediction), Outlines(truth)
    return [(jaccard(prediction == i, truth == i), _f_of_points(found.of(i), true.of(i), radius)) for i in ids]


def _pairs(predictions: Iterable[Mask], truth: Iterable[Mask], joined: bool, name: str) -> Iterator[tuple[Mask, Mask]]:
    """Masks of both sides in step; they must agree in size and end together."""
    for index, (prediction, true) in enumerate(zip_longest(predictions, truth)):
        here = f"{name}, frame {index}"
        if prediction is None or true is None:
            missing, present = ("predicted", "true") if prediction is None else ("true", "predicted")
            raise InputError(f"{here}: found no {missing} mask, expected one as there is a {present} mask")
        if prediction.shape != true.shape:
            (h, w), (height, width) = prediction.shape, true.shape
            raise InputError(f"{here}: found a predicted mask of {w}x{h} pixels, expected {width}x{height}")
        yield (join(prediction), join(true)) if joined else (prediction, true)
