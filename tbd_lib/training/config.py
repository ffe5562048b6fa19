"""Settings of a training run, in four parts; the defaults are the paper's first stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeVar

import tyro

from tbd_lib.datasets.config import VIDEO_AUGMENT, DataConfig
from tbd_lib.errors import InputError
from tbd_lib.method.config import PAPER, SMALL, ModelConfig, Precision

UNPREFIXED = tyro.conf.arg(name="")  # on the command line --batch, not --data.batch
C = TypeVar("C")


@dataclass(frozen=True)
class OptimiserConfig:
    """What is minimised, and by which steps."""

    learning_rate: float = 1e-4  # of all but the encoder
    encoder_rate: float | None = None  # the encoder's learning rate; None is the paper's way: the encoder stays frozen
    schedule: Literal["constant", "cosine"] = "constant"  # of both rates; the cosine ends at zero
    warm_up: int = 0  # iterations in which the rates rise to their full height
    weight_decay: float = 0.0  # 0 makes AdamW the Adam of the paper
    clip_gradient: float | None = None  # largest norm of the gradient; None leaves it as it is
    context_from: int = 0  # iteration from which on the decoder begins to see the image's features
    context_full: int = 0  # iteration from which on it sees them in full; above 0 only without trained weights
    freeze_bn_stats: float = 0.0  # share of the run, at its end, with frozen batch-norm statistics in a trained encoder


@dataclass(frozen=True)
class RunConfig:
    """How long a run goes on, how it computes, and when it looks up to validate, save and log."""

    iterations: int = 64_000  # steps of the optimiser
    precision: Precision | Literal["auto"] = "auto"  # of the convolutions; "auto" goes by the hardware
    compile: bool = False  # encoder and decoder by torch.compile
    accumulate: int = 1  # parts of a batch, computed one after the other: less memory, and the gradients are the same
    validate_every: int = 2000  # iterations from one validation to the next
    save_every: int = 500  # iterations from one checkpoint to the next
    log_every: int = 20  # iterations from one line of the log to the next
    seed: int = 0  # of all that is drawn


@dataclass(frozen=True)
class TrainConfig:
    """A run of training; the defaults are the paper's first stage, on COCO (``docs/method.md``, training recipe)."""

    model: ModelConfig = PAPER
    data: Annotated[DataConfig, UNPREFIXED] = field(default_factory=DataConfig)
    optimiser: Annotated[OptimiserConfig, UNPREFIXED] = field(default_factory=OptimiserConfig)
    run: Annotated[RunConfig, UNPREFIXED] = field(default_factory=RunConfig)


def change(config: C, **settings: Any) -> C:
    """A configuration with other values in some places; those of a part come as a mapping.

    ``change(COCO_STAGE, data={"batch": 4, "augment": {"crop": 96}}, run={"iterations": 100})``

    Raises:
        TypeError: a setting that there is not.
    """
    parts = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    settings |= {name: change(getattr(config, name), **part) for name, part in parts.items()}
    return replace(config, **settings)  # pyright: ignore[reportArgumentType] (C is any frozen dataclass)


LEAST = {
    "data.augment.crop": 1,
    "data.augment.tries": 1,
    "data.frames": 2,  # the first of which is given
    "data.batch": 1,
    "data.synthetic_videos": 1,
    "data.synthetic_augment.crop": 1,
    "data.synthetic_augment.tries": 1,
    "data.hold_out": 0,
    "data.workers": 0,
    "optimiser.learning_rate": 0,
    "optimiser.warm_up": 0,
    "optimiser.weight_decay": 0,
    "optimiser.context_from": 0,
    "optimiser.context_full": 0,
    "run.iterations": 1,
    "run.validate_every": 1,
    "run.save_every": 1,
    "run.log_every": 1,
}
"""The smallest value that a setting can have."""
SHARES = (
    "data.augment.flip",
    "data.augment.swap",
    "data.augment.min_share",
    "data.synthetic_share",
    "data.synthetic_augment.flip",
    "data.synthetic_augment.min_share",
    "optimiser.freeze_bn_stats",
)
"""Settings from 0 to 1."""


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that work with no data and on no machine.

    Raises:
        InputError: naming the setting, its value and what was expected.
    """
    for name, least in LEAST.items():
        if not (value := attrgetter(name)(config)) >= least:
            raise InputError(f"`{name}` {value}: expected at least {least}")
    for name in SHARES:
        if not 0 <= (value := attrgetter(name)(config)) <= 1:
            raise InputError(f"`{name}` {value}: expected 0 to 1")
    data, optimiser = config.data, config.optimiser
    if not 1 <= data.stride[0] <= data.stride[1]:
        raise InputError(f"`data.stride` {data.stride}: expected two numbers from 1 on, the smaller first")
    if data.augment.crop != data.synthetic_augment.crop and 0 < data.synthetic_share < 1:
        sizes = f"{data.augment.crop} and `data.synthetic_augment.crop` {data.synthetic_augment.crop}"
        raise InputError(f"`data.augment.crop` {sizes}: expected the same, since clips of both stand in one batch")
    begin, full = optimiser.context_from, optimiser.context_full
    if full <= begin and (begin, full) != (0, 0):
        raise InputError(f"`optimiser.context_full` {full}: expected more than `optimiser.context_from` {begin}")
    if optimiser.clip_gradient is not None and not optimiser.clip_gradient > 0:
        raise InputError(f"`optimiser.clip_gradient` {optimiser.clip_gradient}: expected more than 0, or None")


COCO_STAGE = TrainConfig()
DAVIS_STAGE = change(COCO_STAGE, data={"dataset": "davis", "augment": VIDEO_AUGMENT, "frames": 10, "batch": 8})
YOUTUBE_VOS_STAGE = change(DAVIS_STAGE, data={"dataset": "youtube-vos", "hold_out": 16})
SMALL_STAGE = change(  # the bundled models' head, on an encoder that stays frozen
    COCO_STAGE,
    model=SMALL,
    data={
        "augment": {"crop": 256, "area": (0.2, 0.9), "rotate": 10.0, "shear": 8.0, "scale": 1.15},
        "synthetic_augment": {"crop": 256, "area": (0.35, 1.0)},
        "synthetic_share": 0.35,
        "synthetic_videos": 2000,
        "batch": 6,
        "workers": 1,
    },
    optimiser={
        "learning_rate": 3e-3,
        "schedule": "cosine",
        "warm_up": 20,
        "weight_decay": 0.01,
        "clip_gradient": 1.0,
        "context_from": 60,
        "context_full": 180,
    },
    run={"iterations": 2400, "validate_every": 800, "save_every": 100},
)
SAMPLE_STAGE = change(  # a quarter of an hour on two cores
    SMALL_STAGE,
    data={
        "dataset": "sample",
        "augment": replace(VIDEO_AUGMENT, crop=192, area=(0.3, 0.9)),
        "frames": 4,
        "synthetic_share": 0.8,
        "synthetic_videos": 400,
        "synthetic_augment": {"crop": 192},
        "hold_out": 1,
        "batch": 4,
    },
    run={"iterations": 1800, "validate_every": 600},
)
STAGES = {"coco": COCO_STAGE, "davis": DAVIS_STAGE, "youtube-vos": YOUTUBE_VOS_STAGE, "sample": SAMPLE_STAGE}
