"""Figures of tracking: they draw frames and masks as they are, and their sentence says the same."""

import re
import warnings

import numpy as np
import pytest
import torch
from figures import SIZE, box, drawn, frame, loops

from tbd_lib.course.viz import given_mask, heat_maps, mask_strip, pictures, score_maps
from tbd_lib.video.overlay import overlay

SCORES = torch.tensor([[0.5, 0.1, 0.2], [0.3, 0.4, 0.9]])


def test_the_given_mask_is_drawn_over_its_frame_and_described_in_words():
    first, mask = frame("00000"), box(2, 6, 10, 20) + box(10, 12, 30, 31, i=2)
    described = given_mask(first, mask)
    plain, covered = drawn(described)
    assert np.array_equal(plain, first.image) and np.array_equal(covered, overlay(first.image, mask))
    assert described.sentence == (
        "Frame 00000 and the mask given in it: object 1 has 40 px, 4.2% of the frame, around row 4, column 14; "
        "object 2 has 2 px, 0.2% of the frame, around row 10, column 30."
    )


def test_a_strip_shows_every_mask_over_its_frame_with_its_j():
    left, right, empty = box(0, 4, 0, 4), box(0, 4, 2, 6), np.zeros(SIZE, np.uint8)  # 8 of 24 pixels are in both
    rows = {"first": [left, right], "second": [left, left], "none": [empty, empty]}
    strip = mask_strip([frame("00003", 3), frame("00007", 7)], rows, [left, right])
    masks = [mask for row in rows.values() for mask in row]
    expected = [overlay(frame("", seed).image, mask) for seed, mask in zip([3, 7] * 3, masks, strict=True)]
    assert all(np.array_equal(*pair) for pair in zip(drawn(strip), expected, strict=True))
    assert [ax.get_title() for ax in strip.figure.axes] == ["frame 00003", "frame 00007", "", "", "", ""]
    assert [ax.get_ylabel() for ax in strip.figure.axes[::2]] == list(rows)
    scores = "first: 1.00, 1.00; second: 1.00, 0.33; none: 0.00, 0.00"
    assert strip.sentence == f"J in the frames 00003, 00007. {scores}."
    assert [f"J {number}" for number in re.findall(r"\d\.\d\d", scores)] == [
        ax.texts[0].get_text() for ax in strip.figure.axes
    ]


def test_j_of_a_strip_is_the_mean_over_objects():
    truth = box(0, 4, 0, 4) + box(10, 14, 0, 4, i=2)
    described = mask_strip([frame("a")], {"half": [box(0, 4, 0, 4)]}, [truth])
    assert described.sentence == "J in the frames a. half: 0.50."


