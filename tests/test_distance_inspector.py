"""The distance inspector: a drawn score takes the learned one's place, and the caption compares what comes of both."""

from dataclasses import replace
from math import hypot
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from inspected import control, drawings_of, instead_of_drawing, model, numbers, short
from small_runs import square_video, tiny_model

from tbd_lib.course.widgets import distance_inspector
from tbd_lib.course.widgets.distance_inspector import KNOTS, LOCAL, READY, CurveScorer, DistanceInspector
from tbd_lib.course.widgets.history import SCORES
from tbd_lib.evaluation.metrics import jaccard, score_video
from tbd_lib.method.distance import DistanceScorer
from tbd_lib.method.matching import affinity, best_match
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import track

LEARNED = (0.9, 0.8, 0.5, 0.4, 0.25, 0.2, 0.1, 0.0)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was last to be drawn."""
    return instead_of_drawing(monkeypatch, distance_inspector, "curve_and_panels")


@pytest.fixture(scope="module")
def twins() -> DistanceInspector:
    """An inspector that several tests share; each sets what it looks at."""
    return DistanceInspector(model(), short("occluded-twins"))


@pytest.fixture
def squares() -> DistanceInspector:
    """Objects 3 and 7 of a video of six frames, which an untrained model tracks badly."""
    return DistanceInspector(tiny_model().eval(), square_video())


def same_as_sliders(inspector: DistanceInspector) -> bool:
    return tuple(control(inspector, f"{at}").value for at in KNOTS) == inspector.points


def test_a_drawn_score_has_the_drawn_values_and_straight_lines_between() -> None:
    scorer = CurveScorer(LEARNED)
    assert scorer(torch.tensor(KNOTS, dtype=torch.float32)).tolist() == pytest.approx(LEARNED)
    between = scorer(torch.tensor([0.5, 3.0, 16.0, 20.5, 100.0], dtype=torch.float64))
    assert between.tolist() == pytest.approx([0.85, 0.45, 0.05, 0.0, 0.0]) and between.dtype == torch.float64


def test_a_drawn_score_of_pairs_depends_on_their_distance() -> None:
    pairs = CurveScorer(LEARNED).pairs(4, 6)
    expected = [
        [np.interp(hypot(a // 6 - b // 6, a % 6 - b % 6), KNOTS, LEARNED) for b in range(24)] for a in range(24)
    ]
    np.testing.assert_allclose(pairs, expected, atol=1e-6)


def test_with_the_learned_curve_the_step_is_nearly_the_models_own(twins: DistanceInspector) -> None:
    with torch.no_grad():
        scores = model().distance(torch.tensor(KNOTS, dtype=torch.float32)).tolist()
    assert twins.curves["learned"] == pytest.approx(scores, abs=0.005)
    for frame in (1, 3):
        twins.set(frame=frame, curve="learned")
        ours, real = twins.step(), twins._history[frame].step
        assert ours.scores is not None and real.scores is not None
        torch.testing.assert_close(ours.scores, real.scores, rtol=0, atol=0.12)  # straight lines for a steep curve
        assert jaccard(ours.mask == 1, real.mask == 1) > 0.98


def test_one_everywhere_is_matching_without_a_distance_score(twins: DistanceInspector) -> None:
    twins.set(frame=2, curve="one everywhere")
    step, moment = twins.step(), twins._history[2]
    assert moment.before is not None and step.scores is not None
    templates = moment.before.cohorts[0].templates
    local = best_match(affinity(moment.after.key, templates.prev_key), templates.prev_mask)[0]
    torch.testing.assert_close(step.scores[:, LOCAL - 1 : LOCAL + 1], local)


def test_the_model_stays_as_it_was(twins: DistanceInspector) -> None:
    learned = model().distance
    twins.set(frame=2, curve="far only")
    twins.track()
    assert model().distance is learned and isinstance(learned, DistanceScorer)


def test_another_curve_changes_the_local_scores_alone(twins: DistanceInspector) -> None:
    twins.set(frame=2, curve="far only")
    ours, real = twins.step().scores, twins._history[2].step.scores
    assert ours is not None and real is not None
    changed = [SCORES[n] for n in range(10) if not torch.equal(ours[:, n], real[:, n])]
    assert changed == ["local background", "local foreground"]


def test_moving_a_slider_bends_the_curve_by_hand(squares: DistanceInspector, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawings_of(monkeypatch, DistanceInspector)
    control(squares, "4").value = 0.35
    learned = squares.curves["learned"]
    assert squares.curve == control(squares, "curve").value == "by hand" and len(drawn) == 1
    assert squares.points == (*learned[:3], 0.35, *learned[4:])
    assert squares.curves["learned"] == learned and ", by hand: best" in squares.caption


def test_points_set_from_code_move_the_sliders_and_draw(squares: DistanceInspector) -> None:
    before = squares.caption
    squares.points = LEARNED
    assert squares.curve == "by hand" and same_as_sliders(squares) and squares.caption != before
    with pytest.raises(traitlets.TraitError):
        squares.points = (2.0, *LEARNED[1:])
    with pytest.raises(traitlets.TraitError):
        squares.points = LEARNED[1:]
    assert squares.points == LEARNED and same_as_sliders(squares)


@pytest.mark.parametrize("curve", ["learned", *READY])
def test_a_ready_curve_sets_the_points_also_among_other_changes(
    squares: DistanceInspector, curve: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    control(squares, "0").value = 0.0
    drawn = drawings_of(monkeypatch, DistanceInspector)
    control(squares, "curve").value = curve
    assert squares.curve == curve and squares.points == squares.curves[curve] and same_as_sliders(squares)
    control(squares, "curve").value = "by hand"
    assert squares.points == squares.curves[curve] and len(drawn) == 2
    squares.points = LEARNED
    squares.set(curve=curve, frame=2)
    assert squares.points == squares.curves[curve] and squares.caption.startswith(f"Frame 00002, {curve}:")
    assert same_as_sliders(squares) and len(drawn) == 4


def test_the_caption_tells_the_best_scores_and_j_of_both(twins: DistanceInspector) -> None:
    twins.set(frame=3, curve="near only")
    truth = short("occluded-twins").truth
    assert truth is not None
    padded = np.pad(truth[3] == 1, ((0, 0), (3, 2)), mode="reflect")
    inside = padded.reshape(15, 16, 27, 16).any((1, 3))
    expected = []
    for step in (twins.step(), twins._history[3].step):
        assert step.scores is not None
        local = step.scores[0, LOCAL].numpy()
        expected += [local[inside].max(), local[~inside].max(), jaccard(step.mask == 1, truth[3] == 1)]
    assert numbers(twins.caption) == pytest.approx(expected, abs=0.005001)


def test_an_object_that_is_hidden_or_everywhere_has_no_score_inside_or_outside(squares: DistanceInspector) -> None:
    squares._truth = [np.zeros((60, 72), np.uint8)] * 6
    squares.frame = 2
    hidden = squares.caption
    assert "inside" not in hidden and len(numbers(hidden)) == 4
    squares._truth = [np.full((60, 72), 3, np.uint8)] * 6
    squares.refresh()
    assert "outside" not in squares.caption and len(numbers(squares.caption)) == 4
    assert numbers(hidden)[0] == numbers(squares.caption)[0]  # the best of all cells


def test_the_first_object_is_looked_at_whatever_its_number(squares: DistanceInspector) -> None:
    squares.frame = 4
    step, truth = squares._history[4].step, square_video().truth
    assert truth is not None
    assert numbers(squares.caption)[-1] == pytest.approx(jaccard(step.mask == 3, truth[4] == 3), abs=0.005001)


def test_tracking_the_whole_video_tells_j_of_two_full_trackings(squares: DistanceInspector) -> None:
    squares.curve = "far only"
    control(squares, "track the whole video").click()
    video, learned, bent = square_video(), tiny_model().eval(), tiny_model().eval()
    bent.add_module("distance", CurveScorer(READY["far only"]))
    assert video.truth is not None
    expected = [
        score_video((step.mask for step in track(which, video, OWN_SIZE)), video.truth)[3].j.mean()
        for which in (bent, learned)
    ]
    assert squares.whole == f" Whole video: J {expected[0]:.2f}; learned {expected[1]:.2f}."
    assert squares.caption.endswith(squares.whole)
    squares.frame = 3
    assert squares.caption.endswith(squares.whole) and squares.whole
    control(squares, "2").value = 0.5
    assert squares.whole == "" and "Whole video" not in squares.caption


def test_a_video_without_truth_is_refused() -> None:
    with pytest.raises(AssertionError, match="square has no true masks"):
        DistanceInspector(tiny_model().eval(), replace(square_video(), truth=None))


def test_both_curves_are_drawn(squares: DistanceInspector, asked: list[Any]) -> None:
    squares.curve = "near only"
    along, curves, (frame, scores), *_ = asked
    assert along == KNOTS and curves == {"learned": squares.curves["learned"], "near only": READY["near only"]}
    step = squares.step()
    assert frame.picture is step.image and np.array_equal(frame.outlined, step.mask) and step.scores is not None
    np.testing.assert_array_equal(scores.scores, step.scores[0, LOCAL])
    truth = square_video().truth
    assert truth is not None and np.array_equal(scores.outlined, truth[1])
