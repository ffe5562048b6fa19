"""Published numbers beside ours: means over the same objects, and nothing claimed that was not run."""

import json
from pathlib import Path

import pytest

from tbd_lib.cli.main import main
from tbd_lib.errors import InputError
from tbd_lib.evaluation.published import NAMES, TOLERANCE, TRAININGS, compare, per_video, table, verdict
from tbd_lib.files import results_folder

PUBLISHED = json.loads((results_folder() / "published.json").read_text())["scores"]


def result(path: Path, joined: bool, scores: dict[str, dict[str, float]]) -> Path:
    videos = {
        name: {"objects": {i: {"J&F": value} for i, value in objects.items()}} for name, objects in scores.items()
    }
    path.write_text(json.dumps({"joined": joined, "videos": videos}))
    return path


def test_nothing_run_is_stated_for_every_benchmark():
    rows = compare([])
    assert [row.benchmark for row in rows] == list(NAMES.values())
    assert all(row.ours is None and row.gap is None and row.source == "not run" for row in rows)
    assert table(rows).count("not run") == 4


def test_a_part_is_compared_with_the_same_part(tmp_path: Path):
    path = result(tmp_path / "two.json", True, {"dog": {"1": 0.9}, "libby": {"1": 0.5}})
    row = compare([path])[0]
    theirs = PUBLISHED[TRAININGS[0]]["davis16_val"]["per_object"]
    expected = sum(theirs[name][measure] for name in ("dog1", "libby1") for measure in "JF") / 4
    assert row.objects == (2, 20) and row.benchmark == "DAVIS-2016 val"
    assert row.ours == pytest.approx(0.7) and row.published[TRAININGS[0]] == pytest.approx(expected)
    assert row.gap == pytest.approx(0.7 - expected)
    assert len(compare([path])) == 5, "the whole benchmark was not run"
    assert "2 of 20" in table(compare([path])) and f"{row.gap:+.3f}" in table(compare([path]))


@pytest.mark.parametrize(("key", "joined"), [("davis16_val", True), ("davis17_val", False)])
def test_a_whole_benchmark_has_the_published_mean(tmp_path: Path, key: str, joined: bool):
    scores: dict[str, dict[str, float]] = {}
    for name in PUBLISHED[TRAININGS[0]][key]["per_object"]:
        scores.setdefault(name.rstrip("0123456789"), {})[name[len(name.rstrip("0123456789")) :]] = 0.5
    rows = compare([result(tmp_path / "all.json", joined, scores)])
    assert len(rows) == 4 and rows[0].ours == pytest.approx(0.5)
    for training in TRAININGS:
        assert rows[0].published[training] == pytest.approx(PUBLISHED[training][key]["J&F"], abs=1e-6)


def test_published_scores_agree_with_themselves_and_a_video_that_moves_is_named(tmp_path: Path):
    scores: dict[str, dict[str, float]] = {}
    for name, found in PUBLISHED[TRAININGS[0]]["davis17_val"]["per_object"].items():
        video = name.rstrip("0123456789")
        scores.setdefault(video, {})[name.removeprefix(video)] = (found["J"] + found["F"]) / 2
    pairs = per_video(result(tmp_path / "all.json", False, scores))
    assert len(pairs) == 30 and all(theirs == pytest.approx(ours) for theirs, ours in pairs.values())
    assert verdict(pairs).startswith("agrees: 0 of 30 videos")
    scores["soapbox"]["2"] -= 4 * TOLERANCE  # of three objects
    moved = verdict(per_video(result(tmp_path / "all.json", False, scores)))
    assert moved.startswith("does not agree: 1 of 30 videos") and "soapbox the most (-0.0133)" in moved
    shifted = {video: (theirs, theirs + 0.004) for video, (theirs, _) in pairs.items()}
    assert verdict(shifted).startswith("does not agree: 0 of 30 videos"), "the mean alone gives it away"


def test_the_command_gives_a_verdict_on_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    theirs = PUBLISHED[TRAININGS[0]]["davis16_val"]["per_object"]["dog1"]
    for name, less in (("same", 0.0), ("lower", 0.02)):
        result(tmp_path / f"{name}.json", True, {"dog": {"1": (theirs["J"] + theirs["F"]) / 2 - less}})
    assert main(["report", *(str(tmp_path / name) for name in ("same.json", "lower.json"))]) == 0
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'same.json'}: agrees: 0 of 1 videos" in printed
    assert (
        f"{tmp_path / 'lower.json'}: does not agree: 1 of 1 videos" in printed and "dog the most (-0.0200)" in printed
    )
    assert printed.startswith(table(compare([tmp_path / "same.json", tmp_path / "lower.json"])))


def test_rounding_stays_far_within_what_is_allowed():
    scores = json.loads((results_folder() / "rounding.json").read_text())["scores"]
    assert verdict(
        {name: (scores["float32"][name], scores["bfloat16"][name]) for name in scores["float32"]}
    ).startswith("agrees: 0 of 6")


def test_committed_results_are_read(tmp_path: Path):
    small, trunk = compare([results_folder() / "davis2016_six.json", results_folder() / "trunk.json"])[:2]
    assert small.objects == trunk.objects == (6, 20)
    content = json.loads((results_folder() / "davis2016_six.json").read_text())
    assert small.ours == pytest.approx(content["overall"]["J&F"])


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"videos": {}, "joined": true}'])
def test_a_file_that_is_no_result_is_named(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: no (JSON|scores of videos)"):
        compare([tmp_path / "a.json"])


def test_an_object_of_which_nothing_was_published_is_named(tmp_path: Path):
    path = result(tmp_path / "sample.json", False, {"late-entry": {"1": 0.9}})
    with pytest.raises(InputError, match="found the object late-entry1, expected those of DAVIS-2017 val"):
        compare([path])


def test_the_facts_are_those_of_the_source(shared: Path):
    source = json.loads((shared / "reference/tbd_published_scores.json").read_text())
    assert source["scores"] == PUBLISHED
