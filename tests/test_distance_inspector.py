"""The distance inspector: a drawn score takes the learned one's place, and the caption compares what comes of both."""

from dataclasses import replace
from math import hypot

import numpy as np
import pytest
import torch
import traitlets
from inspected import charts, control, drawings_of, model, numbers, pictures, say, short
from small_runs import square_video, tiny_model

from tbd_lib.course.viz.scene import heat, masked
from tbd_lib.course.widgets import distance_inspector
from tbd_lib.course.widgets.distance_inspector import KNOTS, LOCAL, READY, CurveScorer, DistanceInspector
from tbd_lib.course.widgets.history import SCORES
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import jaccard, score_video
from tbd_lib.method.distance import DistanceScorer
from tbd_lib.method.matching import affinity, best_match
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import track

LEARNED = (0.9, 0.8, 0.5, 0.4, 0.25, 0.2, 0.1, 0.0)


@pytest.fixture(scope="module")
def twins() -> DistanceInspector:
    """An inspector that several tests share; each sets what it looks at."""
    return DistanceInspector(model(), short("occluded-twins"))


@pytest.fixture
def squares() -> DistanceInspector:
    """Objects 3 and 7 of a video of six frames, which an untrained model tracks badly."""
    return DistanceInspector(tiny_model().eval(), square_video())


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
        ours, real = twins.step(), twins.history[frame].step
        assert ours.scores is not None and real.scores is not None
        torch.testing.assert_close(ours.scores, real.scores, rtol=0, atol=0.12)  # straight lines for a steep curve
        assert jaccard(ours.mask == 1, real.mask == 1) > 0.98


def test_no_distance_score_is_matching_without_a_distance_score(twins: DistanceInspector) -> None:
    twins.set(frame=2, curve="no distance score")
    step, moment = twins.step(), twins.history[2]
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
    ours, real = twins.step().scores, twins.history[2].step.scores
    assert ours is not None and real is not None
    changed = [SCORES[n] for n in range(10) if not torch.equal(ours[:, n], real[:, n])]
    assert changed == ["local background", "local foreground"]


