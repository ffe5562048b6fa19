"""How much faster engines track than the plain form, which shares nothing between objects.

All track the same frames in turn, frame by frame, so that the ratio holds on a noisy machine. What a video needs once
is not in it: the first frame.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.scenes import SIZES, Scene, scene
from benchmarks.timing import ratios
from tbd_lib.engines.onnx import onnx
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.engines.shared import shared
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import Step, track
from tbd_lib.video.frames import Frame, Video

TIE = 1e-6


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    width: str
    objects: int
    lines: int  # of the picture, by which people name its size


def steps(segmenter: Segmenter, shown: Scene) -> Iterator[Step]:
    """The scene's frames through a tracker, at their own size."""
    frames = [Frame(f"{t:05d}", image) for t, image in enumerate(shown.images)]
    return track(segmenter, Video("benchmark", frames, {0: shown.given}), OWN_SIZE)


def exact_engines(model: TBD) -> dict[str, Segmenter]:
    """The plain form first, then the exact engines that run on its device."""
    engines: dict[str, Segmenter] = {"plain": model, "shared": shared(model)}
    if model.device.type == "cpu":
        engines["onnx"] = onnx(model)
    return engines


def measure(engines: Mapping[str, Segmenter], case: Case, frames: int) -> dict[str, object]:
    """Median seconds per frame of all engines after the first frame, ratios, and shares of pixels that differ.

    Args:
        engines: of one model; see ``exact_engines``.
        case: what is tracked.
        frames: after the first.
    """
    shown = scene(frames + 1, SIZES[case.lines], case.objects)
    seconds, differ, beyond_ties = frame_by_frame(engines, shown)
    return {
        "width": case.width,
        "objects": case.objects,
        "size": list(SIZES[case.lines]),
        "frames": frames,
        "ratio": ratios(seconds["plain"], seconds["shared"]),
        "ratio_onnx": ratios(seconds["plain"], seconds["onnx"]) if "onnx" in seconds else None,
        "seconds_per_frame": {name: median(times) for name, times in seconds.items()},
        "pixels_that_differ": differ,
        "pixels_that_differ_beyond_ties": beyond_ties,
    }


def frame_by_frame(engines: Mapping[str, Segmenter], shown: Scene) -> tuple[dict[str, list[float]], float, float]:
    """Seconds of every later frame by engine, and shares of pixels that differ from the first: all, and beyond ties.

    The shares are those of the engine that differs most. A tie is where the first finds two labels equally probable, up
    to the last digits of float32.
    """
    coming = {name: steps(segmenter, shown) for name, segmenter in engines.items()}
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    differ = []
    for position in range(len(shown.images)):
        found: list[Step] = []
        for name, frames in coming.items():
            start = perf_counter()
            found.append(next(frames))  # on this machine's memory: a GPU has done its work by then
            if position:
                seconds[name].append(perf_counter() - start)
        if position:
            first, second = found[0].prob.topk(2, 0).values.cpu()
            clear = ((first - second) > TIE).numpy()
            others = [found[0].mask != step.mask for step in found[1:]]
            differ.append((max(other.mean() for other in others), max((other & clear).mean() for other in others)))
    everywhere, beyond_ties = np.mean(differ, 0)
    return seconds, float(everywhere), float(beyond_ties)
