"""Peak memory of tracking a short and a long video, each in a process of its own.

python -m benchmarks.memory --json-file results/memory.json
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import tyro

from tbd_lib.config import SMALL
from tbd_lib.evaluate import peak_memory
from tbd_lib.files import write_json
from tbd_lib.model import build_model
from tbd_lib.provenance import provenance
from tbd_lib.tracker import track
from tbd_lib.video import Frame, Video


class Noise:
    """Random frames, made when they are asked for: a video of any length that holds no memory."""

    def __init__(self, frames: int, height: int, width: int) -> None:
        self.frames, self.size = frames, (height, width, 3)

    def __iter__(self) -> Iterator[Frame]:
        random = np.random.default_rng(0)
        return (Frame(f"{t:05d}", random.integers(0, 256, self.size, np.uint8)) for t in range(self.frames))


def peak_of(frames: int, height: int, width: int) -> int:
    """Bytes that a new process holds at most while it tracks two objects through so many frames."""
    arguments = [str(number) for number in (frames, height, width)]
    return int(subprocess.check_output([sys.executable, "-m", "benchmarks.memory", "--track", *arguments]))


def track_noise(frames: int, height: int, width: int) -> int:
    """Track two objects through noise with the small model; returns this process's peak memory in bytes."""
    torch.set_num_threads(1)
    given = np.zeros((height, width), np.uint8)
    given[height // 4 : height // 2, width // 8 : width // 3] = 1
    given[height // 3 : height * 3 // 4, width // 2 : width * 3 // 4] = 2
    for _ in track(build_model(SMALL).eval(), Video("noise", Noise(frames, height, width), {0: given})):
        pass
    peak = peak_memory(torch.device("cpu"))
    assert peak is not None, "peak memory cannot be read on this system"
    return peak


def main(
    track: tuple[int, int, int] | None = None, size: tuple[int, int] = (480, 854), json_file: Path | None = None
) -> None:
    """Measure 60 and 600 frames.

    Args:
        track: Frames, height and width: only track, and print the bytes.
        size: Height and width of the frames.
        json_file: Where to write the results.
    """
    if track is not None:
        print(track_noise(*track))
        return
    peaks = {str(frames): peak_of(frames, *size) for frames in (60, 600)}
    result = {"size": size, "peak_bytes": peaks, "ratio": peaks["600"] / peaks["60"], "provenance": provenance()}
    print(result)
    if json_file is not None:
        write_json(json_file, result)


if __name__ == "__main__":
    tyro.cli(main)
