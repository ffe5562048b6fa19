"""How much faster the library tracks than the plain form, which shares nothing between objects.

    python -m benchmarks.tracking --json-file results/tracking.json

Both run in turn in one process, so that the ratio holds on a noisy machine. Masks are compared on the way: weights are
untrained here, and in float32 their near-certain probabilities tie in the plain form, which decides such pixels by
order; in float64 ``tests/test_plain.py`` finds no difference at all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
import tyro

from benchmarks.plain import plain_track
from benchmarks.timing import ratios
from tbd_lib.config import PAPER, SMALL, ModelConfig, TrackConfig
from tbd_lib.files import write_json
from tbd_lib.model import TBD, build_model
from tbd_lib.provenance import provenance
from tbd_lib.shapes import Mask
from tbd_lib.tracker import track
from tbd_lib.video import Frame, Video


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    width: str
    objects: int
    height: int = 240
    columns: int = 432


def shared_track(model: TBD, frames: list[np.ndarray], given: Mask) -> Iterable[Mask]:
    """The library's form."""
    video = Video("benchmark", [Frame(f"{t:05d}", image) for t, image in enumerate(frames)], {0: given})
    return (step.mask for step in track(model, video, TrackConfig(short_side=None)))


def measure(case: Case, frames: int, rounds: int) -> dict[str, object]:
    """Median seconds per frame of both forms, the ratio, and the share of pixels that differ."""
    config: ModelConfig = {"paper": PAPER, "small": SMALL}[case.width]
    torch.manual_seed(0)
    model = build_model(replace(config)).eval()
    images = list(np.random.default_rng(0).integers(0, 256, (frames, case.height, case.columns, 3), np.uint8))
    given = np.zeros((case.height, case.columns), np.uint8)
    for i, rows in enumerate(np.array_split(np.arange(case.height), case.objects), 1):
        given[rows[: len(rows) * 2 // 3 + 1], case.columns // 4 : case.columns // 2] = i
    seconds, differ = {"plain": [], "shared": []}, 0.0
    for _ in range(rounds):
        plain, plain_seconds = timed(lambda: list(plain_track(model, images, given)))
        shared, shared_seconds = timed(lambda: list(shared_track(model, images, given)))
        seconds["plain"].append(plain_seconds / frames)
        seconds["shared"].append(shared_seconds / frames)
        differ = float(np.mean(np.stack(plain) != np.stack(shared)))
    return {
        "width": case.width,
        "objects": case.objects,
        "size": [case.height, case.columns],
        "frames": frames,
        "ratio": ratios(seconds["plain"], seconds["shared"]),
        "seconds_per_frame": {name: median(values) for name, values in seconds.items()},
        "pixels_that_differ": differ,
    }


def timed(run: Callable[[], list[Mask]]) -> tuple[list[Mask], float]:
    """What ``run`` returns, and the seconds it takes."""
    start = perf_counter()
    result = run()
    return result, perf_counter() - start


def main(json_file: Path, frames: int = 4, rounds: int = 3, threads: int = 2) -> None:
    """Measure 1, 5 and 20 objects with the small and the paper's widths.

    Args:
        json_file: Where to write the results.
        frames: Per video.
        rounds: Both forms run so often, in turn.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    cases = [Case(width, objects) for width in ("small", "paper") for objects in (1, 5, 20)]
    rows = []
    for case in cases:
        rows.append(measure(case, frames, rounds))
        print(f"{case.width} {case.objects:2d} objects: {rows[-1]['ratio']}, differ {rows[-1]['pixels_that_differ']}")
    write_json(json_file, {"rows": rows, "threads": threads, "provenance": provenance()})


if __name__ == "__main__":
    tyro.cli(main)
