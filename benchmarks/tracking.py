"""How much faster the library tracks than the plain form, which shares nothing between objects.

Both track the same frames in turn, frame by frame, so that the ratio holds on a noisy machine. What a video needs once
is not in it: the first frame, and the plain form's distance matrix by nested loops, which is timed by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from benchmarks.plain import plain_nearness, plain_track
from benchmarks.scenes import SIZES, Scene, scene
from benchmarks.timing import ratios
from tbd_lib.method.model import TBD
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import track
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video

TIE = 1e-6


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    width: str
    objects: int
    lines: int  # of the picture, by which people name its size


def shared_track(model: TBD, frames: list[np.ndarray], given: Mask) -> Iterable[Mask]:
    """The library's form."""
    video = Video("benchmark", [Frame(f"{t:05d}", image) for t, image in enumerate(frames)], {0: given})
    return (step.mask for step in track(model, video, TrackConfig(short_side=None)))


def measure(model: TBD, case: Case, frames: int) -> dict[str, object]:
    """Median seconds per frame of both forms after the first frame, the ratio, and the share of pixels that differ."""
    shown = scene(frames + 1, SIZES[case.lines], case.objects)
    seconds, differ, beyond_ties = frame_by_frame(model, shown)
    return {
        "width": case.width,
        "objects": case.objects,
        "size": list(SIZES[case.lines]),
        "frames": frames,
        "ratio": ratios(seconds["plain"], seconds["library"]),
        "seconds_per_frame": {name: median(times) for name, times in seconds.items()},
        "pixels_that_differ": differ,
        "pixels_that_differ_beyond_ties": beyond_ties,
    }


def frame_by_frame(model: TBD, shown: Scene) -> tuple[dict[str, list[float]], float, float]:
    """Seconds of every later frame in both forms, and shares of their pixels that differ: all, and beyond ties.

    A tie is where the plain form finds two labels equally probable, up to the last digits of float32.
    """
    probabilities: list[Tensor] = []
    masks = {
        "plain": iter(plain_track(model, shown.images, shown.given, probabilities)),
        "library": iter(shared_track(model, shown.images, shown.given)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in masks}
    differ = []
    for position in range(len(shown.images)):
        found = {}
        for name, coming in masks.items():
            start = perf_counter()
            found[name] = next(coming)  # on this machine's memory: a GPU has done its work by then
            if position:
                seconds[name].append(perf_counter() - start)
        if position:
            first, second = probabilities.pop().topk(2, 0).values.cpu()
            other = found["plain"] != found["library"]
            differ.append((other.mean(), (other & ((first - second) > TIE).numpy()).mean()))
    everywhere, beyond_ties = np.mean(differ, 0)
    return seconds, float(everywhere), float(beyond_ties)


def seconds_of_loops(model: TBD, lines: int) -> float:
    """Seconds that the distance matrix takes in the plain form, once per video."""
    start = perf_counter()
    with torch.no_grad():
        plain_nearness(model, *(-(-side // STRIDE) for side in SIZES[lines]))
    return perf_counter() - start
