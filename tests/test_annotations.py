"""Boxes and polygons become masks: in order, for the right object, and nothing is drawn that cannot be."""

import json
from itertools import permutations

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw

from tbd_lib.errors import InputError
from tbd_lib.video.annotations import Shape, box_mask, draw, polygon_mask, shapes_of

SIZE = (20, 30)
SQUARE: list[list[int | float]] = [[4, 3], [12, 3], [12, 9], [4, 9]]


def polygon(number: int, corners: list[list[int | float]] = SQUARE, remove: bool = False) -> Shape:
    return {"object": number, "kind": "polygon", "corners": corners, "remove": remove}


def box(number: int, left: int, top: int, right: int, bottom: int, remove: bool = False) -> Shape:
    return {"object": number, "kind": "box", "corners": [[left, top], [right, bottom]], "remove": remove}


def nothing() -> np.ndarray:
    return np.zeros(SIZE, np.uint8)


def test_a_polygon_is_the_inside_with_its_outline_as_pillow_fills_it():
    corners = [[2.5, 1], [25, 4], [28, 18.25], [9, 11]]
    picture = Pictures.new("L", (30, 20))
    ImageDraw.Draw(picture).polygon([(x, y) for x, y in corners], fill=7)
    mask = draw(nothing(), [polygon(7, corners)])
    assert np.array_equal(mask, np.asarray(picture)) and set(np.unique(mask)) == {0, 7}
    assert np.array_equal(mask > 0, polygon_mask(SIZE, corners) > 0)
    assert draw(nothing(), [polygon(1)])[3:10, 4:13].all()


def test_a_box_reaches_up_to_its_right_and_lower_edge():
    mask = draw(nothing(), [box(3, 4, 2, 9, 7)])
    assert (mask[2:7, 4:9] == 3).all() and np.count_nonzero(mask) == 25
    assert np.array_equal(mask > 0, box_mask(SIZE, (4, 2, 9, 7)) > 0)


def test_later_shapes_lie_on_top_in_every_order():
    shapes = {1: box(1, 0, 0, 12, 12), 2: polygon(2, [[3, 3], [20, 3], [20, 15]]), 3: box(3, 8, 2, 25, 10)}
    for order in permutations(shapes):
        mask = draw(nothing(), [shapes[i] for i in order])
        expected = nothing()
        for i in order:
            expected[draw(nothing(), [shapes[i]]) > 0] = i
        assert np.array_equal(mask, expected)


def test_what_is_removed_is_taken_from_its_object_alone():
    both = draw(nothing(), [box(1, 0, 0, 10, 10), box(2, 10, 0, 20, 10)])
    mask = draw(both, [box(1, 5, 5, 15, 15, remove=True)])
    assert not mask[5:10, 5:10].any() and np.array_equal(mask == 2, both == 2)
    assert np.count_nonzero(mask == 1) == 75


def test_the_mask_to_begin_with_lies_beneath_and_stays_as_it_is():
    start = draw(nothing(), [box(5, 0, 0, 30, 4)])
    before = start.copy()
    mask = draw(start, [box(1, 0, 2, 30, 6), box(5, 0, 0, 3, 20, remove=True)])
    assert (mask[:2, 3:] == 5).all() and (mask[2:6] == 1).all() and not mask[:2, :3].any()
    assert np.array_equal(start, before)


def test_shapes_partly_outside_are_cut_at_the_border():
    mask = draw(nothing(), [polygon(1, [[-10, -10], [5, -10], [5, 5], [-10, 5]]), box(2, 25, 15, 99, 99)])
    assert (mask[:6, :6] == 1).all() and (mask[15:, 25:] == 2).all() and np.count_nonzero(mask) == 36 + 25


def test_shapes_are_json_and_back_the_same():
    shapes = shapes_of([polygon(1, [[2.5, 1], [25, 4], [28, 18]]), box(254, 0, 0, 5, 5, remove=True)], SIZE)
    assert list(shapes_of(json.loads(json.dumps(shapes)), SIZE)) == list(shapes)


