"""Peak memory of tracking: by the video's length and by the number of objects, each in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import tyro

from benchmarks.scenes import SIZES, scene
from tbd_lib.engines.shared import shared
from tbd_lib.evaluation.evaluate import peak_memory
from tbd_lib.method.config import PAPER, SMALL
from tbd_lib.method.model import build_model
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import track
from tbd_lib.video.arrays import Image
from tbd_lib.video.frames import Frame, Video

WIDTHS = {"small": SMALL, "paper": PAPER}
ROOT = Path(__file__).parents[1]  # where this module can be run from


class Noise:
    """Random frames, made when they are asked for: a video of any length that holds no memory."""

    def __init__(self, frames: int, first: Image) -> None:
        self.frames, self.first = frames, first

    def __iter__(self) -> Iterator[Frame]:
        random = np.random.default_rng(0)
        return (
            Frame(f"{t:05d}", random.integers(0, 256, self.first.shape, np.uint8) if t else self.first)
            for t in range(self.frames)
        )


def peak_of(width: str, objects: int, frames: int, size: tuple[int, int]) -> tuple[int, int]:
    """Bytes that a new process holds with the model loaded, and at most while it tracks; on a CPU."""
    arguments = [width, *(str(number) for number in (objects, frames, *size))]
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    found = subprocess.check_output(command, text=True, cwd=ROOT)
    loaded, peak = found.split()
    return int(loaded), int(peak)


def measure() -> list[dict[str, object]]:
    """Rows for both widths: a short and a long video with two objects, and a short one with ten.

    Without torchvision, which makes the paper's encoder, for the small model only.
    """
    rows = []
    cases = [("small", 2, 60), ("small", 2, 600), ("small", 10, 10), ("paper", 10, 5)]
    for width, objects, frames in cases if find_spec("torchvision") else cases[:-1]:
        loaded, peak = peak_of(width, objects, frames, SIZES[480])
        rows.append({"width": width, "objects": objects, "frames": frames, "loaded_bytes": loaded, "peak_bytes": peak})
    return rows


def main(
    width: tyro.conf.Positional[str],
    objects: tyro.conf.Positional[int],
    frames: tyro.conf.Positional[int],
    height: tyro.conf.Positional[int],
    columns: tyro.conf.Positional[int],
) -> None:
    """Track noise in this process; prints its bytes with the model loaded, and at most.

    Args:
        width: small or paper.
        objects: How many.
        frames: Length of the video.
        height: Of the frames, in pixels.
        columns: Of the frames, in pixels.
    """
    torch.set_num_threads(1)
    shown, device = scene(1, (height, columns), objects), torch.device("cpu")
    model = shared(build_model(WIDTHS[width]).eval())
    loaded = peak_memory(device)
    video = Video("noise", Noise(frames, shown.images[0]), {0: shown.given})
    for _ in track(model, video, OWN_SIZE):
        pass
    print(loaded, peak_memory(device))


if __name__ == "__main__":
    tyro.cli(main)
