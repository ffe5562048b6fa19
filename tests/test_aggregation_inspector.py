"""The aggregation inspector and its figure: odds alone from odds together, at the pixel that is most in dispute."""

import numpy as np
import pytest
import torch
from figures import box, drawn, frame
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from inspected import control, model, numbers, pixels, short
from small_runs import square_video, tiny_model
from tbd_lib.course.viz.odds import odds_figure

from tbd_lib.course.viz.described import Described
from tbd_lib.course.widgets.aggregation_inspector import AggregationInspector, _odds, log_odds_of
from tbd_lib.method.aggregate import aggregate, aggregate_log_odds
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.geometry import crop
from tbd_lib.video.overlay import COLOURS, overlay

LOG_ODDS = arrays(np.float64, array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.floats(-16, 16))
BEFORE = {"background": 0.6, "object 2": 0.4, "object 9": 0.1}
AFTER = {"background": 0.5, "object 2": 0.45, "object 9": 0.05}


@pytest.fixture(scope="module")
def shown() -> AggregationInspector:
    """Two twins, of which one passes before the other. Each test sets what it looks at."""
    return AggregationInspector(model(), short("occluded-twins"))


@pytest.fixture(scope="module")
def figure() -> Described:
    return odds_figure(frame("a").image, box(2, 9, 3, 9, 2), (4.0, 7.5), BEFORE, AFTER, "said.")


@given(LOG_ODDS)
def test_log_odds_alone_come_back_from_shares_together(log_odds: np.ndarray) -> None:
    """As long as none is beyond the clamp, at 16.1."""
    alone = torch.from_numpy(log_odds)
    torch.testing.assert_close(log_odds_of(aggregate_log_odds(alone)), alone, rtol=0, atol=1e-8)


def test_probabilities_alone_come_back_in_single_precision_too() -> None:
    prob = torch.tensor([[[0.9, 0.2, 1e-6]], [[0.3, 0.1, 1e-3]]])
    torch.testing.assert_close(log_odds_of(aggregate(prob).double()).sigmoid().float(), prob, rtol=1e-4, atol=0)


@pytest.mark.parametrize("at", [(7, 200), (120, 210), (239, 426)])
def test_alone_is_the_decoders_softmax(shown: AggregationInspector, at: tuple[int, int]) -> None:
    shown.set(frame=3, row=at[0], column=at[1])
    moment, video = shown.history[3], short("occluded-twins")
    assert moment.before is not None
    image = torch.from_numpy(pixels(video, 3)).permute(2, 0, 1)[None].float() / 255
    padded = torch.nn.functional.pad(image, (3, 2, 0, 0), mode="reflect")  # 240 x 427 pixels become 240 x 432
    with torch.no_grad():
        logits = model().segment(model().encode(padded), moment.before.cohorts[0].templates)
    prob = crop(logits.softmax(2)[0, :, 1], (240, 427))[:, at[0], at[1]]
    assert shown.alone() == pytest.approx(prob.tolist(), rel=1e-3, abs=1.1e-7)  # probabilities are kept from 0 and 1


def test_the_caption_tells_odds_alone_and_shares_together(shown: AggregationInspector) -> None:
    shown.frame = 2
    shown.seek_disputed()
    step = shown.history[2].step
    alone, together = shown.alone(), step.prob[:, shown.row, shown.column].tolist()
    parts = shown.caption.removesuffix(".").split("; ")
    for said, p, share in zip(parts, [1 - max(alone), *alone], together, strict=True):
        assert numbers(said) == pytest.approx([p, p / (1 - p), share], rel=0.01, abs=0.001)
    names = ["background", "object 1", "object 2"]
    assert [name for name, said in zip(names, parts, strict=True) if f"{name}: " in said] == names
    won = names[int(np.argmax(together))]
    assert shown.caption.startswith(
        f"Frame 00002, row {shown.row}, column {shown.column}: {won}. background: least 1 - p"
    )
    assert step.mask[shown.row, shown.column] == names.index(won)  # the tracker works at the frame's own size here
    assert sum(together) == pytest.approx(1)


