"""What is said of the budgets is what the files hold, and the head that ships is the one that was trained."""

import json
from dataclasses import asdict

import torch

from tbd_lib.files import data_folder, results_folder
from tbd_lib.training.checkpoint import bundled_model, load_head
from tbd_lib.training.config import SAMPLE_STAGE
from tbd_lib.training.run_dir import read_log
from tools.train_budgets import LONGER, LONGER_STAGES, QUARTER, TOO_EARLY, add
from tools.train_bundled import STAGES, training_lines

ROWS = json.loads((results_folder() / "budgets.json").read_text())


def as_json(record: object) -> object:
    return json.loads(json.dumps(record))


def log_of(name: str) -> list[dict]:
    return training_lines(read_log(results_folder() / name))


def test_the_budgets_were_run_with_the_settings_of_the_stages() -> None:
    settings = ROWS[QUARTER]["config"]
    settings["run"]["precision"] = "auto"  # the file may hold what it was settled to
    assert settings == as_json(asdict(SAMPLE_STAGE))
    for name in LONGER_STAGES:
        config = ROWS[LONGER]["stages"][name]["config"]
        assert config["data"] == as_json(asdict(STAGES[name].config.data))
        assert ROWS[LONGER]["stages"][name]["last_log_line"] == log_of(f"train_bundled_{name}.jsonl")[-1]


def test_the_shorter_one_went_to_its_end_and_the_one_that_fails_learned_nothing() -> None:
    log, failed = log_of("train_quarter_hour.jsonl"), log_of("train_too_early.jsonl")
    assert log[-1] == ROWS[QUARTER]["last_log_line"] and log[-1]["iteration"] == SAMPLE_STAGE.run.iterations
    assert log[-1]["iou"] > 0.3 and failed[-1]["iou"] < 0.01
    assert TOO_EARLY.optimiser.context_full < SAMPLE_STAGE.optimiser.context_from


def test_the_head_that_ships_is_small_and_not_the_bundled_one() -> None:
    path = data_folder() / "weights" / "quarter-hour-head.safetensors"
    assert path.stat().st_size < 1e6
    head, bundled = load_head(path), bundled_model("bundled-coco")
    assert torch.equal(head.encoder.state_dict()["stem.1.weight"], bundled.encoder.state_dict()["stem.1.weight"])
    assert not torch.equal(head.key_head.conv.weight, bundled.key_head.conv.weight)


def test_scores_on_other_videos_stay(tmp_path) -> None:
    path = tmp_path / "budgets.json"
    add(path, "a", {"minutes": 1}, {"sample_val": {"J": 0.5}})
    add(path, "b", {}, {})
    add(path, "a", {"minutes": 1}, {"sample_real": {"J": 0.25}})
    rows = json.loads(path.read_text())
    assert rows["a"]["scores"] == {"sample_val": {"J": 0.5}, "sample_real": {"J": 0.25}} and "b" in rows
