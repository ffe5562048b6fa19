"""TBD in its plain form: object after object, with nothing shared. What the library must equal, and be faster than.

Written as a textbook would: the distance matrix in nested loops, one product per object, region and template, the whole
decoder for every object, convolutions over concatenated maps. The weights are those of a ``TBD`` model.

``plain_track`` is inference; ``PlainObjective`` is what training minimises, clip after clip and frame after frame.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbd_lib.method.decoder import Stage
from tbd_lib.method.model import TBD
from tbd_lib.method.shapes import STRIDE
from tbd_lib.tracking.geometry import crop, pad
from tbd_lib.training.objective import intersection_over_union, region_masks
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of


@torch.no_grad()
def plain_track(
    model: TBD, frames: Sequence[Image], given: Mask, probabilities: list[Tensor] | None = None
) -> Iterator[Mask]:
    """Id masks of all frames, for objects that are given in the first one and frames of a size of their own.

    Probabilities of background and objects "o+1 H W" are added to a list that is given: they tell where a mask was
    decided by rounding.
    """
    ids = ids_of(given)
    nearness = plain_nearness(model, *(-(-side // STRIDE) for side in given.shape))
    objects: list[PlainObject] = []
    video = [plain_image(model, image) for image in frames]  # on the device, from beginning to end
    for image in video:
        levels, key = plain_features(model, image)
        if not objects:
            maps = [pad(torch.from_numpy(given == i)[None, None].to(key))[0, 0] for i in ids]
            objects = [PlainObject(model, key, torch.stack([1 - one, one]), nearness) for one in maps]
            yield given
            continue
        together = plain_aggregate([one.probability(levels, key) for one in objects])
        for one, fg in zip(objects, together[1:], strict=True):
            one.update(key, torch.stack([1 - fg, fg]))
        winner = crop(together, given.shape).argmax(0)
        if probabilities is not None:
            probabilities.append(crop(together, given.shape))
        yield np.array([0, *ids], np.uint8)[winner.cpu().numpy()]


def plain_image(model: TBD, image: Image) -> Tensor:
    """A frame of any size as an image "1 3 H W" in [0, 1], whose sides are multiples of 16."""
    return pad(torch.from_numpy(image).permute(2, 0, 1)[None].to(model.short_inertia) / 255)


def plain_features(model: TBD, image: Tensor) -> tuple[Sequence[Tensor], Tensor]:
    """Features at strides 4, 8, 16 and the key "c h w" of such an image."""
    levels = model.encoder(image)
    key = model.key_head.conv(levels[2])[0]
    return levels, key / key.norm(dim=0)


def plain_clip_logits(model: TBD, clip: Tensor, first: Tensor) -> Tensor:
    """Logits "t-1 2 H W" of a clip "t 3 H W" after its first frame, whose region masks are given ("2 H W").

    As in training: each frame's softmax is the mask that the next frames remember.
    """
    nearness = plain_nearness(model, *(side // STRIDE for side in clip.shape[-2:]))
    frames = [plain_features(model, image[None]) for image in clip]
    one = PlainObject(model, frames[0][1], first, nearness)
    logits = [one.logits(*frames[1])]
    for (_, before), (levels, key) in pairwise(frames[1:]):
        one.update(before, logits[-1].softmax(0))
        logits.append(one.logits(levels, key))
    return torch.stack(logits)


class PlainObjective(nn.Module):
    """The cross-entropy of all frames after the first, each clip by itself.

    Args:
        model: what is trained.
    """

    def __init__(self, model: TBD) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, masks: Tensor, context: float = 1.0) -> tuple[Tensor, Tensor]:
        """The loss and the mean intersection over union, of images "b t 3 H W" and 0/1 masks "b t H W".

        The decoder sees the image in full, always: ``context`` has to be 1.
        """
        assert context == 1.0
        given = region_masks(masks[:, 0])[:, 0].to(images)
        logits = [plain_clip_logits(self.model, clip, first) for clip, first in zip(images, given, strict=True)]
        losses = [F.cross_entropy(found, true[1:]) for found, true in zip(logits, masks, strict=True)]
        return torch.stack(losses).mean(), intersection_over_union(torch.stack(logits).detach(), masks[:, 1:])


def plain_nearness(model: TBD, h: int, w: int) -> Tensor:
    """The distance score of every pair of grid positions, from nested loops over both."""
    distance = torch.tensor([[hypot(a // w - b // w, a % w - b % w) for b in range(h * w)] for a in range(h * w)])
    return model.distance(distance.flatten().to(model.short_inertia)).view(h * w, h * w)


def plain_aggregate(probabilities: list[Tensor]) -> Tensor:
    """Normalised odds of the background and all objects, each "H W"."""
    prob = torch.stack([torch.stack([1 - p for p in probabilities]).amin(0), *probabilities]).clamp(1e-7, 1 - 1e-7)
    odds = prob / (1 - prob)
    return odds / odds.sum(0)


class PlainObject:
    """One object: its templates, updated in place, and all steps of a frame for it alone."""

    def __init__(self, model: TBD, key: Tensor, regions: Tensor, nearness: Tensor) -> None:
        self.model, self.nearness = model, nearness
        mask = self._on_grid(regions)
        self.first = self.previous = self._fine(key, mask)
        self.mask, self.area = mask, mask.sum((1, 2))
        self.overall = self.short = self.long = self._coarse(key, mask)

    def probability(self, levels: Sequence[Tensor], key: Tensor) -> Tensor:
        """The probability "H W" that a pixel is this object's, before objects are aggregated."""
        return self.logits(levels, key).softmax(0)[1]

    def logits(self, levels: Sequence[Tensor], key: Tensor) -> Tensor:
        """Logits "2 H W" of the background and the object."""
        scores = torch.cat([self._global(key), self._local(key), *(self._prototypes(key))])
        maps = torch.cat([scores, self.mask])[None]
        decoder = self.model.decoder
        for stage, features in zip((decoder.stage16, decoder.stage8, decoder.stage4), levels[::-1], strict=True):
            maps = plain_stage(stage, features, maps)
        return maps[0]

    def update(self, key: Tensor, regions: Tensor) -> None:
        """Remember this frame."""
        mask = self._on_grid(regions)
        new, gained = self._coarse(key, mask), mask.sum((1, 2))
        self.previous, self.mask, self.area = self._fine(key, mask), mask, self.area + gained
        self.overall = plain_blend(self.overall, new, 1 - gained / self.area)
        self.short = plain_blend(self.short, new, 1 / (1 + self.model.short_inertia.exp()))
        self.long = plain_blend(self.long, new, 1 / (1 + self.model.long_inertia.exp()))

    def _on_grid(self, regions: Tensor) -> Tensor:
        return F.avg_pool2d(regions[None], STRIDE)[0]

    def _fine(self, key: Tensor, mask: Tensor) -> list[Tensor]:
        """Key times mask "c p" for each region."""
        return [(key * region).flatten(1) for region in mask]

    def _coarse(self, key: Tensor, mask: Tensor) -> Tensor:
        """One vector "c" per region."""
        return torch.stack([F.normalize((key * one).sum((1, 2)).clamp(min=1e-7), dim=0) for one in mask])

    def _global(self, key: Tensor) -> Tensor:
        best = [(template.T @ key.flatten(1)).amax(0) for template in self.first]
        return torch.stack(best).view(2, *key.shape[1:])

    def _local(self, key: Tensor) -> Tensor:
        best = [(template.T @ key.flatten(1) * self.nearness).amax(0) for template in self.previous]
        return torch.stack(best).view(2, *key.shape[1:])

    def _prototypes(self, key: Tensor) -> list[Tensor]:
        return [torch.einsum("rc,chw->rhw", one, key) for one in (self.overall, self.short, self.long)]


def plain_blend(old: Tensor, new: Tensor, keep: Tensor) -> Tensor:
    """``unit(keep old + (1 - keep) new)``, one share per region."""
    return F.normalize(keep[:, None] * old + (1 - keep[:, None]) * new, dim=1)


def plain_stage(stage: Stage, features: Tensor, maps: Tensor) -> Tensor:
    """One stage of the decoder over concatenated features and maps."""
    joined = torch.cat([stage.reduce(features).relu(), maps], 1)
    return stage.enlarge(stage.attend(stage.blend(joined).relu()))
