"""The recipe of the bundled models: what it reads and averages, and the records beside the weights."""

import json
import pickle
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.files import data_folder, results_folder
from tbd_lib.method.config import SMALL
from tbd_lib.method.encoder import EfficientNetLite0
from tbd_lib.method.model import build_model
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.masks import write_mask
from tools.train_bundled import ENDS, STAGES, load_lite0, mean_of, minutes, pictures_of, stages_of, training_lines
from tools.train_trunk import load_trunk


def test_averaged_weights_lie_half_way() -> None:
    torch.manual_seed(0)
    first, second = build_model(SMALL), build_model(SMALL)
    mean = mean_of([first, second]).state_dict()
    for name, value in first.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(mean[name], (value + second.state_dict()[name]) / 2)


def test_the_encoder_takes_the_leading_tensors_of_a_whole_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source, encoder = EfficientNetLite0(), EfficientNetLite0()
    leading = {f"_{i}": v for i, (k, v) in enumerate(source.state_dict().items()) if not k.startswith("normalise")}
    torch.save(leading | {"_fc": torch.rand(3)}, tmp_path / "lite.pth")
    load_lite0(encoder, tmp_path / "lite.pth")
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(encoder.eval()(image)[2], source.eval()(image)[2])
    torch.save({"_0": torch.rand(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other.pth: no stem\.1\.weight of \[32, 3, 3, 3\]"):
        load_lite0(encoder, tmp_path / "other.pth")


def test_pictures_with_masks_are_videos_of_a_frame(tmp_path: Path) -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    (tmp_path / "images").mkdir()
    Pictures.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "images" / "cat.jpg")
    write_mask(tmp_path / "masks" / "cat.png", mask)
    (video,) = pickle.loads(pickle.dumps(pictures_of(tmp_path)))  # as processes that make clips get it
    assert video.truth is not None
    assert (video.name, len(video.truth)) == ("cat", 1)
    assert np.array_equal(video.truth[0], mask)
    assert next(iter(video.frames)).image.shape == (3, 4, 3)
    with pytest.raises(InputError, match=r"found no images, expected \*\.jpg"):
        pictures_of(tmp_path / "nowhere")


def test_a_trunk_is_what_load_gives(tmp_path: Path) -> None:
    file = tmp_path / "trunk.py"
    file.write_text("import torch\ndef load():\n    return torch.nn.Conv2d(3, 4, 1)\n")
    assert load_trunk(file).weight.shape == (4, 3, 1, 1)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"nothing.py: cannot be loaded; expected a Python file"):
        load_trunk(tmp_path / "nothing.py")


@pytest.mark.parametrize("name", sorted(ENDS))
def test_the_record_beside_the_weights_is_that_of_the_recipe(name: str) -> None:
    record = json.loads((data_folder() / "weights" / f"{name}.json").read_text())
    assert list(record["stages"]) == stages_of(name)
    for stage in stages_of(name):
        config = STAGES[stage].config
        recorded = record["stages"][stage]
        recorded["run"] = {"accumulate": 1, **recorded["run"]}  # not recorded before batches could be computed in parts
        assert recorded == json.loads(json.dumps(asdict(config)))
        assert record["last_log_line"][stage]["iteration"] == config.run.iterations
        log = (results_folder() / f"train_bundled_{stage}.jsonl").read_text().splitlines()
        assert record["last_log_line"][stage] in map(json.loads, log)


def test_licences_are_said_beside_the_weights() -> None:
    first, second = (json.loads((data_folder() / "weights" / f"{name}.json").read_text()) for name in sorted(ENDS))
    assert "nothing of DAVIS" in first["data"]
    assert "CC BY-NC" not in first["data"]
    assert "non-commercial" in second["data"]


def test_a_stage_goes_on_from_a_stage_of_the_recipe_and_ends_with_weights_that_ship() -> None:
    assert [name for name, stage in STAGES.items() if stage.after is None] == ["images"]
    assert {end for ends in ENDS.values() for end in ends} == set(STAGES) - {stage.after for stage in STAGES.values()}
    assert stages_of("bundled-davis") == ["images", "videos_a", "videos_b", "videos_a_tuned", "videos_b_tuned"]


def test_the_encoder_learned_on_videos_and_kept_its_statistics() -> None:
    frozen = {name for name, stage in STAGES.items() if stage.config.optimiser.encoder_rate is None}
    assert {name for name in STAGES if name.endswith("_tuned")} == set(STAGES) - frozen
    assert set(stages_of("bundled-coco")) <= frozen
    first, second = (bundled_model(name).encoder.state_dict() for name in ("bundled-coco", "bundled-davis"))
    same = {name for name, value in first.items() if torch.equal(value, second[name])}
    assert {name for name in first if "running" in name} <= same
    assert not same & set(dict(bundled_model("bundled-davis").encoder.named_parameters()))


def test_time_is_that_of_training() -> None:
    training = [{"iteration": 2, "loss": 0.5, "time": 60.0}, {"iteration": 4, "loss": 0.25, "time": 150.0}]
    log = [*training, {"iteration": 4, "validation_j": 0.75}]
    assert training_lines(log) == training
    assert minutes(log) == 1.5
