"""Settings of a training run; the defaults are the paper's first stage."""

from dataclasses import dataclass, replace
from typing import Literal

from tbd_lib.datasets.config import (
    IMAGE_AUGMENT,
    INSTANCES,
    TRAINING,
    VIDEO_AUGMENT,
    AugmentConfig,
    CocoConfig,
    SyntheticConfig,
)
from tbd_lib.method.config import PAPER, SMALL, ModelConfig, Precision


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
