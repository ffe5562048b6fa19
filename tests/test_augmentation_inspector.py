"""The augmentation inspector: what its caption tells is what swap-and-attach did to the clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import traitlets
from inspected import control, pictures, short
from small_runs import square_video

from tbd_lib.course.widgets import AugmentationInspector, augmentation_inspector
from tbd_lib.course.widgets.augmentation_inspector import FRAMES, GAP, HIDDEN, KINDS, SIDE
from tbd_lib.errors import InputError
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.video.overlay import overlay

NAMES = ("occluded-twins", "leaving", "lookalike-crossing")


@pytest.fixture
def inspector() -> AugmentationInspector:
    return AugmentationInspector([short(name, 6) for name in NAMES])


def test_the_same_seed_gives_the_same_clips_and_another_one_others(inspector: AugmentationInspector) -> None:
    other = AugmentationInspector(inspector.videos)
    for seed in (7, 8):
        inspector.seed = other.seed = seed
        images, masks = inspector.batch()
        assert torch.equal(images, other.batch()[0]) and torch.equal(masks, other.batch()[1])
        assert torch.equal(inspector.swapped(images, masks)[0], other.swapped(images, masks)[0])
        assert inspector.description == other.description
    other.seed = 7
    assert not torch.equal(images, other.batch()[0]) and inspector.description != other.description


@pytest.mark.parametrize("kind", KINDS)
def test_clips_have_the_shown_size_and_a_target_that_is_large_enough(
    inspector: AugmentationInspector, kind: str
) -> None:
    inspector.kind = kind
    images, masks = inspector.batch()
    assert images.shape == (3, FRAMES, 3, SIDE, SIDE) and masks.shape == (3, FRAMES, SIDE, SIDE)
    assert masks.unique().tolist() == [0, 1]
    assert (masks[:, 0].sum((1, 2)) >= KINDS[kind].min_share * SIDE**2).all()


@pytest.mark.parametrize(("seed", "probability"), [(0, 1.0), (1, 1.0), (2, 0.5), (3, 0.0)])
def test_the_caption_tells_whose_object_was_pasted_and_how_much_it_hides(
    inspector: AugmentationInspector, seed: int, probability: float
) -> None:
    inspector.set(seed=seed, probability=probability)
    images, masks = inspector.batch()
    after, left = (part.long() for part in inspector.swapped(images, masks))
    expected = swap_and_attach(images.float(), masks, probability, torch.Generator().manual_seed(seed))
    assert torch.equal(after, expected[0].long()) and torch.equal(left, expected[1])
    for here, name in enumerate(NAMES):
        inspector.clip = here
        partner, target = inspector.partner(masks), int(masks[here, 0].sum())
        start = f"Seed {seed}, clip {here} ({name}) from one image: the target covers {target:,} px; "
        assert inspector.description.startswith(start)
        if partner is None:
            assert inspector.description == f"{start}nothing is pasted."
            assert torch.equal(after[here], images[here].long()) and torch.equal(left[here], masks[here])
            continue
        pasted = masks[partner].bool()
        assert partner != here and torch.equal(left[here], masks[here] * ~pasted)
        assert torch.equal(after[here], torch.where(pasted[:, None], images[partner], images[here]).long())
        area, visible = int(masks[partner, 0].sum()), target - int((masks[here, 0] * masks[partner, 0]).sum())
        assert inspector.description == (
            f"{start}the object of clip {partner} ({NAMES[partner]}), {area:,} px, is pasted over it, "
            f"{visible:,} px of the target stay visible in the first frame."
        )
    assert probability > 0 or inspector.description.endswith("nothing is pasted.")


def test_the_chosen_clip_is_shown_before_and_after_frame_by_frame(inspector: AugmentationInspector) -> None:
    inspector.set(clip=2, seed=3)
    images, masks = inspector.batch()
    rows = {"cut": (images, masks), "after swap-and-attach": inspector.swapped(images, masks)}
    for part, (clips, targets) in zip(pictures(inspector), rows.values(), strict=True):
        shown = part.image
        assert shown.shape == (SIDE, FRAMES * (SIDE + GAP) - GAP, 3)
        for t in range(FRAMES):
            left = t * (SIDE + GAP)
            frame = overlay(clips[2, t].permute(1, 2, 0).numpy(), targets[2, t].byte().numpy())
            assert np.array_equal(shown[:, left : left + SIDE], frame)
            assert (shown[:, left + SIDE : left + SIDE + GAP] == 255).all()


def test_a_clip_from_one_image_reads_no_other_frame(inspector: AugmentationInspector) -> None:
    """The other frames show something else; only a clip of the video shows it too."""
    white = [
        [replace(frame, image=frame.image if t == 0 else np.full_like(frame.image, 255)) for t, frame in frames]
        for frames in (enumerate(video.frames) for video in inspector.videos)
    ]
    videos = [replace(video, frames=frames) for video, frames in zip(inspector.videos, white, strict=True)]
    other = AugmentationInspector(videos)
    assert torch.equal(inspector.batch()[0], other.batch()[0])
    inspector.kind = other.kind = "from a video"
    assert not torch.equal(inspector.batch()[0], other.batch()[0])


def test_it_opens_on_the_first_seed_whose_paste_hides_a_part_and_leaves_one(
    inspector: AugmentationInspector,
) -> None:
    def matters(seed: int) -> list[int]:
        inspector.seed = seed
        images, masks = inspector.batch()
        left = inspector.swapped(images, masks)[1]
        share = [1 - int(left[i, 0].sum()) / int(masks[i, 0].sum()) for i in range(3)]
        return [clip for clip in range(3) if HIDDEN[0] <= share[clip] <= HIDDEN[1]]

    opened, clip, caption = inspector.seed, inspector.clip, inspector.caption
    assert not any(matters(seed) for seed in range(opened)) and matters(opened)[0] == clip
    assert "% of the target" in caption and caption.count(". ") == 0
    control(inspector, "next paste that covers").click()
    later = inspector.seed
    assert later > opened and not any(matters(seed) for seed in range(opened + 1, later)) and matters(later)


def test_without_any_paste_the_next_seed_is_taken(
    monkeypatch: pytest.MonkeyPatch, inspector: AugmentationInspector
) -> None:
    monkeypatch.setattr(augmentation_inspector, "MOST_SEEDS", 2)
    inspector.set(seed=7, probability=0.0)
    inspector.seek_overlap()
    assert inspector.seed == 8 and inspector.caption == "Nothing is pasted into this clip."


def test_a_copy_shows_the_same_and_goes_its_own_way(inspector: AugmentationInspector) -> None:
    inspector.set(seed=5, clip=2, probability=0.5)
    other = inspector.copy()
    assert other.description == inspector.description
    other.roll()
    assert (other.seed, inspector.seed) == (6, 5)


def test_rolling_takes_the_next_seed_and_begins_again_at_the_end(inspector: AugmentationInspector) -> None:
    inspector.seed = 0
    control(inspector, "roll the dice").click()
    assert inspector.seed == control(inspector, "seed").value == 1 and inspector.description.startswith("Seed 1,")
    inspector.seed = control(inspector, "seed").max
    inspector.roll()
    assert inspector.seed == 0


@pytest.mark.parametrize("wrong", [{"clip": 3}, {"seed": -1}, {"probability": 1.1}, {"kind": "from a book"}])
def test_controls_go_as_far_as_there_are_clips_and_seeds(inspector: AugmentationInspector, wrong: dict) -> None:
    with pytest.raises(traitlets.TraitError, match=f"{next(iter(wrong))} is"):
        inspector.set(**wrong)


def test_a_clip_needs_a_partner() -> None:
    with pytest.raises(InputError, match="found 1 videos, expected two or more"):
        AugmentationInspector([short(NAMES[0])])


def test_videos_without_true_masks_and_streams_are_refused() -> None:
    video = square_video()
    for bad in (replace(video, truth=None), replace(video, frames=iter(video.frames))):
        with pytest.raises(InputError, match="square: expected true masks, and frames that can be taken by number"):
            AugmentationInspector([video, bad])


def test_a_video_without_a_large_object_is_named_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation_inspector, "MOST_TRIED", 2)
    empty = replace(square_video(name="dots"), truth=[np.zeros((60, 72), np.uint8)] * 6)
    with pytest.raises(InputError, match="dots: 2 cuts without an object that is large enough"):
        AugmentationInspector([square_video(), empty])
