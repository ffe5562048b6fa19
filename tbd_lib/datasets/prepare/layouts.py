"""Is a data set complete? Every layout is gone through file by file, by names and sizes; no picture is decoded."""

import json
import mmap
import os
import re
from collections.abc import Iterable
from pathlib import Path

from tbd_lib.datasets.davis import listed
from tbd_lib.datasets.prepare.sources import File, Foldered, Images, Layout, Listed
from tbd_lib.errors import InputError
from tbd_lib.files import is_stray
from tbd_lib.texts import read_json

FILE_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")')
NUMBERED = re.compile("[0-9]{5}")


def problems(layout: Layout, folder: Path) -> list[str]:
    """What is missing of a data set, or wrong with it: a line per file or folder; nothing if it is complete.

    Args:
        layout: what is expected.
        folder: the data set's folder.
    """
    match layout:
        case Listed():
            return _of_lists(layout, folder)
        case Foldered():
            return _of_folders(layout, folder)
        case Images():
            return _of_images(layout, folder)
        case File():
            return _of_file(folder / layout.path)


class _Files:
    """The files of a kind in a folder: their bytes by their names, without the suffix."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.suffix = {"frame": ".jpg", "mask": ".png"}[kind]
        self.sizes: dict[str, int] = {}
        if folder.is_dir():
            with os.scandir(folder) as files:
                found = {file.name: file.stat().st_size for file in files if not is_stray(file.name)}
            self.sizes = {
                name.removesuffix(self.suffix): size for name, size in found.items() if name.endswith(self.suffix)
            }

    def missing(self, expected: Iterable[str]) -> list[str]:
        return [self._line(name, "missing") for name in expected if name not in self.sizes]

    def empty(self) -> list[str]:
        return [self._line(name, "is empty") for name, size in sorted(self.sizes.items()) if not size]

    def unnumbered(self) -> list[str]:
        names = sorted(name for name in self.sizes if not NUMBERED.fullmatch(name))
        return [f"{self.folder / (name + self.suffix)}: expected a name of five digits" for name in names]

    def _line(self, name: str, what: str) -> str:
        return f"{self.folder / (name + self.suffix)}: {what}; expected a {self.kind}"


def _of_lists(layout: Listed, folder: Path) -> list[str]:
    found, videos = [], {}
    for name, count in layout.lists.items():
        path = folder / name
        try:
            names = listed(path)
        except FileNotFoundError:
            found.append(f"{path}: missing; expected the names of {count} videos")
            continue
        except InputError as error:
            found.append(str(error))
            continue
        if len(names) != count:
            found.append(f"{path}: names {len(names)} videos; expected {count}")
        videos |= dict.fromkeys(names)
    for video in videos:
        found += _of_dense_video(folder, video, layout.first_masks_only)
    return found


def _of_dense_video(folder: Path, video: str, first_only: bool) -> list[str]:
    """A video without gaps: frames are numbered from 0, and every one, or the first alone, has a mask."""
    frames = _Files(folder / "JPEGImages/480p" / video, "frame")
    masks = _Files(folder / "Annotations/480p" / video, "mask")
    if not frames.sizes:
        return [f"{frames.folder}: holds no frames; expected a video"]
    numbers = [int(name) for name in {*frames.sizes, *masks.sizes} if NUMBERED.fullmatch(name)]
    expected = [f"{number:05d}" for number in range(max(numbers, default=0) + 1)]
    missing_masks = masks.missing(expected[:1] if first_only else expected)
    others = [*frames.unnumbered(), *masks.unnumbered()]
    return [*frames.missing(expected), *missing_masks, *frames.empty(), *masks.empty(), *others]


def _of_folders(layout: Foldered, folder: Path) -> list[str]:
    root, found, videos = folder / layout.part, [], set[str]()
    if (root / "JPEGImages").is_dir():
        folders = (path for path in (root / "JPEGImages").iterdir() if path.is_dir())
        videos = {path.name for path in folders if not is_stray(path.name)}
    if layout.masks:
        try:
            videos |= _named_videos(root / "meta.json")
        except InputError as error:
            found.append(str(error))
    if len(videos) != layout.videos:
        found.append(f"{root}: found {len(videos):,} videos; expected {layout.videos:,}")
    for video in sorted(videos):
        frames = _Files(root / "JPEGImages" / video, "frame")
        found += _of_sparse_video(frames, root / "Annotations" / video if layout.masks else None)
        if layout.at_least is not None:
            found += frames.missing(sorted(_Files(folder / layout.at_least / "JPEGImages" / video, "frame").sizes))
    return found


def _of_sparse_video(frames: _Files, masks_folder: Path | None) -> list[str]:
    """A video of which some frames have masks; every mask needs its frame."""
    if not frames.sizes:
        return [f"{frames.folder}: holds no frames; expected a video"]
    if masks_folder is None:
        return frames.empty()
    masks = _Files(masks_folder, "mask")
    if not masks.sizes:
        return [*frames.empty(), f"{masks_folder}: holds no masks; expected at least that of an object's first frame"]
    return [*frames.empty(), *frames.missing(sorted(masks.sizes)), *masks.empty()]


def _of_images(layout: Images, folder: Path) -> list[str]:
    images, index = _Files(folder / layout.folder, "frame"), folder / layout.annotations
    count = len(images.sizes)
    found = [] if count >= layout.count else [f"{images.folder}: found {count:,} images; expected {layout.count:,}"]
    if not images.sizes:
        return found
    names = [] if _of_file(index) else [Path(name).stem for name in _file_names(index)]
    return [*found, *images.missing(names), *images.empty()]


def _of_file(path: Path) -> list[str]:
    if not path.is_file():
        return [f"{path}: missing; expected a file"]
    return [] if path.stat().st_size else [f"{path}: is empty; expected a whole file"]


def _file_names(index: Path) -> list[str]:
    """Names of the images in an annotation file: found by their key, since to parse all of it takes gigabytes."""
    with index.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return [json.loads(found[1]) for found in FILE_NAME.finditer(content)]


def _named_videos(meta: Path) -> set[str]:
    """Names of the videos in a meta.json of YouTube-VOS."""
    try:
        return set(read_json(meta, "the list of videos")["videos"])
    except FileNotFoundError as error:
        raise InputError(f"{meta}: missing; expected the list of videos") from error
    except (KeyError, TypeError) as error:
        raise InputError(f"{meta}: {error}; expected the list of videos") from error
