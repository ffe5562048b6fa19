"""The sample's real clips: what they hold, how good their masks are, and how the masks are made."""

import re

import numpy as np
import pytest

from tbd_lib.datasets.davis import sample
from tbd_lib.files import data_folder
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of
from tools.make_real import CLIPS, ROAD, SIZE, RealClip, Window, agreement, box, cup_and_hand, largest, shrink

ORIGIN = (data_folder() / "real" / "ORIGIN.md").read_text()
WINDOW = Window(10, 5, 60, 40)


def test_the_split_holds_the_clips_that_the_tool_makes() -> None:
    videos = sample("real")
    assert [video.name for video in videos] == [clip.name for clip in CLIPS]
    for video, clip in zip(videos, CLIPS, strict=True):
        assert video.truth is not None
        assert len(video.truth) == len(list(video.frames)) == len(clip.frames)
        assert 30 <= len(clip.frames) <= 60
        assert all(mask.shape == SIZE[::-1] for mask in video.truth)


def test_real_clips_are_neither_trained_on_nor_validated_with() -> None:
    real = {video.name for video in sample("real")}
    assert not real & {video.name for split in ("train", "val") for video in sample(split)}


def test_their_objects_are_seen_from_the_first_frame_on() -> None:
    for video in sample("real"):
        assert video.truth is not None
        objects = ids_of(video.truth[0])
        assert list(video.given) == [0]
        assert all(np.isin(mask, [0, *objects]).all() for mask in video.truth)
        assert all((mask == i).sum() >= 150 for mask in video.truth for i in objects)


def test_they_take_three_megabytes_at_most() -> None:
    clips = [
        data_folder() / "sample" / kind / "480p" / clip.name for kind in ("JPEGImages", "Annotations") for clip in CLIPS
    ]
    files = [path for folder in [*clips, data_folder() / "real"] for path in folder.iterdir()]
    assert sum(path.stat().st_size for path in files) < 3e6


def test_how_good_the_masks_are_is_what_the_page_says() -> None:
    found = agreement()
    stated = {
        (clip, int(frame), int(identity)): (float(j), float(f))
        for clip, frame, identity, j, f in re.findall(
            r"^\| ([\w-]+) \| (\d+) \| (\d) \| (0\.\d+) \| (0\.\d+) \|$", ORIGIN, re.M
        )
    }
    assert stated == {key: (round(j, 3), round(f, 3)) for key, (j, f) in found.items()}
    j, f = np.mean(list(found.values()), axis=0)
    assert f"**{j:.3f}** | **{f:.3f}**" in ORIGIN


def test_the_page_names_film_and_frames_of_every_clip() -> None:
    for clip in CLIPS:
        (row,) = [line for line in ORIGIN.splitlines() if line.startswith(f"| {clip.name} | {clip.film}")]
        assert f"{clip.frames[0]} to {clip.frames[-1]}" in row


# --- how masks are made


def walkers(frames: int = 10) -> tuple[list[Image], list[Mask]]:
    """Two dark rectangles on grey ground, which walk through each other; the second is in front."""
    film, masks = [], []
    for t in range(60):
        image, mask = np.full((60, 90, 3), 160, np.uint8), np.zeros((60, 90), np.uint8)
        if t < frames:
            for identity, (left, shade) in enumerate([(12 + 5 * t, 30), (57 - 5 * t, 50)], 1):
                image[10:36, left : left + 9], mask[10:36, left : left + 9] = shade, identity
            image[36:40, 12 + 5 * t : 28 + 5 * t] = 140  # a shadow on the ground
        film.append(image)
        masks.append(mask)
    return film, masks


def outline(left: int) -> list[tuple[int, int]]:
    return [(left, 4), (left + 9, 4), (left + 9, 44), (left, 44)]


def test_people_are_followed_and_outlines_tell_who_is_in_front() -> None:
    film, masks = walkers()
    drawn = {str(t): [(2, outline(57 - 5 * t))] for t in range(3, 7)}
    drawn["0"] = [(1, outline(12)), (2, outline(57))]
    drawn["5"].append((1, [(41, 4), (46, 4), (46, 44), (41, 44)]))  # comes out on the other side
    clip = RealClip("", "", range(10), WINDOW, ROAD)
    found = clip.masks(film, clip, drawn)
    for mask, truth in zip(found, masks, strict=False):
        inner = WINDOW.cut(truth)
        wrong = mask != inner
        assert wrong.sum() <= 0.16 * (inner > 0).sum()  # a pixel around
        assert not mask[32:].any()  # the shadow


def test_without_an_outline_the_nearest_of_the_frame_before_counts() -> None:
    film, masks = walkers(5)  # they overlap in the fifth frame
    clip = RealClip("", "", range(5), WINDOW, ROAD)
    found = clip.masks(film, clip, {"0": [(1, outline(12)), (2, outline(57))]})
    truth = WINDOW.cut(masks[4])
    assert (found[4] != truth).sum() < 0.35 * (truth > 0).sum()
    assert set(ids_of(found[4])) == {1, 2}


def test_a_dark_cup_is_told_from_the_hand_before_it() -> None:
    image = np.full((120, 160, 3), 210, np.uint8)
    image[15:105, 60:90] = 25
    image[50:65, 75:160] = (200, 140, 110)
    clip = RealClip("", "", range(1), Window(0, 0, 160, 120), cup_and_hand)
    (mask,) = cup_and_hand([image], clip, {})
    assert mask[30, 75] == 1 and mask[95, 75] == 1 and mask[57, 62] == 1
    assert mask[57, 85] == 2 and mask[57, 150] == 2
    assert mask[30, 120] == 0
    blocked = cup_and_hand([image], clip, {"0": [(1, [(80, 0), (160, 0), (160, 120), (80, 120)])]})[0]
    assert mask[20, 88] == 1 and blocked[20, 88] != 1


def test_a_box_is_the_hull_of_its_colour() -> None:
    image = np.full((80, 100, 3), 90, np.uint8)
    image[20:60, 30:80] = (220, 160, 30)
    image[30:50, 45:65] = (90, 150, 220)  # a picture on it
    (mask,) = box([image], RealClip("", "", range(1), Window(0, 0, 100, 80), box), {})
    truth = np.zeros((80, 100), bool)
    truth[20:60, 30:80] = True
    assert (mask.astype(bool) != truth).sum() < 0.06 * truth.sum()


def test_a_small_mask_keeps_the_id_that_covers_most_of_a_pixel() -> None:
    mask = np.zeros((480, 854), np.uint8)
    mask[:, 101:] = 1
    mask[:, 400:] = 2
    small = shrink(mask)
    assert small.shape == SIZE[::-1]
    assert small[0, [49, 50, 51, 199, 200, 426]].tolist() == [0, 0, 1, 1, 2, 2]


def test_the_largest_piece_is_kept() -> None:
    region = np.zeros((9, 9), bool)
    region[:2, :2] = region[4:, 4:] = True
    assert largest(region).sum() == 25


@pytest.mark.parametrize(("x", "y", "inside"), [(10, 5, False), (12, 7, True), (29, 24, True), (31, 24, False)])
def test_outlines_are_in_the_films_pixels(x: int, y: int, inside: bool) -> None:
    square = [(11, 6), (31, 6), (31, 26), (11, 26)]
    assert WINDOW.inside(square)[y - WINDOW.top, x - WINDOW.left] == inside
