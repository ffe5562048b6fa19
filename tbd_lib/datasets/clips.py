"""Training clips: which frames, which object, how they are cut; determined by seed, epoch and index alone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from tbd_lib.datasets.augment import Augmentation, as_picture, sample_augmentation
from tbd_lib.datasets.config import AugmentConfig, DataConfig, SyntheticConfig
from tbd_lib.datasets.synthetic.clips import clip_as_video, random_clip
from tbd_lib.errors import InputError
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video

Sample = tuple[UInt8[Tensor, "t 3 Y X"], UInt8[Tensor, "t Y X"]]
MOST_TRIED = 50  # videos in a row before a data set counts as having no usable object


class Clips(Dataset[Sample]):
    """The clips of a training run, of one object each; the object's mask is 1 where it is.

    Clip ``number`` is number ``index`` of its epoch; an epoch goes once through all videos, in an order of its own. All
    of a clip follows from (seed, epoch, index), whoever makes it and whatever was made before.

    Every clip shows a target that covers at least ``augment.min_share`` of its first frame (the original skips a whole
    batch when one clip has none).

    Args:
        config: how long clips are, how they are cut, and how large a share is synthetic.
        videos: with true masks; an image is a video of one frame.
        iterations: batches of the run.
        seed: of all that is drawn.

    Raises:
        InputError: no videos, one without true masks, or one that is shorter than a clip.
    """

    def __init__(self, config: DataConfig, videos: Sequence[Video], iterations: int, seed: int = 0) -> None:
        self.config, self.videos, self.iterations, self.seed = config, videos, iterations, seed
        if config.synthetic_share < 1 and not videos:
            raise InputError(
                f"found no videos or images, but `data.synthetic_share` {config.synthetic_share}; expected some, or 1"
            )
        if bare := [video.name for video in videos if not video.truth]:
            raise InputError(
                f"{bare[0]}: found no true masks, expected one per frame to learn from (of {len(videos)} videos "
                f"{len(bare)} have none)"
            )
        if config.short_videos == "refuse":
            self._require_length()

    def __len__(self) -> int:
        return self.iterations * self.config.batch

    def __getitem__(self, number: int) -> Sample:
        size = max(len(self.videos), 1)
        epoch, index = divmod(number, size)
        random = np.random.default_rng([self.seed, epoch, index])
        if random.random() < self.config.synthetic_share:
            return self._synthetic_clip(random)
        return self._clip(int(_order(self.seed, epoch, size)[index]), random)

    def _clip(self, place: int, random: np.random.Generator) -> Sample:
        """A clip of this video; of another at random where it has no object that is large enough."""
        for _ in range(MOST_TRIED):
            stride = int(random.integers(self.config.stride[0], self.config.stride[1] + 1))
            if sample := cut(self.videos[place], self.config.frames, self.config.augment, random, stride=stride):
                return sample
            place = int(random.integers(len(self.videos)))
        name = self.videos[place].name
        raise InputError(f"{name}: the last of {MOST_TRIED} without an object that is large enough; expected one")

    def _synthetic_clip(self, random: np.random.Generator) -> Sample:
        wanted = replace(self.config.synthetic, frames=self.config.frames)
        for _ in range(MOST_TRIED):
            video = _synthetic_video(wanted, int(random.integers(self.config.synthetic_videos)))
            if sample := cut(video, self.config.frames, self.config.synthetic_augment, random, start=0):
                return sample
        raise InputError(f"synthetic clips: {MOST_TRIED} in a row without an object that is large enough; expected one")

    def _require_length(self) -> None:
        short = [video for video in self.videos if video.truth and 1 < len(video.truth) < self.config.frames]
        if short:
            raise InputError(
                f"{short[0].name}: {len(short[0].truth or ())} frames; expected at least the {self.config.frames} of a "
                f"clip (of {len(self.videos)} videos {len(short)} are shorter; `data.short_videos` repeat takes the "
                "last frame again)"
            )


def cut(
    video: Video,
    frames: int,
    config: AugmentConfig,
    random: np.random.Generator,
    start: int | None = None,
    stride: int = 1,
) -> Sample | None:
    """A clip from a video, or None if no crop of it shows an object that is large enough.

    Every ``stride``-th frame from a random one on (or from ``start``), the last again and again where the video ends,
    played backwards half of the time. Up to ``tries`` crops are drawn until one shows a target, chosen at random among
    the objects that are large enough in the first frame.
    """
    assert video.truth is not None and isinstance(video.frames, Sequence)  # ``Clips`` and index functions see to it
    last = len(video.truth) - 1
    begin = int(random.integers(last + 1)) if start is None else start
    positions = [min(begin + i * stride, last) for i in range(frames)][:: int(random.choice([1, -1]))]
    first = video.truth[positions[0]]
    for _ in range(config.tries):
        how = sample_augmentation(config, random, frames, first.shape)
        if target := choose_target(how.mask(0, first), config, random):
            return _apply(how, video, positions, {positions[0]: first}, target)
    return None


def _apply(how: Augmentation, video: Video, positions: Sequence[int], masks: dict[int, Mask], target: int) -> Sample:
    """Cut all frames; each is read once, however often it occurs, and some masks were read before."""
    assert video.truth is not None and isinstance(video.frames, Sequence)
    pictures = {at: as_picture(video.frames[at].image) for at in dict.fromkeys(positions)}
    masks |= {at: video.truth[at] for at in pictures if at not in masks}
    targets = np.stack([how.mask(t, masks[at]) == target for t, at in enumerate(positions)])
    images = torch.stack([how.picture(t, pictures[at]) for t, at in enumerate(positions)])
    return images, torch.from_numpy(targets.view(np.uint8))


def choose_target(mask: Mask, config: AugmentConfig, random: np.random.Generator) -> int | None:
    """One of the objects that are large enough, at random; None where none is."""
    pixels = np.bincount(mask.ravel(), minlength=2)[1:]
    large = np.flatnonzero(pixels >= config.min_share * mask.size) + 1
    return int(random.choice(large)) if len(large) else None


def drifting_videos(config: DataConfig, pictures: Sequence[Video], seed: int) -> list[Video]:
    """Images as short videos, each through a drift that is always the same: what validation tracks for image data.

    Images without an object that is large enough are left out.

    Raises:
        InputError: that would leave none.
    """
    found = []
    for number, picture in enumerate(pictures):
        random = np.random.default_rng([seed, number])
        sample = cut(picture, max(config.frames, 3), config.augment, random)  # scores leave out the first and the last
        if sample is not None:
            images, masks = sample[0].permute(0, 2, 3, 1).numpy(), sample[1].numpy()
            frames = [Frame(f"{t:05d}", image) for t, image in enumerate(images)]
            found.append(Video(picture.name, frames, {0: masks[0]}, list(masks)))
    if pictures and not found:
        raise InputError(
            f"`data.hold_out` {len(pictures)}: none of these images has an object that is large enough to validate "
            "with; expected more"
        )
    return found


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, size: int) -> Int64[np.ndarray, "n"]:
    """The order in which an epoch goes through the videos."""
    return np.random.default_rng([seed, epoch]).permutation(size)


@lru_cache(maxsize=1000)
def _synthetic_video(config: SyntheticConfig, seed: int) -> Video:
    """A synthetic video, kept: drawing one takes five times as long as cutting it."""
    return clip_as_video(random_clip(config, seed))