def test_numpy_numbers_and_tuples_become_plain_and_nothing_is_shared():
    corners = np.array(SQUARE)
    (shape,) = shapes_of([{"object": np.uint8(2), "kind": "polygon", "corners": corners}], SIZE)
    assert shape == polygon(2) and json.dumps(shape)
    mine = polygon(2, [list(corner) for corner in SQUARE])
    (taken,) = shapes_of([mine], SIZE)
    mine["corners"][0][0] = 29
    assert taken == polygon(2)


NAN, INFINITE = float("nan"), float("inf")
BAD = {
    "object 0": (polygon(0), "found object 0, expected an id from 1 to 254"),
    "object 300": (polygon(300), "found object 300"),
    "object True": ({**polygon(1), "object": True}, "found object True"),
    "object as text": ({**polygon(1), "object": "1"}, "found object '1'"),
    "another kind": ({**polygon(1), "kind": "circle"}, "found kind 'circle', expected polygon or box"),
    "remove as text": ({**polygon(1), "remove": "no"}, "found remove 'no', expected True or False"),
    "two corners": (polygon(1, SQUARE[:2]), "found 2 corners, expected three or more"),
    "outside": (polygon(1, [[40, 3], [50, 3], [50, 9]]), "no pixel of a 30x20 frame lies in it"),
    "NaN": (polygon(1, [[4, 3], [12, NAN], [12, 9]]), "found the corner 12,nan"),
    "infinite": (polygon(1, [[4, 3], [INFINITE, 3], [12, 9]]), "found the corner inf,3"),
    "far away": (polygon(1, [[4, 3], [1e300, 3], [12, 9]]), r"found the corner 1e\+300,3"),
    "three numbers": (polygon(1, [[4, 3, 1], [12, 3], [12, 9]]), r"found the corner \[4, 3, 1\], expected x and y"),
    "text": ({**polygon(1), "corners": [["4", 3], [12, 3], [12, 9]]}, r"found the corner \['4', 3\]"),
    "no pairs": ({**polygon(1), "corners": [4, 3, 12, 3]}, "expected pairs of x and y"),
    "no corners": ({**polygon(1), "corners": None}, "found corners None"),
    "an empty box": (box(1, 5, 5, 5, 9), "5 5 5 9: no pixel of a 30x20 frame"),
    "a box from its end": (box(1, 9, 9, 5, 5), "no pixel"),
    "a box outside": (box(1, 40, 5, 50, 9), "no pixel"),
    "a box between pixels": (box(1, 4, 3, 9, 6) | {"corners": [[4.5, 3], [9, 6]]}, "found a box of"),
    "a box of NaN": (box(1, 4, 3, 9, 6) | {"corners": [[NAN, 3], [9, 6]]}, "found a box of"),
    "a box of three": (box(1, 4, 3, 9, 6) | {"corners": SQUARE[:3]}, r"expected \[left, top\], \[right, bottom\]"),
    "a part missing": ({"object": 1, "kind": "box"}, "found object, kind, expected object, kind, corners"),
    "an unknown part": ({**polygon(1), "colour": 3}, "found object, kind, corners, remove, colour, expected"),
    "no mapping": (5, "found 5, expected object"),
    "nothing": ({}, "found nothing, expected object"),
}


@pytest.mark.parametrize(("wrong", "error"), BAD.values(), ids=BAD)
def test_a_shape_of_no_use_is_named_by_its_number(wrong: object, error: str):
    with pytest.raises(InputError, match=rf"^shape 1\b.*{error}") as raised:
        shapes_of([polygon(1), wrong], SIZE)
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="expected a list"):
        shapes_of(wrong, SIZE)


def test_whole_numbers_that_are_written_as_decimals_are_edges():
    shapes = shapes_of([{**box(1, 4, 3, 9, 6), "corners": [[4.0, 3.0], [9.0, 6.0]]}], SIZE)
    assert np.array_equal(draw(nothing(), shapes), draw(nothing(), [box(1, 4, 3, 9, 6)]))
