"""A mask in the middle of a video: tracked forwards from there, then backwards to the beginning."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import Step, Tracker, require_video, steps_of, track
from tbd_lib.video.frames import Frame, Video


class Backwards(Sequence):  # of Frame; left unnamed, since a checker at run time would read one to look at it
    """Frames in reverse order, read when asked for."""

    def __init__(self, frames: Sequence) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, position: int) -> Frame:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not 0 <= position < len(self):
            raise IndexError(position)
        return self._frames[len(self) - 1 - position]


class Spilled(Sequence):  # of Frame
    """Frames of a film, laid down in a folder, since a film can only be read forwards."""

    def __init__(self, frames: Iterator[Frame], folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []
        for frame in frames:
            np.save(folder / f"{len(self._names)}.npy", frame.image)
            self._names.append(frame.name)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, position: int) -> Frame:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Frame(self._names[position], np.load(self._folder / f"{position}.npy"))


def track_bidirectional(segmenter: Segmenter, video: Video, config: TrackConfig | None = None) -> Iterator[Step]:
    """Track from the first frame in which an object is given to the end, then from it backwards to the beginning.

    Steps come in this order, one for every frame, named by it. Masks given later count in the forward part only:
    an object that is first given there is unknown before it. Of a film, the frames before the first mask are laid
    down in a temporary folder (3 bytes a pixel), so that memory does not grow with the video.

    Raises:
        InputError: as ``track``.
    """
    require_video(video)
    start = next((position for position in sorted(video.given) if video.given[position].any()), 0)
    with ExitStack() as stack:
        if isinstance(video.frames, Sequence):
            before, rest = video.frames[:start], video.frames[start:]
        else:
            frames = iter(video.frames)
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="tbd-")))
            before, rest = Spilled(islice(frames, start), folder), frames
        first = None
        for step in steps_of(Tracker(segmenter, config), replace(video, frames=rest), len(before)):
            first = first or Frame(step.name, step.image)
            yield step
        if first is not None and start:
            turned = replace(video, frames=_then(first, Backwards(before)), given={0: video.given[start]})
            yield from islice(track(segmenter, turned, config), 1, None)


def _then(first: Frame, frames: Sequence) -> Iterator[Frame]:
    yield first
    yield from frames
