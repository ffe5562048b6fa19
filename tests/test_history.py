"""A tracked video that can be gone back to: the same as tracking, whatever was looked at, and corrected in between."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from inspected import corrected_by_hand
from small_runs import square_video, tiny_model

from tbd_lib.course.widgets.history import SCORES, History
from tbd_lib.errors import InputError
from tbd_lib.method.matching import grid_mask
from tbd_lib.method.model import TBD
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import Tracker, track
from tbd_lib.video.frames import Frame, Video

LATE = 2  # the frame in which object 7 enters


class Counted(Sequence):
    """Frames that count how often they are read."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames, self.read = frames, []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, position):
        self.read.append(position)
        return self.frames[position]


@pytest.fixture(scope="module")
def model() -> TBD:
    return tiny_model().eval()


@pytest.fixture(scope="module")
def video() -> Video:
    """Object 3 from the first frame on, object 7 from the third."""
    video = square_video()
    assert video.truth is not None
    first, late = (np.where(video.truth[at] == i, np.uint8(i), np.uint8(0)) for at, i in ((0, 3), (LATE, 7)))
    return replace(video, given={0: first, LATE: late})


@pytest.fixture(scope="module")
def seen(model: TBD, video: Video) -> History:
    """A history that tests look at only."""
    return History(model, video)


def given_again(video: Video) -> Video:
    """The same, where object 3 is given a second time together with the late object, and once more alone."""
    assert video.truth is not None
    third = np.where(video.truth[4] == 3, np.uint8(3), np.uint8(0))
    return replace(video, given={**video.given, LATE: video.truth[LATE], 4: third})


def test_moments_are_what_tracking_gives(model: TBD, video: Video, seen: History) -> None:
    for at, step in enumerate(track(model, video, OWN_SIZE)):
        ours = seen[at].step
        assert ours.name == step.name and ours.ids == step.ids
        assert np.array_equal(ours.mask, step.mask) and torch.equal(ours.prob, step.prob)
        assert ours.scores is step.scores is None or torch.equal(ours.scores, step.scores)  # type: ignore[arg-type]
    assert len(seen) == 6 and all(np.array_equal(a, seen[t].step.mask) for t, a in enumerate(seen.masks()))


def test_frames_are_tracked_once_in_any_order_and_only_as_far_as_somebody_looks(
    model: TBD, video: Video, seen: History
) -> None:
    assert isinstance(video.frames, Sequence)
    frames = Counted(video.frames)
    history = History(model, replace(video, frames=frames))
    assert frames.read == []
    later = history[3]
    assert history[1].after is history[2].before and history[2].after is later.before
    assert history[3] is later and frames.read == [0, 1, 2, 3]
    assert [history[at].step.name for at in (5, 0)] == ["00005", "00000"] and frames.read == [*range(6)]
    assert all(np.array_equal(*pair) for pair in zip(seen.masks(), history.masks(), strict=True))


@pytest.mark.parametrize("position", [-1, 6])
def test_frames_that_do_not_exist_are_refused(model: TBD, video: Video, position: int) -> None:
    with pytest.raises(IndexError, match=f"square: frame {position}; expected 0 to 5"):
        History(model, video)[position]


def test_streams_and_videos_without_a_second_frame_or_a_first_mask_are_refused(model: TBD, video: Video) -> None:
    with pytest.raises(InputError, match="square: found 1 frames, expected two or more"):
        History(model, square_video(1))
    with pytest.raises(InputError, match="square: its frames come in a stream"):
        History(model, replace(video, frames=iter(video.frames)))
    with pytest.raises(InputError, match="square: no mask for the first frame"):
        History(model, replace(video, given={1: video.given[0]}))


def test_templates_of_an_object_are_those_its_frame_was_matched_with(model: TBD, video: Video, seen: History) -> None:
    """Matching anew with one object's templates gives its part of the scores: in one cohort, or in two."""
    assert video.truth is not None
    for moment in (History(model, replace(video, given={0: video.truth[0]}))[1], seen[4]):
        with torch.no_grad():
            features = Tracker(model, OWN_SIZE).encode(moment.step.image, moment.after.work)
            for place, i in enumerate((3, 7)):
                found = model.match(features, moment.templates(i))[0, 0]
                torch.testing.assert_close(found, moment.scores(i))
                torch.testing.assert_close(found, moment.step.scores[place])  # type: ignore[index]
    assert SCORES.index("long foreground") == 9


