"""The augmentation inspector: draw a batch of training clips, and see each clip before and after swap-and-attach."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import traitlets
from ipywidgets import FloatSlider
from jaxtyping import Int64, UInt8
from torch import Tensor

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.tracking import pictures
from tbd_lib.course.widgets.inspector import CONTROL, Inspector, button, menu, slider
from tbd_lib.datasets.clips import MOST_TRIED, Sample, cut
from tbd_lib.datasets.config import IMAGE_AUGMENT, VIDEO_AUGMENT
from tbd_lib.errors import InputError
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.video.arrays import Image
from tbd_lib.video.frames import Video
from tbd_lib.video.overlay import overlay

FRAMES = 5  # of a clip
SIDE = 192  # pixels of a clip's frames: half of the paper's, for the time
GAP = 4  # white pixels between frames
KINDS = {"from one image": IMAGE_AUGMENT, "from a video": VIDEO_AUGMENT}
"""Ways of making a clip; the numbers are those of the paper's stages."""

Images = UInt8[Tensor, "b t 3 Y X"]
Masks = Int64[Tensor, "b t Y X"]


class AugmentationInspector(Inspector):
    """Cuts a batch of clips, one of each video, and lets swap-and-attach work on them.

    Args:
        videos: with true masks and frames that can be taken by number; at least two.

    Raises:
        ValueError: fewer videos.
        InputError: a video without an object that is large enough.
    """

    seed = traitlets.Int(0, help="of everything that is drawn")
    clip = traitlets.Int(0, help="number of the clip that is shown")
    kind = traitlets.Unicode(next(iter(KINDS)), help="how the clips are made")
    probability = traitlets.Float(1.0, help="of swap-and-attach, per clip")

    def __init__(self, videos: Sequence[Video]) -> None:
        if len(videos) < 2:
            raise ValueError(f"{len(videos)} videos; expected two or more, since a clip needs a partner")
        self.videos = list(videos)
        seed, clip = slider("seed", 0, 999), slider("clip", 0, len(videos) - 1)
        kind = menu("clip is cut", list(KINDS))
        probability = FloatSlider(1.0, min=0, max=1, step=0.1, description="probability", layout=CONTROL)
        super().__init__([button("roll", self.roll, "the next seed"), seed, clip, kind, probability])
        self._tie(seed=seed, clip=clip, kind=kind, probability=probability)
        self.refresh()

    def roll(self) -> None:
        """The next seed."""
        self.seed = (self.seed + 1) % 1000

    def batch(self) -> tuple[Images, Masks]:
        """The clips before the swap: images, and masks that are 1 where the target is."""
        clips = [self._cut(video, np.random.default_rng([self.seed, i])) for i, video in enumerate(self.videos)]
        images, masks = (torch.stack(parts) for parts in zip(*clips, strict=True))
        return images, masks.long()

    def _cut(self, video: Video, random: np.random.Generator) -> Sample:
        """A clip of a video, or of a single frame of it: an image is a video of one frame."""
        if self.kind == "from one image":
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
        after, left = swap_and_attach(images.float(), masks, self.probability, generator)
        return after.to(torch.uint8), left

    def partner(self, masks: Masks) -> int | None:
        """The clip whose object is pasted over the chosen one; None if none is.

        Found by swapping images that show nothing but the number of their clip.
        """
        b, t, rows, columns = masks.shape
        numbers = torch.arange(b, dtype=torch.uint8).view(b, 1, 1, 1, 1).expand(b, t, 3, rows, columns)
        shown = self.swapped(numbers, masks)[0][self.clip].unique().tolist()
        return next((number for number in shown if number != self.clip), None)

    def view(self) -> Described:
        """The chosen clip before and after the swap."""
        images, masks = self.batch()
        after, left = self.swapped(images, masks)
        here, partner = int(self.clip), self.partner(masks)
        sentence = f"Seed {self.seed}, clip {here} ({self.videos[here].name}) {self.kind}: "
        sentence += f"the target covers {int(masks[here, 0].sum()):,} px; "
        if partner is None:
            sentence += "nothing is pasted."
        else:
            area, visible = int(masks[partner, 0].sum()), int(left[here, 0].sum())
            sentence += f"the object of clip {partner} ({self.videos[partner].name}), {area:,} px, is pasted over it, "
            sentence += f"{visible:,} px of the target stay visible in the first frame."
        rows = {
            "cut": _side_by_side(images[here], masks[here]),
            "after swap-and-attach": _side_by_side(after[here], left[here]),
        }
        return pictures(rows, sentence, columns=1)


def _side_by_side(images: UInt8[Tensor, "t 3 Y X"], masks: Int64[Tensor, "t Y X"]) -> Image:
    """A clip's frames with their targets in one picture, with white between them."""
    frames = zip(images.permute(0, 2, 3, 1).numpy(), masks.to(torch.uint8).numpy(), strict=True)
    shown = [np.pad(overlay(*frame), ((0, 0), (0, GAP), (0, 0)), constant_values=255) for frame in frames]
    return np.concatenate(shown, 1)[:, :-GAP]
