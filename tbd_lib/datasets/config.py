"""Settings of the data: training clips, their augmentation, synthetic videos, which COCO regions are objects."""

from dataclasses import dataclass
from typing import Literal, get_args

Benchmark = Literal["davis", "youtube-vos"]
Challenge = Literal[
    "look-alike",  # a moving thing of the background with the texture and shape of an object
    "crossing",  # an object passes over or under another object or a thing of the background
    "occlusion",  # an object is hidden to a good part
    "leaving",  # an object is out of the frame for a while and comes back
    "late-entry",  # an object is first seen in a later frame
    "scale-change",  # an object grows or shrinks
    "light-change",  # brightness, contrast and tint drift
    "camera-motion",  # the view drifts, shakes, turns and zooms
    "motion-blur",  # the shutter stays open while things move
    "noise",  # sensor noise and strong compression
]


@dataclass(frozen=True)
class SyntheticConfig:
    """What the synthetic look-alike videos are like; pairs are the smallest and largest value drawn."""

    height: int = 240  # pixels
    width: int = 427
    frames: int = 28
    objects: tuple[int, int] = (1, 3)
    distractors: tuple[int, int] = (1, 3)  # moving things that belong to the background
    challenges: tuple[Challenge, ...] = get_args(Challenge)  # those that may occur; the others never do
    challenge_share: float = 1.0  # probability that a video tries for each of them
    diameter: tuple[float, float] = (0.22, 0.4)  # of objects, as a share of the shorter side
    speed: tuple[float, float] = (0.003, 0.015)  # of objects, in shorter sides per frame
    min_pixels: int = 400  # an object that is there from the beginning shows at least so many in the first frame


TRAINING = SyntheticConfig(
    256, 256, 5, distractors=(0, 3), challenge_share=0.4, diameter=(0.16, 0.45), speed=(0.0, 0.05), min_pixels=256
)


@dataclass(frozen=True)
class AugmentConfig:
    """How a clip is cut from an image or a video; the defaults are those of the paper's COCO stage."""

    rotate: float = 20.0  # degrees either way, per frame; the drift accumulates over the clip
    scale: float = 1.25  # up to this factor either way, per frame
    shear: float = 20.0  # degrees either way, per frame and axis
    area: tuple[float, float] = (0.5, 1.0)  # of the crop, as a share of the frame
    aspect: float = 4 / 3  # of the crop, up to this factor either way
    crop: int = 384  # pixels, side of the square that the crop becomes
    flip: float = 0.5  # probability, horizontally and vertically
    swap: float = 0.2  # probability of swap-and-attach
    tries: int = 10  # crops that are tried until one object is large enough
    min_share: float = 256 / 384**2  # of the crop that an object must cover in the first frame


IMAGE_AUGMENT = AugmentConfig()
VIDEO_AUGMENT = AugmentConfig(rotate=5.0, scale=1.05, shear=5.0, area=(0.8, 1.0))


@dataclass(frozen=True)
class CocoConfig:
    """Which of the regions that COCO annotates are objects; the others count as background."""

    crowds: bool = False  # also crowd regions, each as one object: many things annotated together
    min_area: int = 0  # pixels of a region; 0 keeps all: what is tiny is no target (augment.min_share) but may hide one


INSTANCES = CocoConfig()


@dataclass(frozen=True)
class DataConfig:
    """What a model learns from: a data set, and how clips are cut from it; the defaults are the paper's first stage."""

    dataset: Literal["coco", "davis", "youtube-vos", "sample"] = "coco"  # whose videos or images
    coco: CocoConfig = INSTANCES
    augment: AugmentConfig = IMAGE_AUGMENT
    frames: int = 5  # of a clip
    stride: tuple[int, int] = (1, 1)  # a clip takes every n-th frame of its video, n drawn between these
    short_videos: Literal["refuse", "repeat"] = "refuse"  # shorter than a clip: an error, or the last frame repeated
    batch: int = 16  # clips, over all processes
    synthetic_share: float = 0.0  # of the clips: from synthetic look-alike videos instead of the data set
    synthetic_videos: int = 1000  # different synthetic videos
    synthetic: SyntheticConfig = TRAINING  # with as many frames as the clips have
    synthetic_augment: AugmentConfig = VIDEO_AUGMENT
    hold_out: int = 4  # videos (or images) of the data set that are kept for validation; 0 for none
    workers: int = 2  # processes that make clips, per process that trains
