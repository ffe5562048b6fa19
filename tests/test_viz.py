"""Figures: they draw what they are given, and their sentence says the same."""

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import IPython.display
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from PIL import Image as Pictures

from tbd_lib.overlay import overlay
from tbd_lib.video import Frame
from tbd_lib.viz import Described, curves, given_mask, mask_strip, score_maps

PACKAGE = Path(__file__).parents[1] / "tbd_lib"
SIZE = (24, 40)
RAMP = np.linspace(0, 1, 5)


def frame(name: str, seed: int = 0) -> Frame:
    return Frame(name, np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8))


def box(top: int, bottom: int, left: int, right: int, i: int = 1) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top:bottom, left:right] = i
    return mask


def drawn(described: Described) -> list[np.ndarray]:
    """The images of all panels, in the order in which they were made."""
    return [np.asarray(image.get_array()) for ax in described.figure.axes for image in ax.images]


@pytest.fixture(scope="module")
def strip() -> Described:
    frames = [frame("00003", 3), frame("00007", 7)]
    truth = [box(0, 4, 0, 4), box(0, 4, 2, 6)]
    empty = np.zeros(SIZE, np.uint8)
    return mask_strip(frames, {"one": truth, "two": [box(0, 4, 0, 4), box(0, 4, 0, 4)], "none": [empty, empty]}, truth)


@pytest.fixture
def curve() -> Described:
    return curves({"up": np.array([0.25, 0.5, 0.75]), "down": np.array([0.9, 0.1, 0.5])}, "J", first=1, marked=[2])


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


def test_curves_draw_their_values_from_the_first_frame_on(curve: Described):
    up, down, mark = (np.asarray(line.get_xydata()).tolist() for line in curve.figure.axes[0].lines)
    assert up == [[1, 0.25], [2, 0.5], [3, 0.75]]
    assert down == [[1, 0.9], [2, 0.1], [3, 0.5]]
    assert mark == [[2, 0], [2, 1]]  # from the bottom to the top of the panel
    assert [text.get_text() for text in curve.figure.legends[0].get_texts()] == ["up", "down"]


def test_curves_say_how_they_begin_and_end_their_mean_and_their_least_value(curve: Described):
    assert curve.sentence == (
        "J by frame. up: from 0.25 to 0.75, mean 0.50, least 0.25 at 1; "
        "down: from 0.90 to 0.50, mean 0.50, least 0.10 at 2."
    )
    by_step = curves({"x": np.array([0.9, 0.1])}, "J", along="step")
    assert by_step.sentence == "J by step. x: from 0.90 to 0.10, mean 0.50, least 0.10 at 1."
    assert by_step.figure.axes[0].get_xlabel() == "step" and by_step.figure.axes[0].get_ylabel() == "J"


def test_four_curves_differ_in_colour_and_in_dash_and_a_fifth_is_refused():
    lines = curves(dict.fromkeys("abcd", RAMP), "J").figure.axes[0].lines
    assert len({to_hex(line.get_color()) for line in lines}) == len({line.get_linestyle() for line in lines}) == 4
    with pytest.raises(ValueError):
        curves(dict.fromkeys("abcde", RAMP), "J")


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


def test_a_figure_is_encoded_as_its_kind_says(strip: Described, curve: Described):
    for described, kind in ((strip, "JPEG"), (curve, "PNG")):
        picture = Pictures.open(BytesIO(described.content))
        assert picture.format == kind and described.mime == f"image/{kind.lower()}"
        assert picture.width == 1000


@pytest.mark.parametrize("draw", [lambda: given_mask(frame("a"), box(2, 9, 3, 9)), lambda: curves({"x": RAMP}, "J")])
def test_the_same_data_give_the_same_bytes(draw: Callable[[], Described]):
    one, other = draw(), draw()
    assert one.content == other.content == one.content


def test_a_figure_displays_its_picture_and_then_its_sentence(curve: Described, monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    curve._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert repr(curve) == picture["text/plain"] == caption["text/plain"] == metadata["image/png"]["alt"]
    assert picture["image/png"] == curve.content
    assert caption["text/markdown"] == f"*{curve.sentence}*"


def test_a_caption_is_shown_letter_by_letter():
    described = curves({"a_b *c* <d> $e$": np.zeros(2)}, "J")
    caption = described.bundles()[1][0]["text/markdown"]
    assert r"a\_b \*c\* \<d\> \$e\$: from" in str(caption)


def test_importing_the_package_loads_no_figures():
    program = "import sys, tbd_lib; assert not {'matplotlib', 'tbd_lib.viz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, check=True)


def test_figures_are_imported_by_nothing_that_computes_and_keep_no_global_state():
    for path in PACKAGE.glob("*.py"):
        imports = [line for line in path.read_text().splitlines() if re.match(r"\s*(from|import) ", line)]
        loaded = {word for line in imports for word in re.findall(r"[\w.]+", line)}
        assert "tbd_lib.viz" not in loaded or path.stem in ("widgets", "cli")
        assert not [word for word in loaded if "pyplot" in word or "pylab" in word]
