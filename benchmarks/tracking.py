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

from benchmarks.plain import plain_nearness, plain_track
from benchmarks.scenes import SIZES, Scene, scene
from benchmarks.timing import ratios
from tbd_lib.config import TrackConfig
from tbd_lib.model import TBD
from tbd_lib.shapes import STRIDE, Mask
from tbd_lib.tracker import track
from tbd_lib.video import Frame, Video


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
    seconds, differ = frame_by_frame(model, shown)
    return {
        "width": case.width,
        "objects": case.objects,
        "size": list(SIZES[case.lines]),
        "frames": frames,
        "ratio": ratios(seconds["plain"], seconds["library"]),
        "seconds_per_frame": {name: median(times) for name, times in seconds.items()},
        "pixels_that_differ": differ,
    }


def frame_by_frame(model: TBD, shown: Scene) -> tuple[dict[str, list[float]], float]:
    """Seconds of every later frame in both forms, and the share of their pixels that differ."""
    forms = {"plain": plain_track, "library": shared_track}
    masks = {name: iter(form(model, shown.images, shown.given)) for name, form in forms.items()}
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    differ = []
    for position in range(len(shown.images)):
        found = {}
        for name, coming in masks.items():
            start = perf_counter()
            found[name] = next(coming)  # on this machine's memory: a GPU has done its work by then
            if position:
                seconds[name].append(perf_counter() - start)
        differ.append(float(np.mean(found["plain"] != found["library"])))
    return seconds, float(np.mean(differ[1:]))


def seconds_of_loops(model: TBD, lines: int) -> float:
    """Seconds that the distance matrix takes in the plain form, once per video."""
    start = perf_counter()
    with torch.no_grad():
        plain_nearness(model, *(-(-side // STRIDE) for side in SIZES[lines]))
    return perf_counter() - start
