"""Scenes and their stills: maps and outlines are where their cells are, and a still has all that the page has."""

import numpy as np
import pytest
from figures import SIZE, box, drawn, frame
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import ConnectionPatch, Rectangle

from tbd_lib.course.viz import Described
from tbd_lib.course.viz.scene import Chart, Mark, Picture, Scene, Table, colours, heat, masked, on_grid, still
from tbd_lib.video.overlay import overlay

IMAGE = frame("a").image
SCORES = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)  # 24 x 40 pixels are padded to 32 x 48: 2 x 3 cells


@pytest.fixture(scope="module")
def shown() -> Described:
    marks = Mark("foreground", (0, 1), joined=True), Mark("background", (1, 1), joined=True, below=True)
    parts = (
        on_grid("stored", IMAGE, SIZE, marks=marks),
        on_grid("here", IMAGE, SIZE, marks=(Mark("query", (1, 2)),), points="query", scale=1.0),
        Chart("J", "frame", {"old": ([0, 1, 2], [1, 0.5, 0.2]), "new": ([0, 1], np.array([1, 0.9]))}, "old", at=1),
        Table(("", "score"), (("foreground", "0.25"),), span=3),
    )
    return still(Scene(parts, "Look here.", "All numbers."))


def test_a_map_is_cut_to_the_frame_and_every_pixel_has_its_cells_colour() -> None:
    picture = heat(SCORES, SIZE)
    expected = (colormaps["viridis"](SCORES)[..., :3] * 255).round()
    assert picture.shape == (24, 40, 3)
    for row, column in ((0, 0), (11, 11), (12, 12), (23, 39)):  # 4 of 16 pixels are padding on each side
        assert picture[row, column].tolist() == expected[(row + 4) // 16, (column + 4) // 16].tolist()
    assert np.array_equal(colours(SCORES + 5)[0, 0], (np.array(colormaps["viridis"](1.0)[:3]) * 255).round())


def test_outlines_are_white_and_dark_beside_and_leave_the_rest_alone() -> None:
    plain, mask = heat(SCORES, SIZE), box(4, 12, 8, 20)
    for outlined in (mask, mask.repeat(2, 0).repeat(2, 1)):  # of any size
        picture = heat(SCORES, SIZE, outlined)
        white = (picture == 255).all(2)
        assert white[3:13, 7:21].sum() == white.sum() > 30 and not white[6:10, 10:18].any()
        assert np.array_equal(picture[:2], plain[:2]) and np.array_equal(picture[6:10, 10:18], plain[6:10, 10:18])
        beside = ~white & (picture != plain).any(2)
        assert beside.any() and (picture[beside] <= plain[beside]).all()


def test_a_masked_frame_is_the_overlay_with_the_true_outline() -> None:
    mask, truth = box(2, 9, 3, 9), box(2, 9, 5, 12)
    assert np.array_equal(masked(IMAGE, mask), overlay(IMAGE, mask))
    both = masked(IMAGE, mask, truth)
    assert (both[1:10, 11] == 255).all(1).sum() >= 7 and np.array_equal(both[15:], overlay(IMAGE, mask)[15:])


def test_a_still_has_sentence_and_description(shown: Described) -> None:
    assert shown.sentence == "All numbers." and shown.caption == "Look here." and shown.photographic and shown.content
    (picture, alternative), (caption, _) = shown.bundles("At first: ")
    text = "At first: All numbers."
    assert picture["text/plain"] == caption["text/plain"] == text
    assert alternative == {"image/jpeg": {"alt": text}}
    assert caption["text/markdown"] == "*At first: Look here.*"


def test_a_still_shows_pictures_in_cells_with_marks_that_are_joined_to_the_query(shown: Described) -> None:
    stored, here = shown.figure.axes[:2]
    assert all(np.array_equal(image, IMAGE) for image in drawn(shown))
    for ax in (stored, here):
        assert (*ax.get_xlim(), *ax.get_ylim()) == (0.25, 2.75, 1.75, 0.25) == tuple(ax.images[0].get_extent())
    squares = [patch.get_bbox().bounds for ax in (stored, here) for patch in ax.patches if isinstance(patch, Rectangle)]
    assert squares == [(1, 0, 1, 1), (1, 1, 1, 1), (2, 1, 1, 1)]
    assert [text.get_text() for ax in (stored, here) for text in ax.texts] == ["foreground", "background", "query"]
    joined = [artist for artist in shown.figure.artists if isinstance(artist, ConnectionPatch)]
    assert [(tuple(line.xy1), tuple(line.xy2)) for line in joined] == [((2.5, 1.5), (1.5, y)) for y in (0.5, 1.5)]
    assert {line.get_linestyle() for line in joined} == {"-", "--"}


def test_a_still_shows_charts_and_tables(shown: Described) -> None:
    chart, table = shown.figure.axes[2:]
    old, new, at = chart.lines
    assert np.asarray(old.get_xydata()).tolist() == [[0, 1], [1, 0.5], [2, 0.2]] and old.get_color() == "0.6"
    assert np.asarray(new.get_xydata()).tolist() == [[0, 1], [1, 0.9]] and [old.get_label(), new.get_label()] == [
        "old",
        "new",
    ]
    assert np.asarray(at.get_xdata()).tolist() == [1, 1]
    cells = {place: cell.get_text().get_text() for place, cell in table.tables[0].get_celld().items()}
    assert cells == {(0, 0): "", (0, 1): "score", (1, 0): "foreground", (1, 1): "0.25"}


def test_all_text_of_a_table_is_inside_its_cell_and_the_figure() -> None:
    head = ("frames", "mean J before", "mean J now", "part of the gain")
    table = Table(
        head, (("corrected", "-", "-", "+0.000"), ("all that are scored", "0.810", "0.810", "+0.000")), span=3
    )
    figure = still(Scene((table, table), "", "")).figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for ax in figure.axes:
        for cell in ax.tables[0].get_celld().values():
            text, room = (part.get_window_extent(canvas.get_renderer()) for part in (cell.get_text(), cell))
            assert room.x0 <= text.x0 and text.x1 <= room.x1 and figure.bbox.x0 <= text.x0


def test_a_part_that_does_not_fit_beside_the_last_stands_below_it() -> None:
    wide = Picture("wide", IMAGE, (0.0, 1.0, 1.0, 0.0), span=6)
    described = still(Scene((on_grid("a", IMAGE, SIZE), on_grid("b", IMAGE, SIZE), wide), "Three.", "Three."))
    assert described.content
    a, b, c = (ax.get_window_extent() for ax in described.figure.axes)
    assert a.y0 == pytest.approx(b.y0) and a.x1 <= b.x0 and c.y1 < a.y0
