"""Figures of scoring say and show the counts that J and F are made of."""

import numpy as np
from figures import drawn

from tbd_lib.course.viz.evaluation import boundary_matches, region_agreement
from tbd_lib.evaluation.metrics import boundary, match_radius
from tbd_lib.video.overlay import OKABE_ITO

IMAGE = np.full((60, 80, 3), 90, np.uint8)


def region(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((60, 80), bool)
    mask[top:bottom, left:right] = True
    return mask


def painted(panel: np.ndarray, *colours: int) -> list[int]:
    """How many pixels of a panel have each colour."""
    return [int((panel == tuple(bytes.fromhex(OKABE_ITO[i][1:]))).all(-1).sum()) for i in colours]


def test_shared_and_lone_pixels_are_counted_and_painted():
    described = region_agreement(IMAGE, region(20, 30, 20, 40), region(20, 30, 30, 45))
    assert described.sentence == "The two masks: in both 100 px, only predicted 100 px, only true 50 px."
    frame, both = drawn(described)
    assert painted(both, 1, 0, 2) == [100, 100, 50]
    assert frame.shape == both.shape == (42, 57, 3) and (frame == 90).all()  # 16 pixels around, where there are any


def test_boundary_pixels_with_and_without_partner():
    prediction, truth = region(20, 30, 20, 30), region(20, 30, 20, 40)
    described = boundary_matches(IMAGE, prediction, truth)
    radius = match_radius(60, 80)
    found, true = (np.argwhere(boundary(mask)) for mask in (prediction, truth))
    away = np.hypot(*(found[:, None] - true[None]).transpose(2, 0, 1))
    counts = [(int((away.min(axis) <= radius).sum()), len(line)) for axis, line in ((1, found), (0, true))]
    assert described.sentence == (
        f"With a partner within {radius} px, predicted boundary: {counts[0][0]} of {counts[0][1]} px; "
        f"true boundary: {counts[1][0]} of {counts[1][1]} px."
    )
    for panel, (near, line) in zip(drawn(described), counts, strict=True):
        assert painted(panel, 1, 0) == [near, line - near]


def test_a_missing_boundary_matches_nothing_and_empty_masks_show_the_whole_frame():
    empty = np.zeros((60, 80), bool)
    sentence = boundary_matches(IMAGE, empty, region(0, 9, 0, 9)).sentence
    assert "predicted boundary: 0 of 0 px; true boundary: 0 of" in sentence
    assert drawn(region_agreement(IMAGE, empty, empty))[0].shape == (60, 80, 3)