def test_dragging_a_point_bends_the_curve_by_hand(squares: DistanceInspector, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawings_of(monkeypatch, DistanceInspector)
    say(squares, drag=[3, 0.352])
    learned = squares.curves["learned"]
    assert squares.curve == control(squares, "curve").value == "by hand" and len(drawn) == 1
    assert squares.points == (*learned[:3], 0.35, *learned[4:]) and squares.curves["learned"] == learned
    assert ", by hand: best" in squares.description
    say(squares, drag=[0, 7.0])
    assert squares.points[0] == 1.0
    control(squares, "reset").click()
    assert squares.points == learned and squares.curve == "learned"


def test_points_set_from_code_are_drawn_and_bad_ones_refused(squares: DistanceInspector) -> None:
    before = squares.description
    squares.points = LEARNED
    assert squares.curve == "by hand" and squares.description != before
    for wrong in ((2.0, *LEARNED[1:]), LEARNED[1:]):
        with pytest.raises(traitlets.TraitError):
            squares.points = wrong
    assert squares.points == LEARNED


@pytest.mark.parametrize("curve", ["learned", "start", *READY])
def test_a_ready_curve_sets_the_points_also_among_other_changes(
    squares: DistanceInspector, curve: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(squares, drag=[0, 0.01])
    drawn = drawings_of(monkeypatch, DistanceInspector)
    control(squares, "curve").value = curve
    assert squares.curve == curve and squares.points == squares.curves[curve]
    control(squares, "curve").value = "by hand"
    assert squares.points == squares.curves[curve] and len(drawn) == 2
    squares.points = LEARNED
    squares.set(curve=curve, frame=2)
    assert squares.points == squares.curves[curve] and squares.description.startswith(f"Frame 00002, {curve}:")
    assert len(drawn) == 4


def test_the_start_is_that_of_a_new_scorer(squares: DistanceInspector) -> None:
    start = DistanceScorer(tiny_model().config.distance_units)
    with torch.no_grad():
        expected = start(torch.tensor(KNOTS, dtype=torch.float32)).tolist()
    assert squares.curves["start"] == pytest.approx(expected, abs=0.005001)


def test_the_description_has_the_best_scores_and_j_of_both(twins: DistanceInspector) -> None:
    twins.set(frame=3, curve="near only")
    truth = short("occluded-twins").truth
    assert truth is not None
    padded = np.pad(truth[3] == 1, ((0, 0), (3, 2)), mode="reflect")
    inside = padded.reshape(15, 16, 27, 16).any((1, 3))
    expected = []
    for step in (twins.step(), twins.history[3].step):
        assert step.scores is not None
        local = step.scores[0, LOCAL].numpy()
        expected += [local[inside].max(), local[~inside].max(), jaccard(step.mask == 1, truth[3] == 1)]
    assert numbers(twins.description) == pytest.approx(expected, abs=0.005001)
    assert numbers(twins.caption) == pytest.approx([expected[2], expected[5]], abs=0.005001)
    assert "by itself" in twins.caption and not twins.reached


def test_an_object_that_is_hidden_or_everywhere_has_no_score_inside_or_outside(squares: DistanceInspector) -> None:
    squares.truth = [np.zeros((60, 72), np.uint8)] * 6
    squares.frame = 2
    hidden = squares.description
    assert "inside" not in hidden and len(numbers(hidden)) == 4
    squares.truth = [np.full((60, 72), 3, np.uint8)] * 6
    squares.refresh()
    assert "outside" not in squares.description and len(numbers(squares.description)) == 4
    assert numbers(hidden)[0] == numbers(squares.description)[0]  # the best of all cells


def j_of_whole(curve: str) -> tuple[list[float], float]:
    """J of every frame with a curve, and the benchmark's mean, without the inspector."""
    video, bent = square_video(), tiny_model().eval()
    if curve != "learned":
        bent.add_module("distance", CurveScorer(READY[curve]))
    assert video.truth is not None
    masks = [step.mask for step in track(bent, video, OWN_SIZE)]
    j = [jaccard(mask == 3, true == 3) for mask, true in zip(masks, video.truth, strict=True)]
    return j, float(score_video(masks, video.truth)[3].j.mean())


def test_tracking_gives_j_of_two_whole_trackings(squares: DistanceInspector) -> None:
    squares.set(curve="far only", frame=4)
    assert len(squares.j) == 0 and "Whole video" not in squares.description
    squares.track()
    (ours, mean), (theirs, learned) = j_of_whole("far only"), j_of_whole("learned")
    np.testing.assert_allclose(squares.j, ours)
    np.testing.assert_allclose(squares.learned_j, theirs)
    assert squares.reached and squares.description.endswith(f" Whole video: mean J {mean:.2f}; learned {learned:.2f}.")
    assert squares.caption == (
        f"Over the whole video mean J is {mean:.2f} with this curve and {learned:.2f} with the learned one."
    )
    assert squares.moment().step.mask.shape == (60, 72) and not squares.board.scene["more"]
    say(squares, drag=[2, 0.5])
    assert len(squares.j) == 0 and not squares.reached and "Whole video" not in squares.description


def test_a_page_asks_for_one_frame_after_the_other(squares: DistanceInspector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance_inspector, "PATIENCE", 1e-9)
    squares.set(curve="far only", frame=2)
    expected = j_of_whole("far only")[0]
    for count in range(1, 7):
        assert squares.board.scene["more"] and squares.reached == (count > 3)
        say(squares, more=True)
        np.testing.assert_allclose(squares.j, expected[:count])
    assert not squares.board.scene["more"] and squares.caption.startswith("Over the whole video")


def test_a_copy_shows_the_same_and_goes_its_own_way(squares: DistanceInspector) -> None:
    squares.set(points=LEARNED, frame=3)
    other = squares.copy()
    assert other.description == squares.description and other.points == LEARNED and other.history is squares.history
    other.set(curve="far only")
    assert squares.points == LEARNED and squares.step().scores is not other.step().scores


@pytest.mark.parametrize(("masks", "found"), [(None, "no"), (2, "2")])
def test_a_video_without_truth_that_can_be_scored_is_refused(masks: int | None, found: str) -> None:
    video = square_video(masks or 6)
    with pytest.raises(InputError, match=f"square: found {found} true masks, expected three or more"):
        DistanceInspector(tiny_model().eval(), video if masks else replace(video, truth=None))


def test_charts_have_both_curves_and_j_of_both(squares: DistanceInspector) -> None:
    squares.set(curve="near only", frame=2)
    squares.track()
    curve, j = charts(squares)
    drawn = {name: list(values) for name, (_, values) in curve.lines.items()}
    assert drawn == {"learned curve": list(squares.curves["learned"]), "this curve": list(READY["near only"])}
    assert (curve.ghost, curve.dragged) == ("learned curve", "this curve")
    np.testing.assert_array_equal(j.lines["this curve"][1], squares.j)
    np.testing.assert_array_equal(j.lines["learned curve"][1], squares.learned_j)
    assert j.at == 2
    for frame in (4, j.first):  # as far to the left as the page lets the line be moved
        say(squares, scrub=frame)
        assert squares.frame == control(squares, "frame").value == frame


def test_pictures_show_the_mask_and_both_local_maps_with_the_true_outline(squares: DistanceInspector) -> None:
    squares.curve = "near only"
    frame, foreground, background = pictures(squares)
    step, true = squares.step(), square_video().truth
    assert true is not None and step.scores is not None
    truth = np.where(true[1] == 3, 3, 0).astype(np.uint8)
    assert frame.title == "frame 00001, by itself"
    only = np.where(step.mask == 3, 3, 0).astype(np.uint8)
    assert np.array_equal(frame.image, masked(step.image, only, truth))
    for picture, row in ((foreground, LOCAL), (background, LOCAL - 1)):
        assert np.array_equal(picture.image, heat(step.scores[0, row].numpy(), (60, 72), truth))
