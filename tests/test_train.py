"""The training loop learns, validates, stops in time, and goes on exactly where it was interrupted."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from small_runs import LONGER, TINY, VIDEOS, square_video, tiny_model
from torch.amp.grad_scaler import GradScaler

from tbd_lib.errors import InputError, TrainingError
from tbd_lib.method.model import TBD
from tbd_lib.training import train as module
from tbd_lib.training.checkpoint import load_checkpoint
from tbd_lib.training.config import TrainConfig, change
from tbd_lib.training.distributed import World
from tbd_lib.training.objective import Objective
from tbd_lib.training.run_dir import read_log
from tbd_lib.training.train import (
    apply_swap,
    check,
    context_share,
    freeze_bn_stats,
    less_memory,
    make_optimiser,
    prepare,
    rate_share,
    set_rates,
    step,
    train,
)

CPU = torch.device("cpu")
ALONE = World(0, 1, CPU)


def same_weights(model: TBD, other: TBD) -> bool:
    return all(torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items())


def ready(config: TrainConfig) -> tuple[TrainConfig, Objective, torch.optim.Optimizer, GradScaler]:
    """What a step needs besides a batch."""
    objective = prepare(config, tiny_model(), CPU).train()
    return config, objective, make_optimiser(config, objective), GradScaler("cpu", enabled=False)


def test_rate_rises_then_falls_to_zero() -> None:
    config = change(TINY, optimiser={"warm_up": 10, "schedule": "cosine"}, run={"iterations": 100})
    shares = [rate_share(config, i) for i in range(100)]
    assert shares[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert all(a >= b for a, b in pairwise(shares[10:]))
    assert shares[55] == pytest.approx(0.5) and shares[99] < 0.001
    assert rate_share(change(config, optimiser={"schedule": "constant"}), 99) == 1


def test_the_encoder_has_a_rate_of_its_own_or_none() -> None:
    model = tiny_model()
    rates = {"learning_rate": 1.0, "encoder_rate": 0.1, "schedule": "constant", "warm_up": 2}
    config = change(TINY, optimiser=rates)
    optimiser = make_optimiser(config, Objective(model))
    assert set_rates(config, optimiser, 0) == 0.5
    assert [group["lr"] for group in optimiser.param_groups] == [0.5, 0.05]
    assert [len(group["params"]) for group in optimiser.param_groups] == [
        len(list(model.parameters())) - len(list(model.encoder.parameters())),
        len(list(model.encoder.parameters())),
    ]
    frozen = make_optimiser(change(config, optimiser={"encoder_rate": None}), Objective(model))
    assert len(frozen.param_groups) == 1


def test_an_override_of_rate_and_decay_takes_effect(tmp_path: Path) -> None:
    """The optimiser's state holds those of the run before."""
    train(TINY, tiny_model(), VIDEOS, tmp_path, device="cpu")
    changed = change(
        TINY, optimiser={"learning_rate": 0.25, "weight_decay": 0.5}, run={"iterations": 5, "log_every": 1}
    )
    train(changed, tiny_model(), VIDEOS, tmp_path, device="cpu", override=True)
    assert read_log(tmp_path / "log.jsonl")[-1]["rate"] == pytest.approx(0.25 * rate_share(changed, 4), abs=1e-5)
    groups = torch.load(tmp_path / "last.pt", weights_only=True)["parts"]["optimiser"]["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.5, 0.5]


def test_the_image_comes_into_view_slowly() -> None:
    config = change(TINY, optimiser={"context_from": 100, "context_full": 300})
    assert [context_share(config, i) for i in (0, 100, 200, 300, 5000)] == [0, 0, 0.5, 1, 1]
    assert context_share(TINY, 0) == 1


@pytest.mark.parametrize(("iteration", "learning"), [(6, True), (7, False)])
def test_batch_norm_statistics_stand_still_at_the_end(iteration: int, learning: bool) -> None:
    config = change(TINY, optimiser={"freeze_bn_stats": 0.3}, run={"iterations": 10})
    model = tiny_model()
    model.freeze_encoder(False)
    freeze_bn_stats(config, model.train(), iteration)
    assert model.encoder.training == learning and model.decoder.training


def test_swap_and_attach_depends_on_seed_iteration_and_process_alone() -> None:
    torch.manual_seed(0)
    batch = (torch.randint(0, 256, (4, 2, 3, 48, 48), dtype=torch.uint8), torch.randint(0, 2, (4, 2, 48, 48)).byte())
    config = change(TINY, data={"augment": {"swap": 0.5}})
    elsewhere = World(1, 2, torch.device("cpu"))
    first, again, later, other = (
        apply_swap(config, batch, *where)[0] for where in ((ALONE, 1), (ALONE, 1), (ALONE, 2), (elsewhere, 1))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, later) and not torch.equal(first, other)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_clip_is_learned_by_heart(precision: str) -> None:
    """A bright block moves over noise: IoU above 0.95 within seconds."""
    torch.manual_seed(0)
    images, masks = torch.rand(1, 3, 3, 64, 64) * 0.3, torch.zeros(1, 3, 64, 64, dtype=torch.long)
    for t in range(3):
        images[0, t, :, 10:30, 8 + 8 * t : 28 + 8 * t] += 0.6
        masks[0, t, 10:30, 8 + 8 * t : 28 + 8 * t] = 1
    rates = {"learning_rate": 5e-3, "encoder_rate": None}
    parts = ready(change(TINY, optimiser=rates, run={"precision": precision}))
    loss, iou = torch.tensor(1.0), torch.tensor(0.0)
    for _ in range(250):
        loss, iou = step(*parts, images, masks, context=0.0)  # from score maps alone: the safe way in seconds
        if iou > 0.96:
            break
    assert iou > 0.95 and loss < 0.1


def test_half_precision_with_a_scaler_learns_and_is_resumed(tmp_path: Path) -> None:
    """The loss is scaled, so that small gradients do not vanish; the scale is part of the checkpoint."""
    config = change(TINY, run={"precision": "float16", "iterations": 3, "save_every": 1})
    model = train(config, tiny_model(), VIDEOS, tmp_path, device="cpu")
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert not torch.equal(model.key_head.conv.weight, tiny_model().key_head.conv.weight)
    scaler = torch.load(tmp_path / "last.pt", weights_only=True)["parts"]["scaler"]
    assert scaler["scale"] > 1


def test_the_gradient_is_clipped_to_the_norm_asked_for() -> None:
    images, masks = torch.rand(2, 2, 3, 48, 48), torch.randint(0, 2, (2, 2, 48, 48))
    norms = {}
    for most in (None, 1e-3):
        parts = ready(change(TINY, optimiser={"clip_gradient": most}))
        step(*parts, images, masks)
        gradients = [parameter.grad.norm() for parameter in parts[1].parameters() if parameter.grad is not None]
        norms[most] = torch.stack(gradients).norm().item()
    assert norms[None] > 1e-2 and norms[1e-3] == pytest.approx(1e-3, rel=1e-3)


def after_a_step(parts: int, encoder_rate: float | None, frozen_statistics: bool = False) -> torch.Tensor:
    """Loss, gradients and weights after a step on four clips in so many parts; in double, so that no rounding shows.

    Weights alone would not tell: a step of Adam is the same for gradients that are all twice as large.
    """
    torch.manual_seed(0)
    images, masks = torch.rand(4, 3, 3, 48, 48).double(), torch.zeros(4, 3, 48, 48, dtype=torch.long)
    for i in range(4):
        masks[i, :, 8 : 20 + 6 * i, 8:30] = 1
    optimiser = {"encoder_rate": encoder_rate, "clip_gradient": None}
    config = change(TINY, optimiser=optimiser, run={"accumulate": parts})
    objective = prepare(config, tiny_model().double(), CPU).train()
    if frozen_statistics:
        objective.model.encoder.eval()
    loss, _ = step(
        config, objective, make_optimiser(config, objective), GradScaler("cpu", enabled=False), images, masks
    )
    gradients = [value.grad.flatten() for value in objective.parameters() if value.grad is not None]
    return torch.cat([loss.view(1), *gradients, *(value.detach().flatten() for value in objective.parameters())])


@pytest.mark.parametrize(("encoder_rate", "frozen_statistics"), [(None, False), (1e-3, True)])
def test_a_batch_in_parts_is_the_same_step(encoder_rate: float | None, frozen_statistics: bool) -> None:
    whole, halves, single = (after_a_step(parts, encoder_rate, frozen_statistics) for parts in (1, 2, 4))
    torch.testing.assert_close(halves, whole, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(single, whole, rtol=1e-9, atol=1e-10)


def test_batch_normalisation_that_learns_sees_a_part_at_a_time() -> None:
    assert not torch.allclose(after_a_step(2, 1e-3), after_a_step(1, 1e-3), atol=1e-4)


def test_a_run_goes_on_in_parts_where_memory_was_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names what is kept and what helps; the same run with that setting needs no override."""
    count = 0

    def full_at_the_fourth(*arguments):
        nonlocal count
        count += 1
        if count == 4:
            text = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.7 GiB"
            raise torch.OutOfMemoryError(text)
        return step(*arguments)

    monkeypatch.setattr(module, "step", full_at_the_fourth)
    line = (
        r"^memory was full at iteration 4 \(CUDA out of memory. Tried to allocate 2.00 GiB\); `run.accumulate` 2 "
        r"computes a batch in 2 parts, with the same gradients; .*last.pt holds iteration 2$"
    )
    with pytest.raises(TrainingError, match=line):
        train(TINY, tiny_model(), VIDEOS, tmp_path, device="cpu")
    train(change(TINY, run={"accumulate": 2}), tiny_model(), VIDEOS, tmp_path, device="cpu")
    assert torch.load(tmp_path / "last.pt", weights_only=True)["iteration"] == 4


def test_a_full_memory_of_a_cpu_is_named_and_other_errors_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
    for text, kind in ((words, TrainingError), ("mat1 and mat2 shapes", RuntimeError)):

        def failing(*_: object, text: str = text):
            raise RuntimeError(text)

        monkeypatch.setattr(module, "step", failing)
        with pytest.raises(RuntimeError) as caught:
            train(TINY, tiny_model(), VIDEOS, tmp_path, device="cpu")
        assert type(caught.value) is kind


def test_what_needs_less_memory_is_a_setting_that_is_accepted() -> None:
    config = change(TINY, data={"batch": 6, "augment": {"crop": 48}})
    for parts, expected in ((1, "`run.accumulate` 2"), (2, "`run.accumulate` 3"), (3, "`run.accumulate` 6")):
        assert less_memory(change(config, run={"accumulate": parts}), 1).startswith(expected)
    assert "`data.augment.crop` than 48" in less_memory(change(config, run={"accumulate": 6}), 1)


def test_a_gpu_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^`device` cuda: PyTorch finds no GPU; expected one \(Colab"):
        train(TINY, tiny_model(), VIDEOS, tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()


def test_a_frozen_encoder_stays_to_the_last_bit(tmp_path: Path) -> None:
    config = change(TINY, optimiser={"encoder_rate": None})
    model = train(config, tiny_model(), VIDEOS, tmp_path, device="cpu")
    for name, value in tiny_model().state_dict().items():
        changed = not torch.equal(value, model.state_dict()[name])
        assert changed != name.startswith("encoder.") or name in ("distance.out.bias",), name


KILLED = """
import os, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from small_runs import LONGER, VIDEOS, tiny_model
from tbd_lib.training.train import train
if {slow}:
    import tbd_lib.files as files
    fsync = os.fsync
    def slowly(handle):  # the checkpoint is written in part: now is the moment
        Path({out!r}, "writing").touch()
        time.sleep(0.3)
        fsync(handle)
    files.os.fsync = slowly
train(LONGER, tiny_model(), VIDEOS, Path({out!r}), held_out=VIDEOS[:1], device="cpu")
"""


def killed(out: Path, slow: bool, after: float) -> None:
    """Start a run, kill it with SIGKILL some seconds after it began to write, and look at what it left."""
    code = KILLED.format(tests=str(Path(__file__).parent), out=str(out), slow=slow)
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    began = out / ("writing" if slow else "last.pt")
    while not began.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for path in out.glob("last.pt"):
        assert torch.load(path, weights_only=True)["iteration"] >= 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_at_any_moment_and_resumed_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    """At several moments, during the write of a checkpoint as well; what was killed is continued each time."""
    whole = train(LONGER, tiny_model(), VIDEOS, tmp_path / "whole", held_out=VIDEOS[:1], device="cpu")
    out = tmp_path / "killed"
    out.mkdir()
    for slow, after in ((True, 0.15), (False, 0.02), (True, 0.4)):
        (out / "writing").unlink(missing_ok=True)
        killed(out, slow, after)
    assert not (out / "final.safetensors").exists()
    resumed = train(LONGER, tiny_model(), VIDEOS, out, held_out=VIDEOS[:1], device="cpu")
    assert same_weights(whole, resumed)
    assert same_weights(whole, load_checkpoint(out / "final.safetensors"))
    measured = {"time", "clips_per_second"}
    logs = [
        [
            {name: value for name, value in line.items() if name not in measured}
            for line in read_log(folder / "log.jsonl")
        ]
        for folder in (tmp_path / "whole", out)
    ]
    assert logs[0] == logs[1]
    assert [line["iteration"] for line in logs[0] if "loss" in line] == list(range(1, 13))
    assert [line["iteration"] for line in logs[0] if "validation_j" in line] == [6, 12]


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([0.5, 0.5, float("nan")])
    monkeypatch.setattr(module, "step", lambda *_: (torch.tensor(next(losses)), torch.tensor(0.0)))
    with pytest.raises(TrainingError, match=r"the loss is nan at iteration 3; .*last.pt holds iteration 2"):
        train(TINY, tiny_model(), VIDEOS, tmp_path, device="cpu")
    assert torch.load(tmp_path / "last.pt", weights_only=True)["iteration"] == 2


class Dying(list):
    """Masks of which reading one kills the process that does."""

    def __getitem__(self, place):  # pyright: ignore[reportIncompatibleMethodOverride]
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_is_reported(tmp_path: Path) -> None:
    message = (
        r"^a process that makes clips died before iteration 1 \(.*exited unexpectedly\); too little memory\? "
        r"try fewer `data.workers`; .*last.pt was not written yet$"
    )
    with pytest.raises(TrainingError, match=message):
        videos = [replace(VIDEOS[0], truth=Dying(VIDEOS[0].truth or []))]
        train(change(TINY, data={"workers": 1}), tiny_model(), videos, tmp_path, device="cpu")


class Unreadable(list):
    """Masks of which none can be read."""

    def __getitem__(self, place):  # pyright: ignore[reportIncompatibleMethodOverride]
        raise PermissionError(13, "Permission denied", "mask.png")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """From a process that makes clips, what is kept is said too; where there is none, it is the system's error."""
    videos = [replace(VIDEOS[0], truth=Unreadable(VIDEOS[0].truth or []))]
    line = r"\[Errno 13\] Permission denied: 'mask.png'"
    with pytest.raises(PermissionError, match=rf"^{line}$"):
        train(TINY, tiny_model(), videos, tmp_path, device="cpu")
    made = rf"^a clip could not be read before iteration 1 \(PermissionError: {line}\); .*last.pt was not written yet$"
    with pytest.raises(TrainingError, match=made):
        train(change(TINY, data={"workers": 1}), tiny_model(), videos, tmp_path, device="cpu")


class Faulty(list):
    """Masks of which reading one shows a fault of the program."""

    def __getitem__(self, place):  # pyright: ignore[reportIncompatibleMethodOverride]
        raise RuntimeError("shape '[3]' is invalid")


def test_an_error_of_the_program_is_not_said_to_be_a_process_that_died(tmp_path: Path) -> None:
    videos = [replace(VIDEOS[0], truth=Faulty(VIDEOS[0].truth or []))]
    with pytest.raises(RuntimeError, match=r"^shape") as caught:
        train(TINY, tiny_model(), videos, tmp_path, device="cpu")
    assert type(caught.value) is RuntimeError


def test_an_error_of_a_worker_is_one_line(tmp_path: Path) -> None:
    tall = square_video(6, 1, "no object")
    assert tall.truth is not None
    for mask in tall.truth:
        mask[:] = 0
    message = r"^no object: the last of 50 without an object that is large enough; expected one$"
    for workers in (0, 1):
        with pytest.raises(InputError, match=message):
            train(change(TINY, data={"workers": workers}), tiny_model(), [tall], tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"batch": 1}}, r"`data.batch` 1: 1 clip per process; expected at least 2"),
        ({"data": {"frames": 1}}, r"`data.frames` 1: expected at least 2"),
        ({"run": {"accumulate": 3}}, r"`run.accumulate` 3: expected a divisor of the 4 clips of a process"),
        ({"run": {"accumulate": 0}}, r"`run.accumulate` 0: expected a divisor"),
        ({"data": {"synthetic_share": 0.5, "augment": {"crop": 64}}}, r"`data.augment.crop` 64 and .* 48: expected"),
        ({"data": {"hold_out": -1}}, r"`data.hold_out` -1: expected at least 0"),
        ({"data": {"synthetic_share": 1.5}}, r"`data.synthetic_share` 1.5: expected 0 to 1"),
        ({"data": {"stride": (2, 1)}}, r"`data.stride` \(2, 1\): expected two numbers"),
        ({"run": {"save_every": 0}}, r"`run.save_every` 0: expected at least 1"),
        ({"run": {"iterations": 0}}, r"`run.iterations` 0: expected at least 1"),
        ({"optimiser": {"learning_rate": math.nan}}, r"`optimiser.learning_rate` nan: expected at least 0"),
        ({"optimiser": {"clip_gradient": 0.0}}, r"`optimiser.clip_gradient` 0.0: expected more than 0, or None"),
        (
            {"optimiser": {"context_from": 100, "context_full": 100}},
            r"`optimiser.context_full` 100: expected more than `optimiser.context_from` 100",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_written(changes, message, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        train(change(TINY, **changes), tiny_model(), VIDEOS, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_held_out_videos_that_cannot_be_scored_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for video, found in (
        (square_video(2, name="brief"), "2 frames"),
        (replace(VIDEOS[0], truth=None), "no true masks"),
    ):
        with pytest.raises(InputError, match=rf"^{video.name}: found {found}, expected"):
            train(TINY, tiny_model(), VIDEOS, tmp_path / "run", held_out=[video], device="cpu")
    assert not (tmp_path / "run").exists()


def test_compiling_without_a_compiler_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = change(TINY, run={"compile": True})
    if shutil.which("g++"):
        check(config, ALONE)
    torch.compiler.reset()
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    with pytest.raises(InputError, match=r"`run.compile`: .*no-such-compiler.*; expected what torch.compile needs"):
        train(config, tiny_model(), VIDEOS, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_one_clip_is_enough_without_swaps(tmp_path: Path) -> None:
    config = change(TINY, data={"batch": 1, "augment": {"swap": 0.0}}, run={"iterations": 1})
    assert not train(config, tiny_model(), VIDEOS, tmp_path, device="cpu").training
