"""The training loop learns, logs, and goes on where it was interrupted."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tbd_lib.config import SMALL, TrainConfig
from tbd_lib.files import InputError
from tbd_lib.model import build_model
from tbd_lib.train import attach, context_share, learning_rate, settle, step, train

AUGMENT = replace(TrainConfig().augment, crop=48)
TINY = replace(
    TrainConfig(),
    model=replace(SMALL, key_channels=16, decoder_channels=16),
    augment=AUGMENT,
    video_augment=replace(TrainConfig().video_augment, crop=48),
    synthetic_share=1.0,
    synthetic_videos=2,
    frames=2,
    batch=2,
    iterations=4,
    workers=0,
    half=False,
    save_every=2,
)


def test_rate_rises_then_falls_to_zero() -> None:
    config = replace(TrainConfig(), iterations=100, warm_up=10, learning_rate=1.0)
    rates = [learning_rate(config, i) for i in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert rates[55] == pytest.approx(0.5) and rates[99] < 0.001


def test_the_image_comes_into_view_slowly() -> None:
    config = replace(TrainConfig(), context_from=100, context_full=300)
    assert [context_share(config, i) for i in (0, 100, 200, 300, 5000)] == [0, 0, 0.5, 1, 1]
    assert context_share(replace(config, context_from=0, context_full=0), 0) == 1


def test_statistics_stand_still_when_settled() -> None:
    model = build_model(TINY.model, frozen_encoder=False).train()
    settle(model, True)
    assert not model.encoder.training and model.decoder.training
    settle(model, False)
    assert model.encoder.training


def test_attaching_depends_on_the_iteration_alone() -> None:
    torch.manual_seed(0)
    images, masks = torch.rand(4, 2, 3, 48, 48), torch.randint(0, 2, (4, 2, 48, 48))
    config = replace(TINY, augment=replace(AUGMENT, swap=0.5))
    first, again, other = (attach(config, images, masks, i)[0] for i in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_clip_is_learned_by_heart() -> None:
    """A bright block moves over noise: IoU above 0.9 after some seconds of training."""
    torch.manual_seed(0)
    images, masks = torch.rand(1, 3, 3, 64, 64) * 0.3, torch.zeros(1, 3, 64, 64, dtype=torch.long)
    for t in range(3):
        images[0, t, :, 10:30, 8 + 8 * t : 28 + 8 * t] += 0.6
        masks[0, t, 10:30, 8 + 8 * t : 28 + 8 * t] = 1
    model = build_model(TINY.model, frozen_encoder=False).train()
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    loss, iou = 1.0, 0.0
    for _ in range(150):
        loss, iou = step(TINY, model, optimiser, images, masks)
        if iou > 0.95:
            break
    assert iou > 0.9 and loss < 0.1


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(TINY, [], tmp_path / "whole")
    from tbd_lib import train as module

    calls = 0

    def stop_at_third(*arguments: object) -> tuple[float, float]:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return step(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "step", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        train(TINY, [], tmp_path / "parts")
    resumed = train(TINY, [], tmp_path / "parts")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with pytest.raises(InputError, match=r"last.pt: a run with another seed; expected the same configuration"):
        train(replace(TINY, seed=1), [], tmp_path / "parts")


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbd_lib import train as module

    monkeypatch.setattr(module, "step", lambda *_: (float("nan"), 0.0))
    with pytest.raises(FloatingPointError, match=r"loss nan at iteration 0"):
        train(TINY, [], tmp_path)
    assert not (tmp_path / "last.pt").exists()


def test_the_log_has_a_line_per_twenty_iterations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbd_lib import train as module

    values = iter([(float(i), 0.5) for i in range(40)])
    monkeypatch.setattr(module, "step", lambda *_: next(values))
    train(replace(TINY, iterations=40, save_every=40), [], tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [20, 40]
    assert [line["loss"] for line in lines] == [9.5, 29.5]
    assert {line["iou"] for line in lines} == {0.5}


def test_training_begins_with_given_weights(tmp_path: Path) -> None:
    init = build_model(TINY.model, frozen_encoder=False)
    trained = train(replace(TINY, learning_rate=0.0, iterations=1, settle=1.0), [], tmp_path, init)
    for name, value in init.named_parameters():
        assert torch.equal(value, trained.get_parameter(name)), name
