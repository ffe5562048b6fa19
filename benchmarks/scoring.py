"""Time the scoring of masks beside a straightforward implementation, which dilates whole frames by the disk.

Both folders hold ``<video>/<frame>.png``. Both sides score the same masks on one core and must agree exactly. The ratio
is taken of processor time, with the masks in memory and once more with the time added that it takes to read them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import TypeVar

import numpy as np
from scipy.ndimage import binary_dilation
from tqdm.auto import tqdm

from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import score_video
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import read_mask

T = TypeVar("T")
Pairs = list[tuple[Mask, Mask]]
Scores = dict[int, tuple[list[float], list[float]]]


@dataclass
class Seconds:
    """Processor seconds of each part, over all videos."""

    reading: float = 0.0
    straightforward: float = 0.0
    ours: float = 0.0


def dense_boundary(mask: np.ndarray) -> np.ndarray:
    """Boundary pixels, from copies of the mask that are shifted by one pixel."""
    right, lower, lower_right = (np.zeros_like(mask) for _ in range(3))
    right[:, :-1], lower[:-1], lower_right[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    found = (mask ^ right) | (mask ^ lower) | (mask ^ lower_right)
    found[-1], found[:, -1] = mask[-1] ^ right[-1], mask[:, -1] ^ lower[:, -1]
    found[-1, -1] = False
    return found


def dense_f(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Boundary accuracy with both boundaries dilated over the whole frame."""
    radius = math.ceil(0.008 * np.linalg.norm(truth.shape))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = x**2 + y**2 <= radius**2
    found, true = dense_boundary(prediction), dense_boundary(truth)
    if not found.any() or not true.any():
        return float(found.any() == true.any())
    precision = np.count_nonzero(found & binary_dilation(true, disk)) / np.count_nonzero(found)
    recall = np.count_nonzero(true & binary_dilation(found, disk)) / np.count_nonzero(true)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def dense_j(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union."""
    union = np.count_nonzero(prediction | truth)
    return np.count_nonzero(prediction & truth) / union if union else 1.0


def straightforward(pairs: Pairs) -> Scores:
    """J and F of a video, one object and one frame after the other."""
    inner = pairs[1:-1]
    ids = [int(i) for i in np.unique(pairs[0][1]) if i]
    return {i: ([dense_j(p == i, t == i) for p, t in inner], [dense_f(p == i, t == i) for p, t in inner]) for i in ids}


def ours(pairs: Pairs) -> Scores:
    """J and F of a video by the library."""
    scores = score_video((p for p, _ in pairs), (t for _, t in pairs))
    return {i: (score.j.tolist(), score.f.tolist()) for i, score in scores.items()}


def read(predictions: Path, truth: Path, frames: int) -> Pairs:
    """The first masks of one video, all its objects as one."""
    paths = sorted(truth.glob("*.png"))[: frames + 2]  # first and last are not scored
    pairs = [(read_mask(predictions / path.name), read_mask(path)) for path in paths]
    return [((p > 0).astype(np.uint8), (t > 0).astype(np.uint8)) for p, t in pairs]


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work gives, and the processor seconds it took."""
    start = process_time()
    result = work()
    return result, process_time() - start


def folders_of(predictions: Path) -> list[Path]:
    """The folders of all videos that were tracked.

    Raises:
        InputError: there are none.
    """
    found = sorted(path for path in predictions.glob("*") if path.is_dir())
    if not found:
        raise InputError(f"{predictions}: found no folders there, expected one with masks for each video")
    return found


def measure(predictions: Path, truth: Path, frames: int) -> dict[str, object]:
    """Score some frames of all videos both ways; stop if they differ anywhere."""
    seconds, scored = Seconds(), 0
    for folder in tqdm(folders_of(predictions), unit="video"):
        pairs, reading = timed(partial(read, folder, truth / folder.name, frames))
        expected, slow = timed(partial(straightforward, pairs))
        found, fast = timed(partial(ours, pairs))
        if found != expected:
            raise SystemExit(f"{folder.name}: the scores differ")
        seconds = Seconds(seconds.reading + reading, seconds.straightforward + slow, seconds.ours + fast)
        scored += sum(len(j) for j, _ in found.values())
    return summary(seconds, scored)


def summary(seconds: Seconds, scored: int) -> dict[str, object]:
    """Milliseconds per object and frame, and the two ratios."""
    reading, slow, fast = (1000 * part / scored for part in (seconds.reading, seconds.straightforward, seconds.ours))
    return {
        "masks_scored": scored,
        "cores": 1,
        "equal": True,
        "reading_ms": reading,
        "straightforward_ms": slow,
        "ours_ms": fast,
        "ratio": slow / fast,
        "ratio_with_reading": (slow + reading) / (fast + reading),
    }
