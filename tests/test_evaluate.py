"""Evaluation tracks, writes, scores and times, one frame at a time; what cannot be evaluated is refused beforehand."""

import re
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from tbd_lib.errors import InputError
from tbd_lib.evaluation import evaluate as module
from tbd_lib.evaluation.evaluate import evaluate, peak_memory, unchanged
from tbd_lib.evaluation.metrics import join
from tbd_lib.evaluation.scoring import score
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video
from tbd_lib.video.masks import read_mask

MODEL = build_model(SMALL).eval()


def square(left: int, i: int = 1) -> Mask:
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[5:25, left : left + 20] = i
    return mask


class Tracked(NamedTuple):
    """What evaluation needs of a tracker's step."""

    name: str
    mask: Mask


class SlowMasks(list[Mask]):
    """Masks of which each takes its time."""

    def __iter__(self) -> Iterator[Mask]:
        for mask in super().__iter__():
            time.sleep(0.02)
            yield mask


def moving(name: str = "moving", count: int = 5) -> Video:
    """A square that moves by five pixels per frame."""
    frames = [Frame(f"{position:05d}", np.zeros((40, 60, 3), dtype=np.uint8)) for position in range(count)]
    return Video(name, frames, {0: square(0)}, [square(5 * position) for position in range(count)])


def tell_the_truth(model: TBD, video: Video, config: TrackConfig | None = None) -> Iterator[Tracked]:
    """A tracker that makes no mistake, and takes its time."""
    assert video.truth is not None
    for frame, mask in zip(video.frames, video.truth, strict=True):
        time.sleep(0.002)
        yield Tracked(frame.name, mask.copy())


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "track", tell_the_truth)


@pytest.mark.usefixtures("perfect")
def test_the_model_is_scored_beside_doing_nothing() -> None:
    report = evaluate(MODEL, [moving(), moving("again")])
    assert [video.name for video in report.videos] == ["moving", "again"]
    assert report.overall.j.mean == report.overall.f.mean == 1
    base = report.videos[0].baseline
    assert base is not None
    assert base[1].j.tolist() == pytest.approx([(20 - s) / (20 + s) for s in (5, 10, 15)])
    assert "J&F unchanged" in report.table()
    assert evaluate(MODEL, [moving()], baseline=False).baseline is None


@pytest.mark.usefixtures("perfect")
def test_masks_are_written_and_score_the_same(tmp_path: Path) -> None:
    report = evaluate(MODEL, [moving()], tmp_path / "found")
    assert sorted(path.name for path in (tmp_path / "found" / "moving").iterdir()) == [f"{i:05d}.png" for i in range(5)]
    assert np.array_equal(read_mask(tmp_path / "found" / "moving" / "00003.png"), square(15))
    evaluate(MODEL, [moving()], tmp_path / "truth")
    again = score(tmp_path / "found", tmp_path / "truth")
    assert again.videos[0].objects[1].f.tolist() == report.videos[0].objects[1].f.tolist()


@pytest.mark.usefixtures("perfect")
def test_masks_are_not_overwritten_unasked(tmp_path: Path) -> None:
    evaluate(MODEL, [moving()], tmp_path)
    with pytest.raises(InputError, match=f"{re.escape(str(tmp_path / 'moving'))}: found masks there already"):
        evaluate(MODEL, [moving("first"), moving()], tmp_path)
    assert not (tmp_path / "first").exists()  # refused before anything was tracked
    evaluate(MODEL, [moving()], tmp_path, overwrite=True)


@pytest.mark.usefixtures("perfect")
def test_time_is_that_of_tracking() -> None:
    slow = SlowMasks(moving().truth or [])
    start = time.perf_counter()
    video = evaluate(MODEL, [replace(moving(), truth=slow)], baseline=False).videos[0]
    elapsed = time.perf_counter() - start
    # the stand-in for a tracker reads each slow mask, 0.022 s a frame; the scorer reads it once more
    assert video.frames == 5
    assert video.seconds is not None
    assert 0.11 <= video.seconds <= elapsed - 0.1
    assert video.fps == pytest.approx(5 / video.seconds)


