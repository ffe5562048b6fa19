"""Films in the page: all panels show the same frame, one frame stands still, and words say what is shown."""

from io import BytesIO

import numpy as np
import pytest
from figures import box, frame
from PIL import Image as Pictures

from tbd_lib.course.viz import film
from tbd_lib.course.viz.described import Encoded
from tbd_lib.video.frames import Frame

LEFT, RIGHT = box(0, 12, 0, 20), box(12, 24, 20, 40)
COUNT = 4


def frames() -> list[Frame]:
    """Each of one grey, lighter from frame to frame."""
    return [Frame(f"{i:05}", np.full((24, 40, 3), 30 + 50 * i, np.uint8)) for i in range(COUNT)]


def pictures(of: Encoded) -> list[np.ndarray]:
    """The still, then the film."""
    assert isinstance(of.content, bytes)
    opened = Pictures.open(BytesIO(of.content))
    shown = []
    for i in range(getattr(opened, "n_frames", 1)):
        opened.seek(i)
        shown.append(np.asarray(opened.convert("RGB")).astype(int))
    return shown


def test_every_frame_is_shown_and_the_chosen_one_stands_still():
    still, *shown = pictures(film(frames(), {"none": [LEFT * 0] * COUNT}, still=2))
    height, width = still.shape[:2]
    assert len(shown) == COUNT
    middles = [int(picture[height // 2, width // 2, 0]) for picture in shown]
    assert np.abs(np.subtract(middles, [30, 80, 130, 180])).max() <= 8
    assert np.abs(still - shown[2]).max() == 0
    assert still[2, 2].tolist() == [255, 255, 255]


def test_panels_run_in_lock_step():
    masks = {"a": [LEFT, RIGHT, LEFT, RIGHT], "b": [RIGHT, LEFT, RIGHT, LEFT]}
    _, *shown = pictures(film(frames(), masks))
    half = shown[0].shape[1] // 2
    alone = {name: pictures(film(frames(), {name: rows}))[1:] for name, rows in masks.items()}

    def colourful(picture: np.ndarray, bottom: bool) -> bool:
        """Whether a quarter of the panel, upper left or lower right, is filled in a colour."""
        height, width = picture.shape[:2]
        y, x = (int(height * 0.72), int(width * 0.7)) if bottom else (int(height * 0.45), int(width * 0.3))
        return bool(np.ptp(picture[y, x]) > 30)

    for t, picture in enumerate(shown):
        for name, panel in zip(masks, (picture[:, :half], picture[:, half:]), strict=True):
            for bottom in (False, True):
                expected = colourful(alone[name][t], bottom)
                assert colourful(panel, bottom) == expected == ((masks[name][t] is RIGHT) == bottom)


def test_it_is_described_by_the_scores_of_all_panels():
    truth = [LEFT] * COUNT
    shown = film(frames(), {"right": [LEFT] * COUNT, "lost": [LEFT, RIGHT, LEFT * 0, LEFT]}, truth)
    assert shown.sentence == "Film of the frames 00000 to 00003, 2 side by side: right, lost."
    assert repr(shown) == (
        f"{shown.sentence} right: J 1.00, 1.00, 1.00, 1.00 in the frames 00000, 00001, 00002, 00003; "
        "lost: J 1.00, 0.00, 0.00, 1.00 in the frames 00000, 00001, 00002, 00003."
    )


def test_without_true_masks_it_is_described_by_areas():
    shown = film([frame("a"), frame("b")], {"TBD": [LEFT, LEFT + RIGHT]})
    assert shown.alternative == "Film of the frames a to b: TBD. TBD: 240, 480 px in the frames a, b."
    assert shown.mime == "image/png"


@pytest.mark.parametrize("moving", [False, True])
def test_what_does_not_change_costs_nothing(moving: bool):
    """Noise below what is seen is not stored again."""
    random = np.random.default_rng(0)
    scene = random.integers(40, 200, (48, 80, 3))
    scenes = (np.roll(scene, 9 * i, 1) if moving else scene + random.integers(-4, 5, scene.shape) for i in range(6))
    many = [Frame(f"{i}", changed.astype(np.uint8)) for i, changed in enumerate(scenes)]
    sizes = [len(film(many[:n], {"x": [np.zeros((48, 80), np.uint8)] * n}).content) for n in (1, 6)]
    assert (sizes[1] > 1.5 * sizes[0]) == moving


def test_the_same_film_has_the_same_bytes():
    assert film(frames(), {"x": [LEFT] * COUNT}).content == film(frames(), {"x": [LEFT] * COUNT}).content