@pytest.mark.parametrize("mask", [np.zeros(SIZE, np.uint8), box(0, 24, 0, 20), box(0, 3, 30, 40)])
def test_the_true_outline_runs_between_pixels_and_closes_at_the_border(mask: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = mask_strip([frame("a")], {"x": [mask]}, [mask + box(20, 22, 30, 33, i=2)]).figure.axes[0]
    found = loops(panel)
    assert len(found) == 1 + mask.any() and all(np.array_equal(loop[0], loop[-1]) for loop in found)
    assert found[-1].min(0).tolist() == [29.5, 19.5] and found[-1].max(0).tolist() == [32.5, 21.5]
    assert panel.get_xlim() == (-0.5, 39.5) and panel.get_ylim() == (23.5, -0.5)


def test_score_maps_are_drawn_on_one_scale_from_zero_and_say_where_they_are_best():
    described = score_maps(frame("a").image, box(13, 20, 30, 35), {"local": SCORES, "half": SCORES / 2})
    picture, local, half = drawn(described)[:3]
    assert np.array_equal(picture, frame("a").image)
    assert np.array_equal(local, SCORES) and np.array_equal(half, SCORES / 2)
    assert [ax.images[0].get_clim() for ax in described.figure.axes[1:3]] == [(0, np.float32(0.9))] * 2
    assert all(len(loops(ax)) == 1 for ax in described.figure.axes[:3])
    assert described.sentence == (
        "Best score inside and outside the object's outline. "
        "local: 0.90 (row 1, column 2) inside, 0.50 (row 0, column 0) outside; "
        "half: 0.45 (row 1, column 2) inside, 0.25 (row 0, column 0) outside."
    )


def test_score_maps_without_the_frame_stand_in_rows_on_one_scale_and_are_no_photograph():
    maps = {"a": SCORES, "b": SCORES / 2, "c": SCORES / 3, "d": SCORES / 4}
    described = score_maps(None, box(13, 20, 30, 35), maps, columns=2)
    panels = described.figure.axes[:4]
    assert [ax.get_title() for ax in panels] == list(maps) and not described.photographic
    places = [ax.get_window_extent() for ax in panels]
    assert places[0].y0 == places[1].y0 > places[2].y1 and places[0].x0 == places[2].x0
    assert [ax.images[0].get_clim() for ax in panels] == [(0, np.float32(0.9))] * 4


def test_a_cell_with_one_pixel_of_the_object_is_inside():
    sentence = score_maps(frame("a").image, box(11, 13, 20, 21), {"x": SCORES}).sentence
    assert sentence.endswith("x: 0.40 (row 1, column 1) inside, 0.90 (row 1, column 2) outside.")


def test_where_no_cell_is_inside_or_outside_none_is_named():
    empty, everywhere = np.zeros(SIZE, np.uint8), np.ones(SIZE, np.uint8)
    nothing, whole = (score_maps(None, mask, {"x": SCORES}).sentence for mask in (empty, everywhere))
    assert nothing.endswith("x: no cell inside, 0.90 (row 1, column 2) outside.")
    assert whole.endswith("x: 0.90 (row 1, column 2) inside, no cell outside.")


def test_a_map_of_another_grid_is_refused():
    with pytest.raises(ValueError, match="a map of 3x3 cells; expected the grid of 40x24 pixels"):
        score_maps(frame("a").image, box(0, 9, 0, 9), {"x": torch.zeros(3, 3)})


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 4, 1), (3, 4, 1), (4, 2, 2), (5, 2, 3)])
def test_panels_stand_in_rows_under_their_titles(count: int, columns: int, rows: int):
    images = {f"number {i}": frame("", i).image for i in range(count)}
    matrices = {title: image[..., 0] / 1.0 for title, image in images.items()}
    described = pictures(images, "So many.", columns=columns)
    assert described.sentence == "So many." and described.photographic
    assert all(np.array_equal(*pair) for pair in zip(drawn(described), images.values(), strict=True))
    for figure in (described.figure, heat_maps(matrices, "x", columns=columns).figure):
        assert [ax.get_title() for ax in figure.axes[:count]] == list(images)
        grid = figure.axes[0].get_gridspec()
        assert grid is not None and (grid.nrows, grid.ncols) == (rows, min(count, columns))
        assert not any(ax.axison for ax in figure.axes[count : rows * min(count, columns)])


def test_pictures_are_outlined_where_a_mask_of_their_title_is_given():
    images = {"plain": frame("", 0).image, "outlined": frame("", 1).image}
    described = pictures(images, "Two.", outlined={"outlined": box(2, 6, 10, 20)})
    first, second = map(loops, described.figure.axes)
    assert not first and second[0].min(0).tolist() == [9.5, 1.5] and second[0].max(0).tolist() == [19.5, 5.5]


def test_pictures_get_the_height_of_the_tallest():
    wide, tall = np.zeros((10, 40, 3), np.uint8), np.zeros((80, 40, 3), np.uint8)
    heights = [pictures(panels, "x").figure.get_figheight() for panels in ({"a": wide}, {"a": wide, "b": tall})]
    assert heights == pytest.approx([10 / 4 + 0.3, 10 / 2 * 2 + 0.3])
