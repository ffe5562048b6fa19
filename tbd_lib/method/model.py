"""The method on one page: encode, start, match, segment, update, and a clip from its first mask on.

The model knows no files, ids, padding or resizing: sizes are multiples of 16, objects are numbered from 0, regions are
soft masks that sum to one. ``tracker.py`` turns the verbs into a video loop, ``train.py`` into a loss.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tbd_lib.engines.compiled import Compiler
from tbd_lib.engines.folding import Kept, weights_state
from tbd_lib.method.config import ModelConfig, Precision
from tbd_lib.method.decoder import Context, Decoder
from tbd_lib.method.distance import DistanceScorer
from tbd_lib.method.encoder import ENCODERS
from tbd_lib.method.matching import KeyHead, Products, best_match, full_precision, grid_mask, prototype_match
from tbd_lib.method.shapes import STRIDE
from tbd_lib.method.templates import Templates, start_templates, update_templates


@dataclass(frozen=True)
class Features:
    """All that one frame tells, computed once whatever the number of objects."""

    s4: Float[Tensor, "b c4 h4 w4"]
    s8: Float[Tensor, "b c8 h8 w8"]
    s16: Float[Tensor, "b c16 h w"]
    key: Float[Tensor, "b c h w"]
    make_context: Callable[[], Context]
    products: Products  # with template keys, each computed when first asked for

    @cached_property
    def context(self) -> Context:
        """The features' half of the decoder, computed when first asked for: a video's first frame needs none."""
        return self.make_context()


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
        self._folded: Kept[nn.Module] = Kept()
        self._compiled = Compiler()
        self.freeze_encoder(frozen_encoder)

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

    def compile_parts(self) -> None:
        """Run encoder and decoder through ``torch.compile`` from now on, in training as in inference.

        Raises:
            InputError: on a CPU, without a C++ compiler.
        """
        self._compiled.switch_on(self.short_inertia.device)

    def encode(self, image: Float[Tensor, "b 3 H W"]) -> Features:
        """Features of an image in [0, 1] whose sides are multiples of 16 (steps 1 and 2)."""
        if image.shape[-2] % STRIDE or image.shape[-1] % STRIDE:
            raise ValueError(f"image of {tuple(image.shape[-2:])} pixels; expected multiples of {STRIDE}")
        s4, s8, s16 = self._encoder_for_now()(image)
        key = self.key_head(s16)
        make_context = self._compiled("context", self.decoder.context)
        return Features(s4, s8, s16, key, lambda: make_context(s4, s8, s16), Products(key))

    def _encoder_for_now(self) -> nn.Module:
        """The encoder; in inference one without batch norms, kept until the weights change, if it can give one."""
        folded = getattr(self.encoder, "folded", None)
        if folded is None or self.training or torch.is_grad_enabled():
            return self._compiled("encoder", self.encoder)
        return self._compiled("folded encoder", self._folded.get(weights_state(self.encoder), folded))

    def start(self, features: Features, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates of objects that are given in this frame by their region masks."""
        with _no_autocast(features.key):
            return start_templates(features.key, grid_mask(regions, STRIDE))

    def match(self, features: Features, templates: Templates) -> Float[Tensor, "b o 10 h w"]:
        """Ten score maps per object (step 4).

        In this order, background before foreground: global, local, overall, short, long.
        """
        with _no_autocast(features.key):
            scores = {
                "global": lambda: best_match(features.products.plain(templates.first_key), templates.first_mask),
                "local": lambda: best_match(self._near(features, templates.prev_key), templates.prev_mask),
                "overall": lambda: prototype_match(features.key, templates.overall),
                "short": lambda: prototype_match(features.key, templates.short),
                "long": lambda: prototype_match(features.key, templates.long),
            }
            kept = self.config.templates
            maps = [s() if kind in kept else torch.zeros_like(templates.prev_mask) for kind, s in scores.items()]
            return torch.cat(maps, 2)

    def _near(self, features: Features, prev_key: Float[Tensor, "b c h w"]) -> Float[Tensor, "b p p"]:
        """Products with the previous frame's key, scaled by the distance score."""
        if not self.config.distance_score:
            return features.products.plain(prev_key)
        return features.products.scaled(prev_key, self.distance.pairs(*prev_key.shape[-2:]))

    def segment(
        self, features: Features, templates: Templates, scores: Float[Tensor, "b o 10 h w"] | None = None
    ) -> Float[Tensor, "b o 2 H W"]:
        """Logits of background and foreground per object (step 5); ``scores`` where ``match`` has given them before."""
        if scores is None:
            scores = self.match(features, templates)
        return self.decode(features.context, scores, templates.prev_mask)

    def decode(
        self, context: Context, scores: Float[Tensor, "b o 10 h w"], prev_mask: Float[Tensor, "b o 2 h w"]
    ) -> Float[Tensor, "b o 2 H W"]:
        """``segment`` from the three things that it needs, of some of the objects (step 5)."""
        return full_precision(self._compiled("decoder", self.decoder)(context, scores, prev_mask))

    def update(self, features: Features, templates: Templates, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates after this frame, in which the objects have these region masks (step 7)."""
        mask = grid_mask(regions, STRIDE)
        with _no_autocast(features.key):
            return update_templates(templates, features.key, mask, self.short_inertia, self.long_inertia)

    def forward(
        self, clip: Float[Tensor, "b t 3 H W"], first: Float[Tensor, "b o 2 H W"], context: float = 1.0
    ) -> Float[Tensor, "b t-1 o 2 H W"]:
        """Logits of every frame after the first, whose region masks are given.

        As in training: each frame's softmax is the mask that the next frames remember; nothing is aggregated.

        Args:
            clip: frames in [0, 1].
            first: region masks of the first frame.
            context: share of the image's features that the decoder sees; below 1 at the start of a training from
                scratch only, where it has to learn first what an object's own maps mean.
        """
        return self.follow(self.encode_clip(clip, context), first)

    def follow(self, frames: Sequence[Features], first: Float[Tensor, "b o 2 H W"]) -> Float[Tensor, "b later o 2 H W"]:
        """``forward`` for frames that are encoded already."""
        templates = self.start(frames[0], first)
        logits = []
        for before, frame in pairwise(frames):
            if logits:
                templates = self.update(before, templates, logits[-1].softmax(2))
            logits.append(self.segment(frame, templates))
        return torch.stack(logits, 1)

    def encode_clip(self, clip: Float[Tensor, "b t 3 H W"], context: float = 1.0) -> list[Features]:
        """Features of every frame, encoded in one pass; the decoder's half of them scaled by ``context``."""
        t = clip.shape[1]
        every = self.encode(clip.flatten(0, 1))

        def context_of(frame: slice) -> Context:
            coarse, middle, fine = (half[frame] for half in every.context)
            return (coarse * context, middle * context, fine * context) if context < 1 else (coarse, middle, fine)

        def frame(i: slice) -> Features:
            key = every.key[i]
            return Features(every.s4[i], every.s8[i], every.s16[i], key, partial(context_of, i), Products(key))

        return [frame(slice(i, None, t)) for i in range(t)]


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """Encoder and decoder in this precision; "float32" leaves them as their weights are."""
    return torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32")


def _no_autocast(like: Tensor) -> torch.autocast:
    """Similarities and templates are computed in float32 also where training uses half precision elsewhere."""
    return torch.autocast(like.device.type, enabled=False)


def build_model(config: ModelConfig, frozen_encoder: bool = True) -> TBD:
    """A model with the encoder that the configuration names, not trained."""
    return TBD(ENCODERS[config.encoder](), config, frozen_encoder)
