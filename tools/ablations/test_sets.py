"""What the heads are tested on: videos for each of the paper's claims, whose frames were encoded once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from tbd_lib.datasets.config import SyntheticConfig
from tbd_lib.datasets.davis import davis, sample
from tbd_lib.datasets.synthetic.clips import clip_as_video, make_videos
from tbd_lib.engines.segmenter import FrameFeatures
from tbd_lib.engines.shared import Shared
from tbd_lib.evaluation.evaluate import unchanged
from tbd_lib.evaluation.metrics import score_video
from tbd_lib.evaluation.report import Scores
from tbd_lib.files import write_whole
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import Tracker, track
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Video

SEED = 2022
LONG = 100  # frames
APART = SyntheticConfig(frames=24, objects=(1, 2), distractors=(3, 4), challenges=("look-alike",), diameter=(0.2, 0.35))
CLAIMS = {
    "distance, look-alikes apart": APART,
    "distance, look-alikes that cross": SyntheticConfig(
        frames=24, objects=(1, 2), distractors=(3, 4), challenges=("look-alike", "crossing"), diameter=(0.2, 0.35)
    ),
    "time, appearance that changes": SyntheticConfig(
        frames=100,
        objects=(1, 2),
        distractors=(1, 2),
        challenges=("scale-change", "light-change", "camera-motion"),
        speed=(0.001, 0.006),
    ),
    "space, parts that leave": SyntheticConfig(
        frames=28, objects=(1, 2), distractors=(1, 2), challenges=("leaving", "occlusion", "scale-change")
    ),
    "swap-and-attach, objects that occlude": SyntheticConfig(
        frames=24, objects=(2, 3), distractors=(1, 2), challenges=("crossing", "occlusion"), diameter=(0.25, 0.4)
    ),
}
REAL, DAVIS = "real clips", "six of DAVIS-2016, at 240 lines"
NAMES = (*CLAIMS, REAL, DAVIS)
SHORT = dict(zip(NAMES, ("apart", "crossing", "time", "space", "occluders", "real", "six"), strict=True))
LONGEST = "time, appearance that changes"
LINES = TrackConfig(short_side=240)


@dataclass(frozen=True)
class Encoded:
    """A video, and its frames' features at strides 4, 8 and 16, in half precision and padded as the tracker pads."""

    video: Video
    joined: bool
    levels: Sequence[np.ndarray]

    def masks(self, model: TBD) -> Iterator[Mask]:
        """The masks that a model with this encoder makes."""
        engine = Shared(model)
        tracker = Tracker(engine, LINES)
        for t, frame in enumerate(self.video.frames):
            s4, s8, s16 = (torch.tensor(level[t : t + 1]).float() for level in self.levels)
            with torch.no_grad():
                features = FrameFeatures(s4, s8, s16, engine.model.key_head(s16))
            yield tracker.step(frame.image, self.video.given.get(t), frame.name, features).mask

    def score(self, model: TBD) -> Scores:
        """J and F of every object."""
        assert self.video.truth is not None
        return score_video(self.masks(model), self.video.truth, self.joined, self.video.name)

    def unchanged(self) -> Scores:
        """J and F of the first masks, kept as they are."""
        assert self.video.truth is not None
        still = unchanged(self.video.given, len(self.video.truth))
        return score_video(still, self.video.truth, self.joined, self.video.name)


def count_of(config: SyntheticConfig) -> int:
    """Videos of a synthetic set: eight short ones, or five of a hundred frames."""
    return 8 if config.frames < LONG else 5


def videos_of(name: str, davis_root: Path) -> list[Video]:
    """The videos of a set."""
    if name == REAL:
        return sample("real")
    if name == DAVIS:
        return davis(davis_root, "val", 2016)
    return [clip_as_video(clip) for clip in make_videos(CLAIMS[name], SEED, count_of(CLAIMS[name]))]


def load(name: str, davis_root: Path, folder: Path, model: TBD) -> list[Encoded]:
    """The videos of a set with their features, which are computed with this model's encoder where they are missing."""
    found = []
    for number, video in enumerate(tqdm(videos_of(name, davis_root), desc=name, unit="video")):
        paths = [folder / f"{NAMES.index(name)}-{number}-{level}.npy" for level in range(3)]
        if not all(path.is_file() for path in paths):
            for path, level in zip(paths, encode(video, model), strict=True):
                with write_whole(path) as temporary:
                    np.save(temporary, level)
        levels = [np.load(path, mmap_mode="r") for path in paths]
        found.append(Encoded(video, name == DAVIS, levels))
    return found


def score_tracked(model: TBD, video: Video, joined: bool) -> Scores:
    """J and F of every object as any model tracks the video, whatever its encoder."""
    assert video.truth is not None
    masks = (step.mask for step in track(Shared(model), video, LINES))
    return score_video(masks, video.truth, joined, video.name)


def encode(video: Video, model: TBD) -> list[np.ndarray]:
    """Features of all frames at the size at which the tracker works."""
    tracker = Tracker(Shared(model), LINES)
    frames, first = list(video.frames), min(video.given)
    tracker.step(frames[first].image, video.given[first])
    assert tracker.state is not None
    features = [tracker.encode(frame.image, tracker.state.work) for frame in frames]
    return [np.concatenate([getattr(part, name).half().numpy() for part in features]) for name in ("s4", "s8", "s16")]
