"""Run a model or an engine over videos: write its masks, score them beside doing nothing, time it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import length_hint
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from tqdm.auto import tqdm

from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import join, score_video
from tbd_lib.evaluation.report import Report, VideoScore
from tbd_lib.evaluation.scoring import mask_names
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import Step, track
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of, write_mask
from tbd_lib.video.prefetch import Behind


def evaluate(
    segmenter: Segmenter,
    videos: Sequence[Video],
    out: Path | None = None,
    config: TrackConfig | None = None,
    *,
    joined: bool = False,
    baseline: bool = True,
    overwrite: bool = False,
) -> Report:
    """Track every video, score each mask as it comes and let it go: memory does not grow with the videos' length.

    Args:
        segmenter: a model in inference mode, or an engine made from it.
        videos: with true masks.
        out: masks go to ``out/<video>/<frame>.png``, as palette PNGs; None writes none.
        config: how a video goes through the model.
        joined: all objects are one, id 1, in what is given, predicted and true (DAVIS-2016).
        baseline: also score the first given masks kept unchanged.
        overwrite: write into folders that hold masks already.

    Raises:
        InputError: no videos, a video without true masks or with fewer than three frames, a folder that holds masks
            already, or what ``track`` refuses.
        OSError: a file cannot be read or written.
    """
    for video in videos:
        if not video.truth:
            raise InputError(f"{video.name}: found no true masks, expected one per frame to score against")
    _require_trackable(videos, None if overwrite else out)
    device = segmenter.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    scores = []
    for video in tqdm(videos, desc="evaluate", unit="video"):
        given = {position: join(mask) for position, mask in video.given.items()} if joined else video.given
        folder = None if out is None else out / video.name
        scores.append(_evaluate_video(segmenter, replace(video, given=given), folder, config, joined, baseline))
    return Report(tuple(scores), len(videos), joined, peak_memory(device))


def predict(
    segmenter: Segmenter,
    videos: Sequence[Video],
    out: Path,
    config: TrackConfig | None = None,
    *,
    overwrite: bool = False,
) -> int:
    """Track videos whose true masks nobody has but the benchmark's server, and write the masks that are asked for.

    Args:
        segmenter: a model in inference mode, or an engine made from it.
        videos: from an index function; ``wanted`` says which masks are written.
        out: masks go to ``out/<video>/<frame>.png``, as palette PNGs.
        config: how a video goes through the model.
        overwrite: write into folders that hold masks already.

    Returns:
        How many masks were written.

    Raises:
        InputError: no videos, a folder that holds masks already, or what ``track`` refuses.
        OSError: a file cannot be read or written.
    """
    _require_trackable(videos, None if overwrite else out)
    written = 0
    for video in tqdm(videos, desc="predict", unit="video"):
        steps = tqdm(track(segmenter, video, config), desc=video.name, total=length_hint(video.frames), leave=False)
        for position, _ in enumerate(_masks(iter(steps), out / video.name, video.wanted)):
            written += video.wanted is None or position in video.wanted
    return written


def unchanged(given: Mapping[int, Mask], frames: int) -> Iterator[Mask]:
    """The do-nothing baseline: every object stays where it was first given, from that frame on.

    Args:
        given: id masks by the position of their frame, at least one.
        frames: length of the video.
    """
    mask, known = np.zeros_like(given[min(given)]), set[int]()
    for position in range(frames):
        if position in given:
            entering = set(ids_of(given[position])) - known
            mask = np.where(np.isin(given[position], list(entering)), given[position], mask)
            known |= entering
        yield mask


def peak_memory(device: torch.device) -> int | None:
    """Bytes: the most that PyTorch held on a GPU, or that this process has held since it began (None on Windows)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    status = Path("/proc/self/status")
    if status.is_file():  # Linux, where getrusage counts what the process held that began this one as well
        kib = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(kib) * 1024
    import resource  # Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on a Mac


class _Stopwatch:
    """Steps as they come, and the seconds spent on waiting for them."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self.steps, self.seconds = steps, 0.0

    def __iter__(self) -> Iterator[Step]:
        while True:
            start = perf_counter()
            step = next(self.steps, None)
            self.seconds += perf_counter() - start
            if step is None:
                return
            yield step


def _evaluate_video(
    segmenter: Segmenter, video: Video, folder: Path | None, config: TrackConfig | None, joined: bool, baseline: bool
) -> VideoScore:
    """Track and score one video."""
    assert video.truth is not None  # the caller has looked
    count = len(video.truth)
    steps = _Stopwatch(track(segmenter, video, config))
    bar = tqdm(steps, desc=video.name, total=count, unit="frame", leave=False)
    objects = score_video(_masks(iter(bar), folder, video.wanted), video.truth, joined, video.name)
    still = score_video(unchanged(video.given, count), video.truth, joined, video.name) if baseline else None
    return VideoScore(video.name, count, objects, still, steps.seconds)


def _masks(steps: Iterator[Step], folder: Path | None, wanted: frozenset[int] | None) -> Iterator[Mask]:
    """The masks of the steps, each written on its way if there is a folder and its frame is wanted."""
    with Behind() as writer:
        for position, step in enumerate(steps):
            if folder is not None and (wanted is None or position in wanted):
                writer.do(write_mask, folder / f"{step.name}.png", step.mask)
            yield step.mask


def _require_trackable(videos: Sequence[Video], out: Path | None) -> None:
    """Look before hours of tracking: is there something to track, and is nothing in the way?"""
    if not videos:
        raise InputError("found no videos, expected at least one")
    for video in videos:
        if not video.given:
            raise InputError(f"{video.name}: found no given mask, expected at least one to track from")
        if out is not None and mask_names(out / video.name):
            raise InputError(f"{out / video.name}: found masks there already, expected none (or `overwrite`)")
