"""Widths and starting values of the model; the defaults are the paper's."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

Precision = Literal["float32", "bfloat16", "float16"]
Template = Literal["global", "local", "overall", "short", "long"]


@dataclass(frozen=True)
class ModelConfig:
    """Widths and starting values of the network (``docs/method.md``, steps 1 to 7)."""

    encoder: Literal["densenet121", "efficientnet_lite0"] = "densenet121"
    key_channels: int = 512
    decoder_channels: int = 256
    distance_units: int = 4  # hidden units of the distance scorer
    spatial_gate_channels: int = 16  # hidden channels of CBAM's spatial gate
    short_inertia: float = 1.0  # theta; the old vector keeps 1 / (1 + e^theta) = 0.27
    long_inertia: float = -1.0  # keeps 0.73
    templates: tuple[Template, ...] = get_args(Template)  # for ablations: score maps of the others are zero
    distance_score: bool = True  # for ablations: without it the local match counts as much from far as from near


PAPER = ModelConfig()
SMALL = replace(PAPER, encoder="efficientnet_lite0", key_channels=128, decoder_channels=64)
