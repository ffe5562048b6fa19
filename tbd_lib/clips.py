"""Training clips: which frames, which object, how they are cut; determined by seed and index alone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import Dataset

from tbd_lib.augment import sample_augmentation
from tbd_lib.config import TRAINING, AugmentConfig, SyntheticConfig, TrainConfig
from tbd_lib.files import InputError
from tbd_lib.shapes import Image, Mask
from tbd_lib.synthetic import random_clip
from tbd_lib.video import Clip, Video

Sample = tuple[UInt8[Tensor, "t 3 Y X"], UInt8[Tensor, "t Y X"]]
MOST_TRIED = 50  # in a row before a data set counts as having no usable object


class Clips(Dataset[Sample]):
    """Clips of one object each, from synthetic videos and from images; the object's mask is 1 where it is.

    Every clip shows a target that covers at least ``augment.min_share`` of its first frame (the original skips a whole
    batch when one clip has none).

    Args:
        config: how many, how long, how they are cut, and how large a share is synthetic.
        pictures: videos of one frame with their true masks.
    """

    def __init__(self, config: TrainConfig, pictures: Sequence[Video]) -> None:
        if config.synthetic_share < 1 and not pictures:
            raise InputError(
                f"no images, but a synthetic share of {config.synthetic_share}; expected images, or share 1"
            )
        self.config = config
        self.pictures = pictures

    def __len__(self) -> int:
        return self.config.iterations * self.config.batch

    def __getitem__(self, index: int) -> Sample:
        random = np.random.default_rng([self.config.seed, index])
        if random.random() < self.config.synthetic_share:
            return synthetic_sample(self.config, random)
        return picture_sample(self.config, self.pictures, random)


def synthetic_sample(config: TrainConfig, random: np.random.Generator) -> Sample:
    """One object of a synthetic clip, played backwards half of the time, in a gentle drift of its own.

    Raises:
        InputError: many clips in a row have no object that stays large enough.
    """
    wanted = replace(TRAINING, frames=config.frames)
    for _ in range(MOST_TRIED):
        clip = _synthetic_clip(wanted, int(random.integers(config.synthetic_videos)))
        order = slice(None, None, int(random.choice([1, -1])))
        if sample := cut(config.video_augment, list(clip.images[order]), list(clip.masks[order]), random):
            return sample
    raise InputError(f"synthetic clips: {MOST_TRIED} in a row without an object that is large enough")


def picture_sample(config: TrainConfig, pictures: Sequence[Video], random: np.random.Generator) -> Sample:
    """A clip from one image, through an affine drift; images without a target that stays large enough are passed over.

    Raises:
        InputError: many images in a row have none.
    """
    drawn = [pictures[int(number)] for number in random.integers(len(pictures), size=MOST_TRIED)]
    for picture in drawn:
        assert picture.truth is not None
        (frame,), mask = picture.frames, picture.truth[0]
        if sample := cut(config.augment, [frame.image] * config.frames, [mask] * config.frames, random):
            return sample
    raise InputError(f"{drawn[-1].name}: the last of {MOST_TRIED} images without an object that is large enough")


def cut(
    config: AugmentConfig, images: Sequence[Image], masks: Sequence[Mask], random: np.random.Generator
) -> Sample | None:
    """Up to ``tries`` crops of a clip, until one shows a target, chosen at random among the large ones; None else."""
    span = range(len(images))
    for _ in range(config.tries):
        how = sample_augmentation(config, random, len(images), masks[0].shape)
        if target := choose_target(how.mask(0, masks[0]), config, random):
            picture = np.stack([how.image(t, images[t]) for t in span])
            own = np.stack([how.mask(t, (masks[t] == target).astype(np.uint8)) for t in span])
            return torch.from_numpy(picture).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(own)
    return None


@lru_cache(maxsize=1000)
def _synthetic_clip(config: SyntheticConfig, seed: int) -> Clip:
    """A synthetic clip, kept: drawing one takes five times as long as cutting it."""
    return random_clip(config, seed)


def choose_target(mask: UInt8[np.ndarray, "H W"], config: AugmentConfig, random: np.random.Generator) -> int | None:
    """One of the objects that are large enough, at random; None where none is."""
    pixels = np.bincount(mask.ravel(), minlength=2)[1:]
    large = np.flatnonzero(pixels >= config.min_share * mask.size) + 1
    return int(random.choice(large)) if len(large) else None
