"""Weights in and out: our own safetensors files, and the layout of the published checkpoint."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from tbd_lib.errors import InputError
from tbd_lib.files import StrPath, at_home, data_folder, is_web_page, write_whole
from tbd_lib.method.config import PAPER, ModelConfig
from tbd_lib.method.model import TBD, build_model

Tensors = dict[str, Tensor]
Bundled = Literal["bundled-davis", "bundled-coco"]

KINDS = "TBD's published weights (`tbd prepare weights`), or a run's final.safetensors"

# The prefixes of the published checkpoint's names, and ours.
PUBLISHED = {
    "vos.encoder.mean": "encoder.normalise.mean",
    "vos.encoder.std": "encoder.normalise.std",
    "vos.encoder.conv0": "encoder.stem.0",
    "vos.encoder.norm0": "encoder.stem.1",
    "vos.encoder.denseblock": "encoder.block",
    "vos.encoder.transition": "encoder.transition",
    "vos.matcher.short": "short_inertia",
    "vos.matcher.long": "long_inertia",
    "vos.matcher.conv.conv": "key_head.conv",
    "dsf.0": "distance.hidden",
    "dsf.2": "distance.out",
}
PUBLISHED_STAGES = {"1": "16", "2": "8", "3": "4"}
PUBLISHED_LAYERS = {
    "conv{}.conv": "reduce",
    "blend{}.conv": "blend",
    "cbam{}.conv1.conv": "attend.conv",
    "cbam{}.conv2.0.conv": "attend.channel_gate.0",
    "cbam{}.conv2.1.conv": "attend.channel_gate.2",
    "cbam{}.conv3.0.conv": "attend.spatial_gate.0",
    "cbam{}.conv3.1.conv": "attend.spatial_gate.2",
    "deconv{}.deconv": "enlarge",
}


def our_name(published: str) -> str:
    """Our name of a tensor of the published checkpoint; a name that is not of that layout stays as it is."""
    for layer, ours in PUBLISHED_LAYERS.items():
        pattern = "vos.decoder." + layer.format("([123])")
        if found := re.match(pattern, published):
            return f"decoder.stage{PUBLISHED_STAGES[found[1]]}.{ours}{published[found.end() :]}"
    return with_our_prefix(published, PUBLISHED)


def with_our_prefix(name: str, prefixes: Mapping[str, str]) -> str:
    """A tensor's name with the first of these prefixes that it has replaced by ours."""
    for theirs, ours in prefixes.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def save_weights(path: Path, model: TBD, dtype: torch.dtype = torch.float32) -> None:
    """Write a model's weights and configuration as safetensors, whole or not at all."""
    state = {
        name: value.to(dtype).contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in model.state_dict().items()
    }
    with write_whole(path) as temporary:
        save_file(state, temporary, metadata={"config": json.dumps(asdict(model.config))})


def save_head(path: Path, model: TBD, dtype: torch.dtype = torch.float16) -> None:
    """Write all weights but the encoder's: what a stage with a frozen encoder has learned."""
    head = {name: value for name, value in model.state_dict().items() if not name.startswith("encoder.")}
    with write_whole(path) as temporary:
        save_file({name: value.to(dtype).contiguous() for name, value in head.items()}, temporary)


def load_head(path: StrPath) -> TBD:
    """A small model in inference mode: a head that ``save_head`` wrote, on the ImageNet encoder of ``bundled-coco``.

    Raises:
        InputError: no such file, or not the head of a small model.
    """
    path = at_home(path)
    model = bundled_model("bundled-coco")
    encoder = {name: value for name, value in model.state_dict().items() if name.startswith("encoder.")}
    try:
        head = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: {_line(error)}; expected the head of a small model (safetensors)") from error
    fill(model, encoder | head, path)
    return model.eval()


def load_checkpoint(path: StrPath) -> TBD:
    """A model in inference mode with the weights of a file, in float32.

    ``.safetensors`` is our own layout, which holds the configuration. Anything else is read as a published checkpoint
    of TBD (DenseNet-121, the paper's widths); pickled code is never run.

    Raises:
        InputError: no such file; a web page in its place; not a checkpoint, truncated or holding pickled code; tensors
            missing, extra or of another shape (the first few of each are listed).
    """
    path = at_home(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a checkpoint (.safetensors, or the published .pth)")
    if is_web_page(path):
        raise InputError(f"{path}: found a web page; expected weights (remove it and run `tbd prepare weights` again)")
    config, state = _read_safetensors(path) if path.suffix == ".safetensors" else (PAPER, _read_published(path))
    model = build_model(config)
    fill(model, state, path)
    return model.eval()


def bundled_model(name: Bundled = "bundled-davis") -> TBD:
    """A small trained model that ships with the project.

    ``"bundled-coco"`` are the weights after the first stage, from images and synthetic videos; ``"bundled-davis"``
    those after the second, from real videos as well. DAVIS's videos are CC BY-NC 4.0, so the second are for
    non-commercial use (``docs/licences.md``).
    """
    return load_checkpoint(bundled_file(name))


def bundled_file(name: str) -> Path:
    """Where the weights of this name (``Bundled``) lie."""
    return data_folder() / "weights" / f"{name}.safetensors"


def fill(model: TBD, state: Mapping[str, Tensor], source: Path) -> None:
    """Copy tensors into the model after checking that they are the ones that it has.

    Raises:
        InputError: naming ``source`` and the first few tensors that are missing, extra or misshapen.
    """
    needed = model.state_dict()
    wrong = {
        "missing": [name for name in needed if name not in state],
        "extra": [name for name in state if name not in needed],
        "misshapen": [
            f"{name} {list(state[name].shape)}, expected {list(value.shape)}"
            for name, value in needed.items()
            if name in state and state[name].shape != value.shape
        ],
    }
    if any(wrong.values()):
        found = "; ".join(_few(kind, names) for kind, names in wrong.items() if names)
        raise InputError(f"{source}: not the tensors of this model: {found}; expected {KINDS}")
    model.load_state_dict({name: value.to(needed[name]) for name, value in state.items()})


def _few(kind: str, names: list[str], most: int = 3) -> str:
    """``"2 missing (a, b)"``, naming a few only."""
    return f"{len(names)} {kind} ({', '.join(names[:most])}{', ...' * (len(names) > most)})"


def _read_safetensors(path: Path) -> tuple[ModelConfig, Tensors]:
    try:
        with safe_open(path, "pt") as file:
            settings = json.loads((file.metadata() or {})["config"])
            if "templates" in settings:
                settings["templates"] = tuple(settings["templates"])  # JSON knows lists only
            config = ModelConfig(**settings)
            return config, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: {_line(error)}; expected safetensors written by tbd_lib") from error


def _read_published(path: Path) -> Tensors:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here: zip, pickle, end of file, runtime
        raise InputError(f"{path}: {_line(error)}; expected {KINDS}, saved by torch without pickled code") from error
    others = content.items() if isinstance(content, dict) else [("", content)]
    if other := next(((name, value) for name, value in others if not isinstance(value, Tensor)), None):
        found = type(other[1]).__name__ + (f" by the name {other[0]!r}" if other[0] else "")
        raise InputError(f"{path}: holds {found}; expected a dictionary of tensors by name: {KINDS}")
    return {our_name(name): value for name, value in content.items()}


def _line(error: Exception) -> str:
    """The first line of an error's message, short."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]
