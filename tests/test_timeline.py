"""The tracker timeline: scores of the benchmark, the worst frame, and what a correction changes."""

import re
from dataclasses import replace

import numpy as np
import pytest
from inspected import charts, control, corrected_by_hand, numbers, pictures, say, table
from ipywidgets import Play
from small_runs import square_video, tiny_model

from tbd_lib.course.viz.scene import masked
from tbd_lib.course.widgets import TrackerTimeline
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import score_video
from tbd_lib.video.frames import Video


@pytest.fixture(scope="module")
def video() -> Video:
    return square_video()


@pytest.fixture
def line(video: Video) -> TrackerTimeline:
    """Objects 3 and 7, tracked badly by an untrained model."""
    return TrackerTimeline(tiny_model().eval(), video)


def test_scores_are_the_benchmarks(line: TrackerTimeline) -> None:
    scores = score_video(line.history.masks(), line.truth)
    assert list(line.j) == list(line.f) == [3, 7]
    for i, score in scores.items():
        np.testing.assert_allclose(line.j[i][1:-1], score.j)
        np.testing.assert_allclose(line.f[i][1:-1], score.f)
        assert len(line.j[i]) == len(line.f[i]) == 6 and line.j[i][0] == line.f[i][0] == 1
    assert line.j[3][1:-1].mean() < 0.9  # there is something to correct


def test_the_description_has_the_frame_its_drift_and_the_whole_video(line: TrackerTimeline) -> None:
    line.set(object_id=7, frame=2)
    score, drift = score_video(line.history.masks(), line.truth)[7], line.history.drift(7)
    expected = [score.j[1], score.f[1], *(values[1] for values in drift.values()), score.j.mean(), score.j.min()]
    assert numbers(line.description) == pytest.approx(expected, abs=0.005001)
    assert line.description.startswith("Frame 00002, object 7: J ")
    assert re.findall(r"(overall|short|long)", line.description) == ["overall", "short", "long"]
    assert line.description.endswith(f"in frame {1 + score.j.argmin()}.")
    line.frame = 0
    assert "cosine" not in line.description and line.description.startswith(
        "Frame 00000, object 7: J 1.00, F 1.00. Whole"
    )


@pytest.mark.parametrize(("j", "worst"), [([0.1, 0.9, 0.5, 0.7, 0.6, 0.0], 2), ([0, 0, 0, 0, 0, 0], 1)])
def test_the_worst_frame_is_neither_the_first_nor_the_last(line: TrackerTimeline, j: list[float], worst: int) -> None:
    line.j[3] = np.array(j, float)
    control(line, "worst frame").click()
    assert line.frame == worst == line.worst() and line.description.startswith(f"Frame 0000{worst}")
    line.j[7] = np.array([1, 1, 1, 1, 0.5, 1])
    line.object_id = 7
    assert line.worst() == 4  # each object has its own


def test_a_correction_makes_the_frame_right_and_tracks_on_from_there(line: TrackerTimeline, video: Video) -> None:
    before, j = line.history.masks(), line.j[3].copy()
    line.frame = 2
    control(line, "correct here, track on").click()
    assert line.j[3][2] == line.f[3][2] == 1 and numbers(line.description)[:2] == [1, 1]
    assert " Corrected in 2;" in line.description and line.frame == 2
    after, given = line.history.masks(), np.where(line.truth[2] == 3, 3, 0).astype(np.uint8)
    assert all(np.array_equal(after[t], before[t]) for t in (0, 1)) and np.array_equal(line.j[3][:2], j[:2])
    expected = [step.mask for step in corrected_by_hand(tiny_model().eval(), video, 2, given)]
    assert all(np.array_equal(after[t], expected[t]) for t in (3, 4, 5))
    np.testing.assert_allclose(line.j[3][1:-1], score_video(after, line.truth)[3].j)
    np.testing.assert_array_equal(line.drift[3]["long"], line.history.drift(3)["long"])


def test_corrections_that_are_told_are_those_that_hold(line: TrackerTimeline) -> None:
    for at, corrected in ((2, "2"), (4, "2, 4"), (4, "2, 4"), (3, "2, 3")):  # from frame 3 on all is tracked anew
        line.frame = at
        line.correct()
        assert f" Corrected in {corrected};" in line.description
    line.object_id = 7
    line.correct()
    assert " Corrected in 2, 3;" in line.description and line.j[7][3] == line.j[3][3] == 1


