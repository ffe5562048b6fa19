"""Figures of tracking: they draw frames and masks as they are, and their sentence says the same."""

import re
import warnings

import numpy as np
import pytest
import torch
from figures import SIZE, box, drawn, frame

from tbd_lib.course.viz import Described, given_mask, mask_strip, pictures, score_maps
from tbd_lib.video.overlay import overlay


@pytest.fixture(scope="module")
def strip() -> Described:
    frames = [frame("00003", 3), frame("00007", 7)]
    truth = [box(0, 4, 0, 4), box(0, 4, 2, 6)]
    empty = np.zeros(SIZE, np.uint8)
    return mask_strip(frames, {"one": truth, "two": [box(0, 4, 0, 4), box(0, 4, 0, 4)], "none": [empty, empty]}, truth)


def test_the_given_mask_is_drawn_over_its_frame_and_told_in_words():
    first = frame("00000")
    described = given_mask(first, box(2, 6, 10, 20) + box(10, 12, 30, 31, i=2))
    plain, covered = drawn(described)
    assert np.array_equal(plain, first.image)
    assert np.array_equal(covered, overlay(first.image, box(2, 6, 10, 20) + box(10, 12, 30, 31, i=2)))
    assert described.sentence == (
        "Frame 00000 and the mask given in it: object 1 has 40 px, 4.2% of the frame, around row 4, column 14; "
        "object 2 has 2 px, 0.2% of the frame, around row 10, column 30."
    )


def test_a_strip_shows_every_mask_over_its_frame_row_by_row(strip: Described):
    masks = [box(0, 4, 0, 4), box(0, 4, 2, 6), *[box(0, 4, 0, 4)] * 2, *[np.zeros(SIZE, np.uint8)] * 2]
    expected = [overlay(frame("", seed).image, mask) for seed, mask in zip([3, 7] * 3, masks, strict=True)]
    assert all(np.array_equal(*pair) for pair in zip(drawn(strip), expected, strict=True))
    assert [ax.get_title() for ax in strip.figure.axes] == ["frame 00003", "frame 00007", "", "", "", ""]
    assert [ax.get_ylabel() for ax in strip.figure.axes[::2]] == ["one", "two", "none"]


def test_a_strip_says_j_per_row_and_frame_and_writes_it_in_the_panel(strip: Described):
    said = "one: 1.00, 1.00; two: 1.00, 0.33; none: 0.00, 0.00"  # two boxes of 4 x 4 that share 4 x 2: 8 of 24 pixels
    assert strip.sentence == f"J in the frames 00003, 00007. {said}."
    corners = [ax.texts[0].get_text() for ax in strip.figure.axes]
    assert corners == [f"J {number}" for number in re.findall(r"\d\.\d\d", said)]


def test_j_of_a_strip_is_the_mean_over_objects():
    truth = box(0, 4, 0, 4) + box(10, 14, 0, 4, i=2)
    described = mask_strip([frame("a")], {"half": [box(0, 4, 0, 4)]}, [truth])
    assert described.sentence == "J in the frames a. half: 0.50."


