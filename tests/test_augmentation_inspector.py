"""The augmentation dice: what is told of a roll is what swap-and-attach did to the clips."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from inspected import control, instead_of_drawing, short
from small_runs import square_video

from tbd_lib.course.widgets import augmentation_inspector as dice
from tbd_lib.course.widgets.augmentation_inspector import FRAMES, KINDS, SIDE, AugmentationInspector
from tbd_lib.errors import InputError
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.video.frames import Video

NAMES = ("occluded-twins", "leaving", "lookalike-crossing")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows that were last asked for, and the sentence."""
    return instead_of_drawing(monkeypatch, dice, "clip_rows")


@pytest.fixture
def rolled() -> AugmentationInspector:
    return AugmentationInspector([short(name, 6) for name in NAMES])


def told(rolled: AugmentationInspector) -> list[int]:
    """Numbers in the caption after the clip's name, without the partners' names."""
    return [
        int(number.replace(",", ""))
        for number in re.findall(r"clip (\d+)|([\d,]+) px", rolled.caption)
        for number in number
        if number
    ]


def test_the_same_seed_gives_the_same_clips_and_another_one_others(rolled: AugmentationInspector) -> None:
    other = AugmentationInspector(rolled.videos)
    for seed in (7, 8):
        rolled.seed = other.seed = seed
        images, masks = rolled.batch()
        assert torch.equal(images, other.batch()[0]) and torch.equal(masks, other.batch()[1])
        assert torch.equal(rolled.swapped(images, masks)[0], other.swapped(images, masks)[0])
        assert rolled.caption == other.caption
    other.seed = 7
    assert not torch.equal(images, other.batch()[0]) and rolled.caption != other.caption


def test_clips_have_the_shown_size_and_a_target_that_is_large_enough(rolled: AugmentationInspector) -> None:
    for kind, config in KINDS.items():
        rolled.kind = kind
        images, masks = rolled.batch()
        assert images.shape == (3, FRAMES, 3, SIDE, SIDE) and masks.shape == (3, FRAMES, SIDE, SIDE)
        assert masks.unique().tolist() == [0, 1]
        assert (masks[:, 0].sum((1, 2)) >= config.min_share * SIDE**2).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_partner_is_another_clip_and_its_object_is_what_was_pasted(
    rolled: AugmentationInspector, seed: int
) -> None:
    rolled.seed = seed
    images, masks = rolled.batch()
    after, own = rolled.swapped(images, masks)
    for here in range(3):
        rolled.clip = here
        partner = rolled.partner(images, masks, after)
        if partner is None:
            assert torch.equal(after[here], images[here]) and torch.equal(own[here], masks[here])
            continue
        assert partner != here
        pasted = masks[partner].bool()
        assert torch.equal(own[here], masks[here] * ~pasted)
        pasted = pasted[:, None].expand_as(images[here])
        assert torch.equal(after[here][pasted], images[partner][pasted])
        assert torch.equal(after[here][~pasted], images[here][~pasted])


def test_what_is_told_are_the_areas_before_and_after(rolled: AugmentationInspector) -> None:
    for seed in range(4):
        rolled.set(seed=seed, clip=seed % 3)
        here, (images, masks) = seed % 3, rolled.batch()
        after, own = rolled.swapped(images, masks)
        partner = rolled.partner(images, masks, after)
        target = int(masks[here, 0].sum())
        assert rolled.caption.startswith(
            f"Seed {seed}, clip {here} ({NAMES[here]}) from one image: the target covers {target:,} px; "
        )
        if partner is None:
            assert rolled.caption.endswith("; nothing is pasted.")
            continue
        hidden = int((masks[here, 0] * masks[partner, 0]).sum())
        assert told(rolled) == [here, target, partner, int(masks[partner, 0].sum()), target - hidden]
        assert f"clip {partner} ({NAMES[partner]})" in rolled.caption
        assert int(own[here, 0].sum()) == target - hidden


def test_the_swap_is_the_trainings_own(rolled: AugmentationInspector) -> None:
    rolled.set(seed=5, probability=0.5)
    images, masks = rolled.batch()
    expected = swap_and_attach(images.float(), masks, 0.5, torch.Generator().manual_seed(5))
    after, own = rolled.swapped(images, masks)
    assert torch.equal(after.float(), expected[0]) and torch.equal(own, expected[1])


@pytest.mark.parametrize("clip", range(3))
def test_with_probability_zero_nothing_is_pasted(rolled: AugmentationInspector, asked: list[Any], clip: int) -> None:
    rolled.set(probability=0.0, clip=clip)
    assert rolled.caption.endswith(" px; nothing is pasted.")
    for (image, mask), (image_after, mask_after) in zip(*asked[0].values(), strict=True):
        assert np.array_equal(image, image_after) and np.array_equal(mask, mask_after)


def test_the_chosen_clip_is_shown_before_and_after(rolled: AugmentationInspector, asked: list[Any]) -> None:
    rolled.set(clip=2, seed=3)
    images, masks = rolled.batch()
    before_after = {"cut": (images, masks), "after swap-and-attach": rolled.swapped(images, masks)}
    assert list(asked[0]) == list(before_after)
    for title, (pictures, targets) in before_after.items():
        for t, (image, mask) in enumerate(asked[0][title]):
            assert np.array_equal(image, pictures[2, t].permute(1, 2, 0)) and np.array_equal(mask, targets[2, t])


def test_a_clip_from_one_image_reads_no_other_frame() -> None:
    """The other frames show something else; only a clip of the video shows it too."""
    videos = [short(name, 6) for name in NAMES]
    white = [
        replace(
            video,
            frames=[
                frame if t == 0 else replace(frame, image=np.full_like(frame.image, 255))
                for t, frame in enumerate(video.frames)
            ],
        )
        for video in videos
    ]
    one, other = AugmentationInspector(videos), AugmentationInspector(white)
    assert torch.equal(one.batch()[0], other.batch()[0])
    one.kind = other.kind = "from a video"
    assert not torch.equal(one.batch()[0], other.batch()[0])


def test_rolling_takes_the_next_seed_and_begins_again_at_the_end(rolled: AugmentationInspector) -> None:
    control(rolled, "roll").click()
    assert rolled.seed == control(rolled, "seed").value == 1 and rolled.caption.startswith("Seed 1,")
    rolled.seed = control(rolled, "seed").max
    rolled.roll()
    assert rolled.seed == 0


def test_controls_go_as_far_as_there_are_clips_and_seeds(rolled: AugmentationInspector) -> None:
    for wrong in ({"clip": 3}, {"seed": -1}, {"probability": 1.1}, {"kind": "from a book"}):
        with pytest.raises(traitlets.TraitError, match=f"{next(iter(wrong))} is"):
            rolled.set(**wrong)


def test_a_clip_needs_a_partner() -> None:
    with pytest.raises(ValueError, match="1 videos; expected two or more"):
        AugmentationInspector([short(NAMES[0])])


def test_a_video_without_a_large_object_is_named_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dice, "MOST_TRIED", 2)
    empty: Video = replace(square_video(name="dots"), truth=[np.zeros((60, 72), np.uint8)] * 6)
    with pytest.raises(InputError, match="dots: 2 cuts without an object that is large enough"):
        AugmentationInspector([square_video(), empty])
