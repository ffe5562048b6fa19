"""The bundled model on a film at 480p, from the files of frames to the files of masks: exactly, and by each option."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image as Pictures

from benchmarks.scenes import SIZES
from benchmarks.tracking import exact_engines
from tbd_lib.cli.options import calibrate
from tbd_lib.datasets.davis import sample
from tbd_lib.engines.onnx import onnx
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import BENCHMARK, TrackConfig
from tbd_lib.tracking.geometry import Size
from tbd_lib.tracking.tracker import track
from tbd_lib.video.frames import Video, open_video, write_image
from tbd_lib.video.masks import write_mask
from tbd_lib.video.prefetch import BackgroundWriter

REDUCED = TrackConfig(short_side=240)
OPTIONS: dict[str, tuple[str, TrackConfig]] = {  # an engine, and how videos go through it
    "onnx": ("onnx", BENCHMARK),
    "shared": ("shared", BENCHMARK),
    "shared, bfloat16": ("shared", replace(BENCHMARK, precision="bfloat16")),
    "onnx-int8": ("onnx-int8", BENCHMARK),
    "onnx, region of interest": ("onnx", replace(BENCHMARK, roi_margin=3)),
    "onnx, 240 lines": ("onnx", REDUCED),
    "onnx-int8, 240 lines, region of interest": ("onnx-int8", replace(REDUCED, roi_margin=3)),
}


def measure(model: TBD, frames: int, davis: Sequence[Video]) -> list[dict[str, object]]:
    """Frames per second of every option for one object, and its J&F on the sample's validation set and other videos."""
    rows = []
    with TemporaryDirectory() as scratch:
        video = film(Path(scratch) / "film", frames, SIZES[480])
        engines = all_engines(model)
        options = {name: (engines[key], config) for name, (key, config) in OPTIONS.items() if key in engines}
        rates = {
            name: frames_per_second(engine, video, Path(scratch), config) for name, (engine, config) in options.items()
        }
    for name, (engine, config) in options.items():
        row: dict[str, object] = {"option": name, "frames_per_second": rates[name]}
        row["sample"] = evaluate(engine, sample("val"), config=config, baseline=False).overall.j_and_f
        if davis:
            row["davis"] = evaluate(engine, davis, config=config, baseline=False, joined=True).overall.j_and_f
        rows.append(row)
    return rows


def all_engines(model: TBD) -> dict[str, Segmenter]:
    """The engines that run on the model's device."""
    engines = exact_engines(model)
    if model.device.type == "cpu":
        engines["onnx-int8"] = onnx(model, "int8", calibrate)
    return engines


def film(place: Path, frames: int, size: Size) -> Video:
    """A video of the sample with one object, enlarged, as a folder of JPEGs, there and back again to its length."""
    source = next(video for video in sample("val") if video.name == "lookalike-crossing")
    images = [frame.image for frame in source.frames]
    images, (rows, columns) = [*images, *images[-2:0:-1]], size
    for number in range(frames):
        picture = Pictures.fromarray(images[number % len(images)]).resize((columns, rows), Pictures.Resampling.BICUBIC)
        write_image(place / f"{number:05d}.jpg", np.asarray(picture))
    mask = Pictures.fromarray(source.given[0]).resize((columns, rows), Pictures.Resampling.NEAREST)
    write_mask(place.parent / "first.png", np.asarray(mask))
    return open_video(place, place.parent / "first.png")


def frames_per_second(segmenter: Segmenter, video: Video, scratch: Path, config: TrackConfig) -> float:
    """Of all frames after the first two, with reading them and writing their masks."""
    with BackgroundWriter() as writer:
        steps = track(segmenter, video, config)
        for step in islice(steps, 2):
            write_mask(scratch / f"{step.name}.png", step.mask)
        start, count = perf_counter(), 0
        for step in steps:
            writer.submit(write_mask, scratch / f"{step.name}.png", step.mask)
            count += 1
    return count / (perf_counter() - start)
