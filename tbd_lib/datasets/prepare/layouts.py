"""Is a data set complete? Every layout is gone through file by file, by names and sizes; no picture is decoded."""

import json
import mmap
import os
import re
from pathlib import Path

from tbd_lib.datasets.prepare.sources import Foldered, Layout, Listed, Pictures, Single
from tbd_lib.datasets.videos import listed
from tbd_lib.errors import InputError

FRAME, MASK = ".jpg", ".png"
FILE_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")')


def problems(layout: Layout, folder: Path) -> list[str]:
    """What is missing of a data set, or wrong with it: a line per file or folder; nothing if it is complete.

    Args:
        layout: What is expected.
        folder: The data set's folder.
    """
    match layout:
        case Listed():
            return _of_lists(layout, folder)
        case Foldered():
            return _of_folders(layout, folder)
        case Pictures():
            return _of_pictures(layout, folder)
        case Single():
            return _of_file(folder / layout.path)


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
        frames, masks = (folder / kind / "480p" / video for kind in ("JPEGImages", "Annotations"))
        found += _of_dense_video(frames, masks, layout.first_masks_only)
    return found


def _of_dense_video(frames: Path, masks: Path, first_only: bool) -> list[str]:
    """A video without gaps: frames are numbered from 0, and every one, or the first alone, has a mask."""
    images, truths = _sizes(frames, FRAME), _sizes(masks, MASK)
    if not images:
        return [f"{frames}: holds no frames; expected a video"]
    last = max((int(name) for name in {*images, *truths} if name.isdecimal()), default=0)
    expected = [f"{number:05d}" for number in range(last + 1)]
    return [
        *_missing(frames, FRAME, expected, images),
        *_missing(masks, MASK, expected[:1] if first_only else expected, truths),
        *_empty(frames, FRAME, images),
        *_empty(masks, MASK, truths),
    ]


def _of_folders(layout: Foldered, folder: Path) -> list[str]:
    root = folder / layout.part
    try:
        videos = _named_videos(root / "meta.json") if layout.masks else []
        found = []
    except InputError as error:
        videos, found = [], [str(error)]
    videos = sorted({*videos, *_folders(root / "JPEGImages")})
    if len(videos) != layout.videos:
        found.append(f"{root}: found {len(videos):,} videos; expected {layout.videos:,}")
    for video in videos:
        found += _of_sparse_video(root, video, layout.masks)
        if layout.at_least is not None:
            found += _of_denser_video(root / "JPEGImages" / video, folder / layout.at_least / "JPEGImages" / video)
    return found


def _of_sparse_video(root: Path, video: str, with_masks: bool) -> list[str]:
    """A video of which some frames have masks; every mask needs its frame."""
    frames, masks = root / "JPEGImages" / video, root / "Annotations" / video
    images, truths = _sizes(frames, FRAME), _sizes(masks, MASK)
    if not images:
        return [f"{frames}: holds no frames; expected a video"]
    found = _empty(frames, FRAME, images)
    if not with_masks:
        return found
    if not truths:
        return [*found, f"{masks}: holds no masks; expected at least that of an object's first frame"]
    return [*found, *_missing(frames, FRAME, sorted(truths), images), *_empty(masks, MASK, truths)]


def _of_denser_video(frames: Path, sparse: Path) -> list[str]:
    """A video with all frames has those that the sparse release has."""
    return _missing(frames, FRAME, sorted(_sizes(sparse, FRAME)), _sizes(frames, FRAME))


def _of_pictures(layout: Pictures, folder: Path) -> list[str]:
    root, index = folder / layout.folder, folder / layout.annotations
    images = _sizes(root, FRAME)
    found = [] if len(images) >= layout.count else [f"{root}: found {len(images):,} images; expected {layout.count:,}"]
    if not images:
        return found
    named = [Path(name).stem for name in _file_names(index)] if not _of_file(index) else []
    return [*found, *_missing(root, FRAME, named, images), *_empty(root, FRAME, images)]


def _of_file(path: Path) -> list[str]:
    if not path.is_file():
        return [f"{path}: missing; expected a file"]
    return [] if path.stat().st_size else [f"{path}: is empty; expected a whole file"]


def _file_names(index: Path) -> list[str]:
    """Names of the images in an annotation file: found by their key, since to parse all of it takes gigabytes."""
    with index.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return [json.loads(found[1]) for found in FILE_NAME.finditer(content)]


def _named_videos(meta: Path) -> list[str]:
    """Names of the videos in a meta.json of YouTube-VOS."""
    try:
        return list(json.loads(meta.read_text())["videos"])
    except FileNotFoundError as error:
        raise InputError(f"{meta}: missing; expected the list of videos") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{meta}: {error}; expected the list of videos") from error


def _folders(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []


def _sizes(folder: Path, suffix: str) -> dict[str, int]:
    """Bytes of the files that end so, by name without that ending; of a folder that is not there, none."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as files:
        return {
            file.name.removesuffix(suffix): file.stat().st_size
            for file in files
            if file.name.endswith(suffix) and file.name[0] != "."
        }


def _missing(folder: Path, suffix: str, expected: list[str], there: dict[str, int]) -> list[str]:
    kind = "frame" if suffix == FRAME else "mask"
    return [f"{folder / (name + suffix)}: missing; expected a {kind}" for name in expected if name not in there]


def _empty(folder: Path, suffix: str, there: dict[str, int]) -> list[str]:
    kind = "frame" if suffix == FRAME else "mask"
    return [
        f"{folder / (name + suffix)}: is empty; expected a {kind}" for name, size in sorted(there.items()) if not size
    ]
