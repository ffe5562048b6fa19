"""What the authors' program computes with the deterministic reference weights, and our model with the same weights."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from tbd_lib.method.config import PAPER
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import fill, our_name

FOLDER = Path(__file__).parent / "reference"


@cache
def golden() -> dict[str, np.ndarray]:
    """The recorded arrays, read-only."""
    with np.load(FOLDER / "golden_dog.npz") as file:
        return dict(file)


@cache
def reference_weights() -> ModuleType:
    """The generator of the reference weights, as a module."""
    spec = importlib.util.spec_from_file_location("reference_weights", FOLDER / "reference_weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def published_state() -> dict[str, Tensor]:
    """The reference weights under the published names, in float64."""
    return {name: torch.from_numpy(np.asarray(value)) for name, value in reference_weights().state_dict().items()}


def reference_model(dtype: torch.dtype = torch.float64) -> TBD:
    """Our model, filled with the reference weights."""
    model = build_model(PAPER).to(dtype)
    fill(model, {our_name(name): value for name, value in published_state().items()}, Path("reference weights"))
    return model.eval()


def regions_of(mask: Tensor, ids: list[int], dtype: torch.dtype = torch.float64) -> Tensor:
    """Region masks "b o 2 H W" of an id mask "b H W"."""
    fg = torch.stack([mask == i for i in ids], 1).to(dtype)
    return torch.stack([1 - fg, fg], 2)
