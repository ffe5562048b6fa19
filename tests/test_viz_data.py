"""The gallery: rows as wide as the page, of one height, nothing distorted or left out."""

import numpy as np
import pytest

from tbd_lib.course.viz.data import gallery
from tbd_lib.course.viz.described import WIDTH
from tbd_lib.video.arrays import Image


def plain(h: int, w: int) -> Image:
    return np.full((h, w, 3), 90, np.uint8)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_rows_fill_the_page_and_keep_every_picture_in_proportion(rows: int):
    panels = {f"{h} x {w}": plain(h, w) for h, w in [(20, 40), (40, 20), (30, 30), (24, 43), (43, 24)]}
    described = gallery(panels, "Five pictures.", rows)
    places = {ax.get_title(): ax.get_position() for ax in described.figure.axes}
    assert list(places) == list(panels) and repr(described) == "Five pictures."
    width, height = described.figure.get_size_inches()
    assert width == WIDTH
    for title, place in places.items():
        assert place.height * height / (place.width * width) == pytest.approx(
            panels[title].shape[0] / panels[title].shape[1]
        )
        assert place.y0 >= 0 and place.y1 < 1  # room for the title
    lines = {}
    for place in places.values():
        lines.setdefault(round(place.y0, 6), []).append(place)
    assert len(lines) == rows
    for line in lines.values():
        assert (line[0].x0, line[-1].x1) == pytest.approx((0, 1))
        assert len({round(place.height, 6) for place in line}) == 1


def test_nothing_to_show_is_an_error():
    with pytest.raises(ValueError, match="no picture"):
        gallery({}, "Nothing.")
