"""The library equals the plain form, and takes less time for many objects."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.plain import plain_nearness, plain_track
from benchmarks.tracking import Case, measure, shared_track
from tbd_lib.config import SMALL
from tbd_lib.model import build_model


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


def test_nearness_by_loops_equals_the_table() -> None:
    model = build_model(SMALL).double()
    torch.testing.assert_close(plain_nearness(model, 3, 5), model.distance.pairs(3, 5))


def test_many_objects_take_clearly_less_time_than_the_plain_form() -> None:
    """A loose bound for a busy machine; ``results/tracking.json`` holds the measurement."""
    found = measure(Case("small", 10, 160, 224), frames=4, rounds=3)
    assert found["ratio"]["max"] > 1.2, found  # type: ignore[index]
