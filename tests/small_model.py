"""What tests share that need a model of any weights: the smallest one, and masks to begin with."""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.training.checkpoint import save_weights

TINY = replace(SMALL, key_channels=8, decoder_channels=8)


def save_tiny(path: Path) -> str:
    """Write a new model's random weights, and return where they are."""
    save_weights(path, build_model(TINY))
    return str(path)


def random_regions(b: int, o: int, h: int, w: int) -> Float[Tensor, "b o 2 h w"]:
    """Background and foreground of objects, each pixel at random."""
    fg = (torch.rand(b, o, h, w) > 0.5).float()
    return torch.stack([1 - fg, fg], 2)
