"""The model that a command is to use, on its device."""

from pathlib import Path
from typing import TYPE_CHECKING

from tbd_lib.files import InputError

if TYPE_CHECKING:
    from tbd_lib.model import TBD


def model_on(weights: Path | None, device: str | None) -> "TBD":
    """The model of these weights (the bundled one for None), on a GPU if there is one unless told otherwise.

    Raises:
        InputError: weights that cannot be read, or a device that is not there.
    """
    import torch

    from tbd_lib.checkpoint import bundled_model, load_checkpoint
    from tbd_lib.prepare.places import find_weights

    model = bundled_model() if weights is None else load_checkpoint(find_weights(weights))
    try:
        return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except (RuntimeError, AssertionError) as error:  # torch's words for a device that is not there
        raise InputError(
            f"--device {device}: {str(error).splitlines()[0]}; expected a device of this machine"
        ) from error