def test_the_first_templates_hold_the_given_mask(video: Video, seen: History) -> None:
    given = torch.from_numpy(video.given[0] == 3).float()
    padded = torch.nn.functional.pad(given[None, None], (4, 4, 2, 2), "reflect")[0, 0]  # 60 x 72 become 64 x 80
    expected = grid_mask(torch.stack([1 - padded, padded])[None, None], STRIDE)
    torch.testing.assert_close(seen[1].templates(3).first_mask, expected)


@pytest.mark.parametrize(("at", "known"), [(0, ()), (1, (3,)), (LATE, (3,)), (LATE + 1, (3, 7))])
def test_known_are_the_objects_from_the_frame_after_they_entered(
    seen: History, at: int, known: tuple[int, ...]
) -> None:
    moment = seen[at]
    assert moment.known() == known
    for i in {3, 7} - set(known):
        with pytest.raises(LookupError, match=f"object {i} was not known before frame 0000{at}"):
            moment.templates(i)
        with pytest.raises(LookupError, match=f"frame 0000{at} was not matched with object {i}"):
            moment.scores(i)


def test_an_object_that_is_given_again_is_not_matched_in_that_frame(model: TBD, video: Video) -> None:
    history = History(model, given_again(video))
    assert [history[at].known() for at in range(1, 6)] == [(3,), (), (3, 7), (7,), (7, 3)]
    for at in (LATE, 4):
        with pytest.raises(LookupError, match=f"frame 0000{at} was not matched with object 3"):
            history[at].scores(3)
    assert history[4].step.scores is not None and torch.equal(history[4].scores(7), history[4].step.scores[0])
    assert len(history.drift(3)["long"]) == 5  # its memory has a vector before every frame but the first


def test_a_correction_leaves_earlier_frames_and_later_ones_are_a_corrected_trackers(
    model: TBD, video: Video, seen: History
) -> None:
    assert video.truth is not None
    history = History(model, video)
    earlier = [history[at] for at in range(6)][:3]  # all were tracked already
    given = np.where(video.truth[3] == 3, np.uint8(3), np.uint8(0))
    history.correct(3, given)
    assert [history[at] for at in range(3)] == earlier
    expected = [step.mask for step in corrected_by_hand(model, video, 3, given)]
    assert all(np.array_equal(history[at].step.mask, expected[at]) for at in (0, 1, 2, 4, 5))
    assert any(not np.array_equal(history[at].step.mask, seen[at].step.mask) for at in (4, 5))


def test_in_the_corrected_frame_an_object_has_the_given_pixels_and_no_others(model: TBD, video: Video) -> None:
    history = History(model, video)
    before = history[4].step.mask
    given = np.zeros_like(before)
    given[50:60, 60:72] = 3
    history.correct(4, given)
    after = history[4].step.mask
    assert np.array_equal(after == 3, given == 3) and np.array_equal(after == 7, (before == 7) & (given == 0))


def test_two_objects_can_be_corrected_in_one_frame(model: TBD, video: Video) -> None:
    assert video.truth is not None
    history, both = History(model, video), video.truth[3]
    for i in (3, 7):
        history.correct(3, np.where(both == i, both, 0).astype(np.uint8))
    expected = [step.mask for step in corrected_by_hand(model, video, 3, both)]
    assert np.array_equal(history[3].step.mask[both > 0], both[both > 0])
    assert all(np.array_equal(history[at].step.mask, expected[at]) for at in (4, 5))


def test_a_refused_correction_changes_nothing(model: TBD, video: Video, seen: History) -> None:
    history = History(model, video)
    kept = [history[at] for at in range(4)]  # and others are tracked afterwards
    with pytest.raises(InputError, match=r"a mask of 5x4 pixels"):
        history.correct(1, np.ones((4, 5), np.uint8))
    assert [history[at] for at in range(4)] == kept and np.array_equal(history[4].step.mask, seen[4].step.mask)


def test_drift_is_the_cosine_with_the_vector_of_the_objects_first_frame(
    model: TBD, video: Video, seen: History
) -> None:
    tracker, vectors = Tracker(model, OWN_SIZE), []
    for at, frame in enumerate(video.frames):
        tracker.step(frame.image, video.given.get(at))
        assert tracker.state is not None
        vectors.append([cohort.templates for cohort in tracker.state.cohorts if 7 in cohort.ids])
    drift = seen.drift(7)
    for kind, values in drift.items():
        known = [getattr(templates[0], kind)[0, 0, 1] for templates in vectors[LATE:-1]]  # before the frames after it
        expected = [float(torch.nn.functional.cosine_similarity(vector, known[0], 0)) for vector in known]
        np.testing.assert_allclose(values, expected, atol=1e-6)
        assert values[0] == pytest.approx(1) and len(values) == 3
    assert list(drift) == ["overall", "short", "long"] and len(seen.drift(3)["long"]) == 5
