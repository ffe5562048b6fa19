"""Properties of augmentation: image and mask alike, and a swap that never erases a target."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tbd_lib.datasets.augment import sample_augmentation
from tbd_lib.datasets.config import IMAGE_AUGMENT, AugmentConfig
from tbd_lib.method.swap_and_attach import swap_and_attach

STILL = AugmentConfig(rotate=0.0, scale=1.0, shear=0.0, area=(1.0, 1.0), aspect=1.0, crop=64, flip=0.0)


def scene(h: int = 90, w: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """A red block on green, and its mask."""
    mask = np.zeros((h, w), np.uint8)
    mask[20:60, 30:90] = 1
    return np.where(mask[..., None] > 0, [250, 0, 0], [0, 250, 0]).astype(np.uint8), mask


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_without_drift_and_crop_the_image_is_the_same_or_mirrored(flip: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    how = sample_augmentation(replace(STILL, flip=flip), np.random.default_rng(0), 1, (64, 64))
    assert np.array_equal(how.image(0, image), image[::-1, ::-1] if flip else image)


@pytest.mark.parametrize("seed", range(8))
def test_image_and_mask_are_cut_alike(seed: int) -> None:
    """Red is where the mask is, in every frame of the drift; apart from the one-pixel seam of the resampling."""
    image, mask = scene()
    how = sample_augmentation(replace(IMAGE_AUGMENT, crop=80), np.random.default_rng(seed), 4, mask.shape)
    for t in range(4):
        red = how.image(t, image)[..., 0] > how.image(t, image)[..., 1]
        inside = how.image(t, image)[..., 2] < 90  # not the fill colour
        differ = (red != (how.mask(t, mask) > 0)) & inside
        assert differ.mean() < 0.02


def test_the_drift_accumulates() -> None:
    config = replace(STILL, rotate=10.0)
    how = sample_augmentation(config, np.random.default_rng(3), 5, (64, 64))
    steps = [np.linalg.inv(a) @ b for a, b in zip(how.to_input, how.to_input[1:], strict=False)]
    angles = [np.degrees(np.arctan2(step[1, 0], step[0, 0])) for step in steps]
    assert all(0 < abs(angle) <= 10 for angle in angles)
    total = np.degrees(np.arctan2(how.to_input[4][1, 0], how.to_input[4][0, 0]))
    first = np.degrees(np.arctan2(how.to_input[0][1, 0], how.to_input[0][0, 0]))
    assert total == pytest.approx(first + sum(angles))


@pytest.mark.parametrize(("seed", "area"), [(0, (0.5, 0.5)), (1, (0.8, 1.0))])
def test_the_crop_has_the_area_and_aspect_asked_for(seed: int, area: tuple[float, float]) -> None:
    config = replace(STILL, area=area, aspect=4 / 3)
    how = sample_augmentation(config, np.random.default_rng(seed), 1, (400, 400))
    width, height = how.to_input[0][0, 0] * 64, how.to_input[0][1, 1] * 64
    assert area[0] * 160_000 * 0.85 <= width * height <= area[1] * 160_000 * 1.001
    assert 3 / 4 - 1e-9 <= width / height <= 4 / 3 + 1e-9


def test_a_large_picture_is_averaged_before_it_is_made_small() -> None:
    """A checkerboard of single pixels becomes grey: taking single pixels would leave it black and white."""
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    mask = np.zeros((512, 512), np.uint8)
    mask[:, 256:] = 5
    how = sample_augmentation(STILL, np.random.default_rng(0), 1, (512, 512))
    assert np.abs(how.image(0, board).astype(int) - 127).max() <= 2
    assert set(np.unique(how.mask(0, mask))) == {0, 5}
    # and stays in place
    halves = np.where(mask[..., None] > 0, [250, 250, 250], [10, 10, 10]).astype(np.uint8)
    small = how.image(0, halves)
    assert (small[:, :32] == 10).all() and (small[:, 32:] == 250).all()


def clips(b: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips of their own brightness, each with a block at a place of its own that overlaps the next one's."""
    images = torch.arange(1, b + 1).view(b, 1, 1, 1, 1).expand(b, 2, 3, 16, 16) / 10.0
    masks = torch.zeros(b, 2, 16, 16, dtype=torch.long)
    for i in range(b):
        masks[i, :, 2 : 10 + i % 3, 2 * (i % 4) : 2 * (i % 4) + 5] = 1
    return images, masks


@settings(max_examples=60, deadline=None)
@given(b=st.integers(1, 6), prob=st.sampled_from([0.0, 0.3, 1.0]), seed=st.integers(0, 10_000))
def test_swap_follows_the_formula_with_a_partner_that_is_not_the_clip_itself(b: int, prob: float, seed: int) -> None:
    images, masks = clips(b)
    new_images, new_masks = swap_and_attach(images, masks, prob, torch.Generator().manual_seed(seed))
    for i in range(b):
        if torch.equal(new_images[i], images[i]) and torch.equal(new_masks[i], masks[i]):
            continue
        partners = [j for j in range(b) if j != i and explains(images, masks, new_images[i], new_masks[i], i, j)]
        assert partners and prob > 0
        assert new_masks[i, 0].any()


def explains(images, masks, image, mask, i: int, j: int) -> bool:
    pasted = masks[j] > 0
    expected = torch.where(pasted[:, None], images[j], images[i])
    return torch.equal(image, expected) and torch.equal(mask, masks[i] * ~pasted)


def test_swap_happens_as_often_as_asked_and_reaches_every_partner() -> None:
    images, masks = clips(4)
    masks[:] = 0
    for i in range(4):
        masks[i, :, 4 * i : 4 * i + 3] = 1  # no overlap: every swap is allowed
    swapped, seen = 0, set()
    for seed in range(400):
        new, _ = swap_and_attach(images, masks, 0.2, torch.Generator().manual_seed(seed))
        for i in range(4):
            if not torch.equal(new[i], images[i]):
                swapped += 1
                seen |= {(i, j) for j in range(4) if (new[i] == images[j]).any()} - {(i, i)}
    assert swapped / 1600 == pytest.approx(0.2, abs=0.04)
    assert len(seen) == 12


def test_one_clip_has_no_partner() -> None:
    images, masks = clips(1)
    new_images, new_masks = swap_and_attach(images, masks, 1.0, torch.Generator().manual_seed(0))
    assert torch.equal(new_images, images) and torch.equal(new_masks, masks)


def test_a_swap_that_would_leave_too_little_of_the_target_is_not_made() -> None:
    images, masks = clips(2)
    masks[:] = 0
    masks[0, :, :4, :4], masks[1, :, :4, :2] = 1, 1  # clip 1 would lose all, clip 0 keeps 8 pixels of 16
    new_images, new_masks = swap_and_attach(images, masks, 1.0, torch.Generator().manual_seed(0), 8)
    assert torch.equal(new_masks[1], masks[1]) and torch.equal(new_images[1], images[1])
    assert new_masks[0].sum() == 2 * 8
    assert torch.equal(swap_and_attach(images, masks, 1.0, torch.Generator().manual_seed(0), 9)[1], masks)
