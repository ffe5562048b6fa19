"""YouTube-VOS: its training videos, lists that divide them, and its benchmark splits."""

from collections.abc import Sequence
from pathlib import Path

from tbd_lib.datasets.davis import listed
from tbd_lib.datasets.lazy import GivenMasks, MaskFiles
from tbd_lib.errors import InputError
from tbd_lib.files import at_home, is_stray
from tbd_lib.video.folders import KINDS
from tbd_lib.video.frames import FolderFrames, Video

LISTS = (("train.txt", "val.txt"), ("train_joakim.txt", "val_joakim.txt"))
"""Pairs of lists, to learn from and to validate with; the second is a hold-out that several authors share."""


def youtube_vos(root: Path | str, split: str = "train") -> list[Video]:
    """The training videos: ``root/<split>/JPEGImages/<video>/*.jpg`` and ``Annotations/<video>/*.png``.

    Frames without a mask (of the release with all frames) are left out. Each object is given where it first appears.

    Raises:
        InputError: no such folder, no videos in it, a video without masks, or a mask without a frame; see also
            ``FolderFrames``, ``MaskFiles`` and ``GivenMasks`` for what is found when frames and masks are read.
    """
    frames, masks = _folders(at_home(root) / split)
    return [_annotated_video(name, frames / name, masks / name) for name in _videos_in(masks, "masks")]


def youtube_vos_benchmark(root: Path | str, split: str = "valid") -> list[Video]:
    """Videos of a split whose masks are kept by the benchmark's server.

    ``root/<split>/JPEGImages/<video>/`` has the frames in which masks are asked for, every fifth;
    ``Annotations/<video>/*.png`` are the masks of frames in which objects appear. Where
    ``root/<split>_all_frames/JPEGImages`` is there too, the tracker sees every frame, and masks are ``wanted`` in the
    fifths only.

    Raises:
        InputError: no such folder, no videos in it, or one without masks or frames; a mask or a wanted frame that is
            not among the frames.
    """
    asked, masks = _folders(at_home(root) / split)
    dense = at_home(root) / f"{split}_all_frames" / "JPEGImages"
    seen = dense if dense.is_dir() else asked
    return [_benchmark_video(name, seen / name, asked / name, masks / name) for name in _videos_in(asked, "frames")]


def training_lists(root: Path | str, videos: Sequence[Video]) -> tuple[list[Video], list[Video]]:
    """Divide the training videos as lists beside them tell: videos to learn from, and those that validate.

    A list is a file in ``root/ImageSets`` with a video's name per line: ``train.txt`` and ``val.txt``, or
    ``train_joakim.txt`` and ``val_joakim.txt``; of two pairs the one that has a list to validate with counts. Without
    the first of a pair all other videos are there to learn from, without the second none validates.

    Raises:
        InputError: an empty list, a video that is not among ``videos``, one in both lists, or none to learn from.
    """
    folder = at_home(root) / "ImageSets"
    pairs = [(folder / train, folder / validation) for train, validation in LISTS]
    train, validation = max(pairs, key=lambda pair: (pair[1].is_file(), pair[0].is_file()))
    held = _of_list(validation, videos) if validation.is_file() else []
    names = {video.name for video in held}
    others = [video for video in videos if video.name not in names]
    kept = _of_list(train, videos) if train.is_file() else others
    if twice := [video.name for video in kept if video.name in names]:
        raise InputError(f"{validation}: names {twice[0]}, as {train} does; expected each video in one of them")
    if not kept:
        raise InputError(f"{validation}: names every video; expected videos that are left to learn from")
    return kept, held


def _of_list(path: Path, videos: Sequence[Video]) -> list[Video]:
    """The videos that a list names, in its order."""
    known, names = {video.name: video for video in videos}, listed(path)
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"{path}: names {unknown[0]}; expected videos of the training data ({len(known):,})")
    return [known[name] for name in names]


def _folders(folder: Path) -> tuple[Path, Path]:
    """Where a split's frames and masks are."""
    parts = folder / "JPEGImages", folder / "Annotations"
    for part in parts:
        if not part.is_dir():
            how = "`tbd prepare youtube-vos` says how to get it"
            raise InputError(f"{part}: no such folder, expected YouTube-VOS 2018 or 2019 as released ({how})")
    return parts


def _videos_in(folder: Path, content: str) -> list[str]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not is_stray(path.name))
    if not names:
        raise InputError(f"{folder}: found no videos, expected a folder of {content} per video")
    return names


def _annotated_video(name: str, frames_folder: Path, masks_folder: Path) -> Video:
    """A video of those frames that have a mask."""
    frames = FolderFrames(frames_folder, strict=True)
    annotated = {path.stem for path in masks_folder.glob("[!.]*.png")}
    if lost := sorted(annotated - set(frames.names)):
        raise InputError(f"{masks_folder / f'{lost[0]}.png'}: a mask without a frame, expected one in {frames_folder}")
    if not annotated:
        raise InputError(f"{masks_folder}: found no masks, expected masks of the frames in {frames_folder}")
    frames.paths = [path for path in frames.paths if path.stem in annotated]
    masks = MaskFiles([masks_folder / f"{frame}.png" for frame in frames.names], frames)
    return Video(name, frames, GivenMasks(masks, range(len(masks))), masks)


def _benchmark_video(name: str, seen: Path, asked: Path, masks: Path) -> Video:
    """A video by the frames that are seen, those that are asked for, and the masks that are given."""
    frames = FolderFrames(seen, strict=True)
    places = {frame: place for place, frame in enumerate(frames.names)}
    given = {path.stem: path for path in sorted(masks.glob("[!.]*.png"))}
    if not given:
        raise InputError(f"{masks}: found no masks, expected one where the first object appears")
    pictures = (path for path in asked.iterdir() if path.suffix.lower() in KINDS and not is_stray(path.name))
    wanted = sorted(path.stem for path in pictures)
    if not wanted:
        raise InputError(f"{asked}: found no frames, expected those in which masks are asked for")
    if lost := [frame for frame in (*given, *wanted) if frame not in places]:
        raise InputError(f"{seen}: found no frame {lost[0]}, but a mask is given or asked for there")
    return Video(
        name,
        frames,
        GivenMasks(MaskFiles(list(given.values()), frames), [places[frame] for frame in given]),
        wanted=None if len(wanted) == len(frames) else frozenset(places[frame] for frame in wanted),
    )
