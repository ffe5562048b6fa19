"""YouTube-VOS: its benchmark splits, and lists that divide its training videos.

In a benchmark split masks are given where objects appear, and asked for in some of the frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from tbd_lib.datasets.videos import listed
from tbd_lib.errors import InputError
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import FolderFrames, Video
from tbd_lib.video.masks import ids_of, read_mask, require_objects, require_size

LISTS = (("train.txt", "val.txt"), ("train_joakim.txt", "val_joakim.txt"))
"""Pairs of lists, to learn from and to validate with; the second is a hold-out that several authors share."""


def youtube_vos_benchmark(root: Path | str, split: str = "valid") -> list[Video]:
    """Videos of a split whose masks are kept by the benchmark's server.

    ``root/<split>/JPEGImages/<video>/*.jpg`` are the frames in which masks are asked for, every fifth;
    ``Annotations/<video>/*.png`` are the masks of frames in which objects appear. Where
    ``root/<split>_all_frames/JPEGImages`` is there too, the tracker sees every frame, and masks are ``wanted`` in the
    fifths only.

    Raises:
        InputError: no such folder, no videos in it, or one without masks; a mask or a wanted frame that is not among
            the frames.
    """
    folder, dense = Path(root) / split, Path(root) / f"{split}_all_frames" / "JPEGImages"
    for part in (folder / "JPEGImages", folder / "Annotations"):
        if not part.is_dir():
            raise InputError(f"{part}: no such folder, expected YouTube-VOS as released")
    names = sorted(path.name for path in (folder / "JPEGImages").iterdir() if path.is_dir())
    if not names:
        raise InputError(f"{folder / 'JPEGImages'}: found no videos, expected a folder of frames per video")
    seen = dense if dense.is_dir() else folder / "JPEGImages"
    return [_video(name, seen / name, folder / "JPEGImages" / name, folder / "Annotations" / name) for name in names]


def training_lists(root: Path | str, videos: Sequence[Video]) -> tuple[list[Video], list[Video]]:
    """Divide the training videos as lists say that lie with them: videos to learn from, and those that validate.

    A list is a file in ``root/ImageSets`` with a video's name per line: ``train.txt`` and ``val.txt``, or
    ``train_joakim.txt`` and ``val_joakim.txt``; of two pairs the one that has a list to validate with counts. Without
    the first of a pair all other videos are there to learn from, without the second none validates.

    Raises:
        InputError: an empty list, a video that is not among ``videos``, one in both lists, or none to learn from.
    """
    folder = Path(root) / "ImageSets"
    pairs = [(folder / train, folder / validation) for train, validation in LISTS]
    train, validation = max(pairs, key=lambda pair: (pair[1].is_file(), pair[0].is_file()))
    held = _of_list(validation, videos) if validation.is_file() else []
    names = {video.name for video in held}
    others = [video for video in videos if video.name not in names]
    kept = _of_list(train, videos) if train.is_file() else others
    if twice := [video.name for video in kept if video.name in names]:
        raise InputError(f"{validation}: names {twice[0]}, as {train} does; expected each video in one of them")
    if not kept:
        raise InputError(f"{validation}: names every video; expected some to be left to learn from")
    return kept, held


def _of_list(path: Path, videos: Sequence[Video]) -> list[Video]:
    """The videos that a list names, in its order."""
    known, names = {video.name: video for video in videos}, listed(path)
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"{path}: names {unknown[0]}; expected videos of the training data ({len(known):,})")
    return [known[name] for name in names]


def _video(name: str, seen: Path, asked: Path, masks: Path) -> Video:
    """One video: the frames that are seen, those that are asked for, the masks that are given."""
    frames = FolderFrames(seen)
    places = {frame: place for place, frame in enumerate(frames.names)}
    given = {path.stem: path for path in sorted(masks.glob("[!.]*.png"))}
    if not given:
        raise InputError(f"{masks}: found no masks, expected one where the first object appears")
    wanted = [path.stem for path in sorted(asked.glob("[!.]*.jpg"))]
    if lost := [frame for frame in (*given, *wanted) if frame not in places]:
        raise InputError(f"{seen / lost[0]}.jpg: no such frame, but a mask is given or asked for there")
    return Video(
        name,
        frames,
        Appearing({places[frame]: path for frame, path in given.items()}, frames),
        wanted=None if len(wanted) == len(frames) else frozenset(places[frame] for frame in wanted),
    )


class Appearing(Mapping):  # of int to Mask; unnamed, since a checker at run time would read one to look at it
    """Given masks by position, each with those objects only that were not given before.

    Raises:
        InputError: when a mask is read: it cannot be, has not the size of its frame, or the first has no objects.
    """

    def __init__(self, paths: dict[int, Path], frames: FolderFrames) -> None:
        self._paths, self._frames = paths, frames

    def __len__(self) -> int:
        return len(self._new_ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._new_ids)

    def __getitem__(self, position: int) -> Mask:
        new_ids, mask = self._new_ids[position], self._read(position)
        return np.where(np.isin(mask, new_ids), mask, np.uint8(0))

    @cached_property
    def _new_ids(self) -> dict[int, list[int]]:
        first = min(self._paths)
        require_objects(self._read(first), self._paths[first])
        known, entries = set[int](), {}
        for position in sorted(self._paths):
            if new_ids := [i for i in ids_of(self._read(position)) if i not in known]:
                entries[position] = new_ids
                known.update(new_ids)
        return entries

    def _read(self, position: int) -> Mask:
        path = self._paths[position]
        return require_size(read_mask(path), self._frames.shape, path)
