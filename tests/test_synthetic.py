"""Synthetic videos: what their facts claim is on their pixels, and what is switched off never happens."""

import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from PIL import Image as Pictures
from scipy.ndimage import binary_dilation

from tbd_lib.datasets.config import TRAINING, Challenge, SyntheticConfig
from tbd_lib.datasets.synthetic.clips import clip_as_video, make_videos, random_clip, write_davis
from tbd_lib.datasets.synthetic.scenes import film, measure
from tbd_lib.datasets.synthetic.staging import Stage
from tbd_lib.errors import InputError
from tbd_lib.files import data_folder
from tbd_lib.video.masks import read_mask

TEXTURES = data_folder() / "textures"
SMALL = SyntheticConfig(
    height=80,
    width=120,
    frames=6,
    objects=(1, 2),
    distractors=(0, 1),
    diameter=(0.25, 0.4),
    speed=(0.005, 0.03),
    min_pixels=100,
)
ALONE = {"objects": (1, 1), "distractors": (0, 0)}
IN_MASKS = ("look-alike", "crossing", "occlusion", "leaving", "late-entry", "scale-change")


def only(*challenges, **changes):
    return replace(SMALL, challenges=challenges, **changes)


def clips_showing(challenge, config, count=2, seeds=20):
    """Clips whose facts name the challenge: a claim to be checked on their pixels."""
    clips = (random_clip(config, seed) for seed in range(seeds))
    found = [clip for clip in clips if challenge in clip.facts["challenges"]][:count]
    assert len(found) == count
    return found


