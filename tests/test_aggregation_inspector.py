"""The aggregation inspector: odds alone from odds together, at the pixel that is most in dispute."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from inspected import control, instead_of_drawing, model, numbers, pixels, short
from small_runs import square_video, tiny_model

from tbd_lib.course.widgets import AggregationInspector, aggregation_inspector
from tbd_lib.course.widgets.aggregation_inspector import log_odds_of
from tbd_lib.method.aggregate import aggregate, aggregate_log_odds
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.tracking.geometry import crop

LOG_ODDS = arrays(np.float64, array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.floats(-16, 16))


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list:
    """What was last to be drawn."""
    return instead_of_drawing(monkeypatch, aggregation_inspector, "odds_figure")


@pytest.fixture(scope="module")
def twins() -> AggregationInspector:
    """Two twins, of which one passes before the other. Each test sets what it looks at."""
    return AggregationInspector(model(), short("occluded-twins"))


@given(LOG_ODDS)
def test_log_odds_alone_come_back_from_shares_together(log_odds: np.ndarray) -> None:
    """As long as none is beyond the clamp, at 16.1."""
    alone = torch.from_numpy(log_odds)
    torch.testing.assert_close(log_odds_of(aggregate_log_odds(alone)), alone, rtol=0, atol=1e-8)


@pytest.mark.parametrize("at", [(7, 200), (120, 210), (239, 426)])
def test_alone_is_the_decoders_softmax_and_together_its_aggregation(
    twins: AggregationInspector, at: tuple[int, int]
) -> None:
    twins.set(frame=3, row=at[0], column=at[1])
    moment, video = twins.history[3], short("occluded-twins")
    assert moment.before is not None
    image = torch.from_numpy(pixels(video, 3)).permute(2, 0, 1)[None].float() / 255
    padded = torch.nn.functional.pad(image, (3, 2, 0, 0), mode="reflect")  # 240 x 427 pixels become 240 x 432
    with torch.no_grad():
        logits = model().segment(model().encode(padded), moment.before.cohorts[0].templates)
    prob = crop(logits.softmax(2)[0, :, 1], (240, 427))[:, at[0], at[1]]
    assert twins.alone() == pytest.approx(prob.tolist(), rel=1e-3, abs=1.1e-7)  # probabilities are kept from 0 and 1
    expected = aggregate(torch.tensor(twins.alone(), dtype=torch.float64)[:, None, None]).flatten()
    torch.testing.assert_close(moment.step.prob[:, at[0], at[1]].double(), expected, rtol=1e-4, atol=1e-7)


def test_caption_and_bars_tell_odds_alone_and_shares_together(twins: AggregationInspector, asked: list) -> None:
    twins.frame = 2
    twins.seek_disputed()
    step = twins.history[2].step
    alone, together = twins.alone(), step.prob[:, twins.row, twins.column].tolist()
    names = ["background", "object 1", "object 2"]
    image, mask, place, before, after, caption = asked
    assert image is step.image and mask is step.mask and place == (twins.row, twins.column)
    assert before == dict(zip(names, [1 - max(alone), *alone], strict=True))
    assert (
        list(after) == names and list(after.values()) == pytest.approx(together) and sum(together) == pytest.approx(1)
    )
    clauses = caption.removesuffix(".").split("; ")
    for clause, (name, p), share in zip(clauses, before.items(), together, strict=True):
        assert f"{name}: " in clause and numbers(clause) == pytest.approx([p, p / (1 - p), share], rel=0.01, abs=0.001)
    winner = names[int(np.argmax(together))]
    assert caption.startswith(f"Frame 00002, row {twins.row}, column {twins.column}: {winner}. background: least 1 - p")
    assert step.mask[twins.row, twins.column] == names.index(winner)  # the tracker works at the frame's own size here


@pytest.mark.parametrize("at", [1, 3])
def test_the_disputed_pixel_is_where_the_second_best_object_is_greatest(twins: AggregationInspector, at: int) -> None:
    twins.set(frame=at, row=0, column=0)
    control(twins, "most disputed pixel").click()
    second = np.sort(twins.history[at].step.prob[1:].numpy(), 0)[-2]
    assert second[twins.row, twins.column] == second.max() > second[0, 0]


def test_it_begins_at_the_disputed_pixel_which_a_single_object_disputes_with_the_background() -> None:
    single = AggregationInspector(model(), short("lookalike-crossing", 2))
    least = np.minimum(*single.history[1].step.prob.numpy())
    assert least[single.row, single.column] == least.max()
    assert len(single.alone()) == 1 and single.caption.count("object 1: alone") == 1


@pytest.mark.parametrize(
    ("config", "last", "chosen", "place"),
    [
        (OWN_SIZE, (59, 71), (41, 7), (41, 7)),
        # 60 x 72 pixels become 30 x 36: a pixel covers two by two, here rows 0 and 1, columns 70 and 71
        (TrackConfig(short_side=30), (29, 35), (0, 35), (0.5, 70.5)),
    ],
)
def test_the_place_is_in_the_frames_own_pixels(config: TrackConfig, last: tuple, chosen: tuple, place: tuple) -> None:
    inspector = AggregationInspector(tiny_model().eval(), square_video(2), config)
    assert (control(inspector, "row").max, control(inspector, "column").max) == last
    inspector.set(row=chosen[0], column=chosen[1])
    assert inspector.place() == place


@pytest.mark.parametrize(
    ("logit", "odds"), [(0.0, "odds 1,"), (-9.2103, "odds 10^-4,"), (2.197225, "odds 9,"), (13.0, "odds 10^6,")]
)
def test_odds_are_told_in_short(
    twins: AggregationInspector, monkeypatch: pytest.MonkeyPatch, logit: float, odds: str
) -> None:
    monkeypatch.setattr(twins, "alone", lambda: [torch.tensor(logit).sigmoid().item(), 1e-9])
    twins.refresh()
    assert odds in twins.caption.split("; ")[1]
