"""How much faster one step of training is than in the plain form: clip by clip, frame by frame, nothing shared.

Forward, loss, backward and optimiser of the small model, on synthetic clips that are made in memory. The encoder's
batch-norm stands still in both forms, as at the end of training, so that both compute the same:
``tests/test_plain.py`` holds that logits and gradients are equal in float64.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from benchmarks.plain import PlainObjective
from benchmarks.timing import in_turn, ratios
from tbd_lib.datasets.config import TRAINING
from tbd_lib.datasets.synthetic.clips import random_clip
from tbd_lib.method.model import build_model
from tbd_lib.training.config import TrainConfig
from tbd_lib.training.train import make_optimiser, prepare, step


def random_clips(clips: int, frames: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Images "b t 3 H W" in [0, 1] and 0/1 masks "b t H W" of one object in synthetic videos."""
    config = replace(TRAINING, height=size[0], width=size[1], frames=frames, min_pixels=16)
    made = [random_clip(config, seed) for seed in range(clips)]
    images = torch.from_numpy(np.stack([clip.images for clip in made])).permute(0, 1, 4, 2, 3)
    masks = torch.from_numpy(np.stack([clip.masks for clip in made]) == 1)
    return images.float() / 255, masks.long()


def stepper(config: TrainConfig, images: Tensor, masks: Tensor, plain: bool = False) -> Callable[[], object]:
    """One step of the optimiser, of a model of its own that has always the same weights at first."""
    torch.manual_seed(0)
    ours = prepare(config, build_model(config.model), None, images.device)
    ours.train()
    ours.model.encoder.eval()
    learner: nn.Module = PlainObjective(ours.model) if plain else ours
    scaler = GradScaler(images.device.type, enabled=False)
    return partial(step, config, learner, make_optimiser(config, ours), scaler, images, masks)


def measure(config: TrainConfig, rounds: int) -> dict[str, object]:
    """Processor seconds of one step of each form, and the plain form's over the library's."""
    side = config.augment.crop
    images, masks = random_clips(config.batch, config.frames, (side, side))
    full = replace(config, precision="float32")
    forms = {
        "plain float32": stepper(full, images, masks, plain=True),
        "library float32": stepper(full, images, masks),
        f"library {config.precision}": stepper(config, images, masks),
    }
    seconds = in_turn(forms, rounds)
    plain = seconds["plain float32"]
    return {
        "clips": list(images.shape),
        "rounds": rounds,
        "precision": config.precision,
        "ratio": {name: ratios(plain, times) for name, times in seconds.items() if times is not plain},
        "processor_seconds_per_step": {name: median(times) for name, times in seconds.items()},
    }