def filmed(config, seed):
    """A scene, its pictures and the pixels that each of its sprites covers."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    stage = Stage(config, rng, TEXTURES)
    assert stage.populate()
    scene = stage.scene()
    return scene, *film(scene, rng)


def stored_facts(clip):
    """Facts as they come back from a file."""
    return json.loads(json.dumps(clip.facts))


def areas(clip):
    return np.stack([(clip.masks == identity).sum(axis=(1, 2)) for identity in range(1, clip.masks.max() + 1)])


# --- determinism


def test_same_seed_same_bytes_whatever_was_made_before_and_another_seed_another_video():
    clips = list(make_videos(SMALL, 5, 3))
    seeds = [stored_facts(clip)["seed"] for clip in clips]
    assert len(set(seeds)) == 3
    again = random_clip(SMALL, seeds[2])
    assert np.array_equal(again.images, clips[2].images) and not np.array_equal(again.images, clips[1].images)
    assert np.array_equal(again.masks, clips[2].masks) and again.facts == clips[2].facts


# --- every clip


@pytest.mark.parametrize("seed", range(6))
def test_training_clips_are_usable(seed):
    clip = random_clip(TRAINING, seed)
    assert clip.images.shape == (5, 256, 256, 3)
    area = areas(clip)
    assert 1 <= len(area) <= TRAINING.objects[1]
    assert area.max(axis=1).min() > 0  # ids are 1 to n, and each is seen
    firsts = [int(np.flatnonzero(pixels)[0]) for pixels in area]
    assert firsts == sorted(firsts) and firsts[0] == 0
    assert all(pixels[0] >= TRAINING.min_pixels for pixels in area if pixels[0] > 0)


@pytest.mark.parametrize("seed", range(4))
def test_facts_agree_with_the_masks_and_are_json(seed):
    clip = random_clip(SMALL, seed)
    facts = stored_facts(clip)
    assert facts == clip.facts
    for identity, area in enumerate(areas(clip), start=1):
        known = facts["objects"][str(identity)]
        assert known["visible_frames"] == np.flatnonzero(area).tolist()
        assert known["first_frame"] == np.flatnonzero(area)[0]


@pytest.mark.parametrize(("height", "width", "frames"), [(77, 91, 3), (120, 72, 1), (64, 64, 2), (60, 107, 20)])
def test_any_size_and_length(height, width, frames):
    clip = random_clip(replace(SMALL, height=height, width=width, frames=frames, min_pixels=60), 3)
    assert clip.masks.shape == (frames, height, width)
    assert clip.images.shape == (frames, height, width, 3)


@pytest.mark.parametrize("seed", range(3))
def test_ground_covers_the_whole_frame_while_the_camera_moves(seed):
    scene, _, _ = filmed(only("camera-motion"), seed)
    scene = replace(scene, ground=Pictures.new("RGB", scene.ground.size, "white"))
    for t in range(SMALL.frames):
        picture, covers = scene.paint(float(t))
        assert np.asarray(picture)[ground_of(covers)].min() == 255


def ground_of(covers):
    """Pixels to which no sprite nor its shadow comes near."""
    return np.logical_not(binary_dilation(covers.any(axis=0), iterations=16))


# --- what facts name is there


def enters_late(clip):
    firsts = [int(np.flatnonzero(area)[0]) for area in areas(clip)]
    return firsts[0] == 0 < firsts[-1] and areas(clip)[-1][firsts[-1]] >= 0.3 * SMALL.min_pixels


def leaves_and_returns(clip):
    return any(np.diff(np.flatnonzero(area)).max() > 1 for area in areas(clip))


def changes_scale(clip):
    whole = areas(clip)[:, [0, -1]][areas(clip)[:, -1] > 0]
    return np.sqrt(whole.max(axis=1) / whole.min(axis=1)).max() > 1.2


def changes_light(clip):
    ground = (clip.masks[0] == 0) & (clip.masks[-1] == 0)
    return abs(clip.images[0][ground].mean() - clip.images[-1][ground].mean()) > 5


@pytest.mark.parametrize(
    ("challenge", "numbers", "shows"),
    [
        ("late-entry", {"objects": (2, 2), "distractors": (0, 0)}, enters_late),
        ("leaving", ALONE, leaves_and_returns),
        ("scale-change", ALONE, changes_scale),
        ("light-change", ALONE, changes_light),
    ],
)
def test_clips_show_what_their_facts_name(challenge, numbers, shows):
    assert all(shows(clip) for clip in clips_showing(challenge, only(challenge, **numbers)))


@pytest.mark.parametrize("seed", range(4))
def test_objects_are_not_hidden_in_the_first_frame(seed):
    config = only("crossing", "occlusion", objects=(2, 2), distractors=(2, 2), min_pixels=500)
    assert areas(random_clip(config, seed))[:, 0].min() >= 500


def test_look_alike_has_the_colours_of_its_object():
    for seed in range(3):
        scene, images, covers = filmed(only("look-alike", distractors=(1, 1), objects=(1, 1)), seed)
        record = measure(scene.sprites, covers)
        (double,) = [index for index, sprite in enumerate(scene.sprites) if sprite.like > 0]
        (target,) = record.targets()
        there = record.layers[0] == double + 1
        assert there.sum() >= 40
        object_, ground = (histogram(images[0][record.layers[0] == layer]) for layer in (target + 1, 0))
        shared = np.minimum(histogram(images[0][there]), object_).sum()
        assert shared > 2 * np.minimum(ground, object_).sum() or shared > 0.6


def histogram(colours):
    """Share of the pixels in each of 512 colours."""
    codes = (colours >> 5).astype(int) @ np.array([64, 8, 1])
    return np.bincount(codes, minlength=512) / len(codes)


def test_camera_moves_the_ground_and_only_then():
    for challenges, moves in ((("camera-motion",), True), ((), False)):
        _, images, covers = filmed(only(*challenges, **ALONE), 4)
        far = ground_of(covers[:, 0]) & ground_of(covers[:, -1])
        change = np.abs(images[0].astype(int) - images[-1])[far].mean()
        assert change > 1 if moves else change == 0


def test_shutter_smears_pictures_but_not_masks():
    scene, images, covers = filmed(only("motion-blur", speed=(0.05, 0.05), **ALONE), 2)
    assert scene.blurred
    sharp, same = film(replace(scene, blurred=False), np.random.default_rng(0))
    assert np.array_equal(same, covers)
    assert np.abs(np.diff(images.astype(int), axis=2)).mean() < np.abs(np.diff(sharp.astype(int), axis=2)).mean()


def test_noise_differs_from_frame_to_frame():
    for challenges, noisy in ((("noise",), True), ((), False)):
        clip = random_clip(only(*challenges, **ALONE), 3)
        rim = clip.images[:, :4, :4].astype(int)
        assert (np.abs(np.diff(rim, axis=0)).max() > 0) == noisy


# --- what is switched off is not there


@pytest.mark.parametrize("seed", range(4))
def test_nothing_happens_where_all_challenges_are_off(seed):
    clip = random_clip(only(), seed)
    assert clip.facts["challenges"] == []
    assert clip.facts["look_alikes_of"] == []
    assert areas(clip).min() > 0  # nobody leaves or comes late
    scene, _, covers = filmed(only(), seed)
    for index in measure(scene.sprites, covers).targets():
        others = np.delete(covers, index, axis=0)
        overlap = (covers[index] & others).sum(axis=(2, 3)) if len(others) else np.zeros((1, 1))
        assert np.all(overlap <= 0.05 * covers[index].sum(axis=(1, 2)).max())


@pytest.mark.parametrize("off", IN_MASKS)
def test_each_challenge_can_be_switched_off(off):
    config = only(*(challenge for challenge in get_args(Challenge) if challenge != off))
    for seed in range(2):
        facts = stored_facts(random_clip(config, seed))
        assert off not in facts["challenges"]
        assert all(off not in known["challenges"] for known in facts["objects"].values())


# --- errors


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected fewer or smaller objects"):
        random_clip(only(min_pixels=80 * 120, frames=1, **ALONE), 0)
    with pytest.raises(InputError, match="found no textures"):
        random_clip(SMALL, 0, tmp_path)


# --- as a video, and on disk


def test_every_object_is_given_once_when_first_seen():
    (clip,) = clips_showing("late-entry", only("late-entry", objects=(2, 2), distractors=(0, 0)), count=1)
    video = clip_as_video(clip)
    assert 0 in video.given
    seen = set()
    for index, mask in sorted(video.given.items()):
        new = set(np.unique(mask).tolist()) - {0}
        assert new
        assert not new & seen
        for identity in new:
            assert not (clip.masks[:index] == identity).any()
            assert np.array_equal(mask == identity, clip.masks[index] == identity)
        seen |= new
    assert seen == set(range(1, clip.masks.max() + 1))
    assert [frame.name for frame in video.frames][:2] == ["00000", "00001"]


def test_davis_layout_holds_the_clips(tmp_path):
    clips = [
        replace(clip, name=f"clip-{index}") for index, clip in enumerate(make_videos(replace(SMALL, frames=3), 1, 3))
    ]
    write_davis({"train": clips[:1], "val": clips[1:]}, tmp_path)
    assert (tmp_path / "ImageSets/2017/val.txt").read_text().split() == ["clip-1", "clip-2"]
    facts = json.loads((tmp_path / "challenges.json").read_text())
    for clip in clips:
        assert facts[clip.name] == clip.facts
        for index in range(3):
            stored = tmp_path / "Annotations/480p" / clip.name / f"{index:05d}.png"
            assert np.array_equal(read_mask(stored), clip.masks[index])
            picture = np.asarray(Pictures.open(tmp_path / "JPEGImages/480p" / clip.name / f"{index:05d}.jpg"))
            assert np.abs(picture.astype(int) - clip.images[index]).mean() < 6
    with pytest.raises(InputError, match="ImageSets: the folder exists"):
        write_davis({"train": []}, tmp_path)
