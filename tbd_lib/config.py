"""Every constant of the project, in frozen dataclasses; the defaults are the paper's."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

Precision = Literal["float32", "bfloat16", "float16"]
Template = Literal["global", "local", "overall", "short", "long"]


@dataclass(frozen=True)
class ModelConfig:
    """Widths and starting values of the network (``docs/method.md``, steps 1 to 7)."""

    encoder: Literal["densenet121", "small"] = "densenet121"
    key_channels: int = 512
    decoder_channels: int = 256
    distance_units: int = 4  # hidden units of the distance scorer
    spatial_gate_channels: int = 16  # hidden channels of CBAM's spatial gate
    short_inertia: float = 1.0  # theta; the old vector keeps 1 / (1 + e^theta) = 0.27
    long_inertia: float = -1.0  # keeps 0.73
    templates: tuple[Template, ...] = get_args(Template)  # for ablations: score maps of the others are zero
    distance_score: bool = True  # for ablations: without it the local match counts as much from far as from near


PAPER = ModelConfig()
SMALL = replace(PAPER, encoder="small", key_channels=128, decoder_channels=64)


@dataclass(frozen=True)
class TrackConfig:
    """How a video goes through the model."""

    short_side: int | None = 480  # pixels to which the shorter side of a larger frame is reduced; None keeps the size
    enlarge: bool = False  # make the shorter side of a smaller frame ``short_side`` too
    min_object_pixels: int = 1000  # an object smaller than this after resizing keeps the video at its own size
    objects_at_once: int | None = None  # per pass of the decoder; None is 1 on a CPU, whose caches hold no more, or 8
    near: int | None = None  # decode only so many grid cells around where an object can be; None: every pixel, exact
    precision: Precision = "float32"  # of encoder and decoder
    compile: bool = False  # encoder and decoder by torch.compile: the first frames take seconds to minutes


BENCHMARK = TrackConfig(enlarge=True)  # the evaluation's protocol: every video's shorter side becomes 480 pixels


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

    crowds: bool = False  # also crowd regions, each as one object: many things that nobody told apart
    min_area: int = 0  # pixels of a region; 0 keeps all: what is tiny is no target (augment.min_share) but may hide one


INSTANCES = CocoConfig()


@dataclass(frozen=True)
class TrainConfig:
    """A run of training; the defaults are the paper's first stage, on COCO (``docs/method.md``, training recipe)."""

    model: ModelConfig = PAPER
    dataset: Literal["coco", "davis", "youtube-vos", "sample"] = "coco"
    coco: CocoConfig = INSTANCES
    augment: AugmentConfig = IMAGE_AUGMENT
    frames: int = 5  # per clip
    short_videos: Literal["refuse", "repeat"] = (
        "refuse"  # videos shorter than a clip: an error, or the last frame again
    )
    batch: int = 16  # clips, over all processes
    iterations: int = 64_000
    learning_rate: float = 1e-4
    encoder_rate: float | None = None  # the encoder's own learning rate; None is the paper's way: it stays as it is
    schedule: Literal["constant", "cosine"] = "constant"  # of both rates; the cosine ends at zero
    warm_up: int = 0  # iterations in which the rates rise to their full height
    weight_decay: float = 0.0  # 0 makes AdamW the Adam of the paper
    clip_gradient: float | None = None  # largest norm
    precision: Precision = "bfloat16"  # similarities and templates stay in float32
    channels_last: bool = False  # memory format of the convolutions
    compile: bool = False  # encoder and decoder by torch.compile
    context_from: int = 0  # iteration at which the decoder begins to see the image's features,
    context_full: int = 0  # and the one from which on it sees them in full; above 0 only without trained weights
    settle: float = 0.0  # share of the run, at its end, in which a trained encoder's batch-norm statistics stand still
    imitate: float = 0.0  # weight of the loss by which the encoder learns to imitate a teacher
    imitated_frames: int = 2  # of every clip
    synthetic_share: float = 0.0  # of the clips: from synthetic look-alike videos instead of the data
    synthetic_videos: int = 1000  # different ones
    synthetic: SyntheticConfig = TRAINING  # with as many frames as the clips have
    synthetic_augment: AugmentConfig = VIDEO_AUGMENT
    hold_out: int = 4  # videos (or images) of the training data that are kept for validation; 0 for none
    validate_every: int = 2000  # iterations
    save_every: int = 500
    log_every: int = 20
    workers: int = 2  # processes that make clips, per process that trains
    seed: int = 0


COCO_STAGE = TrainConfig()
DAVIS_STAGE = replace(COCO_STAGE, dataset="davis", augment=VIDEO_AUGMENT, frames=10, batch=8)
YOUTUBE_VOS_STAGE = replace(DAVIS_STAGE, dataset="youtube-vos", hold_out=16)
SMALL_STAGE = replace(  # the small model from scratch, encoder and all, on a laptop
    COCO_STAGE,
    model=SMALL,
    augment=replace(IMAGE_AUGMENT, crop=192, rotate=10.0, shear=10.0, scale=1.15),
    batch=8,
    iterations=1600,
    learning_rate=1e-3,
    encoder_rate=1e-3,
    schedule="cosine",
    warm_up=50,
    weight_decay=0.01,
    clip_gradient=1.0,
    context_from=100,
    context_full=300,
    settle=0.15,
    synthetic_share=0.5,
    synthetic_augment=replace(VIDEO_AUGMENT, crop=192),
    validate_every=400,
    save_every=100,
    workers=1,
)
SAMPLE_STAGE = replace(  # minutes on two cores
    SMALL_STAGE,
    dataset="sample",
    augment=replace(VIDEO_AUGMENT, crop=160, area=(0.3, 0.9)),
    frames=4,
    iterations=1000,
    context_from=50,
    context_full=150,
    settle=0.1,
    synthetic_share=0.8,
    synthetic_videos=400,
    synthetic_augment=replace(VIDEO_AUGMENT, crop=160),
    hold_out=1,
    validate_every=500,
)
STAGES = {"coco": COCO_STAGE, "davis": DAVIS_STAGE, "youtube-vos": YOUTUBE_VOS_STAGE, "sample": SAMPLE_STAGE}
