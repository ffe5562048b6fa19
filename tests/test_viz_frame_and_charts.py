"""A frame with charts beside it: the frame and its masks as they are, and every number in its chart."""

import numpy as np
import pytest
from figures import SIZE, box, drawn, frame, loops

from tbd_lib.course.viz import Described
from tbd_lib.course.viz.frame_and_charts import odds_figure, timeline
from tbd_lib.video.overlay import COLOURS, overlay

IMAGE, MASK = frame("a").image, box(2, 9, 3, 9, 2)
DRIFT = {"overall": np.array([1.0, 0.99, 0.85]), "long": np.array([1.0, 0.98, 0.97])}
SCORES = {"J": np.array([1.0, 0.5, 0.25, 0.75]), "F": np.array([1.0, 0.4, 0.3, 0.2])}
BEFORE = {"background": 0.6, "object 2": 0.4, "object 9": 0.1}
AFTER = {"background": 0.5, "object 2": 0.45, "object 9": 0.05}


@pytest.fixture(scope="module")
def line() -> Described:
    """Frame 2 of four: the third."""
    return timeline(IMAGE, MASK, box(2, 9, 5, 12), SCORES, DRIFT, 2, "A timeline.")


@pytest.fixture(scope="module")
def odds() -> Described:
    return odds_figure(IMAGE, MASK, (4.0, 7.5), BEFORE, AFTER, "Odds.")


def test_the_frame_is_shown_whole_with_its_mask(line: Described, odds: Described) -> None:
    for described, sentence in ((line, "A timeline."), (odds, "Odds.")):
        ax = described.figure.axes[0]
        assert np.array_equal(drawn(described)[0], overlay(IMAGE, MASK))
        assert ax.get_xlim() == (-0.5, SIZE[1] - 0.5) and ax.get_ylim() == (SIZE[0] - 0.5, -0.5)
        assert described.sentence == sentence and described.photographic and described.content


def test_the_timeline_shows_the_true_outline(line: Described) -> None:
    (loop,) = loops(line.figure.axes[0])
    assert loop.min(0).tolist() == [4.5, 1.5] and loop.max(0).tolist() == [11.5, 8.5]
    assert line.figure.axes[0].get_title() == "frame 2"


def test_the_timeline_draws_scores_of_all_frames_and_drift_from_the_second_on(line: Described) -> None:
    for ax, values, first in zip(line.figure.axes[1:], (SCORES, DRIFT), (0, 1), strict=True):
        *curves, mark = ax.lines
        assert [curve.get_label() for curve in curves] == list(values)
        for curve, expected in zip(curves, values.values(), strict=True):
            np.testing.assert_array_equal(curve.get_xydata(), np.stack([np.arange(first, 4), expected], 1))
        assert np.asarray(mark.get_xdata()).tolist() == [2, 2]


def test_the_axes_hold_every_value_and_a_small_drift_is_not_blown_up(line: Described) -> None:
    scores, drift = (ax.get_ylim() for ax in line.figure.axes[1:])
    assert scores[0] == 0 and scores[1] > 1 and drift[0] == pytest.approx(0.8) and drift[1] > 1
    near = timeline(IMAGE, MASK, MASK, SCORES, {"long": np.array([1, 0.99])}, 0, "")
    assert near.figure.axes[2].get_ylim()[0] == 0.9


def test_odds_mark_the_pixel(odds: Described) -> None:
    across, down, ring = odds.figure.axes[0].lines
    assert (np.asarray(across.get_ydata()) == 4).all() and (np.asarray(down.get_xdata()) == 7.5).all()
    assert np.asarray(ring.get_xydata()).tolist() == [[7.5, 4]]


def test_odds_have_a_hatched_and_a_full_bar_for_every_label(odds: Described) -> None:
    chart = odds.figure.axes[1]
    alone, together = chart.containers
    for bars, values, hatch in ((alone, BEFORE, "//"), (together, AFTER, None)):
        assert [bar.get_width() for bar in bars] == list(values.values())
        assert {bar.get_hatch() for bar in bars} == {hatch}
    for name, upper, lower in zip(BEFORE, alone, together, strict=True):
        colour = (0.6, 0.6, 0.6) if name == "background" else COLOURS[int(name.split()[1])] / 255
        assert upper.get_facecolor()[:3] == pytest.approx(tuple(colour)) == lower.get_facecolor()[:3]
        assert upper.get_y() + upper.get_height() <= lower.get_y() + 0.05  # the axis runs downwards
    assert [tick.get_text() for tick in chart.get_yticklabels()] == list(BEFORE) and chart.yaxis_inverted()