def test_together_is_the_aggregation_of_what_is_told_alone(shown: AggregationInspector) -> None:
    shown.set(frame=1, row=150, column=250)
    expected = aggregate(torch.tensor(shown.alone(), dtype=torch.float64)[:, None, None]).flatten()
    together = shown.history[1].step.prob[:, 150, 250].double()
    torch.testing.assert_close(together, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("at", [1, 3])
def test_the_disputed_pixel_is_where_the_second_best_object_is_greatest(shown: AggregationInspector, at: int) -> None:
    shown.set(frame=at, row=0, column=0)
    control(shown, "most disputed pixel").click()
    rivals = shown.history[at].step.prob[1:].numpy()
    second = np.sort(rivals, 0)[-2]
    assert second[shown.row, shown.column] == second.max() > second[0, 0]


def test_a_single_object_disputes_with_the_background() -> None:
    shown = AggregationInspector(model(), short("lookalike-crossing", 2))
    prob = shown.history[1].step.prob.numpy()
    assert np.minimum(*prob)[shown.row, shown.column] == np.minimum(*prob).max()
    assert len(shown.alone()) == 1 and shown.caption.count("object 1: alone") == 1


def test_it_begins_at_the_disputed_pixel(shown: AggregationInspector) -> None:
    begun = AggregationInspector(model(), short("occluded-twins", 2))
    shown.set(frame=1)
    shown.seek_disputed()
    assert begun.caption == shown.caption


def test_the_place_is_in_the_frames_own_pixels() -> None:
    config = TrackConfig(short_side=30, min_object_pixels=1)  # 60 x 72 pixels become 30 x 36
    shown = AggregationInspector(tiny_model().eval(), square_video(2), config)
    assert (control(shown, "row").max, control(shown, "column").max) == (29, 35)
    shown.set(row=0, column=35)
    assert shown.place() == (0.5, 70.5)  # a pixel covers two by two: rows 0 and 1, columns 70 and 71
    own = AggregationInspector(tiny_model().eval(), square_video(2))
    own.set(row=41, column=7)
    assert own.place() == (41, 7)


@pytest.mark.parametrize(
    ("p", "said"), [(0.5, "1"), (0.0, "0"), (1.0, "without end"), (0.9, "9"), (1e-4, "10^-4"), (1 - 1e-7, "10^7")]
)
def test_odds_in_short(p: float, said: str) -> None:
    assert _odds(p) == said


def test_the_figure_marks_the_pixel_on_the_mask(figure: Described) -> None:
    assert np.array_equal(drawn(figure)[0], overlay(frame("a").image, box(2, 9, 3, 9, 2)))
    across, down, ring = figure.figure.axes[0].lines
    assert (np.asarray(across.get_ydata()) == 4).all() and (np.asarray(down.get_xdata()) == 7.5).all()
    assert np.asarray(ring.get_xydata()).tolist() == [[7.5, 4]]
    assert figure.figure.axes[0].get_xlim() == (-0.5, 39.5) and figure.figure.axes[0].get_ylim() == (23.5, -0.5)


def test_the_figure_has_a_hatched_and_a_full_bar_for_every_label(figure: Described) -> None:
    chart = figure.figure.axes[1]
    alone, together = chart.containers
    for bars, values, hatch in ((alone, BEFORE, "//"), (together, AFTER, None)):
        assert [bar.get_width() for bar in bars] == list(values.values())
        assert {bar.get_hatch() for bar in bars} == {hatch}
    for name, one, other in zip(BEFORE, alone, together, strict=True):
        colour = (0.6, 0.6, 0.6) if name == "background" else COLOURS[int(name.split()[1])] / 255
        assert one.get_facecolor()[:3] == pytest.approx(tuple(colour)) == other.get_facecolor()[:3]
        assert one.get_y() + one.get_height() <= other.get_y() + 0.05  # above it: the axis runs downwards
    assert [tick.get_text() for tick in chart.get_yticklabels()] == list(BEFORE)
    assert chart.yaxis_inverted() and figure.sentence == "said." and figure.photographic
