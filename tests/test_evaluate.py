"""Evaluation tracks, writes, scores and times, one frame at a time; what cannot be evaluated is refused beforehand."""

import json
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
from small_masks import square

from tbd_lib.errors import InputError
from tbd_lib.evaluation import evaluate as module
from tbd_lib.evaluation.evaluate import evaluate, peak_memory, predict, unchanged
from tbd_lib.evaluation.metrics import ObjectScore, join
from tbd_lib.evaluation.report import Report, VideoScore
from tbd_lib.evaluation.resuming import unfinished
from tbd_lib.evaluation.scoring import score
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video
from tbd_lib.video.masks import read_mask, write_mask

MODEL = build_model(SMALL).eval()
PICTURE = np.zeros((40, 60, 3), dtype=np.uint8)


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
    frames = [Frame(f"{position:05d}", PICTURE) for position in range(count)]
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
        ([moving(count=2)], "moving: found 2 frames, expected at least 3"),
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


# --- runs that fail in part, stop, and go on


FACTS = {"weights": "w", "short_side": 480}


class Breaking:
    """The tracker that makes no mistake, until it comes to a video that it was told to break at."""

    def __init__(self, at: str = "", error: BaseException | None = None) -> None:
        self.at, self.error, self.tracked = at, error or InputError("frame 2 is broken"), list[str]()

    def __call__(self, model: TBD, video: Video, config: TrackConfig | None = None) -> Iterator[Tracked]:
        self.tracked.append(video.name)
        for position, step in enumerate(tell_the_truth(model, video, config)):
            if video.name == self.at and position == 2:
                raise self.error
            yield step


def tracking_with(monkeypatch: pytest.MonkeyPatch, tracker: Breaking) -> Breaking:
    monkeypatch.setattr(module, "track", tracker)
    return tracker


VIDEOS = [moving("a"), moving("b"), moving("c")]