@pytest.mark.parametrize("mask", [np.zeros(SIZE, np.uint8), box(0, 24, 0, 20), box(0, 3, 30, 40)])
def test_the_true_outline_runs_between_pixels_and_closes_at_the_border(mask: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = mask_strip([frame("a")], {"x": [mask]}, [mask + box(20, 22, 30, 33, i=2)]).figure.axes[0]
    loops = [np.asarray(path.vertices) for lines in panel.collections for path in lines.get_paths()]
    assert len(loops) == 1 + mask.any()
    assert all(np.array_equal(loop[0], loop[-1]) for loop in loops)
    assert loops[-1].min(0).tolist() == [29.5, 19.5] and loops[-1].max(0).tolist() == [32.5, 21.5]
    assert panel.get_xlim() == (-0.5, 39.5) and panel.get_ylim() == (23.5, -0.5)


def test_score_maps_lie_on_the_frame_as_the_padded_grid_does():
    """24 x 40 pixels become 32 x 48 with 4 rows above and 4 columns on the left: the first cells end at 12, 28, 44."""
    scores = torch.tensor([[0.5, 0.1, 0.2], [0.3, 0.4, 0.9]])
    described = score_maps(frame("a").image, box(13, 20, 30, 35), {"local": scores, "half": scores / 2})
    picture, local, half = drawn(described)[:3]
    assert np.array_equal(picture, frame("a").image)
    assert local.shape == SIZE and np.array_equal(np.unique(local[:12, :12]), [0.5])
    assert local[11, 12] == np.float32(0.1) and local[12, 11] == np.float32(0.3) and local[12, 28] == np.float32(0.9)
    assert np.array_equal(half, local / 2)
    assert described.sentence == (
        "Best score inside and outside the object's outline. "
        "local: 0.90 (row 1, column 2) inside, 0.50 (row 0, column 0) outside; "
        "half: 0.45 (row 1, column 2) inside, 0.25 (row 0, column 0) outside."
    )


def test_score_maps_share_one_scale_from_zero():
    scores = torch.full((2, 3), 0.5)
    described = score_maps(frame("a").image, box(0, 9, 0, 9), {"low": scores / 5, "high": scores})
    assert [ax.images[0].get_clim() for ax in described.figure.axes[1:3]] == [(0, 0.5)] * 2


def test_a_cell_with_one_pixel_of_the_object_is_inside():
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]])
    sentence = score_maps(frame("a").image, box(11, 13, 20, 21), {"x": scores}).sentence
    assert sentence.endswith("x: 0.50 (row 1, column 1) inside, 0.60 (row 1, column 0) outside.")


def test_a_map_of_another_grid_is_refused():
    with pytest.raises(ValueError, match="a map of 3x3 cells; expected the grid of 40x24 pixels"):
        score_maps(frame("a").image, box(0, 9, 0, 9), {"x": torch.zeros(3, 3)})


# --- pictures


def panels(count: int) -> dict[str, np.ndarray]:
    return {f"number {i}": frame("", i).image for i in range(count)}


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 4, 1), (3, 4, 1), (4, 2, 2), (5, 2, 3)])
def test_pictures_stand_in_rows_under_their_titles(count: int, columns: int, rows: int):
    described = pictures(panels(count), "So many.", columns=columns)
    axes = described.figure.axes
    assert all(np.array_equal(*pair) for pair in zip(drawn(described), panels(count).values(), strict=True))
    assert [ax.get_title() for ax in axes[:count]] == list(panels(count))
    grid = axes[0].get_gridspec()
    assert grid is not None and (grid.nrows, grid.ncols) == (rows, min(count, columns))
    assert len(axes) == rows * min(count, columns) and not any(ax.axison for ax in axes[count:])


def test_pictures_say_what_they_are_told_to_say_and_are_photographic():
    described = pictures(panels(1), "One frame of 40 x 24 pixels.")
    assert described.sentence == "One frame of 40 x 24 pixels." and described.mime == "image/jpeg"


def test_pictures_are_outlined_where_a_mask_of_their_title_is_given():
    described = pictures(panels(2), "Two.", outlined={"number 1": box(2, 6, 10, 20)})
    first, second = described.figure.axes
    assert not first.collections and len(second.collections) == 1
    loop = np.asarray(second.collections[0].get_paths()[0].vertices)
    assert loop.min(0).tolist() == [9.5, 1.5] and loop.max(0).tolist() == [19.5, 5.5]


def test_pictures_get_the_height_of_the_tallest():
    wide, tall = np.zeros((10, 40, 3), np.uint8), np.zeros((80, 40, 3), np.uint8)
    heights = [pictures(one, "x").figure.get_figheight() for one in ({"a": wide}, {"a": wide, "b": tall})]
    assert heights == pytest.approx([10 / 4 + 0.3, 10 / 2 * 2 + 0.3])
