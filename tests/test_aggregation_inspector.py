"""The aggregation inspector: odds alone from odds together, at the pixel that is most in dispute."""

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from inspected import control, model, numbers, pictures, pixels, say, short, table
from small_runs import square_video, tiny_model

from tbd_lib.course.widgets import AggregationInspector
from tbd_lib.course.widgets.aggregation_inspector import log_odds_of
from tbd_lib.method.aggregate import aggregate, aggregate_log_odds
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.geometry import crop

LOG_ODDS = arrays(np.float64, array_shapes(min_dims=3, max_dims=3, max_side=4), elements=st.floats(-16, 16))


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
    twins.set(frame=3, pixel=at)
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


def test_the_table_has_claims_odds_and_shares_and_the_description_says_the_same(twins: AggregationInspector) -> None:
    twins.frame = 2
    twins.seek_disputed()
    step, at = twins.history[2].step, twins.pixel
    alone, together = twins.alone(), step.prob[:, at[0], at[1]].tolist()
    claims = [1 - max(alone), *alone]
    rows = table(twins).rows
    assert [row[0].split(" (")[0] for row in rows] == ["background", "object 1", "object 2"]
    for row, claim, share in zip(rows, claims, together, strict=True):
        assert [float(cell) for cell in row[1:]] == pytest.approx(
            [claim, claim / (1 - claim), share], rel=0.01, abs=0.001
        )
    assert sum(together) == pytest.approx(1)
    for clause, row in zip(twins.description.removesuffix(".").split("; "), rows, strict=True):
        assert f"claim {row[1]}, odds {row[2]}, share {row[3]}" in clause
    winner = ["background", "object 1", "object 2"][int(np.argmax(together))]
    assert twins.description.startswith(f"Frame 00002, row {at[0]}, column {at[1]}: {winner}. background claim")
    first, second = sorted(alone)[::-1]
    assert numbers(twins.caption)[:2] == pytest.approx([first, second], abs=0.005001)
    assert twins.caption.count(".") == 5  # one sentence, with four numbers


def test_frame_and_map_carry_the_pixel_and_can_be_pointed_at(twins: AggregationInspector) -> None:
    twins.set(frame=3, pixel=(100, 250))
    for picture in pictures(twins):
        assert picture.points == "pixel" and picture.image.shape == (240, 427, 3)
        assert [mark.cell for mark in picture.marks] == [(100, 250)] and picture.extent == (0, 427, 240, 0)


def test_pointing_leads_the_pixel_until_a_click_holds_it(twins: AggregationInspector) -> None:
    twins.set(frame=2, held=False)
    say(twins, point=[50, 60], hold=False)
    assert twins.pixel == (50, 60) and not twins.held
    say(twins, point=[51, 60], hold=True)
    assert twins.pixel == (51, 60) and twins.held and twins.board.scene["held"]
    say(twins, point=[90, 90], hold=False)
    assert twins.pixel == (51, 60)
    say(twins, point=[52, 60], hold=True)
    assert twins.pixel == (52, 60) and twins.held
    say(twins, point=[52, 60], hold=True)  # the held place again lets it go
    assert not twins.held
    say(twins, point=[999, -5], hold=False)  # a page that is late
    assert twins.pixel == (239, 0)
    with pytest.raises(traitlets.TraitError, match=r"pixel is \(240, 0\); expected rows 0 to 239, columns 0 to 426"):
        twins.pixel = (240, 0)


def second_best(inspector: AggregationInspector, at: int) -> np.ndarray:
    """The second greatest claim to each pixel, from the shares: what each object's odds are without the others."""
    share = inspector.history[at].step.prob.double().numpy()
    against = np.log(share[1:] / share[0])
    return np.sort(1 / (1 + np.exp(-(against - against.max(0) / 2))), 0)[-2]


@pytest.mark.parametrize("at", [1, 3])
def test_the_disputed_pixel_has_the_greatest_second_claim(twins: AggregationInspector, at: int) -> None:
    twins.set(frame=at, pixel=(0, 0))
    control(twins, "most disputed pixel here").click()
    second = second_best(twins, at)
    assert second[twins.pixel] == pytest.approx(second.max(), abs=1e-5) and twins.held and twins.frame == at


def test_it_opens_at_the_most_disputed_pixel_of_the_whole_video(twins: AggregationInspector) -> None:
    opened = AggregationInspector(model(), short("occluded-twins"), history=twins.history)
    greatest = [second_best(opened, at).max() for at in range(1, 4)]
    assert opened.frame == 1 + int(np.argmax(greatest))
    assert second_best(opened, opened.frame)[opened.pixel] == pytest.approx(max(greatest), abs=1e-5)
    opened.set(frame=1 + opened.frame % 3, held=False)
    control(opened, "... in the whole video").click()
    assert opened.frame == 1 + int(np.argmax(greatest)) and opened.held


def test_a_single_object_is_in_dispute_with_the_background() -> None:
    single = AggregationInspector(model(), short("lookalike-crossing", 2))
    least = np.minimum(*single.history[1].step.prob.double().numpy()[[0, 1]])
    assert least[single.pixel] == pytest.approx(least.max(), abs=1e-5) and len(single.alone()) == 1


def test_a_copy_shows_the_same_and_goes_its_own_way(twins: AggregationInspector) -> None:
    twins.set(frame=2, pixel=(7, 8), held=True)
    other = twins.copy()
    assert other.description == twins.description and other.held and other.history is twins.history
    other.set(frame=3, pixel=(9, 9))
    assert twins.frame == 2 and twins.pixel == (7, 8)


def test_pixels_are_those_of_the_working_size() -> None:
    inspector = AggregationInspector(tiny_model().eval(), square_video(2), TrackConfig(short_side=30))
    assert inspector.grid() == (30, 36) and pictures(inspector)[0].extent == (0, 36, 30, 0)
    assert pictures(inspector)[0].image.shape == (60, 72, 3)


@pytest.mark.parametrize(
    ("logit", "odds"), [(0.0, "odds 1,"), (-9.2103, "odds 10^-4,"), (2.197225, "odds 9,"), (13.0, "odds 10^6,")]
)
def test_odds_are_told_in_short(
    twins: AggregationInspector, monkeypatch: pytest.MonkeyPatch, logit: float, odds: str
) -> None:
    monkeypatch.setattr(twins, "alone", lambda: [torch.tensor(logit).sigmoid().item(), 1e-9])
    twins.refresh()
    assert odds in twins.description.split("; ")[1]
