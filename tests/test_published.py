"""Published numbers beside ours: means over the same objects, and nothing claimed that was not run."""

import json
from pathlib import Path

import pytest

from tbd_lib.errors import InputError
from tbd_lib.evaluation.published import NAMES, TRAININGS, compare, table
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
