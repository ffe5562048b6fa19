"""A report reads as a table and keeps every number as JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tbd_lib.evaluation.metrics import ObjectScore
from tbd_lib.evaluation.report import Report, VideoScore


def scores(j: float, f: float) -> ObjectScore:
    return ObjectScore(np.array([j, j]), np.array([f, f]))


@pytest.fixture
def report() -> Report:
    still = {1: scores(0.1, 0.3), 3: scores(0.2, 0.2)}
    first = VideoScore("motocross-jump", 4, {1: scores(0.5, 0.7), 3: scores(0.25, 0.35)}, still, seconds=2.0)
    return Report(
        (first, VideoScore("dog", 8, {2: scores(0.9, 0.9)}, {2: scores(0.0, 0.0)}, seconds=1.0)), 5, False, 2**31
    )


def cells(report: Report) -> list[list[str]]:
    return [line.split() for line in report.table().splitlines()]


def test_global_numbers(report: Report) -> None:
    assert report.overall.j.mean == pytest.approx(0.55)
    assert report.overall.f.mean == pytest.approx(0.65)
    assert report.overall.j.recall == pytest.approx(1 / 3)
    assert report.baseline is not None
    assert report.baseline.j_and_f == pytest.approx((0.1 + 0.5 / 3) / 2)
    assert report.fps == 4
    assert report.videos[0].fps == 2


def test_videos_that_were_not_timed_do_not_count_in_frames_per_second(report: Report) -> None:
    assert replace(report, videos=(report.videos[0], replace(report.videos[1], seconds=None))).fps == 2


def test_table_has_a_row_per_object_and_a_mean(report: Report) -> None:
    rows = cells(report)
    assert rows[1] == ["motocross-jump", "1", "0.500", "0.700", "0.600", "0.200", "2.00"]
    assert rows[2] == ["3", "0.250", "0.350", "0.300", "0.200"]
    assert rows[3] == ["dog", "2", "0.900", "0.900", "0.900", "0.000", "8.00"]
    assert rows[4] == ["Mean", "0.550", "0.650", "0.600", "0.133", "4.00"]
    assert report.table().endswith("2 of 5 videos, 3 objects, 4.00 frames per second, peak memory 2.00 GiB")


def test_table_is_aligned_and_narrow(report: Report) -> None:
    lines = report.table().splitlines()
    assert max(map(len, lines)) <= 100
    ends = {line.rstrip().rfind(line.split()[-1]) + len(line.split()[-1]) for line in (lines[0], lines[1], lines[3])}
    assert len(ends) == 1
    assert lines[0].index("J&F") + 3 == lines[1].index("0.600") + 5


def test_table_leaves_out_what_was_not_measured() -> None:
    table = Report((VideoScore("dog", 4, {1: scores(0.5, 0.7)}),), 1, True).table()
    assert table.splitlines()[0].split() == ["video", "object", "J", "F", "J&F"]
    assert "unchanged" not in table
    assert "frames per second" not in table
    assert "memory" not in table
    assert "(joined)" in table


def test_json_holds_every_number(report: Report, tmp_path: Path) -> None:
    report.write_json(tmp_path / "results" / "scores.json")
    found = json.loads((tmp_path / "results" / "scores.json").read_text())
    assert found["overall"]["J&F"] == report.overall.j_and_f
    assert found["overall"]["J"]["recall"] == report.overall.j.recall
    assert found["baseline"]["F"]["mean"] == pytest.approx(0.5 / 3)
    assert (found["videos_scored"], found["videos_available"], found["joined"]) == (2, 5, False)
    assert found["peak_memory_bytes"] == 2**31
    video = found["videos"]["motocross-jump"]
    assert (video["frames"], video["seconds"], video["frames_per_second"]) == (4, 2, 2)
    assert video["objects"]["3"]["J_per_frame"] == [0.25, 0.25]
    assert video["objects"]["3"]["F_per_frame"] == [0.35, 0.35]
    assert video["objects"]["3"]["F"]["mean"] == pytest.approx(0.35)
    assert video["baseline"]["1"]["J_per_frame"] == [0.1, 0.1]
    assert found["provenance"]["versions"]["numpy"] == np.__version__


def test_json_without_baseline() -> None:
    found = Report((VideoScore("dog", 4, {1: scores(0.5, 0.7)}),), 1, True).as_json()
    assert found["baseline"] is None
    assert json.loads(json.dumps(found))["videos"]["dog"]["baseline"] is None
