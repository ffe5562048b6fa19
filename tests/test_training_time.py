"""Hours of training follow from what is counted, and from what was measured."""

import json
from pathlib import Path

import pytest

from tbd_lib.files import results_folder
from tbd_lib.training.config import SMALL_STAGE, change
from tools.training_time import PAPER, PEAKS, USED, computed, operations_of

TINY = change(
    SMALL_STAGE,
    model={"key_channels": 16, "decoder_channels": 16},
    data={"augment": {"crop": 64}, "frames": 3, "batch": 2},
)


def test_twice_the_clips_are_twice_the_operations_whatever_the_parts() -> None:
    few, many = (operations_of(change(TINY, data={"batch": batch})) for batch in (2, 4))
    assert many == pytest.approx(2 * few, rel=0.01)
    assert operations_of(change(TINY, run={"accumulate": 2})) == pytest.approx(few, rel=0.01)


def test_hours_follow_from_operations_steps_and_speed() -> None:
    assert computed(2e12, 3600, 1e12) == 2.0


def test_the_file_is_what_the_tool_computes_and_the_logs_show() -> None:
    found = json.loads((results_folder() / "training_time.json").read_text())
    assert set(found["hours"]) == {*PEAKS, "two CPU cores"} and found["used"] == USED
    for card, peak in PEAKS.items():
        assert found["hours"][card] == {
            name: pytest.approx(computed(found["operations_per_step"][name], stage.run.iterations, USED * peak))
            for name, stage in PAPER.items()
        }
    minutes = json.loads(Path(results_folder().parent, "data/weights/bundled-davis.json").read_text())["minutes"]
    for name in ("images", "videos_a"):
        assert found["hours"]["two CPU cores"][name] * 60 == pytest.approx(minutes[name])