@pytest.mark.parametrize(
    "error",
    [
        InputError("broken"),
        OSError(5, "Input/output error", "b/2.jpg"),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_one_bad_video_is_named_when_it_happens_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    tracker, reported = tracking_with(monkeypatch, Breaking("b", error)), []
    report = evaluate(
        MODEL, VIDEOS, tmp_path, on_failure=lambda name, why: reported.append((name, why, list(tracker.tracked)))
    )
    why = str(error) or "MemoryError"
    assert reported == [("b", why, ["a", "b"])]
    assert [video.name for video in report.videos] == ["a", "c"] and report.failed == {"b": why}
    assert "2 of 3 videos, 2 objects, failed: b" in report.table()
    assert report.as_json()["failed"] == {"b": why}
    with pytest.raises(type(error)):
        evaluate(MODEL, VIDEOS)  # nobody takes failures


def test_a_fault_of_the_program_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = tracking_with(monkeypatch, Breaking("b", RuntimeError("mat1 and mat2 shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        evaluate(MODEL, VIDEOS, on_failure=lambda name, why: None)
    assert tracker.tracked == ["a", "b"]


def test_masks_that_cannot_be_written_end_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "00000.png")

    tracker = tracking_with(monkeypatch, Breaking())
    monkeypatch.setattr(module, "write_mask", full)
    with pytest.raises(OSError, match=r"\[Errno 28\] No space left on device: '00000.png'"):
        evaluate(MODEL, VIDEOS, tmp_path, on_failure=lambda name, why: None)
    assert tracker.tracked == ["a"]


def test_no_video_that_can_be_evaluated_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tracking_with(monkeypatch, Breaking("a"))
    with pytest.raises(InputError, match=r"found none of 1 videos .*: a"):
        evaluate(MODEL, VIDEOS[:1], json=tmp_path / "s.json", on_failure=lambda name, why: None)
    assert not (tmp_path / "s.json").exists()


def test_scores_are_written_as_videos_finish_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, scores = tmp_path / "masks", tmp_path / "scores.json"
    tracking_with(monkeypatch, Breaking("c", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        evaluate(MODEL, VIDEOS, out, json=scores, facts=FACTS)
    half = json.loads(scores.read_text())
    assert (half["videos_scored"], half["videos_available"], half["run"]) == (2, 3, FACTS)
    assert half["videos"]["a"]["scored_frames"] == ["00001", "00002", "00003"]
    tracker = tracking_with(monkeypatch, Breaking())
    report = evaluate(MODEL, VIDEOS, out, json=scores, facts=FACTS)
    assert tracker.tracked == ["c"]
    whole = json.loads(scores.read_text())
    assert list(whole["videos"]) == ["a", "b", "c"] and report.fps is not None
    assert {name: whole["videos"][name] for name in "ab"} == half["videos"]
    for again in (FACTS, FACTS | {"short_side": 240}):
        with pytest.raises(InputError, match=r"scores\.json: exists already"):
            evaluate(MODEL, VIDEOS, out, json=scores, facts=again)


def test_a_failed_video_is_tried_again_whatever_has_become_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, scores = tmp_path / "masks", tmp_path / "scores.json"
    tracking_with(monkeypatch, Breaking("b"))
    evaluate(MODEL, VIDEOS, out, json=scores, facts=FACTS, on_failure=lambda name, why: None)
    assert sorted(json.loads(scores.read_text())["videos"]) == ["a", "c"]
    assert len(list((out / "b").iterdir())) == 2
    tracker = tracking_with(monkeypatch, Breaking())
    mended = [moving("a"), replace(moving("b", 3), frames=[Frame(name, PICTURE) for name in "xyz"]), moving("c")]
    report = evaluate(MODEL, mended, out, json=scores, facts=FACTS)
    assert tracker.tracked == ["b"] and report.failed == {} and len(report.videos) == 3
    assert sorted(path.name for path in (out / "b").iterdir()) == ["x.png", "y.png", "z.png"]


def test_numbers_come_back_from_json_as_they_were(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((2, 50))
    score = VideoScore(
        "a", 52, {3: ObjectScore(*values)}, {3: ObjectScore(*values[::-1])}, 1 / 3, ("x",) * 50, "grey", "d"
    )
    Report((score,), 2, False, facts=FACTS).write_json(tmp_path / "s.json")
    facts, found = unfinished(tmp_path / "s.json")
    assert facts == FACTS and list(found) == ["a"]
    assert np.array_equal(found["a"].objects[3].j, values[0]) and np.array_equal(found["a"].objects[3].f, values[1])
    assert found["a"].baseline is not None and np.array_equal(found["a"].baseline[3].j, values[1])
    same = replace(found["a"], objects=score.objects, baseline=score.baseline)
    assert same == score


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "no json",
        "[]",
        "[" * 100_000,
        '{"videos_scored": 1, "videos_available": 2, "run": {}, "videos": {"a": 3}}',
    ],
)
def test_another_file_in_the_place_of_the_scores_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(InputError, match=r"s\.json: exists already; expected a new file"):
        evaluate(MODEL, VIDEOS, json=tmp_path / "s.json", facts=FACTS)
    assert (tmp_path / "s.json").read_text() == content


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("J_per_frame", None),
        ("J_per_frame", []),
        ("J_per_frame", [float("nan")] * 3),
        ("J_per_frame", [[1], [1], [1]]),
        ("F_per_frame", [0, 1, 2]),
        ("frames", "x"),
        ("seconds", "x"),
        ("objects", {}),
        ("scored_frames", None),
    ],
)
def test_scores_that_were_damaged_are_not_gone_on_with(perfect: None, tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "s.json"
    evaluate(MODEL, VIDEOS[:1], json=path, facts=FACTS)
    content = json.loads(path.read_text()) | {"videos_available": 3}
    video = content["videos"]["a"]
    (video if part in video else video["objects"]["1"])[part] = value
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"s\.json: exists already; expected a new file"):
        evaluate(MODEL, VIDEOS, json=path, facts=FACTS)
    assert path.read_bytes() == before


def test_only_an_earlier_result_is_replaced_by_the_scores(perfect: None, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(b"\x89PNG, a true mask")
    with pytest.raises(InputError, match=r"s\.json: is no earlier result"):
        evaluate(MODEL, VIDEOS, json=path, overwrite=True)
    assert path.read_bytes() == b"\x89PNG, a true mask"
    for cut_off in (b"", b'{"videos_sc'):
        path.write_bytes(cut_off)
        evaluate(MODEL, VIDEOS, json=path, overwrite=True)
        assert json.loads(path.read_text())["videos_scored"] == 3


def test_a_run_does_not_go_on_with_the_results_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, scores = tmp_path / "masks", tmp_path / "scores.json"
    tracking_with(monkeypatch, Breaking("b"))
    with pytest.raises(InputError, match="broken"):
        evaluate(MODEL, VIDEOS, out, json=scores, facts=FACTS)
    before = scores.read_bytes()
    tracker = tracking_with(monkeypatch, Breaking())
    other = FACTS | {"short_side": 240}
    for masks, file in ((None, scores), (out, None), (out, scores)):
        with pytest.raises(InputError, match="part of a run is there whose short_side was 480, not 240"):
            evaluate(MODEL, VIDEOS, masks, json=file, facts=other)
    with pytest.raises(InputError, match="found masks there already"):
        evaluate(MODEL, VIDEOS, out)  # nobody says what decides the results
    assert tracker.tracked == [] and scores.read_bytes() == before
    evaluate(MODEL, VIDEOS, out, json=scores, facts=other, overwrite=True)
    assert tracker.tracked == ["a", "b", "c"] and json.loads(scores.read_text())["run"] == other


@pytest.mark.usefixtures("perfect")
def test_masks_are_enough_to_go_on_without_scores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = evaluate(MODEL, VIDEOS, baseline=False)
    tracking_with(monkeypatch, Breaking("b"))
    with pytest.raises(InputError, match="broken"):
        evaluate(MODEL, VIDEOS, tmp_path, facts=FACTS)
    tracker = tracking_with(monkeypatch, Breaking())
    report = evaluate(MODEL, VIDEOS, tmp_path, facts=FACTS)
    assert tracker.tracked == ["b", "c"]
    assert report.overall == whole.overall and report.videos[0].scored == whole.videos[0].scored
    assert report.videos[0].seconds is None and report.fps is not None and report.fps < 1000
    with pytest.raises(InputError, match="found masks there already"):
        evaluate(MODEL, VIDEOS, tmp_path, facts=FACTS)


def test_masks_that_were_taken_away_are_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, scores = tmp_path / "masks", tmp_path / "scores.json"
    tracking_with(monkeypatch, Breaking("c"))
    with pytest.raises(InputError, match="broken"):
        evaluate(MODEL, VIDEOS, out, json=scores, facts=FACTS)
    (out / "a" / "00001.png").unlink()
    tracker = tracking_with(monkeypatch, Breaking())
    evaluate(MODEL, VIDEOS, out, json=scores, facts=FACTS)
    assert tracker.tracked == ["a", "c"] and (out / "a" / "00001.png").exists()


def test_predictions_go_on_where_they_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    videos = [replace(video, wanted=frozenset({0, 3})) for video in VIDEOS]
    tracking_with(monkeypatch, Breaking("b"))
    reported: list[str] = []
    assert predict(MODEL, videos, tmp_path, facts=FACTS, on_failure=lambda name, why: reported.append(name)) == 4
    assert reported == ["b"]
    tracker = tracking_with(monkeypatch, Breaking())
    assert predict(MODEL, videos, tmp_path, facts=FACTS) == 6
    assert tracker.tracked == ["b"]
    with pytest.raises(InputError, match="found masks there already"):
        predict(MODEL, videos, tmp_path, facts=FACTS)


def test_a_mask_of_its_user_stops_a_run_that_would_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tracking_with(monkeypatch, Breaking("b"))
    with pytest.raises(InputError, match="broken"):
        predict(MODEL, VIDEOS, tmp_path, facts=FACTS)
    write_mask(tmp_path / "b" / "mine.png", square(0))
    with pytest.raises(InputError, match="b: found masks there already"):
        predict(MODEL, VIDEOS, tmp_path, facts=FACTS)
    assert (tmp_path / "b" / "mine.png").exists()


@pytest.mark.usefixtures("perfect")
def test_overwriting_replaces_all_that_the_last_run_wrote_and_nothing_else(tmp_path: Path) -> None:
    evaluate(MODEL, VIDEOS, tmp_path)
    for mine in ("note.txt", "b/note.txt", "a/mine.png"):
        (tmp_path / mine).write_text("mine")
    evaluate(MODEL, [moving("a", 3)], tmp_path, overwrite=True)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == [
        ".tbd-written",
        "a/00000.png",
        "a/00001.png",
        "a/00002.png",
        "a/mine.png",
        "b/note.txt",
        "note.txt",
    ]
    (tmp_path / "a/00003.png").write_text("mine")
    with pytest.raises(InputError, match=r"00003\.png: was not written by a run"):
        evaluate(MODEL, VIDEOS, tmp_path, overwrite=True)
    assert (tmp_path / "a/00003.png").read_text() == "mine" and (tmp_path / "a/00002.png").exists()


@pytest.mark.usefixtures("perfect")
def test_masks_that_are_not_on_record_are_replaced_where_none_would_stay(tmp_path: Path) -> None:
    evaluate(MODEL, [moving("a")], tmp_path)
    (tmp_path / ".tbd-written").unlink()
    with pytest.raises(InputError, match=r"a/00003\.png: would stay among the new results"):
        evaluate(MODEL, [moving("a", 3)], tmp_path, overwrite=True)
    evaluate(MODEL, [moving("a", 6)], tmp_path, overwrite=True)
    assert len(list((tmp_path / "a").iterdir())) == 6


def test_peak_memory_is_in_bytes() -> None:
    peak = peak_memory(torch.device("cpu"))
    assert peak is not None
    assert 2**26 < peak < 2**37  # a process with PyTorch in it: more than 64 MiB, so not KiB; less than 128 GiB


def test_peak_memory_is_told_where_the_system_keeps_no_high_water_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_: "Name: python\n")
    test_peak_memory_is_in_bytes()


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
    report = evaluate(MODEL, [video], tmp_path, OWN_SIZE)
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
