"""Widths and starting values of the model: the paper's, but for the distance scorer's start (``distance.py``)."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

Precision = Literal["float32", "bfloat16", "float16"]
EncoderName = Literal["densenet121", "efficientnet_lite0"]
Template = Literal["global", "local", "overall", "short", "long"]


@dataclass(frozen=True)
class ModelConfig:
    """Widths and starting values of the network (``docs/method.md``, steps 1 to 7).

    Raises:
        ValueError: an encoder or a template of another name, a width that is no whole number from 1.
    """

    encoder: EncoderName = "densenet121"
    key_channels: int = 512
    decoder_channels: int = 256
    distance_units: int = 4  # hidden units of the distance scorer
    spatial_gate_channels: int = 16  # hidden channels of CBAM's spatial gate
    short_inertia: float = 1.0  # theta; the old vector keeps 1 / (1 + e^theta) = 0.27
    long_inertia: float = -1.0  # keeps 0.73
    templates: tuple[Template, ...] = get_args(Template)  # for ablations: score maps of the others are zero
    distance_score: bool = True  # for ablations: without it the local match counts as much from far as from near

    def __post_init__(self) -> None:
        if self.encoder not in get_args(EncoderName):
            raise ValueError(f"encoder {self.encoder!r}; expected {' or '.join(get_args(EncoderName))}")
        if unknown := set(self.templates) - set(get_args(Template)):
            raise ValueError(f"templates {sorted(unknown)}; expected some of {', '.join(get_args(Template))}")
        for name in ("key_channels", "decoder_channels", "distance_units", "spatial_gate_channels"):
            if not isinstance(value := getattr(self, name), int) or value < 1:
                raise ValueError(f"{name} {value!r}; expected a whole number from 1")


PAPER = ModelConfig()
SMALL = replace(PAPER, encoder="efficientnet_lite0", key_channels=128, decoder_channels=64)
