"""Runs compute in what their hardware is fast in, say so, and go on as they began."""

import json
import warnings
from pathlib import Path

import pytest
import torch
from small_runs import TINY, VIDEOS, tiny_model

from tbd_lib.training.config import STAGES, change
from tbd_lib.training.precision import fastest, settle
from tbd_lib.training.train import train

CPU, GPU = torch.device("cpu"), torch.device("cuda")
AUTO = change(TINY, run={"precision": "auto", "iterations": 2, "save_every": 1})


def gpu_of(capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")


def cpu_with(monkeypatch: pytest.MonkeyPatch, **instructions: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions, raising=False)


def test_no_stage_asks_for_a_precision_that_hardware_may_lack() -> None:
    assert {stage.run.precision for stage in STAGES.values()} == {"auto"}


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_gpus_before_ampere_compute_in_float16(capability, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_of(capability, monkeypatch)
    assert fastest(GPU) == expected


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ({"avx512_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "avx512_f": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_cpus_compute_in_bfloat16_where_they_have_it(instructions, expected: str, monkeypatch) -> None:
    cpu_with(monkeypatch, **instructions)
    assert fastest(CPU) == expected


def test_other_devices_and_releases_that_cannot_tell_compute_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fastest(torch.device("mps")) == "float32"
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert fastest(CPU) == "float32"


def test_what_is_asked_for_counts_more_than_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_of((7, 5), monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert settle("float32", GPU) == "float32"
        assert settle("auto", GPU) == "float16"
        assert settle("auto", GPU, "float32") == "float32"
    with pytest.warns(UserWarning, match=r"Tesla T4 \(compute capability 7.5\) has no hardware for bfloat16.*float16"):
        assert settle("bfloat16", GPU) == "bfloat16"


def test_a_run_says_its_precision_stores_it_and_goes_on_in_it_on_other_hardware(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    cpu_with(monkeypatch, avx512_bf16=True)
    train(change(AUTO, run={"iterations": 2}), tiny_model(), VIDEOS, tmp_path, device="cpu")
    assert "train, bfloat16" in capsys.readouterr().err
    assert json.loads((tmp_path / "run.json").read_text())["config"]["run"]["precision"] == "bfloat16"
    cpu_with(monkeypatch)
    train(AUTO, tiny_model(), VIDEOS, tmp_path, device="cpu")  # would be refused as of another configuration
    assert torch.load(tmp_path / "last.pt", weights_only=True)["config"]["run"]["precision"] == "bfloat16"
    train(AUTO, tiny_model(), VIDEOS, tmp_path / "new", device="cpu")
    assert json.loads((tmp_path / "new" / "run.json").read_text())["config"]["run"]["precision"] == "float32"
