"""Scenes: what happens is measured on pixels, and a thing lies where its mask is."""

import math

import numpy as np
import pytest
from PIL import Image as Pictures

from tbd_lib.datasets.synthetic.bodies import Part
from tbd_lib.datasets.synthetic.scenes import Camera, Light, Scene, happenings, measure
from tbd_lib.datasets.synthetic.sprites import Look, Motion, Sprite


def bars(*starts):
    """Covers of one sprite: a bar of 10 x 10 pixels that begins at a column in each frame, None where it is away."""
    cover = np.zeros((len(starts), 10, 40), bool)
    for frame, start in enumerate(starts):
        if start is not None:
            cover[frame, :, start : start + 10] = True
    return cover


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 0, 0), (20, 8, 0), {"crossing", "occlusion"}),  # apart, then over it
        ((0, 0, 0), (20, 8, 6), {"crossing"}),  # covers 40 % of it at most
        ((0, 0, 0), (5, 5, 0), {"occlusion"}),  # never was apart
        ((0, 0, 0), (20, 10, 20), set()),  # only touches
        ((0, None, 0), (20, 20, 20), {"leaving"}),
        ((0, 0, None), (20, 20, 20), set()),  # does not come back
        ((None, 0, 0), (20, 20, 20), {"late-entry"}),
    ],
)
def test_happenings_are_measured_on_pixels(first, second, expected):
    look = Look("blob", Pictures.new("RGB", (4, 4)), ())
    still = Motion((0.0, 0.0), frames=3)
    sprites = [Sprite(look, still, identity=1), Sprite(look, still, role="distractor")]
    events = happenings(measure(sprites, np.stack([bars(*first), bars(*second)])), 50)
    assert {challenge for challenge, index in events if index == 0} == expected


def test_painted_disk_has_the_area_of_a_disk():
    angle = np.linspace(0, 2 * math.pi, 200, endpoint=False)
    disk = Part(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    sprite = Sprite(Look("disk", Pictures.new("RGB", (64, 64), "white"), (disk,)), Motion((30.3, 31.7), radius=20.0))
    scene = Scene(Pictures.new("RGB", (64, 64)), Camera(64, 64, 2), Light(2), (sprite,))
    picture, covers = scene.paint(0.0)
    assert covers.sum() == pytest.approx(400 * math.pi, rel=0.02)
    assert np.asarray(picture)[covers[0]].mean() > 245  # the mask lies where the thing is
    assert np.asarray(picture)[~covers[0]].max() <= 128
