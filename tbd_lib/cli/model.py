"""The model that a command is to use, on its device."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tbd_lib.errors import InputError
from tbd_lib.method.config import Precision
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.config import BENCHMARK, TrackConfig

if TYPE_CHECKING:
    import torch

    from tbd_lib.method.model import TBD


def model_on(weights: Path | None, device: str | None) -> "TBD":
    """The model of these weights (the bundled one for None), on a GPU if there is one unless told otherwise.

    Raises:
        InputError: weights that cannot be read, or a device that is not there.
    """
    from tbd_lib.datasets.prepare.places import find_weights
    from tbd_lib.training.checkpoint import bundled_model, load_checkpoint

    model = bundled_model() if weights is None else load_checkpoint(find_weights(weights))
    return model.to(device_of(device))


def device_of(name: str | None) -> "torch.device":
    """The device of this name; for None a GPU if there is one, else the CPU.

    Raises:
        InputError: a device that is not there.
    """
    import torch

    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch's words for a device that is not there
        raise InputError(f"--device {name}: {str(error).splitlines()[0]}; expected a device of this machine") from error


def track_config(short_side: int, roi_margin: int | None, precision: Precision) -> TrackConfig:
    """The benchmark's protocol, made faster by what a command was told.

    Raises:
        InputError: a size below a cell's, or a negative number of cells.
    """
    if short_side < STRIDE:
        raise InputError(f"--short-side {short_side}: expected {STRIDE} pixels or more")
    if roi_margin is not None and roi_margin < 0:
        raise InputError(f"--roi-margin {roi_margin}: expected a number of cells, 0 or more")
    return replace(BENCHMARK, short_side=short_side, roi_margin=roi_margin, precision=precision)
