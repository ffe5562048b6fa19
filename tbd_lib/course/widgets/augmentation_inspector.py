"""Augmentation dice: roll the parameters of a batch of training clips, and see each clip before and after the swap."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import traitlets
from ipywidgets import Dropdown, FloatSlider, IntSlider
from jaxtyping import Int64, UInt8
from torch import Tensor

from tbd_lib.course.viz.clips import clip_rows
from tbd_lib.course.viz.described import Described
from tbd_lib.course.widgets.inspector import CONTROL, Inspector, button
from tbd_lib.datasets.clips import MOST_TRIED, Sample, cut
from tbd_lib.datasets.config import IMAGE_AUGMENT, VIDEO_AUGMENT
from tbd_lib.errors import InputError
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.frames import Video

FRAMES = 5  # of a clip
SIDE = 192  # pixels of a clip's frames: half of the paper's, for the time
KINDS = {"from one image": IMAGE_AUGMENT, "from a video": VIDEO_AUGMENT}
"""Ways of making a clip; the numbers are those of the paper's stages."""

Images = UInt8[Tensor, "b t 3 Y X"]
Masks = Int64[Tensor, "b t Y X"]


class AugmentationDice(Inspector):
    """Cuts a batch of clips, one of each video, and lets swap-and-attach work on them.

    Args:
        videos: with true masks and frames that can be taken by number; at least two.
    """

    seed = traitlets.Int(0, help="of everything that is drawn")
    clip = traitlets.Int(0, help="number of the clip that is shown")
    kind = traitlets.Unicode(next(iter(KINDS)), help="how the clips are made")
    probability = traitlets.Float(1.0, help="of swap-and-attach, per clip")

    def __init__(self, videos: Sequence[Video]) -> None:
        if len(videos) < 2:
            raise ValueError(f"{len(videos)} videos; expected two or more, since a clip needs a partner")
        self.videos = list(videos)
        seed = IntSlider(0, 0, 999, description="seed", layout=CONTROL)
        clip = IntSlider(0, 0, len(videos) - 1, description="clip", layout=CONTROL)
        kind = Dropdown(options=list(KINDS), description="clip is cut", layout=CONTROL)
        probability = FloatSlider(1.0, min=0, max=1, step=0.1, description="probability", layout=CONTROL)
        super().__init__([button("roll", self.roll, "the next seed"), seed, clip, kind, probability])
        self._tie(seed=seed, clip=clip, kind=kind, probability=probability)
        self.refresh()

    def roll(self) -> None:
        """The next seed."""
        self.seed = (self.seed + 1) % 1000

    def batch(self) -> tuple[Images, Masks]:
        """The clips before the swap: images, and masks that are 1 where the target is."""
        clips = [
            self._cut(video, np.random.default_rng([self.seed, number])) for number, video in enumerate(self.videos)
        ]
        return torch.stack([one[0] for one in clips]), torch.stack([one[1] for one in clips]).long()

    def _cut(self, video: Video, random: np.random.Generator) -> Sample:
        """A clip of a video, or of a single frame of it: an image is a video of one frame."""
        if self.kind == next(iter(KINDS)):
            assert video.truth is not None and isinstance(video.frames, Sequence)
            video = Video(video.name, [video.frames[0]], {}, [video.truth[0]])
        config = replace(KINDS[str(self.kind)], crop=SIDE)
        for _ in range(MOST_TRIED):
            if clip := cut(video, FRAMES, config, random, start=0):
                return clip
        raise InputError(f"{video.name}: {MOST_TRIED} cuts without an object that is large enough; expected one")

    def swapped(self, images: Images, masks: Masks) -> tuple[Images, Masks]:
        """The clips after the swap."""
        generator = torch.Generator().manual_seed(self.seed)
        after, own = swap_and_attach(images.float(), masks, self.probability, generator)
        return after.to(torch.uint8), own

    def view(self) -> Described:
        """The chosen clip before and after the swap."""
        images, masks = self.batch()
        after, own = self.swapped(images, masks)
        here, partner = int(self.clip), self.partner(images, masks, after)
        before, left = int(masks[here, 0].sum()), int(own[here, 0].sum())
        said = f"Seed {self.seed}, clip {here} ({self.videos[here].name}) {self.kind}: the target covers {before:,} px"
        if partner is None:
            said += "; nothing is pasted."
        else:
            area = int((masks[partner, 0] > 0).sum())
            said += f"; the object of clip {partner} ({self.videos[partner].name}), {area:,} px, is pasted over it"
            said += f", {left:,} px of the target stay visible in the first frame."
        rows = {"cut": _frames(images[here], masks[here]), "after swap-and-attach": _frames(after[here], own[here])}
        return clip_rows(rows, said)

    def partner(self, images: Images, masks: Masks, after: Images) -> int | None:
        """The clip whose object was pasted over the chosen one; None if none was."""
        here = int(self.clip)
        if torch.equal(after[here], images[here]):
            return None
        pasted = [
            torch.where(mask[:, None] > 0, image, images[here]) for image, mask in zip(images, masks, strict=True)
        ]
        return next(other for other, one in enumerate(pasted) if other != here and torch.equal(one, after[here]))


def _frames(images: UInt8[Tensor, "t 3 Y X"], masks: Int64[Tensor, "t Y X"]) -> list[tuple[Image, Mask]]:
    pictures, targets = images.permute(0, 2, 3, 1).numpy(), masks.to(torch.uint8).numpy()
    return list(zip(pictures, targets, strict=True))