def test_joined_objects_are_joined_before_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    two = square(0) + square(30, 2)
    seen: list[Mask] = []

    def spy(model: TBD, video: Video, config: TrackConfig | None = None) -> Iterator[Tracked]:
        seen.append(video.given[0])
        return tell_the_truth(model, video, config)

    monkeypatch.setattr(module, "track", spy)
    video = replace(moving(), given={0: two}, truth=[two] * 5)
    report = evaluate(MODEL, [video], joined=True)
    assert np.array_equal(seen[0], join(two))
    assert list(report.videos[0].objects) == [1]
    base = report.baseline
    assert base is not None
    assert report.overall.j.mean == base.j.mean == 1
    assert list(evaluate(MODEL, [video]).videos[0].objects) == [1, 2]
    assert np.array_equal(seen[1], two)


def test_masks_are_let_go_once_scored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def remember(model: TBD, video: Video, config: TrackConfig | None = None) -> Iterator[Tracked]:
        nonlocal most
        for step in tell_the_truth(model, video, config):
            alive.append(weakref.ref(step.mask))
            most = max(most, sum(reference() is not None for reference in alive))
            yield step

    monkeypatch.setattr(module, "track", remember)
    evaluate(MODEL, [moving(count=60)], tmp_path)
    assert len(alive) == 60
    assert most <= 10  # up to 6 wait to be written, the others are being scored


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ([], "found no videos"),
        ([replace(moving(), truth=None)], "moving: found no true masks"),
        ([moving(), replace(moving("other"), given={})], "other: found no given mask"),
        ([moving(count=2)], "moving: found 2 frames or fewer"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(videos: list[Video], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(MODEL, videos)


def test_unchanged_keeps_each_object_where_it_was_first_given() -> None:
    later = square(40, 2) + square(10)  # object 1 again, elsewhere: a correction that doing nothing ignores
    masks = list(unchanged({0: square(0), 2: later}, 4))
    assert np.array_equal(masks[1], square(0))
    assert np.array_equal(masks[2], square(0) + square(40, 2))
    assert np.array_equal(masks[3], masks[2])
    entering = list(unchanged({1: square(0)}, 3))
    assert not entering[0].any()
    assert np.array_equal(entering[2], square(0))


def test_peak_memory_is_in_bytes() -> None:
    peak = peak_memory(torch.device("cpu"))
    assert peak is not None
    assert 2**26 < peak < 2**37  # a process with PyTorch in it: more than 64 MiB, so not KiB; less than 128 GiB


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak is getrusage's, which may count the parent's")
def test_peak_memory_is_not_that_of_the_process_that_began_this_one() -> None:
    program = (
        "import torch; from tbd_lib.evaluation.evaluate import peak_memory; print(peak_memory(torch.device('cpu')))"
    )
    large = np.ones(2**28)  # 2 GiB
    peak = int(subprocess.check_output([sys.executable, "-c", program], text=True))
    assert peak < large.nbytes


def test_a_real_model_goes_through_and_only_wanted_masks_are_written(tmp_path: Path) -> None:
    video = replace(moving(count=4), wanted=frozenset({0, 3}))
    report = evaluate(MODEL, [video], tmp_path, TrackConfig(short_side=None))
    assert sorted(path.name for path in (tmp_path / "moving").iterdir()) == ["00000.png", "00003.png"]
    scores = report.videos[0].objects[1]
    assert len(scores.j) == len(scores.f) == 2
    assert np.array_equal(read_mask(tmp_path / "moving" / "00000.png"), square(0))  # what is given comes back
    assert report.fps is not None
    assert report.peak_memory is not None


if torch.cuda.is_available():  # no test at all without a GPU: where nothing may be skipped, nothing is

    def test_peak_memory_of_a_gpu_is_that_of_this_evaluation() -> None:
        torch.ones(2**28, device="cuda")
        report = evaluate(build_model(SMALL).eval().cuda(), [moving(count=4)])
        assert report.peak_memory is not None
        assert 2**20 < report.peak_memory < 2**28
