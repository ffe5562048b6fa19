"""The same numbers with less work: what does not depend on the object is computed once per frame.

- The affinity with the previous frame's key, and its product with the distance score, are the same for all objects.
  The affinity with a first key is the same for all objects that entered in that frame.
- The decoder's 3x3 convolution over joined features and maps is the sum of one over the features and one over the
  maps. The features' half, and the 1x1 convolution before it, are the same for all objects.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tbd_lib.engines.segmenter import FrameFeatures, once, require_model
from tbd_lib.method.config import Template
from tbd_lib.method.decoder import Decoder, Map, Stage
from tbd_lib.method.matching import affinity, best_match, full_precision, join_scores, prototype_match
from tbd_lib.method.model import TBD, Features, no_autocast
from tbd_lib.method.templates import Templates


class Shared:
    """A snapshot of a model for inference that shares what is the same for all objects; exact.

    Later changes of the model, its weights or its device, do not reach the snapshot: make a new one.

    Args:
        model: is copied.

    Raises:
        InputError: no model.
    """

    def __init__(self, model: TBD) -> None:
        require_model(model)
        self.model = deepcopy(model).eval().requires_grad_(False)
        self._distance_scores: dict[tuple[int, int], Tensor] = {}  # by the grid's size

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.model.dtype

    @torch.no_grad()
    def encode(self, image: Float[Tensor, "b 3 H W"]) -> FrameFeatures:
        """Features of an image in [0, 1] whose sides are multiples of 16."""
        if image.device != self.device:
            raise ValueError(f"image on {image.device}; expected {self.device}, where this snapshot was made")
        features = self.model.encode(image)
        return FrameFeatures(features.s4, features.s8, features.s16, features.key)

    @torch.no_grad()
    def start(self, features: Features, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates of objects that are given in this frame."""
        return self.model.start(features, regions)

    @torch.no_grad()
    def match(self, features: Features, templates: Templates) -> Float[Tensor, "b o 10 h w"]:
        """Ten score maps per object, in the order of ``TBD.match``."""
        key, prev_key, used = features.key, templates.prev_key, self.model.config.templates
        with no_autocast(key.device):
            scores: dict[Template, Tensor] = dict.fromkeys(get_args(Template), torch.zeros_like(templates.prev_mask))
            if "global" in used:
                scores["global"] = _object_by_object(affinity(key, templates.first_key), templates.first_mask)
            if "local" in used:
                near = once(self, features, "near", prev_key, lambda: self._near(features, prev_key))
                scores["local"] = _object_by_object(near, templates.prev_mask)
            for kind in ("overall", "short", "long"):
                if kind in used:
                    scores[kind] = prototype_match(key, getattr(templates, kind))
            return join_scores(scores)

    def _near(self, features: Features, prev_key: Float[Tensor, "b c h w"]) -> Float[Tensor, "b q p"]:
        """The affinity with the previous frame times the distance score."""
        product = affinity(features.key, prev_key)
        if self.model.config.distance_score:
            product *= self._scores_of_pairs(prev_key.shape[-2], prev_key.shape[-1])
        return product

    def _scores_of_pairs(self, h: int, w: int) -> Float[Tensor, "q p"]:
        if (h, w) not in self._distance_scores:
            self._distance_scores = {(h, w): self.model.distance.pairs(h, w)}
        return self._distance_scores[h, w]

    @torch.no_grad()
    def segment(
        self, features: Features, templates: Templates, scores: Float[Tensor, "b o 10 h w"] | None = None
    ) -> Float[Tensor, "b o 2 H W"]:
        """Logits of background and foreground per object; ``scores`` where ``match`` has given them before."""
        if scores is None:
            scores = self.match(features, templates)
        decoder, objects, levels = self.model.decoder, scores.shape[1], (features.s4, features.s8, features.s16)
        halves = once(self, features, "halves", _autocast_dtype(self.device), lambda: features_halves(decoder, *levels))
        logits = decode_rest(
            decoder, (half.repeat_interleave(objects, 0) for half in halves), scores, templates.prev_mask
        )
        return full_precision(logits.unflatten(0, (-1, objects)))

    @torch.no_grad()
    def update(self, features: Features, templates: Templates, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates after this frame, in which the objects have these region masks."""
        return self.model.update(features, templates, regions)


def shared(model: TBD) -> Shared:
    """A snapshot of the model that shares what is the same for all objects: exact, on any device."""
    return Shared(model)


def _autocast_dtype(device: torch.device) -> torch.dtype | None:
    """The type in which convolutions compute now, where that is not the weights' own."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.get_autocast_dtype(device.type) if available and torch.is_autocast_enabled(device.type) else None


def _object_by_object(product: Float[Tensor, "b q p"], mask: Float[Tensor, "b o r h w"]) -> Float[Tensor, "b o r h w"]:
    """``best_match`` with temporary memory that does not grow with the number of objects."""
    return torch.cat([best_match(product, region) for region in mask.split(1, 1)], 1)


def features_halves(decoder: Decoder, s4: Map, s8: Map, s16: Map) -> tuple[Map, ...]:
    """The features' halves of the three blends, coarse to fine: the same for all objects."""
    pairs = ((decoder.stage16, s16), (decoder.stage8, s8), (decoder.stage4, s4))
    return tuple(_features_half(stage, level) for stage, level in pairs)


def decode_rest(
    decoder: Decoder,
    halves: Iterable[Map],
    scores: Float[Tensor, "b o 10 h w"],
    prev_mask: Float[Tensor, "b o 2 h w"],
) -> Map:
    """What each object has for itself, from the features' halves on: logits of all objects of all clips in a row."""
    maps = torch.cat([scores, prev_mask], 2).flatten(0, 1)
    for stage, half in zip((decoder.stage16, decoder.stage8, decoder.stage4), halves, strict=True):
        maps = _finish_stage(stage, half, maps)
    return maps


def _features_half(stage: Stage, features: Map) -> Map:
    """The features' half of a stage's blend, bias included."""
    reduced = stage.reduce(features).relu()
    weight = stage.blend.weight[:, : reduced.shape[1]]
    return F.conv2d(reduced, weight, stage.blend.bias, padding=1)


def _finish_stage(stage: Stage, half: Map, maps: Map) -> Map:
    """The objects' half of the blend added to the features', and all that follows."""
    weight = stage.blend.weight[:, -maps.shape[1] :]
    blended = half + F.conv2d(maps, weight, padding=1)
    return stage.enlarge(stage.attend(blended.relu()))
