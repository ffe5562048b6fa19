"""Processor seconds of one step of training: forward, loss, backward and optimiser of the small model."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler

from benchmarks.timing import in_turn
from tbd_lib.datasets.config import TRAINING
from tbd_lib.datasets.synthetic.clips import random_clip
from tbd_lib.method.model import build_model
from tbd_lib.training.config import TrainConfig, change
from tbd_lib.training.train import make_optimiser, prepare, step


def random_clips(clips: int, frames: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Images "b t 3 H W" in [0, 1] and 0/1 masks "b t H W" of one object in synthetic videos."""
    config = replace(TRAINING, height=size[0], width=size[1], frames=frames, min_pixels=16)
    made = [random_clip(config, seed) for seed in range(clips)]
    images = torch.from_numpy(np.stack([clip.images for clip in made])).permute(0, 1, 4, 2, 3)
    masks = torch.from_numpy(np.stack([clip.masks for clip in made]) == 1)
    return images.float() / 255, masks.long()


def stepper(config: TrainConfig, images: Tensor, masks: Tensor) -> Callable[[], object]:
    """One step of the optimiser, of a new model that always begins with the same weights."""
    torch.manual_seed(0)
    objective = prepare(config, build_model(config.model), images.device)
    objective.train()
    scaler = GradScaler(images.device.type, enabled=False)
    return partial(step, config, objective, make_optimiser(config, objective), scaler, images, masks)


def measure(config: TrainConfig, rounds: int) -> dict[str, object]:
    """Processor seconds of one step, in float32 and in the configuration's precision."""
    side, precision = config.data.augment.crop, config.run.precision
    images, masks = random_clips(config.data.batch, config.data.frames, (side, side))
    full = change(config, run={"precision": "float32"})
    forms = {
        "float32": stepper(full, images, masks),
        precision: stepper(config, images, masks),
    }
    seconds = in_turn(forms, rounds)
    return {
        "clips": list(images.shape),
        "rounds": rounds,
        "precision": precision,
        "processor_seconds_per_step": {name: median(times) for name, times in seconds.items()},
    }
