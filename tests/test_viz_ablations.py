"""Figures of ablations and failures say what they show, and colour pixels by what became of them."""

import numpy as np
from figures import drawn

from tbd_lib.course.viz.ablations import KINDS, effects, error_strip, learning_curves, pixel_kinds
from tbd_lib.course.viz.page import MARGIN, surroundings
from tbd_lib.evaluation.metrics import jaccard
from tbd_lib.video.frames import Frame

TRUE = np.array([[1, 1, 1, 2], [0, 0, 0, 2]], np.uint8)
FOUND = np.array([[1, 0, 2, 1], [1, 0, 0, 2]], np.uint8)


def test_curves_of_learning_have_a_panel_for_each_set_on_one_scale_and_say_where_they_end() -> None:
    panels = {"twins": {"full": [0.2, 0.7], "local": [0.1, 0.3]}, "real": {"full": [0.4, 0.5], "local": [0.6, 0.9]}}
    described = learning_curves(panels, (250, 750), "J&F")
    assert repr(described) == ("J&F after 750 iterations. twins: full 0.70, local 0.30; real: full 0.50, local 0.90.")
    for ax, scores in zip(described.figure.axes, panels.values(), strict=True):
        assert [list(np.asarray(line.get_ydata())) for line in ax.lines] == list(scores.values())
        assert [list(np.asarray(line.get_xdata())) for line in ax.lines] == [[250, 750]] * 2
    first, second = described.figure.axes
    assert first.get_ylim() == second.get_ylim() and first.get_ylim()[0] <= 0.1 and first.get_ylim()[1] >= 0.9


def test_effects_are_drawn_with_their_intervals_and_those_without_zero_are_named() -> None:
    worse, unsure = {"mean": -0.1, "low": -0.15, "high": -0.05}, {"mean": 0.01, "low": -0.02, "high": 0.04}
    panels = {"real": {"fine only": worse, "no swap": unsure}, "twins": {"fine only": unsure, "no swap": unsure}}
    described = effects(panels, "difference in J&F")
    expected = "difference in J&F; those whose interval leaves zero out. real: fine only -0.100; twins: none."
    assert repr(described) == expected
    first, second = described.figure.axes
    assert first.get_xlim() == second.get_xlim() and first.get_xlim()[0] <= -0.15 and first.get_xlim()[1] >= 0.04
    drawn_ends = [tuple(map(float, np.asarray(line.get_xdata()))) for line in first.lines[1::2]]
    assert drawn_ends == [(-0.15, -0.05), (-0.02, 0.04)]
    points = first.lines[2::2]
    assert [float(np.asarray(line.get_xdata())[0]) for line in points] == [-0.1, 0.01]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True]
    assert [label.get_text() for label in first.get_yticklabels()] == ["fine only", "no swap"]
    assert not any(label.get_text() for label in second.get_yticklabels())


def test_every_pixel_of_the_union_is_of_one_kind_and_no_other_pixel_of_any() -> None:
    kinds = pixel_kinds(FOUND, TRUE, 1)
    assert {name: [tuple(map(int, at)) for at in np.argwhere(where)] for name, where in kinds.items()} == {
        "right": [(0, 0)],
        "missed": [(0, 1), (0, 2)],
        "from other objects": [(0, 3)],
        "from the background": [(1, 0)],
    }
    counts = sum(where.astype(int) for where in kinds.values())
    assert np.array_equal(counts, ((FOUND == 1) | (TRUE == 1)).astype(int))
    assert jaccard(FOUND == 1, TRUE == 1) == kinds["right"].sum() / np.sum(counts)


def test_the_surroundings_of_pixels_hold_them_with_a_margin_within_the_picture() -> None:
    region = np.zeros((200, 300), bool)
    assert region[surroundings(region)].shape == region.shape
    region[5, 100] = region[90, 120:140] = True
    rows, columns = surroundings(region)
    assert (rows.start, rows.stop) == (0, 91 + MARGIN) and (columns.start, columns.stop) == (100 - MARGIN, 140 + MARGIN)


def test_an_error_strip_shows_only_the_surroundings_of_the_object() -> None:
    true = np.zeros((200, 300), np.uint8)
    true[80:120, 140:160], true[10, 10] = 1, 2  # another object is not what is looked at
    frames = [Frame("00003", np.full((200, 300, 3), 100, np.uint8))]
    described = error_strip(frames, [np.roll(true, 5, 1)], [true], 1)
    assert drawn(described)[0].shape[:2] == (40 + 2 * MARGIN, 25 + 2 * MARGIN)
    assert "J 0.60" in repr(described)


def test_an_error_strip_says_the_shares_and_has_a_colour_for_each_kind() -> None:
    true, found = (np.kron(mask, np.ones((40, 40), np.uint8)) for mask in (TRUE, FOUND))
    frames = [Frame("00003", np.full((*true.shape, 3), 100, np.uint8))] * 2
    described = error_strip(frames, [found, true], [true, true], 1)
    first = "frame 00003: J 0.20, right 0.20, missed 0.40, from other objects 0.20, from the background 0.20"
    assert repr(described).startswith(f"Shares of the union of object 1 and its mask. {first}; ")
    assert "; frame 00003: J 1.00, right 1.00, missed 0.00" in repr(described)
    cells = drawn(described)[0][20::40, 20::40]  # the middle of each pixel of TRUE
    assert len({tuple(cells[at].tolist()) for at in ((0, 0), (0, 1), (0, 3), (1, 0), (1, 1))}) == len(KINDS) + 1
    assert len(set(cells[1, 1].tolist())) == 1  # grey where nothing of the object is
    assert [text.get_text() for text in described.figure.legends[0].get_texts()] == list(KINDS)
