"""Training clips are determined by seed and index, and always show a target."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tbd_lib.clips import Clips, choose_target, cut
from tbd_lib.config import AugmentConfig, TrainConfig
from tbd_lib.files import InputError
from tbd_lib.video import Frame, Video

AUGMENT = replace(TrainConfig().augment, crop=64)
CONFIG = replace(
    TrainConfig(), augment=AUGMENT, video_augment=AUGMENT, frames=3, batch=2, iterations=4, synthetic_videos=3
)


def picture(side: int) -> Video:
    """One image with a square object of ``side`` pixels."""
    mask = np.zeros((100, 120), np.uint8)
    mask[40 : 40 + side, 50 : 50 + side] = 3
    image = np.random.default_rng(side).integers(0, 256, (100, 120, 3), np.uint8)
    return Video(f"square of {side}", [Frame("a", image)], {}, [mask])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_clip_has_a_target_in_its_first_frame(share: float) -> None:
    clips = Clips(replace(CONFIG, synthetic_share=share), [picture(20), picture(3)])
    assert len(clips) == 8
    for index in range(len(clips)):
        images, masks = clips[index]
        assert images.shape == (3, 3, 64, 64) and images.dtype == torch.uint8
        assert masks.shape == (3, 64, 64) and set(masks.unique().tolist()) <= {0, 1}
        assert masks[0].sum() >= AUGMENT.min_share * 64 * 64


def test_clips_depend_on_seed_and_index_alone() -> None:
    """Not on the order of access, nor on the number of workers."""
    config = replace(CONFIG, synthetic_share=0.5)
    backwards = {i: Clips(config, [picture(30)])[i] for i in reversed(range(8))}
    for workers in (0, 2):
        loader = DataLoader(Clips(config, [picture(30)]), None, num_workers=workers)
        for i, (images, masks) in enumerate(loader):
            assert torch.equal(images, backwards[i][0]) and torch.equal(masks, backwards[i][1])
    other = Clips(replace(config, seed=1), [picture(30)])[0]
    assert not torch.equal(other[0], backwards[0][0])


def test_a_clip_of_one_image_moves() -> None:
    images, masks = Clips(replace(CONFIG, synthetic_share=0.0), [picture(30)])[0]
    assert not torch.equal(images[0], images[1]) and not torch.equal(masks[1], masks[2])


def test_images_without_a_large_object_are_an_error_in_the_end() -> None:
    with pytest.raises(InputError, match=r"square of 1: the last of 50 images without an object that is large enough"):
        _ = Clips(replace(CONFIG, synthetic_share=0.0), [picture(1)])[0]


def test_no_images_at_all_are_an_error_at_once() -> None:
    with pytest.raises(InputError, match=r"no images, but a synthetic share of 0.5"):
        Clips(replace(CONFIG, synthetic_share=0.5), [])


def test_any_large_object_can_be_the_target_and_no_small_one() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20], mask[30:50, :20], mask[60:62, 60:62] = 2, 7, 9
    random = np.random.default_rng(0)
    assert {choose_target(mask, AugmentConfig(), random) for _ in range(50)} == {2, 7}
    assert choose_target(np.zeros((64, 64), np.uint8), AugmentConfig(), random) is None


def test_only_the_chosen_object_is_in_the_mask() -> None:
    still = AugmentConfig(rotate=0.0, scale=1.0, shear=0.0, area=(1.0, 1.0), aspect=1.0, crop=64, flip=0.0)
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20], mask[30:50, :20] = 2, 7
    sample = cut(still, [np.zeros((64, 64, 3), np.uint8)], [mask], np.random.default_rng(0))
    assert sample is not None
    assert any(np.array_equal(sample[1][0].numpy(), mask == i) for i in (2, 7))
