"""Tracking from the middle: the two halves are what two trackings give, whether the frames are files or a film."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tbd_lib.datasets.davis import find
from tbd_lib.errors import InputError
from tbd_lib.tracking.bidirectional import track_bidirectional
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import track
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.frames import FileFrames, Frame, Video
from tbd_lib.video.overlay import OverlayWriter

MODEL = bundled_model()


def video(start: int, length: int = 7) -> Video:
    """The beginning of a sample video, of a quarter the size, with the mask of one frame."""
    whole = find("lookalike-crossing")
    assert whole.truth is not None
    frames = [Frame(f.name, np.ascontiguousarray(f.image[::2, ::2])) for f in list(whole.frames)[:length]]
    masks = [np.ascontiguousarray(mask[::2, ::2]) for mask in whole.truth[:length]]
    return Video("part", frames, {start: masks[start]}, masks)


@pytest.mark.parametrize("start", [0, 3, 6])
def test_each_half_is_a_tracking_of_its_own(start: int):
    part = video(start)
    frames = list(part.frames)
    steps = list(track_bidirectional(MODEL, part, OWN_SIZE))
    order = [*range(start, 7), *reversed(range(start))]
    assert [step.name for step in steps] == [frames[i].name for i in order]
    forwards = track(MODEL, replace(part, frames=frames[start:], given={0: part.given[start]}), OWN_SIZE)
    backwards = track(MODEL, replace(part, frames=frames[start::-1], given={0: part.given[start]}), OWN_SIZE)
    expected = [step.mask for step in forwards] + [step.mask for step in backwards][1:]
    assert all(np.array_equal(step.mask, mask) for step, mask in zip(steps, expected, strict=True))
    assert all(step.mask.any() for step in steps)


def test_a_later_mask_counts_in_the_forward_half(start: int = 2):
    part = video(start)
    assert part.truth is not None
    late = np.where(part.truth[5] == 1, np.uint8(9), np.uint8(0))
    steps = list(track_bidirectional(MODEL, replace(part, given={**part.given, 5: late}), OWN_SIZE))
    found = {step.name: set(np.unique(step.mask)) - {0} for step in steps}
    assert found["00001"] == {1} and 9 in found["00005"]
    assert np.array_equal(next(step for step in steps if step.name == "00005").mask == 9, late == 9)


@pytest.mark.parametrize("position", [5, 9])
@pytest.mark.parametrize("known", [True, False], ids=["list", "stream"])
def test_a_mask_must_be_given_for_a_frame_that_is_there(position: int, known: bool):
    part = video(3, length=5)
    frames = list(part.frames)
    beyond = replace(part, frames=frames if known else iter(frames), given={position: part.given[3]})
    with pytest.raises(InputError, match=rf"part: found a mask for frame {position}, expected 0 to 4"):
        list(track_bidirectional(MODEL, beyond, OWN_SIZE))


def test_an_empty_mask_before_the_first_object_changes_nothing():
    part = video(3, length=5)
    empty = np.zeros_like(part.given[3])
    expected = track_bidirectional(MODEL, part, OWN_SIZE)
    found = track_bidirectional(MODEL, replace(part, given={1: empty, **part.given}), OWN_SIZE)
    for step, same in zip(found, expected, strict=True):
        assert step.name == same.name and np.array_equal(step.mask, same.mask)


def test_a_film_gives_what_its_frames_give(tmp_path: Path):
    part = video(4)
    with OverlayWriter(tmp_path / "film.mp4", 10.0) as film:
        for frame in part.frames:
            film.write(frame.image)
    decoded = FileFrames(tmp_path / "film.mp4")
    height, width = next(iter(decoded)).image.shape[:2]
    given = {4: np.pad(part.given[4], ((0, height - part.given[4].shape[0]), (0, width - part.given[4].shape[1])))}
    as_film = list(track_bidirectional(MODEL, Video("film", decoded, given), OWN_SIZE))
    as_frames = list(track_bidirectional(MODEL, Video("frames", list(decoded), given), OWN_SIZE))
    assert len(as_film) == 7
    for from_film, from_frame in zip(as_film, as_frames, strict=True):
        assert from_film.name == from_frame.name and np.array_equal(from_film.mask, from_frame.mask)
