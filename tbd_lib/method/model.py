"""The method on one page: encode, start, match, segment, update, and a clip from its first mask on.

The model knows no files, ids, padding or resizing: sizes are multiples of 16, objects are numbered from 0, regions are
soft masks that sum to one. A tracker turns the verbs into a video loop, a training loop into a loss. Every layer is
called as a module, so that it can be looked at through a forward hook, replaced, or bent.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .config import ModelConfig, Precision, Template
from .decoder import Decoder
from .distance import DistanceScorer
from .encoder import ENCODERS
from .matching import KeyHead, affinity, best_match, full_precision, grid_mask, join_scores, prototype_match
from .shapes import STRIDE
from .templates import Templates, start_templates, update_templates


@dataclass(frozen=True)
class Features:
    """What the encoder says of one frame: three levels for the decoder, and the key for matching."""

    s4: Float[Tensor, "b c4 h4 w4"]
    s8: Float[Tensor, "b c8 h8 w8"]
    s16: Float[Tensor, "b c16 h w"]
    key: Float[Tensor, "b c h w"]


class TBD(nn.Module):
    """Segments objects in a frame from what is remembered of them.

    Args:
        encoder: maps an image in [0, 1] to features at strides 4, 8, 16 whose widths it names in ``channels``.
        config: widths and starting values.
        frozen_encoder: the paper's way: the encoder gets no gradient, and its batch-norm statistics never change.
    """

    def __init__(self, encoder: nn.Module, config: ModelConfig, frozen_encoder: bool = True) -> None:
        super().__init__()
        channels = getattr(encoder, "channels", None)
        if not (isinstance(channels, tuple) and len(channels) == 3):
            raise TypeError(f"encoder.channels is {channels!r}; expected three widths, for strides 4, 8 and 16")
        self.config = config
        self.channels = channels
        self.encoder = encoder
        self.key_head = KeyHead(channels[2], config.key_channels)
        self.distance = DistanceScorer(config.distance_units)
        self.decoder = Decoder(channels, config.decoder_channels, config.spatial_gate_channels)
        self.short_inertia = nn.Parameter(torch.full((2,), config.short_inertia))
        self.long_inertia = nn.Parameter(torch.full((2,), config.long_inertia))
        self.freeze_encoder(frozen_encoder)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.short_inertia.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.short_inertia.dtype

    def freeze_encoder(self, frozen: bool = True) -> None:
        """Whether the encoder stays as it is, its batch-norm statistics included, while the rest is trained."""
        self.frozen_encoder = frozen
        self.encoder.requires_grad_(not frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> "TBD":
        """Training or inference mode; a frozen encoder stays in inference mode, so that its statistics never change."""
        super().train(mode)
        self.encoder.train(mode and not self.frozen_encoder)
        return self

    def encode(self, image: Float[Tensor, "b 3 H W"]) -> Features:
        """Features of an image in [0, 1] whose sides are multiples of 16 (steps 1 and 2).

        Raises:
            ValueError: sides that are no multiples of 16.
        """
        if image.shape[-2] % STRIDE or image.shape[-1] % STRIDE:
            raise ValueError(f"image of {tuple(image.shape[-2:])} pixels; expected multiples of {STRIDE}")
        s4, s8, s16 = self.encoder(image)
        return Features(s4, s8, s16, self.key_head(s16))

    def start(self, features: Features, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates of objects that are given in this frame by their region masks (step 7)."""
        with no_autocast(features.key.device):
            return start_templates(features.key, grid_mask(regions))

    def match(self, features: Features, templates: Templates) -> Float[Tensor, "b o 10 h w"]:
        """Ten score maps per object (step 4).

        In this order, background before foreground: global, local, overall, short, long.
        """
        key = features.key
        with no_autocast(key.device):
            far = affinity(key, templates.first_key)
            near = affinity(key, templates.prev_key)
            if self.config.distance_score:
                near = near * self.distance.pairs(*key.shape[-2:])
            scores: dict[Template, Tensor] = {
                "global": best_match(far, templates.first_mask),
                "local": best_match(near, templates.prev_mask),
                "overall": prototype_match(key, templates.overall),
                "short": prototype_match(key, templates.short),
                "long": prototype_match(key, templates.long),
            }
            used = self.config.templates
            return join_scores(
                {kind: maps if kind in used else torch.zeros_like(maps) for kind, maps in scores.items()}
            )

    def segment(
        self, features: Features, templates: Templates, scores: Float[Tensor, "b o 10 h w"] | None = None
    ) -> Float[Tensor, "b o 2 H W"]:
        """Logits of background and foreground per object (step 5); ``scores`` where ``match`` has given them before."""
        if scores is None:
            scores = self.match(features, templates)
        logits = self.decoder(features.s4, features.s8, features.s16, scores, templates.prev_mask)
        return full_precision(logits)

    def update(self, features: Features, templates: Templates, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates after this frame, in which the objects have these region masks (step 7)."""
        with no_autocast(features.key.device):
            return update_templates(templates, features.key, grid_mask(regions), self.short_inertia, self.long_inertia)

    def forward(
        self, clip: Float[Tensor, "b t 3 H W"], first: Float[Tensor, "b o 2 H W"]
    ) -> Float[Tensor, "b t-1 o 2 H W"]:
        """Logits of every frame after the first, whose region masks are given.

        As in training: each frame's softmax is the mask that the next frames remember; nothing is aggregated.

        Args:
            clip: frames in [0, 1].
            first: region masks of the first frame.
        """
        return self.follow(self.encode_clip(clip), first)

    def follow(self, frames: Sequence[Features], first: Float[Tensor, "b o 2 H W"]) -> Float[Tensor, "b later o 2 H W"]:
        """``forward`` for frames that are encoded already."""
        templates = self.start(frames[0], first)
        logits = []
        for before, frame in pairwise(frames):
            if logits:
                templates = self.update(before, templates, logits[-1].softmax(2))
            logits.append(self.segment(frame, templates))
        return torch.stack(logits, 1)

    def encode_clip(self, clip: Float[Tensor, "b t 3 H W"]) -> list[Features]:
        """Features of every frame, encoded in one pass."""
        b, t = clip.shape[:2]
        together = self.encode(clip.flatten(0, 1))
        s4, s8, s16, key = (x.unflatten(0, (b, t)) for x in (together.s4, together.s8, together.s16, together.key))
        return [Features(s4[:, i], s8[:, i], s16[:, i], key[:, i]) for i in range(t)]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Encoder and decoder in this precision; "float32" leaves them as their weights are."""
    if precision == "float32":
        return no_autocast(device)
    return torch.autocast(device.type, getattr(torch, precision))


def no_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Similarities and templates are computed in float32 also where training uses half precision elsewhere."""
    if not torch.amp.is_autocast_available(device.type):  # "meta", whose tensors have a shape and no numbers
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def build_model(config: ModelConfig, frozen_encoder: bool = True) -> TBD:
    """A model with the encoder that the configuration names, not trained."""
    return TBD(ENCODERS[config.encoder](), config, frozen_encoder)
