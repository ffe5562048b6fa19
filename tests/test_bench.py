"""``tbd bench`` on the smallest plan: what its file holds, and that nothing is claimed that was not run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import bench as plan
from benchmarks import films, memory, scenes, scoring
from tbd_lib.cli.main import main
from tbd_lib.errors import InputError
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import OWN_SIZE


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of 48 x 64 pixels, and one untrained model."""

    def model() -> TBD:
        torch.manual_seed(0)
        return build_model(SMALL).eval()

    monkeypatch.setitem(scenes.SIZES, 480, (48, 64))
    monkeypatch.setattr(plan, "bundled_model", model)
    monkeypatch.setattr(plan, "PAPER", SMALL)


def test_the_file_holds_what_was_measured_and_null_for_the_rest(tiny: None, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    arguments = ["--parts", "tracking", "parts", "loading", "--objects", "1", "3", "--lines", "480", "--frames", "2"]
    assert main(["bench", "--out", str(out), "--device", "cpu", *arguments]) == 0
    found = json.loads(out.read_text())
    rows = found["tracking"]
    assert [(row["width"], row["objects"]) for row in rows] == [("small", 1), ("small", 3), ("paper", 1), ("paper", 3)]
    for row in rows:
        assert row["size"] == [48, 64] and row["frames"] == 2 and row["pixels_that_differ_beyond_ties"] == 0
        assert 0 < row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"]
    for row in found["parts"]:
        assert set(row["parts"]) == {"read", "encode", "match", "decode", "aggregate", "update", "write"}
        assert all(row["parts"][name]["operations"] > 0 for name in ("encode", "match", "decode"))
        assert all(part["seconds"] > 0 for part in row["parts"].values())
    assert found["loading"] is found["films"] is found["memory"] is None  # no data named; not asked for
    assert found["device"] == "cpu" and found["provenance"]["commit"]


def test_a_part_can_be_measured_anew_while_the_others_stay(
    tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "bench.json"
    monkeypatch.setattr(plan.Bench, "limits", lambda self: {"copied bytes per second": 1.0})
    monkeypatch.setattr(plan.Bench, "scoring", lambda self: {"ratio": 2.0})
    assert main(["bench", "--out", str(out), "--parts", "limits", "scoring"]) == 0
    monkeypatch.setattr(plan.Bench, "scoring", lambda self: {"ratio": 3.0})
    assert main(["bench", "--out", str(out), "--parts", "scoring", "--overwrite"]) == 0
    found = json.loads(out.read_text())
    assert (found["limits"], found["scoring"]) == ({"copied bytes per second": 1.0}, {"ratio": 3.0})
    commands = {part: about["command"] for part, about in found["measured"].items()}
    assert list(commands) == ["limits", "scoring"] and found["training"] is None
    monkeypatch.setattr(plan.Bench, "scoring", lambda self: None)  # its data were not named
    assert main(["bench", "--out", str(out), "--parts", "limits", "scoring", "--overwrite"]) == 0
    again = json.loads(out.read_text())
    assert again["scoring"] == {"ratio": 3.0} and again["measured"]["scoring"] == found["measured"]["scoring"]
    assert "scoring: not run" in capsys.readouterr().out
    out.write_text("{}")
    assert main(["bench", "--out", str(out), "--overwrite"]) == 2
    assert "expected a file that tbd bench has written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--davis", "nowhere: no such folder"),
        ("--results", "nowhere: found no --davis, expected the true masks"),
        ("--coco", "nowhere"),
    ],
)
def test_data_that_are_not_there_are_found_before_anything_is_measured(
    flag: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(plan.Bench, "run", lambda self, part: pytest.fail("measured"))
    assert main(["bench", "--out", str(tmp_path / "bench.json"), flag, str(tmp_path / "nowhere")]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_masks_of_videos_cannot_be_scored(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no folders there, expected one with masks for each video"):
        scoring.measure(tmp_path, tmp_path, 3)


def test_the_process_whose_memory_is_measured_begins_where_its_module_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], text: bool, cwd: Path) -> str:
        assert command[1:3] == ["-m", "benchmarks.memory"] and (cwd / "benchmarks" / "memory.py").is_file()
        return "1 2\n"

    monkeypatch.setattr("subprocess.check_output", run)
    assert memory.peak_of("small", 1, 1, (48, 64)) == (1, 2)


def test_a_step_of_training_is_not_run_for_a_gpu() -> None:
    assert plan.Bench(torch.device("meta"), (1,), (480,), 1).training() is None


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "bench.json"
    out.write_text("mine")
    assert main(["bench", "--out", str(out)]) == 2
    assert "bench.json" in capsys.readouterr().err and out.read_text() == "mine"


def test_a_film_has_as_many_frames_as_asked_for_and_is_tracked_by_every_option(
    tmp_path: Path,
) -> None:
    configs = [OWN_SIZE, replace(OWN_SIZE, roi_margin=1)]
    model = build_model(SMALL).eval()
    film = films.film(tmp_path / "film", 50, (48, 64))
    assert [frame.image.shape for frame in film.frames] == [(48, 64, 3)] * 50 and film.given[0].any()
    rates = [films.frames_per_second(model, film, tmp_path, config) for config in configs]
    assert min(rates) > 0 and len(list(tmp_path.glob("0*.png"))) == 50
