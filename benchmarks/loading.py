"""How much faster one process makes the COCO stage's clips than a plain pipeline, which resamples step after step.

Both make the same clips of the same pictures: they draw the same numbers. The plain pipeline is the textbook's: it
turns the whole picture, crops, resizes and flips, each with the function that Pillow has for it, and looks then whether
an object is large enough; a try that fails has cost the first frame. The library multiplies the matrices, tries on the
mask alone, and resamples once. ``tests/test_loading.py`` holds that both show the same.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image as Pictures
from PIL.Image import Resampling, Transform, Transpose

from benchmarks.timing import in_turn, ratios
from tbd_lib.datasets.augment import FILL, Matrix, sample_augmentation
from tbd_lib.datasets.clips import Clips, Sample, choose_target
from tbd_lib.datasets.coco import coco
from tbd_lib.datasets.config import AugmentConfig, DataConfig
from tbd_lib.video.frames import Video

ITERATIONS = 1000  # more than are loaded
Pair = tuple[Pictures.Image, Pictures.Image]  # a picture and its id mask


@dataclass(frozen=True)
class Steps:
    """What is done to the frames of one clip, one step after the other."""

    drifts: tuple[Matrix, ...]  # for every frame, from pixels of the turned picture to pixels of the picture
    box: tuple[int, int, int, int]  # of the turned picture that is kept: left, upper, right, lower
    flip_x: bool
    flip_y: bool
    side: int  # pixels, of the square that the box becomes

    def frame(self, t: int, pair: Pair) -> Pair:
        """Frame ``t`` of the clip, and its id mask."""
        image, mask = pair
        return self._apply(t, image, Resampling.BILINEAR, FILL), self._apply(t, mask, Resampling.NEAREST, 0)

    def _apply(
        self, t: int, picture: Pictures.Image, how: Resampling, fill: int | tuple[int, int, int]
    ) -> Pictures.Image:
        data = tuple(self.drifts[t][:2].ravel().tolist())
        picture = picture.transform(picture.size, Transform.AFFINE, data, how, fillcolor=fill)
        picture = picture.crop(self.box).resize((self.side, self.side), how)
        picture = picture.transpose(Transpose.FLIP_LEFT_RIGHT) if self.flip_x else picture
        return picture.transpose(Transpose.FLIP_TOP_BOTTOM) if self.flip_y else picture


def draw(config: AugmentConfig, random: np.random.Generator, frames: int, size: tuple[int, int]) -> Steps:
    """The steps of one clip, from the numbers that the library draws for it."""
    still = replace(config, rotate=0.0, scale=1.0, shear=0.0)
    (crop,) = sample_augmentation(still, deepcopy(random), 1, size).to_input
    drifted = sample_augmentation(config, random, frames, size).to_input
    undo = np.linalg.inv(crop)
    (x0, x1), (y0, y1) = (crop @ [[0, config.crop], [0, config.crop], [1, 1]])[:2].tolist()
    box = (round(min(x0, x1)), round(min(y0, y1)), round(max(x0, x1)), round(max(y0, y1)))
    return Steps(tuple(matrix @ undo for matrix in drifted), box, x0 > x1, y0 > y1, config.crop)


def plain_cut(
    image: Path, video: Video, frames: int, config: AugmentConfig, random: np.random.Generator
) -> Sample | None:
    """A clip from one picture, or None if no crop of it shows an object that is large enough."""
    assert video.truth is not None
    picture, mask = Pictures.open(image).convert("RGB"), Pictures.fromarray(video.truth[0])
    random.integers(1)  # the library draws where a clip starts,
    random.choice([1, -1])  # and which way it plays
    for _ in range(config.tries):
        steps = draw(config, random, frames, (picture.height, picture.width))
        first = steps.frame(0, (picture, mask))
        if target := choose_target(np.asarray(first[1]), config, random):
            clip = [first, *(steps.frame(t, (picture, mask)) for t in range(1, frames))]
            return to_tensors(clip, target)
    return None


def to_tensors(clip: list[Pair], target: int) -> Sample:
    """Images "t 3 Y X" and masks "t Y X", 1 where the target is."""
    images = np.stack([np.asarray(image) for image, _ in clip])
    masks = np.stack([np.asarray(mask) == target for _, mask in clip]).astype(np.uint8)
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(masks)


class PlainClips(Clips):
    """The library's clips, each cut the plain way.

    Args:
        config: how long they are, and how they are cut.
        videos: of COCO.
        folder: of their pictures.
    """

    def __init__(self, config: DataConfig, videos: list[Video], folder: Path) -> None:
        super().__init__(config, videos, ITERATIONS)
        self.folder = folder

    def _clip(self, place: int, random: np.random.Generator) -> Sample:
        video = self.videos[place]
        sample = plain_cut(self.folder / f"{video.name}.jpg", video, self.config.frames, self.config.augment, random)
        return sample or self._clip(int(random.integers(len(self.videos))), random)


def both_ways(config: DataConfig, root: Path) -> tuple[Clips, PlainClips]:
    """The library's clips and the plain ones."""
    videos = coco(root)
    return Clips(config, videos, ITERATIONS), PlainClips(config, videos, root / "train2017")


def measure(root: Path, clips: int, rounds: int) -> dict[str, object]:
    """Clips per processor second of both forms, and the ratio."""
    ours, plain = both_ways(DataConfig(), root)
    numbers = range(clips)
    forms = {"plain": lambda: make(plain, numbers), "ours": lambda: make(ours, numbers)}
    seconds = in_turn(forms, rounds)
    return {
        "images": len(ours.videos),
        "pixels_per_image": mean_pixels(root, ours.videos),
        "clips": clips,
        "rounds": rounds,
        "ratio": ratios(seconds["plain"], seconds["ours"]),
        "clips_per_processor_second": {name: clips / median(times) for name, times in seconds.items()},
    }


def mean_pixels(root: Path, videos: Sequence[Video]) -> float:
    """Pixels of a picture, on average: the plain form turns them all, the library only those that it keeps."""
    sizes = [Pictures.open(root / "train2017" / f"{video.name}.jpg").size for video in videos]
    return float(np.mean([width * height for width, height in sizes]))


def make(clips: Clips, numbers: range) -> None:
    """Make these clips, and forget them."""
    for number in numbers:
        clips[number]