def test_the_gain_is_split_into_the_corrected_frame_and_those_after_it(line: TrackerTimeline) -> None:
    before = line.j[3].copy()
    assert line.gain == {"corrected": 0, "after": 0, "whole": 0}
    line.frame = 2
    line.correct()
    change = (line.j[3] - before)[1:-1] / 4  # four frames are scored
    expected = {"corrected": change[1], "after": change[2:].sum(), "whole": change.sum()}
    assert line.gain == pytest.approx(expected) and line.gain["corrected"] > 0
    assert expected["corrected"] + expected["after"] == pytest.approx(expected["whole"])
    cells = [[float(cell) for cell in row[1:]] for row in table(line).rows]
    assert [row[2] for row in cells] == pytest.approx(list(expected.values()), abs=0.000501)
    assert cells[0][:2] == pytest.approx([before[2], 1], abs=0.000501)
    assert cells[2][:2] == pytest.approx([before[1:-1].mean(), line.j[3][1:-1].mean()], abs=0.000501)
    order = [expected["whole"], expected["after"], expected["corrected"]]
    assert numbers(line.caption) == pytest.approx(order, abs=0.000501)
    line.object_id = 7  # not corrected itself
    assert line.gain["corrected"] == 0


def test_the_curve_of_before_stays_as_a_ghost_until_the_reset(line: TrackerTimeline) -> None:
    before, masks = line.j[3].copy(), line.history.masks()
    assert list(charts(line)[0].lines) == ["J"]
    line.frame = 2
    line.correct()
    j = charts(line)[0]
    assert j.ghost == "J before correction" and list(j.lines) == [j.ghost, "J"]
    np.testing.assert_array_equal(j.lines[j.ghost][1], before)
    np.testing.assert_array_equal(j.lines["J"][1], line.j[3])
    control(line, "reset").click()
    assert line.corrected == [] and "Corrected" not in line.description and list(charts(line)[0].lines) == ["J"]
    np.testing.assert_array_equal(line.j[3], before)
    assert all(np.array_equal(*pair) for pair in zip(masks, line.history.masks(), strict=True))


def test_a_copy_has_the_same_corrections_and_goes_its_own_way(line: TrackerTimeline) -> None:
    line.frame = 2
    line.correct()
    other = line.copy()
    assert other.description == line.description and other.gain == line.gain
    other.frame = 3
    other.correct()
    assert line.corrected == [(2, 3)] and other.corrected == [(2, 3), (3, 3)]
    other.reset()
    assert other.corrected == [] and line.corrected == [(2, 3)]


def test_the_frame_is_shown_with_its_mask_and_the_true_outline_and_chosen_in_a_chart(line: TrackerTimeline) -> None:
    line.frame = 2
    (picture,) = pictures(line)
    step = line.history[2].step
    assert np.array_equal(picture.image, masked(step.image, step.mask, line.truth[2]))
    j, drift = charts(line)
    assert j.at == drift.at == 2
    for kind, values in line.drift[3].items():
        np.testing.assert_array_equal(drift.lines[kind][1], values)
        np.testing.assert_array_equal(drift.lines[kind][0], np.arange(1, 6))
    say(line, scrub=4)
    assert line.frame == control(line, "frame").value == 4


def test_a_hidden_object_cannot_be_corrected(line: TrackerTimeline) -> None:
    line.truth[3] = np.where(line.truth[3] == 3, 0, line.truth[3]).astype(np.uint8)
    before = line.history.masks()
    line.frame = 3
    line.correct()
    assert line.corrected == [] and "Corrected" not in line.description
    assert all(np.array_equal(*pair) for pair in zip(before, line.history.masks(), strict=True))


def test_playing_moves_the_frame(line: TrackerTimeline) -> None:
    play: Play = control(line, "play")
    assert (play.min, play.max) == (0, 5)
    for at in (3, 5):
        play.value = at
        assert line.frame == control(line, "frame").value == at and line.description.startswith(f"Frame 0000{at}")
    line.frame = 1
    assert play.value == 1


def test_a_video_without_truth_that_can_be_scored_is_refused(video: Video) -> None:
    for bad, found in ((replace(video, truth=None), "no"), (square_video(2), "2")):
        with pytest.raises(InputError, match=f"square: found {found} true masks, expected three or more"):
            TrackerTimeline(tiny_model().eval(), bad)
