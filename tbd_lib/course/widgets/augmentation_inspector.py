"""The augmentation inspector: draw a batch of training clips, and see each clip before and after swap-and-attach."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import traitlets
from ipywidgets import BoundedIntText, FloatSlider, Layout
from jaxtyping import Int64, UInt8
from torch import Tensor

from tbd_lib.course.viz.scene import COLUMNS, Picture, Scene, whole
from tbd_lib.course.widgets.inspector import SLIDER, Inspector, button, menu
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
SEEDS = 1000  # from 0 on
HIDDEN = (0.2, 0.8)  # least and greatest hidden share of the target at which a paste matters: seen, and not erased
MOST_SEEDS = 60  # that are tried until a paste matters

Images = UInt8[Tensor, "b t 3 Y X"]
Masks = Int64[Tensor, "b t Y X"]


class AugmentationInspector(Inspector):
    """Cuts a batch of clips, one of each video, and lets swap-and-attach work on them.

    Args:
        videos: with true masks and frames that can be taken by number; at least two.

    Raises:
        InputError: fewer videos; a video without true masks, with frames that come in a stream, or without an object
            that is large enough.
    """

    seed = traitlets.Int(0, help="of everything that is drawn")
    clip = traitlets.Int(0, help="number of the clip that is shown")
    kind = traitlets.Unicode(next(iter(KINDS)), help="how the clips are made")
    probability = traitlets.Float(1.0, help="of swap-and-attach, per clip")

    def __init__(self, videos: Sequence[Video]) -> None:
        if len(videos) < 2:
            raise InputError(f"found {len(videos)} videos, expected two or more, since a clip needs a partner")
        for video in videos:
            if video.truth is None or not isinstance(video.frames, Sequence):
                raise InputError(f"{video.name}: expected true masks, and frames that can be taken by number")
        self.videos = list(videos)
        seed = BoundedIntText(0, min=0, max=SEEDS - 1, description="seed", layout=Layout(width="170px"))
        clip, kind = menu("clip", range(len(videos))), menu("clip is cut", list(KINDS))
        probability = FloatSlider(1.0, min=0, max=1, step=0.1, description="probability", layout=SLIDER)
        roll = button("roll the dice", self.roll, "the next seed, whatever it gives")
        overlap = button("next paste that covers", self.seek_overlap, "the next seed whose paste hides a part")
        super().__init__([roll, overlap, seed, clip, kind, probability])
        self._tie(seed=seed, clip=clip, kind=kind, probability=probability)
        with self._draw_once():
            self.seed = SEEDS - 1
            self.seek_overlap()

    def copy(self) -> "AugmentationInspector":
        """Another inspector that shows the same."""
        made = AugmentationInspector(self.videos)
        made.set(seed=self.seed, clip=self.clip, kind=self.kind, probability=self.probability)
        return made

    def roll(self) -> None:
        """The next seed."""
        self.seed = (self.seed + 1) % SEEDS

    def seek_overlap(self) -> None:
        """The next seed, and the first clip in it, whose paste matters: it hides a part of the target, and leaves some.

        After ``MOST_SEEDS`` without one it is simply the next seed.
        """
        begun = int(self.seed)
        with self._draw_once():
            for more in range(1, MOST_SEEDS + 1):
                self.seed = (begun + more) % SEEDS
                hidden = self.hidden()
                matters = [clip for clip, share in enumerate(hidden) if HIDDEN[0] <= share <= HIDDEN[1]]
                if matters:
                    self.clip = matters[0]
                    return
            self.seed = (begun + 1) % SEEDS

    def hidden(self) -> list[float]:
        """The share of each clip's target that is hidden in the first frame."""
        images, masks = self.batch()
        before, after = (part[:, 0].sum((1, 2)) for part in (masks, self.swapped(images, masks)[1]))
        return (1 - after / before).tolist()

    def batch(self) -> tuple[Images, Masks]:
        """The clips before the swap: images, and masks that are 1 where the target is."""
        clips = [self._cut(video, np.random.default_rng([self.seed, i])) for i, video in enumerate(self.videos)]
        images, masks = (torch.stack(parts) for parts in zip(*clips, strict=True))
        return images, masks.long()

    def _cut(self, video: Video, random: np.random.Generator) -> Sample:
        """A clip of a video, or of a single frame of it: an image is a video of one frame."""
        if self.kind == "from one image":
            assert video.truth is not None and isinstance(video.frames, Sequence)  # which ``__init__`` requires
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

    def scene(self) -> Scene:
        """The chosen clip before and after the swap."""
        images, masks = self.batch()
        after, left = self.swapped(images, masks)
        here, partner = int(self.clip), self.partner(masks)
        target, visible = int(masks[here, 0].sum()), int(left[here, 0].sum())
        numbers = (
            f"Seed {self.seed}, clip {here} ({self.videos[here].name}) {self.kind}: the target covers {target:,} px; "
        )
        if partner is None:
            numbers += "nothing is pasted."
            caption = "Nothing is pasted into this clip."
        else:
            area, name = int(masks[partner, 0].sum()), self.videos[partner].name
            numbers += f"the object of clip {partner} ({name}), {area:,} px, is pasted over it, "
            numbers += f"{visible:,} px of the target stay visible in the first frame."
            caption = f"The object of {name} is pasted over the clip as background: {_what_it_hides(target, visible)}."
        strips = {
            "clip, target in colour": _side_by_side(images[here], masks[here]),
            "after swap-and-attach": _side_by_side(after[here], left[here]),
        }
        extent = whole(next(iter(strips.values())).shape[:2])
        parts = tuple(Picture(name, strip, extent, span=COLUMNS) for name, strip in strips.items())
        return Scene(parts, caption, numbers)


def _what_it_hides(target: int, visible: int) -> str:
    """How much of the target a paste hides in the first frame, in words."""
    if visible == target:
        return "it stands beside the target, as a distractor"
    return f"it hides {1 - visible / target:.0%} of the target in the first frame, and the label loses those pixels"


def _side_by_side(images: UInt8[Tensor, "t 3 Y X"], masks: Int64[Tensor, "t Y X"]) -> Image:
    """A clip's frames with their targets in one picture, with white between them."""
    frames = zip(images.permute(0, 2, 3, 1).numpy(), masks.to(torch.uint8).numpy(), strict=True)
    shown = [np.pad(overlay(*frame), ((0, 0), (0, GAP), (0, 0)), constant_values=255) for frame in frames]
    return np.concatenate(shown, 1)[:, :-GAP]
