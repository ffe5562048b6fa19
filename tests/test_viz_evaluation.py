"""Figures of scoring say and show the counts that J and F are made of."""

import numpy as np

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.evaluation import boundary_matches, region_agreement
from tbd_lib.evaluation.metrics import boundary, jaccard, match_radius
from tbd_lib.video.overlay import OKABE_ITO

IMAGE = np.full((60, 80, 3), 90, np.uint8)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((60, 80), bool)
    mask[top:bottom, left:right] = True
    return mask


def painted(described: Described, panel: int, colour: int) -> int:
    """How many pixels of a panel have a colour."""
    shown = np.asarray(described.figure.axes[panel].images[0].get_array())
    return int(((shown == tuple(bytes.fromhex(OKABE_ITO[colour][1:]))).all(-1)).sum())


def test_shared_and_lone_pixels_are_counted_and_painted():
    prediction, truth = box(20, 30, 20, 40), box(20, 30, 30, 45)
    described = region_agreement(IMAGE, prediction, truth)
    assert described.sentence == "The two masks: in both 100 px, only predicted 100 px, only true 50 px."
    assert [painted(described, 1, colour) for colour in (1, 0, 2)] == [100, 100, 50]
    assert jaccard(prediction, truth) == 100 / 250


def test_boundary_pixels_with_and_without_partner():
    prediction, truth = box(20, 30, 20, 30), box(20, 30, 20, 40)
    described = boundary_matches(IMAGE, prediction, truth)
    radius = match_radius(60, 80)
    found, true = (np.argwhere(boundary(mask)) for mask in (prediction, truth))
    away = np.hypot(*(found[:, None] - true[None]).transpose(2, 0, 1))
    matched = [int((away.min(axis) <= radius).sum()) for axis in (1, 0)]
    assert described.sentence == (
        f"With a partner within {radius} px, predicted boundary: {matched[0]} of {len(found)} px; "
        f"true boundary: {matched[1]} of {len(true)} px."
    )
    assert [painted(described, panel, 1) for panel in (0, 1)] == matched
    assert [painted(described, panel, 0) for panel in (0, 1)] == [len(found) - matched[0], len(true) - matched[1]]


def test_a_missing_boundary_matches_nothing_and_empty_masks_show_the_whole_frame():
    empty = np.zeros((60, 80), bool)
    assert (
        "predicted boundary: 0 of 0 px; true boundary: 0 of" in boundary_matches(IMAGE, empty, box(0, 9, 0, 9)).sentence
    )
    described = region_agreement(IMAGE, empty, empty)
    assert np.asarray(described.figure.axes[0].images[0].get_array()).shape == (60, 80, 3)
