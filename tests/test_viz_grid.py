"""Panels on the grid of templates: everything stands where its cell is, in every panel."""

import numpy as np
import pytest
import torch
from figures import SIZE, box, frame, loops
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbd_lib.course.viz.grid import Panel, cells_of, draw_panel, frame_in_cells, grid_panels
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.geometry import pad, padded_size
from tbd_lib.video.overlay import COLOURS

SCORES = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)  # 24 x 40 pixels are padded to 32 x 48: 2 x 3 cells
EDGES = (0.25, 2.75, 1.75, 0.25)  # left, right, bottom and top of the frame: 4 of 16 pixels are padding on each side


def panel(*args: object, **kwargs: object) -> Axes:
    ax = Figure().add_axes((0, 0, 1, 1))
    draw_panel(ax, Panel(*args, **kwargs), SIZE)  # type: ignore[arg-type]
    return ax


def seen(ax: Axes) -> tuple[float, ...]:
    """Left, right, bottom, top of what is seen."""
    return (*ax.get_xlim(), *ax.get_ylim())


@given(st.integers(16, 70), st.integers(16, 70), st.integers(0, 69), st.integers(0, 69))
def test_a_pixel_lies_in_its_cell_of_the_padded_frame(high: int, wide: int, row: int, column: int) -> None:
    """Without looking at how the margins are made: a frame of row numbers is padded, and the number is looked for."""
    row, column = row % high, column % wide
    numbered = torch.arange(high * wide, dtype=torch.float64).view(1, 1, high, wide) + 1
    found = (pad(numbered)[0, 0] == 1 + row * wide + column).nonzero()
    inside = np.zeros((high, wide), bool)
    inside[row, column] = True
    cells = cells_of(inside, (high, wide))
    expected = np.zeros([side // STRIDE for side in padded_size((high, wide))], bool)
    expected[tuple((found // STRIDE).T.tolist())] = True  # more than one cell, where the border is reflected
    assert np.array_equal(cells, expected)
    left, right, bottom, top = frame_in_cells((high, wide))
    at = top + (row + 0.5) * (bottom - top) / high, left + (column + 0.5) * (right - left) / wide
    assert cells[int(at[0]), int(at[1])]


def test_a_mask_is_brought_to_the_working_size_first() -> None:
    inside = np.zeros((48, 80), bool)
    inside[47, 79] = True  # twice the working size: the last pixel of 24 x 40 stands for rows 46 and 47
    assert cells_of(inside, SIZE).tolist() == [[False] * 3, [False, False, True]]
    assert not cells_of(np.zeros((48, 80), bool), SIZE).any() and cells_of(np.ones((48, 80), bool), SIZE).all()


def test_maps_and_frames_lie_on_the_same_grid() -> None:
    image, scores = frame("a").image, panel("map", scores=SCORES)
    shown = panel("frame", image)
    assert frame_in_cells((30, 40)) == (0.25, 2.75, 1.9375, 0.0625)  # 30 rows become 32: one above, one below
    assert frame_in_cells(SIZE) == EDGES == seen(shown) == seen(scores)
    assert tuple(shown.images[0].get_extent()) == EDGES and tuple(scores.images[0].get_extent()) == (0, 3, 2, 0)
    assert np.array_equal(np.asarray(shown.images[0].get_array()), image)
    assert np.array_equal(np.asarray(scores.images[0].get_array()), SCORES)
    assert scores.images[0].get_clim() == (0, 1)


@pytest.mark.parametrize("often", [1, 2])  # frames of another size than the working size, too
def test_outlines_run_round_the_objects_pixels(often: int) -> None:
    """Rows 2 to 8 and columns 3 to 8 of the frame, whose pixels are a sixteenth of a cell and whose edge is at 0.25."""
    image, mask = (array.repeat(often, 0).repeat(often, 1) for array in (frame("a").image, box(2, 9, 3, 9)))
    (loop,) = loops(panel("a", image, outlined=mask))
    assert loop.min(0) == pytest.approx([0.25 + 3 / 16, 0.25 + 2 / 16], abs=0.02)
    assert loop.max(0) == pytest.approx([0.25 + 9 / 16, 0.25 + 9 / 16], abs=0.02)


def test_objects_have_their_colour_on_frames_and_are_white_on_maps() -> None:
    mask = box(2, 9, 3, 9) + box(12, 20, 3, 9, i=2)
    on_frame, on_map = panel("frame", frame("a").image, outlined=mask), panel("map", scores=SCORES, outlined=mask)
    for ax, expected in ((on_frame, COLOURS[1:3] / 255), (on_map, np.ones((2, 3)))):
        colours = [np.asarray(lines.get_edgecolor()).ravel()[:3] for lines in ax.collections]
        np.testing.assert_allclose(colours, expected)


def test_panels_stand_side_by_side_in_the_order_given_and_a_cell_is_a_square() -> None:
    image = frame("a").image
    maps = [Panel("two", scores=SCORES), Panel("three", scores=SCORES / 2)]
    described = grid_panels([Panel("one", image), *maps, Panel("four", image)], SIZE, "Four.", columns=2)
    assert described.sentence == "Four." and described.photographic and described.content
    *axes, scale = described.figure.axes
    places = [ax.get_window_extent() for ax in axes]
    assert [ax.get_title() for ax in axes] == ["one", "two", "three", "four"]
    assert places[0].y0 == places[1].y0 > places[2].y1 and places[0].x1 <= places[1].x0 and places[0].x0 == places[2].x0
    for place in places:
        assert place.height / SIZE[0] == pytest.approx(place.width / SIZE[1], rel=0.001)
    assert scale.get_window_extent().x0 >= places[1].x1 and scale.get_ylim() == (0, 1)
    assert len(grid_panels([Panel("one", image)], SIZE, "No map, no scale.").figure.axes) == 1
