"""Training clips are determined by seed, epoch and index, and always show a target."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_runs import square_video
from torch.utils.data import DataLoader

from tbd_lib.datasets.clips import Clips, choose_target, cut, drifting_videos
from tbd_lib.datasets.config import AugmentConfig
from tbd_lib.errors import InputError
from tbd_lib.training.config import SMALL_STAGE
from tbd_lib.video.frames import Frame, Video

AUGMENT = replace(SMALL_STAGE.data.augment, crop=64)
STILL = AugmentConfig(
    rotate=0.0, scale=1.0, shear=0.0, area=(1.0, 1.0), aspect=1.0, crop=64, flip=0.0, min_share=8 / 64**2
)
CONFIG = replace(
    SMALL_STAGE.data,
    augment=AUGMENT,
    synthetic_augment=AUGMENT,
    synthetic_share=0.0,
    frames=3,
    batch=2,
    synthetic_videos=3,
)
ITERATIONS = 4


def picture(side: int, name: str = "") -> Video:
    """One image with a square object of ``side`` pixels."""
    mask = np.zeros((100, 120), np.uint8)
    mask[40 : 40 + side, 50 : 50 + side] = 3
    image = np.random.default_rng(side).integers(0, 256, (100, 120, 3), np.uint8)
    return Video(name or f"square of {side}", [Frame("a", image)], {}, [mask])


def counting_video(frames: int) -> Video:
    """Frame ``t`` is as bright as ``10 t`` everywhere; its object fills the left half."""
    masks = [np.zeros((64, 64), np.uint8) for _ in range(frames)]
    for mask in masks:
        mask[:, :32] = 1
    images = [np.full((64, 64, 3), 10 * t, np.uint8) for t in range(frames)]
    return Video("counting", [Frame(str(t), image) for t, image in enumerate(images)], {}, masks)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_clip_has_a_target_in_its_first_frame(share: float) -> None:
    clips = Clips(replace(CONFIG, synthetic_share=share), [picture(20), picture(3)], ITERATIONS)
    assert len(clips) == 8
    for index in range(len(clips)):
        images, masks = clips[index]
        assert images.shape == (3, 3, 64, 64) and images.dtype == torch.uint8
        assert masks.shape == (3, 64, 64) and set(masks.unique().tolist()) <= {0, 1}
        assert masks[0].sum() >= AUGMENT.min_share * 64 * 64


def test_clips_depend_on_seed_epoch_and_index_alone() -> None:
    """Not on the order of access, nor on the number of workers."""
    config, videos = replace(CONFIG, synthetic_share=0.5), [picture(30), square_video()]
    backwards = {i: Clips(config, videos, ITERATIONS)[i] for i in reversed(range(8))}
    for workers in (0, 2):
        loader = DataLoader(Clips(config, videos, ITERATIONS), None, num_workers=workers)
        for i, (images, masks) in enumerate(loader):
            assert torch.equal(images, backwards[i][0]) and torch.equal(masks, backwards[i][1])
    other = Clips(config, videos, ITERATIONS, seed=1)[0]
    assert not torch.equal(other[0], backwards[0][0])


def test_an_epoch_goes_once_through_all_videos_in_its_own_order() -> None:
    """Videos that are told apart by their brightness."""
    videos = [
        Video(str(i), [Frame("a", np.full((64, 64, 3), 20 * i, np.uint8))], {}, [np.ones((64, 64), np.uint8)])
        for i in range(8)
    ]
    clips = Clips(replace(CONFIG, augment=STILL), videos, 12)
    seen = [int(clips[number][0].max()) // 20 for number in range(24)]
    epochs = [seen[:8], seen[8:16], seen[16:]]
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_two_epochs_cut_the_same_video_differently() -> None:
    clips = Clips(CONFIG, [picture(30)], ITERATIONS)
    assert not torch.equal(clips[0][0], clips[1][0])


def test_a_clip_of_one_image_moves() -> None:
    images, masks = Clips(CONFIG, [picture(30)], ITERATIONS)[0]
    assert not torch.equal(images[0], images[1]) and not torch.equal(masks[1], masks[2])


def test_frames_are_consecutive_the_last_is_repeated_and_half_are_played_backwards() -> None:
    video, random = counting_video(6), np.random.default_rng(0)
    runs = Counter()
    for _ in range(300):
        sample = cut(video, 4, STILL, random)
        assert sample is not None
        runs[tuple((sample[0].float().mean((1, 2, 3)) / 10).round().int().tolist())] += 1
    forwards = {tuple(min(start + i, 5) for i in range(4)) for start in range(6)}
    assert set(runs) == forwards | {run[::-1] for run in forwards}
    backwards = sum(count for run, count in runs.items() if run[0] > run[-1])
    assert 100 < backwards < 150  # of 300, of which a sixth shows the last frame only


def test_a_clip_takes_every_nth_frame_for_an_n_of_its_own() -> None:
    clips = Clips(replace(CONFIG, augment=STILL, frames=3, stride=(2, 3)), [counting_video(20)], 20)
    steps = Counter()
    for images, _ in (clips[number] for number in range(len(clips))):
        first, second, third = (images.float().mean((1, 2, 3)) / 10).round().int().tolist()
        if min(first, third) > 0 and max(first, third) < 19:  # the last frame is repeated
            assert third - second == second - first
            steps[abs(second - first)] += 1
    assert set(steps) == {2, 3}


def test_videos_without_a_large_object_are_an_error_in_the_end() -> None:
    with pytest.raises(InputError, match=r"square of 1: the last of 50 without an object that is large enough"):
        _ = Clips(CONFIG, [picture(1)], ITERATIONS)[0]


def test_no_videos_at_all_are_an_error_at_once() -> None:
    with pytest.raises(InputError, match=r"found no videos or images, but `data.synthetic_share` 0.5"):
        Clips(replace(CONFIG, synthetic_share=0.5), [], ITERATIONS)


def test_a_clip_longer_than_a_video_is_refused_unless_its_end_may_be_repeated() -> None:
    videos = [square_video(9), square_video(4, name="brief"), picture(20)]
    with pytest.raises(InputError, match=r"brief: 4 frames; expected at least the 5 of a clip \(of 3 videos 1 are"):
        Clips(replace(CONFIG, frames=5), videos, ITERATIONS)
    repeated = Clips(replace(CONFIG, frames=5, short_videos="repeat"), videos, ITERATIONS)
    assert all(repeated[i][0].shape[0] == 5 for i in range(3))


def test_videos_that_nothing_can_be_learned_from_are_refused() -> None:
    videos = [square_video(9), replace(square_video(9, name="first mask alone"), truth=None)]
    with pytest.raises(
        InputError, match=r"^first mask alone: found no true masks, expected .*\(of 2 videos 1 have none\)"
    ):
        Clips(CONFIG, videos, ITERATIONS)


def test_any_large_object_can_be_the_target_and_no_small_one() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20], mask[30:50, :20], mask[60:62, 60:62] = 2, 7, 9
    random = np.random.default_rng(0)
    assert {choose_target(mask, AugmentConfig(), random) for _ in range(50)} == {2, 7}
    assert choose_target(np.zeros((64, 64), np.uint8), AugmentConfig(), random) is None


def test_the_least_size_is_256_pixels_at_384() -> None:
    mask = np.zeros((384, 384), np.uint8)
    mask[0, :256] = 1
    random = np.random.default_rng(0)
    assert choose_target(mask, AugmentConfig(), random) == 1
    mask[0, 0] = 0
    assert choose_target(mask, AugmentConfig(), random) is None


def test_only_the_chosen_object_is_in_the_mask() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20], mask[30:50, :20] = 2, 7
    video = Video("two", [Frame("a", np.zeros((64, 64, 3), np.uint8))], {}, [mask])
    sample = cut(video, 1, STILL, np.random.default_rng(0))
    assert sample is not None
    assert any(np.array_equal(sample[1][0].numpy(), mask == i) for i in (2, 7))


def test_drifting_videos_are_always_the_same_and_know_their_truth() -> None:
    first, again = (drifting_videos(CONFIG, [picture(30, "a"), picture(1, "b")], seed=0) for _ in range(2))
    assert [video.name for video in first] == ["a"]
    (video,) = first
    assert video.truth is not None and len(video.truth) == 3
    assert np.array_equal(video.given[0], video.truth[0])
    for frame, same in zip(video.frames, again[0].frames, strict=True):
        assert np.array_equal(frame.image, same.image)


def test_held_out_images_of_which_none_can_be_tracked_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"^`data.hold_out` 2: none of these images has an object that is large enough"
    ):
        drifting_videos(CONFIG, [picture(1, "a"), picture(1, "b")], seed=0)
    assert drifting_videos(CONFIG, [], seed=0) == []
