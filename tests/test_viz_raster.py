"""Drawings as pixels: each shape has its colour where it should be, and the method's diagram all of its colours."""

import numpy as np
import pytest

from tbd_lib.course.viz import diagram
from tbd_lib.course.viz.raster import pixels_of

RED = (255, 0, 0)
SHAPES = {
    "a box": ('<rect x="10" y="20" width="10" height="4" fill="#f00"/>', (22, 15), (22, 5)),
    "a line round a box": (
        '<rect x="10" y="10" width="20" height="20" fill="none" stroke="#f00" stroke-width="3"/>',
        (10, 20),
        (20, 20),
    ),
    "a rounded box": ('<rect x="10" y="10" width="20" height="20" rx="9" fill="#f00"/>', (12, 20), (11, 11)),
    "a circle": ('<circle cx="20" cy="10" r="6" fill="#f00"/>', (10, 23), (15, 25)),
    "a polygon": ('<polygon points="0,0 20,0 0,20" fill="#f00"/>', (5, 5), (15, 15)),
    "a line": ('<polyline points="5,5 5,30 30,30" fill="none" stroke="#f00" stroke-width="3"/>', (30, 20), (18, 18)),
    "steps": ('<path d="M5 5h20v20h-20z" fill="#f00"/>', (15, 15), (15, 30)),
    "curves": ('<path d="M5 20c0 -20 30 -20 30 0z" fill="#f00"/>', (8, 20), (8, 6)),
    "two rings": ('<path d="M5 5l10 0l0 10zM25 25l10 0l0 10z" fill="#f00"/>', (28, 33), (20, 20)),
    "a word": ('<text x="20" y="30" font-size="30" fill="#f00" font-weight="bold">I</text>', (20, 20), (20, 4)),
}


def drawing(inside: str) -> str:
    root = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="36" text-anchor="middle">'
    return f"{root}<title>words</title>{inside}</svg>"


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_covers_what_is_inside_it(name: str):
    shape, inside, outside = SHAPES[name]
    pixels = pixels_of(drawing(shape))
    assert pixels.shape == (36, 40, 3) and tuple(pixels[inside]) == RED and tuple(pixels[outside]) == (255, 255, 255)


def test_dashes_leave_gaps():
    line = '<rect x="2" y="10" width="36" height="10" fill="none" stroke="#f00" stroke-width="2"'
    whole, dashed = (pixels_of(drawing(line + end)) for end in ("/>", ' stroke-dasharray="4 3"/>'))
    assert 0.4 < (dashed[..., 1] < 128).sum() / (whole[..., 1] < 128).sum() < 0.75


def test_a_shape_that_is_not_known_is_refused():
    with pytest.raises(KeyError, match="ellipse"):
        pixels_of(drawing('<ellipse cx="1" cy="1" rx="1" ry="1"/>'))


def test_a_lit_step_is_seen_in_pixels():
    plain, lit = (pixels_of(str(diagram(steps).content)) for steps in ((), (4,)))
    rows, columns = np.nonzero((plain != lit).any(2))
    assert 140 < rows.min() < 150 and 350 < rows.max() < 360 and columns.min() > 240 and columns.max() < 395
