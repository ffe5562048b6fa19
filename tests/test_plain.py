"""The library equals the plain form, and takes fewer operations for many objects."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain import PlainObjective, plain_clip_logits, plain_nearness, plain_track
from benchmarks.scenes import scene
from benchmarks.tracking import shared_track
from benchmarks.training import random_clips
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import Tracker
from tbd_lib.training.objective import Objective, region_masks


@pytest.mark.parametrize("size", [(48, 64), (50, 75)])
def test_masks_equal_those_of_the_plain_form(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    model = build_model(replace(SMALL, key_channels=16, decoder_channels=8)).double().eval()
    frames = list(np.random.default_rng(0).integers(0, 256, (4, *size, 3), np.uint8))
    given = np.zeros(size, np.uint8)
    given[5:20, 5:30], given[25:40, 10:40], given[5:40, 45:60] = 7, 2, 5
    ours, plain = list(shared_track(model, frames, given)), list(plain_track(model, frames, given))
    assert len(np.unique(np.stack(plain))) > 2  # something is tracked
    assert all(np.array_equal(a, b) for a, b in zip(ours, plain, strict=True))


@pytest.fixture
def in_training() -> TBD:
    """A small model in float64, its encoder trained with batch-norm as in inference: frames can come one by one."""
    torch.manual_seed(2)
    model = build_model(replace(SMALL, key_channels=16, decoder_channels=8), frozen_encoder=False).double().train()
    model.encoder.eval()
    return model


def test_training_logits_equal_those_of_the_plain_form(in_training: TBD) -> None:
    images, masks = random_clips(2, 4, (48, 64))
    images, first = images.double(), region_masks(masks[:, 0]).double()
    plain = [plain_clip_logits(in_training, clip, mask) for clip, mask in zip(images, first[:, 0], strict=True)]
    torch.testing.assert_close(in_training(images, first)[:, :, 0], torch.stack(plain), rtol=0, atol=1e-9)


def test_loss_and_gradients_equal_those_of_the_plain_form(in_training: TBD) -> None:
    images, masks = random_clips(2, 4, (48, 64))
    found = []
    for objective in (Objective(in_training), PlainObjective(in_training)):
        in_training.zero_grad()
        loss, iou = objective(images.double(), masks)
        loss.backward()
        found.append((loss, iou, {name: one.grad for name, one in in_training.named_parameters()}))
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in found[0][2].values())
    torch.testing.assert_close(found[0], found[1], rtol=1e-7, atol=1e-9)


def test_nearness_by_loops_equals_the_table() -> None:
    model = build_model(SMALL).double()
    torch.testing.assert_close(plain_nearness(model, 3, 5), model.distance.pairs(3, 5))


def test_many_objects_take_fewer_operations_than_in_the_plain_form() -> None:
    """Counted, since seconds are not the same twice; ``results/bench_cpu.json`` holds the seconds."""
    model, shown, operations = build_model(SMALL).eval(), scene(3, (96, 128), 10), []
    for form in (plain_track, shared_track):
        with FlopCounterMode(display=False) as counter:
            assert len(list(form(model, shown.images, shown.given))) == 3
        operations.append(counter.get_total_flops())
    assert operations[0] > 1.45 * operations[1]


class Calls(TorchDispatchMode):
    """Counts calls by the operation's name; a product counts as of places with places if its last two sides are."""

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places, self.count = places, Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        square = name == "bmm" and tuple(out.shape[-2:]) == (self.places, self.places)
        self.count["places with places" if square else name] += 1
        return out


def calls(objects: int, config: TrackConfig | None = None) -> Counter:
    """Of the third frame."""
    tracker = Tracker(build_model(SMALL).eval(), config or TrackConfig())
    shown = scene(3, (96, 128), objects)
    tracker.step(shown.images[0], shown.given)
    tracker.step(shown.images[1])
    with Calls(6 * 8) as counted:
        tracker.step(shown.images[2])
    return counted.count


def test_what_objects_share_is_called_once() -> None:
    one, ten = calls(1), calls(10)
    assert one["places with places"] == ten["places with places"] == 2  # of the first frame's key and the last one's
    assert ten["convolution"] - one["convolution"] <= 9 * 3 * 7  # in each stage one, four in one gate, two in the other
    assert not any("batch_norm" in name for name in one)  # all of them are folded
    assert sum(ten.values()) - sum(one.values()) <= 9 * 150
