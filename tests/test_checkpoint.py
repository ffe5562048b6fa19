"""Weights in and out, and every way in which a file can be wrong."""

import pickle
from pathlib import Path

import pytest
import torch
from golden import published_state
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_model import TINY

from tbd_lib.datasets.davis import find
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import score_video
from tbd_lib.method.config import PAPER, SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import BENCHMARK
from tbd_lib.tracking.tracker import track
from tbd_lib.training.checkpoint import (
    bundled_model,
    load_checkpoint,
    load_head,
    our_name,
    save_head,
    save_weights,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that loads like the published checkpoint."""
    path = tmp_path_factory.mktemp("published") / "TBD_davis.pth"
    torch.save({n: v.float() if v.is_floating_point() else v for n, v in published_state().items()}, path)
    return path


def saved(path: Path) -> tuple[Path, TBD]:
    model = build_model(TINY)
    save_weights(path, model)
    return path, model


def test_every_published_name_has_a_place_of_its_own() -> None:
    ours = [our_name(name) for name in published_state()]
    assert len(set(ours)) == 580
    assert set(ours) == set(build_model(PAPER).state_dict())


def test_a_published_checkpoint_loads(published: Path) -> None:
    model = load_checkpoint(published)
    assert model.config == PAPER and not model.training
    expected = published_state()["vos.decoder.cbam2.conv3.1.conv.weight"].float()
    torch.testing.assert_close(model.get_parameter("decoder.stage8.attend.spatial_gate.2.weight").detach(), expected)


def test_own_files_come_back_as_they_went(tmp_path: Path) -> None:
    path, model = saved(tmp_path / "model.safetensors")
    loaded = load_checkpoint(path)
    assert loaded.config == TINY and not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_half_precision_files_load_in_float32(tmp_path: Path) -> None:
    model = build_model(TINY)
    save_weights(tmp_path / "half.safetensors", model, torch.float16)
    weight = load_checkpoint(tmp_path / "half.safetensors").key_head.conv.weight
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, model.key_head.conv.weight, rtol=1e-3, atol=1e-6)


def test_wrong_tensors_are_listed(tmp_path: Path) -> None:
    path, _ = saved(tmp_path / "model.safetensors")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    for name in [n for n in state if n.startswith("distance.")]:
        del state[name]
    state["spare"] = torch.zeros(1)
    state["short_inertia"] = torch.zeros(3)
    save_file(state, path, metadata)
    with pytest.raises(InputError) as error:
        load_checkpoint(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    assert "4 missing (distance.hidden.weight, distance.hidden.bias, distance.out.weight, ...)" in message
    assert "1 extra (spare)" in message
    assert "1 misshapen (short_inertia [3], expected [2])" in message


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("/nonexistent-evil"),))


def saved_and_cut(path: Path) -> None:
    saved(path)
    path.write_bytes(path.read_bytes()[:5000])


PAGE = "\n<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>"


def other_model(path: Path) -> None:
    torch.save(torch.nn.ModuleDict({"fc": torch.nn.Linear(2, 3)}).state_dict(), path)


def zip_cut(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:1500])


@pytest.mark.parametrize(
    ("name", "write", "hint"),
    [
        ("a.pth", lambda path: path.write_text("not a checkpoint"), "without pickled code"),
        ("a.pth", zip_cut, "expected TBD's published weights"),
        ("a.pth", lambda path: path.write_text(PAGE), "remove it and run `tbd prepare weights` again"),
        ("a.safetensors", lambda path: path.write_text(PAGE), "found a web page; expected weights"),
        ("a.pth", other_model, "580 missing (short_inertia, "),
        ("a.pth", other_model, "2 extra (fc.weight, fc.bias); expected TBD's published weights (`"),
        ("a.pth", lambda path: torch.save({"model": {"a": torch.zeros(1)}, "epoch": 3}, path), "dict by the name"),
        ("a.pth", lambda path: path.write_bytes(pickle.dumps(Evil())), "without pickled code"),
        ("a.pth", lambda path: torch.save([torch.zeros(1)], path), "holds list; expected a dictionary of tensors"),
        ("a.safetensors", lambda path: path.write_text("not a checkpoint"), "expected safetensors"),
        ("a.safetensors", saved_and_cut, "expected safetensors"),
        ("a.safetensors", lambda path: save_file({"a": torch.zeros(1)}, path), "safetensors written by tbd_lib"),
        ("a.safetensors", lambda path: None, "no such file; expected a checkpoint"),
    ],
)
def test_a_file_that_is_no_checkpoint_says_so_in_one_line(tmp_path: Path, name: str, write, hint: str) -> None:
    write(tmp_path / name)
    with pytest.raises(InputError) as error:
        load_checkpoint(tmp_path / name)
    assert str(error.value).startswith(f"{tmp_path / name}: ") and hint in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path("/nonexistent-evil").exists()


def test_the_bundled_model_keeps_to_its_object_when_a_look_alike_crosses() -> None:
    video = find("lookalike-crossing")
    assert video.truth is not None
    masks = [step.mask for step in track(bundled_model(), video, BENCHMARK)]
    still = [video.given[0]] * len(masks)
    tracked, unchanged = (score_video(found, video.truth)[1].j.mean() for found in (masks, still))
    assert tracked > 0.9 and unchanged < 0.4


def test_a_head_is_all_but_the_frozen_encoder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_model(SMALL)
    model.encoder.load_state_dict(bundled_model("bundled-coco").encoder.state_dict())
    save_head(tmp_path / "head.safetensors", model.half().float())
    again = load_head(tmp_path / "head.safetensors")
    assert not again.training and (tmp_path / "head.safetensors").stat().st_size < 1e6
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_what_is_no_head_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "head.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"head.safetensors: .*; expected the head of a small model"):
        load_head(path)
