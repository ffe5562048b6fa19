"""Training clips as rows of frames: each frame with its target, in order, with white between."""

from io import BytesIO

import numpy as np
import pytest
from figures import SIZE, box, drawn, frame
from PIL import Image as Pictures
from tbd_lib.course.viz.clips import GAP, clip_rows

from tbd_lib.course.viz.described import Described
from tbd_lib.video.overlay import overlay

CLIP = [(frame("", seed).image, box(2, 9, 3 + seed, 9 + seed)) for seed in range(3)]
OTHER = [(image[::-1].copy(), mask) for image, mask in CLIP]


@pytest.fixture(scope="module")
def rows() -> Described:
    return clip_rows({"cut": CLIP, "after": OTHER}, "said.")


def test_every_frame_is_shown_with_its_target_in_order_and_white_between(rows: Described) -> None:
    for shown, clip in zip(drawn(rows), (CLIP, OTHER), strict=True):
        high, wide = SIZE
        assert shown.shape == (high, 3 * wide + 2 * GAP, 3)
        for number, (image, mask) in enumerate(clip):
            left = number * (wide + GAP)
            assert np.array_equal(shown[:, left : left + wide], overlay(image, mask))
            assert (shown[:, left + wide : left + wide + GAP] == 255).all()


def test_rows_have_their_titles_and_stand_below_each_other(rows: Described) -> None:
    first, second = rows.figure.axes
    assert [ax.get_title(loc="left") for ax in (first, second)] == ["cut", "after"]
    assert first.get_position().y0 > second.get_position().y1 and second.get_position().y0 == pytest.approx(0, abs=1e-9)
    assert first.get_position().x0 == 0 and first.get_position().x1 == 1


def test_pixels_stay_square_and_titles_have_room(rows: Described) -> None:
    width, height = rows.figure.get_size_inches()
    first, second = (ax.get_position() for ax in rows.figure.axes)
    assert first.height * height / SIZE[0] == pytest.approx(width / (3 * SIZE[1] + 2 * GAP))
    assert (1 - first.y1) * height > 0.2 and (first.y0 - second.y1) * height > 0.2


def test_it_says_what_it_was_told_and_is_a_photograph(rows: Described) -> None:
    assert rows.sentence == "said." and Pictures.open(BytesIO(rows.content)).format == "JPEG"
    assert clip_rows({"cut": CLIP, "after": OTHER}, "said.").content == rows.content
