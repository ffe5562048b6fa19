"""Write the sample videos that come with the project: one short video per kind of background distraction.

Run from the repository, with ``data/sample`` empty: ``python tools/make_sample.py``. The seeds were chosen by looking.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro

from tbd_lib.datasets.config import Challenge, SyntheticConfig
from tbd_lib.datasets.synthetic.clips import random_clip, write_davis
from tbd_lib.video.frames import Clip

FOLDER = Path(__file__).parents[1] / "data" / "sample"
LANDSCAPE = SyntheticConfig(height=240, width=427, frames=24, objects=(1, 1), distractors=(1, 1))
PORTRAIT = replace(LANDSCAPE, height=427, width=240)


@dataclass(frozen=True)
class Showcase:
    """One sample video: what it shows, and the seed whose scene shows it best."""

    name: str
    split: Literal["train", "val"]
    seed: int
    config: SyntheticConfig

    def clip(self) -> Clip:
        """The video, in memory."""
        return replace(random_clip(self.config, self.seed), name=self.name)


def _showing(base: SyntheticConfig, *challenges: Challenge, objects: int = 1, distractors: int = 1) -> SyntheticConfig:
    """A configuration that tries for exactly these challenges, with fixed numbers of things."""
    return replace(base, challenges=challenges, objects=(objects, objects), distractors=(distractors, distractors))


SHOWCASES = (
    Showcase("lookalike-crossing", "val", 4, _showing(LANDSCAPE, "look-alike", "crossing", distractors=2)),
    Showcase("late-entry", "val", 2, _showing(LANDSCAPE, "late-entry", "look-alike", objects=2)),
    Showcase("occluded-twins", "val", 6, _showing(LANDSCAPE, "look-alike", "crossing", "occlusion", objects=2)),
    Showcase("leaving", "val", 0, _showing(LANDSCAPE, "leaving", "look-alike", objects=2)),
    Showcase("camera-shake", "val", 24, _showing(PORTRAIT, "camera-motion", "motion-blur", "look-alike", objects=2)),
    Showcase("lookalike-crowd", "train", 40, _showing(LANDSCAPE, "look-alike", "crossing", distractors=4)),
    Showcase("growing", "train", 33, _showing(LANDSCAPE, "scale-change", "look-alike", objects=2)),
    Showcase("nightfall", "train", 1, _showing(LANDSCAPE, "light-change", "look-alike", "crossing", objects=2)),
    Showcase("noisy-camera", "train", 20, _showing(PORTRAIT, "noise", "crossing", "occlusion", objects=2)),
    Showcase(
        "four-objects",
        "train",
        32,
        _showing(LANDSCAPE, "crossing", "late-entry", "look-alike", objects=4, distractors=2),
    ),
)


def _members(split: str) -> Iterator[Clip]:
    return (showcase.clip() for showcase in SHOWCASES if showcase.split == split)


def main(folder: Path = FOLDER) -> None:
    """Write all sample videos in the layout of DAVIS, with the lists of the splits and ``challenges.json``."""
    write_davis({"train": _members("train"), "val": _members("val")}, folder)


if __name__ == "__main__":
    tyro.cli(main)
