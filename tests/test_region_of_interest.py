"""Decoding near objects: exact where the box is the frame, cheaper where it is not."""

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tbd_lib.method.aggregate import MOST_LOG_ODDS
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, Features, build_model
from tbd_lib.method.templates import Templates
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.region_of_interest import Box, box_around, log_odds, possible_cells
from tbd_lib.tracking.tracker import regions_of

Moment = tuple[TBD, Features, Templates, torch.Tensor]


@pytest.fixture
def moment() -> Moment:
    """A second frame of 8 x 12 cells; object 0 is a block at the top left, object 1 one at the bottom right."""
    torch.manual_seed(0)
    model = build_model(SMALL).double().eval()
    with torch.no_grad():
        first, second = (model.encode(torch.rand(1, 3, 128, 192, dtype=torch.float64)) for _ in range(2))
        foreground = torch.zeros(2, 128, 192, dtype=torch.float64)
        foreground[0, 16:48, 16:48], foreground[1, 96:112, 160:176] = 1, 1
        templates = model.start(first, regions_of(foreground))
        scores = model.match(second, templates)
        scores[:, :, [1, 3]] = scores[:, :, [0, 2]] - 1  # the background is more alike everywhere
    return model, second, templates, scores


@torch.no_grad()
def test_a_margin_as_wide_as_the_frame_changes_nothing(moment: Moment) -> None:
    everywhere, near = (log_odds(*moment, TrackConfig(roi_margin=margin)) for margin in (None, 12))
    torch.testing.assert_close(near, everywhere, rtol=0, atol=1e-9)


@torch.no_grad()
def test_outside_of_its_box_an_object_is_as_unlikely_as_can_be(moment: Moment) -> None:
    odds = log_odds(*moment, TrackConfig(roi_margin=1))
    inside = torch.zeros_like(odds, dtype=torch.bool)
    inside[0, :64, :64], inside[1, 80:128, 144:192] = True, True  # the blocks and a cell around, inside the frame
    assert (odds[~inside] == -MOST_LOG_ODDS).all() and (odds[inside] != -MOST_LOG_ODDS).all()


@torch.no_grad()
def test_what_is_decoded_is_the_decoder_on_the_cut_out(moment: Moment) -> None:
    model, features, templates, scores = moment
    cut = Box(0, 4, 0, 4)
    levels = cut.cut(features.s4, 4), cut.cut(features.s8, 2), cut.cut(features.s16)
    first = templates.take(torch.tensor([0]))
    logits = model.decoder(*levels, cut.cut(scores[:, :1]), cut.cut(first.prev_mask))[0, 0]
    near = log_odds(model, features, first, scores[:, :1], TrackConfig(roi_margin=1))
    torch.testing.assert_close(near[0, :64, :64], logits[1] - logits[0], rtol=0, atol=1e-9)


@torch.no_grad()
def test_small_boxes_take_few_operations(moment: Moment) -> None:
    def operations(work: Callable[[], object]) -> int:
        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops()

    model, features, templates, scores = moment
    first = templates.take(torch.tensor([0]))
    whole = operations(lambda: log_odds(model, features, first, scores[:, :1], TrackConfig()))
    near = operations(lambda: log_odds(model, features, first, scores[:, :1], TrackConfig(roi_margin=1)))
    assert near == pytest.approx(whole * 16 / 96, rel=0.02)  # cells of the box, of the frame


def test_an_object_can_be_where_it_was_or_where_a_fine_template_says_so() -> None:
    scores, before = torch.zeros(10, 2, 3), torch.zeros(2, 3)
    before[0, 0] = 0.1
    scores[1, 0, 1] = 0.1  # global, foreground
    scores[3, 1, 2] = 0.1  # local, foreground
    scores[5:, 1, 0] = 1.0  # coarse templates have no say
    assert possible_cells(scores, before).tolist() == [[True, True, False], [False, False, True]]


def test_the_box_keeps_inside_the_grid_and_is_all_of_it_for_nothing() -> None:
    cells = torch.zeros(5, 7, dtype=torch.bool)
    assert box_around(cells, 1) == Box(0, 5, 0, 7)
    cells[1, 3] = cells[2, 6] = True
    assert box_around(cells, 0) == Box(1, 3, 3, 7)
    assert box_around(cells, 2) == Box(0, 5, 1, 7)
