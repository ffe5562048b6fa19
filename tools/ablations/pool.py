"""Clips whose frames were encoded once: heads then train on the stored features, with and without swap-and-attach."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from tqdm.auto import tqdm

from tbd_lib.datasets.clips import Clips
from tbd_lib.datasets.config import DataConfig
from tbd_lib.files import write_whole
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.video.frames import Video

VERSIONS = ("plain", "pasted")  # a clip as it was cut, and with another clip's object pasted over it
NAMES = ("s4", "s8", "s16", "masks")
Levels = tuple[Tensor, Tensor, Tensor]
PAIR = 2  # clips that lend each other their object


@dataclass(frozen=True)
class Pool:
    """Encoder features in half precision, and masks: arrays of clip, version, frame and so on, read from disk."""

    arrays: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.arrays["masks"])

    def batch(self, clips: np.ndarray, versions: np.ndarray) -> tuple[list[Levels], Int64[Tensor, "b t H W"]]:
        """Features of every frame at strides 4, 8 and 16, each ``(b, c, h, w)``, and the masks of some clips."""
        s4, s8, s16 = (torch.from_numpy(self.arrays[name][clips, versions]).float() for name in NAMES[:3])
        masks = torch.from_numpy(self.arrays["masks"][clips, versions]).long()
        return [(s4[:, t], s8[:, t], s16[:, t]) for t in range(masks.shape[1])], masks


def load(folder: Path) -> Pool:
    """The pool that ``build`` has written."""
    return Pool({name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in NAMES})


def is_built(folder: Path) -> bool:
    """Whether a whole pool lies there: its masks are written last."""
    return (folder / "masks.npy").is_file()


def build(folder: Path, encoder: nn.Module, config: DataConfig, videos: Sequence[Video], count: int, seed: int) -> None:
    """Cut clips, encode each as it is and with its partner's object pasted over it, and store the features.

    A paste that would hide the target is not made (``swap_and_attach``): such a clip's two versions are alike.
    """
    clips = Clips(config, videos, count // config.batch, seed)
    least = int(config.augment.min_share * config.augment.crop**2)
    parts = {name: [] for name in NAMES}
    for first in tqdm(range(0, count, PAIR), desc="features", unit="pair"):
        images, masks = (torch.stack(part) for part in zip(*(clips[first + i] for i in range(PAIR)), strict=True))
        plain = images.float() / 255, masks.long()
        pasted = swap_and_attach(*plain, 1.0, torch.Generator().manual_seed(first), least)
        encoded = [encode(encoder, version[0]) for version in (plain, pasted)]
        for level, name in enumerate(NAMES[:3]):
            parts[name].append(np.stack([version[level] for version in encoded], 1))
        parts["masks"].append(np.stack([version[1].numpy().astype(np.uint8) for version in (plain, pasted)], 1))
    for name, part in parts.items():
        with write_whole(folder / f"{name}.npy") as temporary:
            np.save(temporary, np.concatenate(part))


@torch.no_grad()
def encode(encoder: nn.Module, images: Float[Tensor, "b t 3 H W"]) -> list[np.ndarray]:
    """Features of all frames in half precision, a level at a time: ``(b, t, c, h, w)``."""
    levels = encoder(images.flatten(0, 1))
    return [level.unflatten(0, images.shape[:2]).half().numpy() for level in levels]
