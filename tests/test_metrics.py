"""J and F equal the official numbers on every frame, and a brute-force count of pixel pairs on small masks."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import (
    ObjectScore,
    Outlines,
    boundary,
    boundary_f,
    jaccard,
    match_radius,
    overall,
    score_video,
    statistics,
)
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import read_mask

ROUNDING = 0.0005 + 1e-9  # the official numbers have three decimals
LONG = (12, 1000)  # a frame of few pixels whose match radius is 9

windows = arrays.arrays(bool, (12, 24))
places = st.sampled_from([0, 1, 300, LONG[1] - 25, LONG[1] - 24])


def in_long_frame(window: np.ndarray, place: int) -> np.ndarray:
    mask = np.zeros(LONG, dtype=bool)
    mask[:, place : place + window.shape[1]] = window
    return mask


def square(top: int, left: int, size: int = 20, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + size, left : left + size] = True
    return mask


def slow_boundary(mask: np.ndarray) -> np.ndarray:
    height, width = mask.shape
    found = np.zeros_like(mask, dtype=bool)
    for y in range(height):
        for x in range(width):
            neighbours = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
            found[y, x] = any(mask[y, x] != mask[v, u] for v, u in neighbours if v < height and u < width)
    return found


def slow_f(prediction: np.ndarray, truth: np.ndarray) -> float:
    found, true = np.argwhere(boundary(prediction)), np.argwhere(boundary(truth))  # itself compared elsewhere
    if not len(found) or not len(true):
        return float(len(found) == len(true))
    height, width = truth.shape
    near = ((found[:, None] - true[None]) ** 2).sum(-1) <= math.ceil(0.008 * math.sqrt(height**2 + width**2)) ** 2
    precision, recall = near.any(1).mean(), near.any(0).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("method", ["stm", "osvos", "siammask"])
def test_every_frame_has_the_official_score(shared: Path, method: str) -> None:
    results = shared / "data" / "DAVIS_results"
    for video, official in json.loads((results / "official_per_frame.json").read_text())[method].items():
        folders = results / method / video, shared / "data" / "DAVIS" / "Annotations" / "480p" / video
        found, true = ((read_mask(path) for path in sorted(folder.glob("*.png"))) for folder in folders)
        score = score_video(found, true, joined=True)[1]
        np.testing.assert_allclose(score.j, official["J"], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(score.f, official["F"], rtol=0, atol=ROUNDING)


@settings(deadline=None)
@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 3)))
def test_boundaries_are_where_a_neighbour_differs(ids: np.ndarray) -> None:
    assert np.array_equal(boundary(ids), slow_boundary(ids))
    outlines = Outlines(ids)
    for i in range(4):
        expected = slow_boundary(ids == i)
        assert np.array_equal(boundary(ids == i), expected)
        assert np.array_equal(outlines.of(i), np.argwhere(expected))


@settings(deadline=None, max_examples=60)
@given(windows, windows, places, places)
def test_f_counts_pixel_pairs(first: np.ndarray, second: np.ndarray, left: int, right: int) -> None:
    prediction, truth = in_long_frame(first, left), in_long_frame(second, right)
    assert boundary_f(prediction, truth) == pytest.approx(slow_f(prediction, truth), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(-14, 14), st.integers(-11, 11), st.integers(1, 3))
def test_f_of_small_things_apart_counts_pixel_pairs(right: int, down: int, size: int) -> None:
    prediction, truth = square(0, 300, size, LONG), square(max(down, 0), 300 + right, size, LONG)
    assert boundary_f(prediction, truth) == pytest.approx(slow_f(prediction, truth), abs=1e-12)


def test_the_radius_is_a_share_of_the_diagonal() -> None:
    assert match_radius(480, 854) == 8
    assert match_radius(60, 80) == 1
    assert match_radius(375, 500) == 5  # the diagonal is 625: not rounded up any further


@settings(deadline=None, max_examples=60)
@given(windows, windows)
def test_both_measures_are_symmetric_and_bounded(first: np.ndarray, second: np.ndarray) -> None:
    assert jaccard(first, second) == jaccard(second, first)
    assert boundary_f(first, second) == pytest.approx(boundary_f(second, first))
    assert 0 <= jaccard(first, second) <= 1
    assert jaccard(first, first) == boundary_f(first, first) == 1


def test_jaccard_is_intersection_over_union_and_empty_masks_have_scores() -> None:
    assert jaccard(square(0, 0), square(0, 10)) == pytest.approx(1 / 3)
    nothing, something, everything = square(0, 0, 0), square(5, 5), np.ones((64, 64), dtype=bool)
    assert jaccard(nothing, nothing) == boundary_f(nothing, nothing) == 1
    for full in (something, everything):
        assert jaccard(nothing, full) == jaccard(full, nothing) == 0
    assert boundary_f(nothing, something) == boundary_f(something, nothing) == 0
    assert boundary_f(everything, nothing) == 1  # neither has a boundary


def test_recall_is_the_share_above_one_half() -> None:
    found = statistics(np.array([0.5, 0.51, 0.9, 0.1]))
    assert found.recall == 0.5
    assert found.mean == pytest.approx(0.5025)


@pytest.mark.parametrize(("count", "first", "last"), [(1, 1, 1), (3, 2, 1), (8, 3, 3), (9, 3, 3), (80, 21, 21)])
def test_decay_compares_quarters_that_share_their_borders(count: int, first: int, last: int) -> None:
    values = np.random.default_rng(count).random(count)
    assert statistics(values).decay == pytest.approx(values[:first].mean() - values[-last:].mean())


def test_decay_of_a_long_video_is_not_cut_to_eight_bits() -> None:
    values = np.concatenate([np.ones(500), np.zeros(500)])
    assert statistics(values).decay == 1
    assert statistics(values[::-1]).decay == -1


def test_global_numbers_weigh_objects_not_frames() -> None:
    short = ObjectScore(np.array([1.0]), np.array([0.0]))
    long = ObjectScore(np.array([0.4] * 9), np.array([0.6] * 9))
    found = overall([short, long])
    assert found.j.mean == pytest.approx(0.7)
    assert found.j.recall == 0.5
    assert found.f.mean == pytest.approx(0.3)
    assert found.j_and_f == pytest.approx(0.5)
    assert long.j_and_f == pytest.approx(0.5)


def ids(*objects: np.ndarray) -> Mask:
    """Id mask with objects 1, 2, ..., later ones on top."""
    mask = np.zeros(objects[0].shape, dtype=np.uint8)
    for i, pixels in enumerate(objects, start=1):
        mask[pixels] = i
    return mask


def test_first_and_last_frame_do_not_count() -> None:
    truth = [ids(square(5, 5 + shift)) for shift in range(5)]
    wrong = np.zeros_like(truth[0])
    score = score_video([wrong, *truth[1:-1], wrong], truth)[1]
    assert score.j.tolist() == score.f.tolist() == [1, 1, 1]
    score = score_video([truth[0], wrong, *truth[2:]], truth)[1]
    assert score.j.tolist() == score.f.tolist() == [0, 1, 1]


def test_objects_are_those_of_the_first_true_mask() -> None:
    two, three = ids(square(0, 0), square(30, 30)), ids(square(0, 0), square(30, 30), square(0, 30))
    scores = score_video([three] * 4, [two, three, three, three])
    assert list(scores) == [1, 2]
    scores = score_video([np.where(two == 2, two, 0)] * 4, [two] * 4)
    assert scores[1].j.tolist() == [0, 0]
    assert scores[2].j.tolist() == [1, 1]


def test_each_object_is_scored_as_if_alone() -> None:
    rng = np.random.default_rng(0)
    found, true = (
        [ids(*(square(*rng.integers(0, 40, 2).tolist()) for _ in range(3))) for _ in range(4)] for _ in range(2)
    )
    true[0] = ids(square(0, 0), square(0, 30), square(30, 0))
    for i, score in score_video(found, true).items():
        assert score.j.tolist() == [jaccard(p == i, t == i) for p, t in zip(found[1:3], true[1:3], strict=True)]
        assert score.f.tolist() == [boundary_f(p == i, t == i) for p, t in zip(found[1:3], true[1:3], strict=True)]


def test_joined_makes_one_object_of_all() -> None:
    true = ids(square(0, 0), square(30, 30))
    swapped = np.array([0, 7, 1], dtype=np.uint8)[true]
    scores = score_video([swapped] * 3, [true] * 3, joined=True)
    assert list(scores) == [1]
    assert scores[1].j.tolist() == scores[1].f.tolist() == [1]


def test_an_object_255_is_an_object() -> None:
    true = ids(square(0, 0)) * np.uint8(255)
    assert score_video([true] * 3, [true] * 3)[255].j.tolist() == [1]


TRUE = ids(square(0, 0))


@pytest.mark.parametrize(
    ("predictions", "truth", "message"),
    [
        ([TRUE] * 3, [TRUE] * 4, "dog, frame 3: found no predicted mask"),
        ([TRUE] * 5, [TRUE] * 4, "dog, frame 4: found no true mask"),
        ([TRUE] * 2, [TRUE] * 2, "dog: found 2 frames or fewer"),
        ([TRUE], [TRUE], "dog: found 2 frames or fewer"),
        ([], [], "dog: found no frames"),
        ([TRUE] * 3, [TRUE * 0, TRUE, TRUE], "dog, frame 0: found no object"),
        ([TRUE, TRUE[1:], TRUE], [TRUE] * 3, "dog, frame 1: found a predicted mask of 64x63 pixels, expected 64x64"),
    ],
)
def test_what_cannot_be_scored_is_refused(predictions: list[Mask], truth: list[Mask], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score_video(iter(predictions), iter(truth), name="dog")
