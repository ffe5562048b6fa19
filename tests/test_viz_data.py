"""The gallery: rows as wide as the page, of one height, nothing distorted or left out."""

from itertools import pairwise

import numpy as np
import pytest

from tbd_lib.course.viz.data import gallery


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_rows_fill_the_page_and_keep_every_picture_in_proportion(rows: int):
    sizes = [(20, 40), (40, 20), (30, 30), (24, 43), (43, 24)]
    described = gallery({f"{h} x {w}": np.full((h, w, 3), 90, np.uint8) for h, w in sizes}, "Five pictures.", rows)
    assert repr(described) == "Five pictures."
    assert [ax.get_title() for ax in described.figure.axes] == [f"{h} x {w}" for h, w in sizes]
    page, lines = described.figure.bbox, {}
    for ax, (h, w) in zip(described.figure.axes, sizes, strict=True):
        place = ax.get_window_extent()
        assert place.height / place.width == pytest.approx(h / w)
        assert place.y0 >= -1e-6 and place.y1 < page.y1 - 20  # room for the title
        lines.setdefault(round(place.y0), []).append(place)
    assert len(lines) == rows
    for line in lines.values():
        assert (line[0].x0, line[-1].x1) == pytest.approx((0, page.x1))
        assert len({round(place.height) for place in line}) == 1
        assert all(right.x0 - left.x1 == pytest.approx(6) for left, right in pairwise(line))


def test_objects_are_outlined_where_a_mask_is_given_and_every_picture_keeps_its_place():
    image, mask = np.full((24, 43, 3), 90, np.uint8), np.zeros((24, 43), np.uint8)
    mask[5:15, 10:30] = 1
    left, right = gallery({"one": image, "other": image}, "Two pictures.", 1, {"one": mask}).figure.axes
    plain, _ = gallery({"one": image, "other": image}, "Two pictures.", 1).figure.axes
    assert (len(left.collections), len(right.collections)) == (1, 0)
    assert (left.get_xlim(), left.get_ylim()) == (plain.get_xlim(), plain.get_ylim())
    assert left.get_window_extent().bounds == pytest.approx(plain.get_window_extent().bounds)


def test_nothing_to_show_is_an_error():
    with pytest.raises(ValueError, match="no picture"):
        gallery({}, "Nothing.")
