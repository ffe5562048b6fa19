"""The recipe of the bundled model: what it averages, its teacher, and the record beside the weights."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from tbd_lib.errors import InputError
from tbd_lib.files import data_folder
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tools.train_small import STAGES, average, load_teacher, minutes, training_lines


def test_averaged_weights_lie_half_way() -> None:
    torch.manual_seed(0)
    model, other = build_model(SMALL), build_model(SMALL)
    mean = {name: (value + other.state_dict()[name]) / 2 for name, value in model.state_dict().items()}
    kept = {name: value.clone() for name, value in other.state_dict().items()}
    average(model, other)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, mean[name])
    assert all(torch.equal(value, kept[name]) for name, value in other.state_dict().items())


def test_a_teacher_is_what_load_gives(tmp_path: Path) -> None:
    file = tmp_path / "trunk.py"
    file.write_text("import torch\ndef load():\n    return torch.nn.Conv2d(3, 4, 1)\n")
    assert load_teacher(file).weight.shape == (4, 3, 1, 1)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"nothing.py: cannot be loaded; expected a Python file"):
        load_teacher(tmp_path / "nothing.py")


def test_the_record_beside_the_weights_is_that_of_the_recipe() -> None:
    record = json.loads((data_folder() / "weights" / "small.json").read_text())
    assert list(record["stages"]) == list(STAGES)
    assert "nothing of DAVIS" in record["data"]
    for name, stage in STAGES.items():
        assert record["stages"][name] == json.loads(json.dumps(asdict(stage)))
        assert record["last_log_line"][name]["iteration"] == stage.run.iterations


def test_time_is_that_of_training() -> None:
    training = [{"iteration": 2, "loss": 0.5, "time": 60.0}, {"iteration": 4, "loss": 0.25, "time": 150.0}]
    log = [*training, {"iteration": 4, "validation_j": 0.75}]
    assert training_lines(log) == training
    assert minutes(log) == 1.5
