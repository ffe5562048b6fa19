"""A rehearsal tells how long a stage takes and what limits it, by a clock that is made up, and leaves no trace."""

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
import torch
from small_runs import TINY, VIDEOS, tiny_model

from tbd_lib.cli.main import main
from tbd_lib.errors import InputError, TrainingError
from tbd_lib.training import train as module
from tbd_lib.training.config import change
from tbd_lib.training.rehearsal import Rehearsal, rehearse

STAGE = change(TINY, run={"iterations": 3600, "save_every": 120})
FAST = Rehearsal(STAGE, "Tesla T4", 1, 50, 0.05, 0.45, 40.0, 9 * 10**9, 16 * 10**9)


def clock_of(loading: float, waiting: float, computing: float, batches: int, later: float = 0.0) -> Callable[[], float]:
    """A clock that is first read around the loading of all batches; then it goes on by each step's two parts."""
    now = 0.0
    steps = [0.0, loading * batches, *(value for _ in range(2) for value in (0.0, later, later))]
    moves = iter([*steps, *(value for value, _ in zip(cycle((0.0, waiting, computing)), range(600), strict=False))])

    def read() -> float:
        nonlocal now
        now += next(moves)
        return now

    return read


def test_times_follow_from_the_clock_and_the_first_steps_do_not_count() -> None:
    found = rehearse(
        STAGE, tiny_model(), VIDEOS, 2, device="cpu", clock=clock_of(0.8, 0.25, 0.75, batches=1, later=99.0)
    )
    assert (found.waiting, found.computing, found.steps) == (pytest.approx(0.25), pytest.approx(0.75), 2)
    assert found.loading == pytest.approx(4 / 0.8)  # a batch of four clips
    assert found.hours == pytest.approx(1.0)  # 3,600 steps of a second
    assert found.minutes_to_checkpoint == pytest.approx(2.0)
    assert found.config.run.precision == "float32" and found.hardware == "CPU"


def test_the_report_says_all_of_it() -> None:
    report = FAST.report()
    for words in (
        "50 steps timed of 3,600, in float32 on Tesla T4",
        "0.50 s a step; clips a second: 8.9 computed, 40.0 loaded by the same process",
        "peak memory: 9.0 of 16.0 GB",
        "30.0 minutes for the whole stage, 1.0 minutes from one checkpoint to the next",
    ):
        assert words in report
    assert "warning" not in report
    assert "not measured" in replace(FAST, peak=None, memory=None).report()
    assert "5.0 hours" in replace(FAST, waiting=0.5, computing=4.5).report()
    assert "36.0 seconds" in replace(FAST, waiting=0.0, computing=0.01).report()


def test_a_full_memory_is_warned_of_with_the_setting_that_helps() -> None:
    full = replace(FAST, peak=15 * 10**9)
    (line,) = full.warnings()
    assert line.startswith("memory is nearly full: `run.accumulate` 2 computes a batch in 2 parts")
    assert f"warning: {line}" in full.report()
    assert "`run.accumulate` 4" in replace(full, config=change(STAGE, run={"accumulate": 2})).warnings()[0]


def test_slow_loading_is_warned_of_with_the_setting_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    slow = replace(FAST, waiting=0.45)
    (line,) = slow.warnings()
    assert (
        line
        == "50% of the time passes waiting for clips: more `data.workers` than 0 help (there are 8 processor cores)"
    )
    many = change(STAGE, data={"workers": 8, "dataset": "coco"})
    assert "tbd prepare coco --png" in replace(slow, config=many).warnings()[0]
    assert replace(slow, waiting=0.04).warnings() == []


def test_nothing_is_written_and_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = tiny_model().eval()
    model.freeze_encoder(True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    found = rehearse(STAGE, model, VIDEOS, 1, device="cpu")
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert model.frozen_encoder and not model.training
    assert list(tmp_path.iterdir()) == []
    assert found.seconds > 0 and found.loading > 0
    assert found.peak is None or (found.memory is not None and 10**8 < found.peak < found.memory)


def test_it_goes_through_the_steps_of_a_real_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same clips after the same swaps, from the same weights: the same losses."""
    step, losses = module.step, []

    def noting(*arguments):
        found = step(*arguments)
        losses.append(found[0].item())
        return found

    monkeypatch.setattr(module, "step", noting)
    module.train(TINY, tiny_model(), VIDEOS, tmp_path, device="cpu")
    real = losses.copy()
    losses.clear()
    rehearse(TINY, tiny_model(), VIDEOS, 2, device="cpu")
    assert losses == real and len(real) == 4


def test_a_full_gpu_and_bad_settings_are_one_line_and_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"`data.frames` 1"):
        rehearse(change(TINY, data={"frames": 1}), tiny_model(), VIDEOS, 1, device="cpu")

    def full(*_: object):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    monkeypatch.setattr(module, "step", full)
    line = (
        r"^memory was full at iteration 1 \(CUDA out of memory. Tried to allocate 2.00 GiB\); `run.accumulate` 2 "
        r"computes a batch in 2 parts, with the same gradients$"
    )
    with pytest.raises(TrainingError, match=line):
        rehearse(TINY, tiny_model(), VIDEOS, 1, device="cpu")


def test_a_loss_that_is_no_number_ends_a_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "step", lambda *_: (torch.tensor(float("nan")), torch.tensor(0.0)))
    with pytest.raises(TrainingError, match=r"^the loss is nan at iteration 1$"):
        rehearse(TINY, tiny_model(), VIDEOS, 1, device="cpu")


def test_the_command_reports_and_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    slow = replace(FAST, waiting=9.0)
    seen = []
    monkeypatch.setattr("tbd_lib.training.rehearsal.rehearse", lambda *found, **_: seen.append(found) or slow)
    assert main(["train", "sample", "--rehearse", "--batch", "2"]) == 0
    assert "warning: 95% of the time passes waiting for clips: more --workers than 0 help" in capsys.readouterr().out
    assert seen[0][0].data.batch == 2 and list(tmp_path.iterdir()) == []
