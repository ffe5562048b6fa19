"""What is counted on tensors without data is what real tensors take."""

from contextlib import nullcontext

import pytest

from benchmarks import step_memory
from tbd_lib.training.config import SMALL_STAGE, change

TINY = change(
    SMALL_STAGE,
    model={"key_channels": 16, "decoder_channels": 16},
    data={"augment": {"crop": 64}, "frames": 3, "batch": 2},
    run={"precision": "bfloat16"},
)


def test_counts_on_fake_tensors_are_those_on_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = step_memory.step_bytes(TINY)
    monkeypatch.setattr(step_memory, "FakeTensorMode", nullcontext)
    assert step_memory.step_bytes(TINY) == pytest.approx(fake, rel=1e-3)
    images = 2 * 3 * 3 * 64 * 64 * 4
    assert fake["inputs"] == images + images // 3 * 2  # masks are 64-bit integers, without colours


def test_more_clips_take_more_for_activations_and_the_same_for_weights() -> None:
    few, many = (step_memory.measure(change(TINY, data={"batch": batch}))["parts_gib"] for batch in (2, 4))
    ratio = many["saved_for_backward"] / few["saved_for_backward"]  # type: ignore[index]
    assert 1.4 < ratio < 2  # the distance score of all pairs of places is there once, whatever the batch
    assert many["adam_moments"] == few["adam_moments"]  # type: ignore[index]
