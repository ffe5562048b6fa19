"""Data sets in the layout of DAVIS, as lists of videos whose frames and masks are read when asked for."""

import re
from operator import index
from pathlib import Path, PurePosixPath
from typing import SupportsIndex

from tbd_lib.datasets.lazy import GivenMasks, MaskFiles
from tbd_lib.errors import InputError
from tbd_lib.files import StrPath, at_home, data_folder, is_stray
from tbd_lib.texts import read_lines
from tbd_lib.video.frames import FolderFrames, Video

FRAME_PATH = re.compile(r"(?:/(?=JPEGImages/|Annotations/))?([^/].*?)/[^/]+?\.(?:jpe?g|png)(?:\s|$)", re.IGNORECASE)
"""A frame's or mask's path in a list: its folder. DAVIS's own begin with a slash, which stands for the root."""
DRIVE = re.compile("[A-Za-z]:/")
LAYOUT = "a data set in DAVIS layout (`tbd prepare davis` fetches it)"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # no name has them, and messages are one line


def davis(
    root: StrPath,
    split: str = "val",
    year: SupportsIndex = 2017,
    resolution: str = "480p",
    late_objects: bool = False,
) -> list[Video]:
    """Videos of a data set in the layout of DAVIS.

    ``root`` holds ``JPEGImages/<resolution>/<video>/*.jpg``, ``Annotations/<resolution>/<video>/*.png`` and
    ``ImageSets/<year>/<split>.txt``, a video's name per line; the lines of two paths in DAVIS-2016's own release
    (``ImageSets/<resolution>``) are understood too. Year 2016 joins all objects into one. A split that has only first
    masks (test-dev) gives videos without ``truth``. ``resolution`` is ``480p``, ``Full-Resolution`` (of DAVIS-2017)
    or ``1080p`` (of DAVIS-2016).

    The benchmark gives and scores the objects of the first frame; ``late_objects`` also gives each later one in the
    frame where it first appears. Source: ``docs/method.md``, "Evaluation".

    Raises:
        InputError: no such folder, split, resolution or video; a list without videos; a mask is missing; see also
            ``FolderFrames``, ``MaskFiles`` and ``GivenMasks`` for what is found when frames and masks are read.
    """
    root = at_home(root, "root")
    if not isinstance(year, SupportsIndex):
        raise InputError(f"`year` {year!r}: expected a number, 2016 or 2017")
    year = index(year)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder, expected {LAYOUT}")
    split_file = list_of_split(root, split, year, resolution)
    require_resolution(root / "JPEGImages", resolution, LAYOUT)
    videos = []
    for name in listed(split_file):
        frames_folder = root / "JPEGImages" / resolution / name
        if not frames_folder.is_dir():
            raise InputError(f"{frames_folder}: no such folder, but {split_file} lists the video {name!r}")
        masks_folder = root / "Annotations" / resolution / name
        videos.append(_video(name, FolderFrames(frames_folder, strict=True), masks_folder, year == 2016, late_objects))
    return videos


def sample(split: str) -> list[Video]:
    """The videos that come with the package; objects that enter late are given where they appear.

    ``"train"`` and ``"val"`` are synthetic; ``"real"`` are clips of real films, for looking and scoring only
    (``data/real/ORIGIN.md``).

    Raises:
        InputError: no such split, or the package lacks its data.
    """
    return davis(data_folder() / "sample", split, late_objects=True)


def find(name: str, root: StrPath | None = None) -> Video:
    """A video by its name: of the bundled sample, or of DAVIS-2016's validation set below ``root``.

    Raises:
        InputError: no video of that name; see also ``davis``.
    """
    videos = [*sample("real"), *sample("train"), *sample("val")] if root is None else davis(root, "val", 2016)
    for video in videos:
        if video.name == name:
            return video
    place = "the sample" if root is None else str(root)
    raise InputError(f"no video {name!r} in {place}; there are {', '.join(video.name for video in videos)}")


def listed(split_file: Path) -> list[str]:
    """Names of a split's videos in order, each once: the list's lines, which other programs may have written.

    A line is a video's name, with spaces or not, the path of its folder, or the path of a frame, after which that of
    its mask may follow as in DAVIS-2016's own release. Slashes may be those of Windows. No line is a comment.

    Raises:
        FileNotFoundError: no such list.
        InputError: the list is empty, is no text, or names a place outside of the data set or a hidden folder.
    """
    names = [_name_in(line, split_file) for line in read_lines(split_file)]
    if not names:
        raise InputError(f"{split_file}: found no videos, expected a video's name per line")
    return list(dict.fromkeys(names))


def _name_in(line: str, split_file: Path) -> str:
    """The video of a line: its name, the path of its folder, or that of a frame (and that of its mask)."""
    entry = line.replace("\\", "/")
    frame = FRAME_PATH.match(entry)
    parts = PurePosixPath(frame[1]).parts if frame else PurePosixPath(entry).parts
    leads_out = ".." in parts or (entry.startswith("/") and not frame) or DRIVE.match(entry)
    if leads_out or not parts or is_stray(parts[-1]) or CONTROL.search(parts[-1]):
        raise InputError(f"{split_file}: found {line!r}, expected a video's name")
    return parts[-1]


def _video(name: str, frames: FolderFrames, masks_folder: Path, joined: bool, late_objects: bool) -> Video:
    paths = [masks_folder / f"{frame}.png" for frame in frames.names]
    present = {path.name for path in masks_folder.glob("*.png")}
    missing = [path for path in paths if path.name not in present]
    only_first = len(paths) > 1 and missing == paths[1:]
    if missing and not only_first:
        raise InputError(f"{missing[0]}: no such mask, expected one for every frame, or for the first alone")
    masks = MaskFiles(paths[:1] if only_first else paths, frames, joined)
    positions = range(len(masks) if late_objects else 1)
    return Video(name, frames, GivenMasks(masks, positions), None if only_first else masks)


def require_resolution(folder: Path, resolution: str, expected: str) -> None:
    """Refuse frames or masks that are there in other resolutions only.

    Raises:
        InputError: naming those that there are, or what is ``expected`` where there are none.
    """
    if (folder / resolution).is_dir():
        return
    others = sorted(path.name for path in folder.glob("*") if path.is_dir() and not is_stray(path.name))
    there = f"but there is {', '.join(others)}; expected it as `resolution`" if others else f"expected {expected}"
    raise InputError(f"{folder / resolution}: no such folder, {there}")


def list_of_split(root: Path, split: str, year: int, resolution: str = "480p") -> Path:
    """The list of a split: under the year, or where DAVIS-2016's own release has it.

    Raises:
        InputError: there is none.
    """
    if not (root / "ImageSets").is_dir():
        inside = [path.name for path in sorted(root.glob("*")) if (path / "ImageSets").is_dir()]
        there = f", but there is one in {root / inside[0]}" if inside else ""
        raise InputError(f"{root / 'ImageSets'}: no such folder{there}, expected {LAYOUT}")
    folders = [root / "ImageSets" / str(year)] + [root / "ImageSets" / resolution] * (year == 2016)
    for candidate in folders:
        if (candidate / f"{split}.txt").is_file():
            return candidate / f"{split}.txt"
    splits = sorted({path.stem for candidate in folders for path in candidate.glob("[!.]*.txt")})
    others = sorted(path.parent.name for path in (root / "ImageSets").glob(f"*/{split}.txt"))
    there = f"there are {', '.join(splits)}" if splits else "there is none"
    if others and not splits:
        there += f" of {year}, but there is one of {', '.join(others)}"
        there += " (that of DAVIS-2016's own release: `year` 2016)" * (resolution in others)
    raise InputError(f"{folders[0] / f'{split}.txt'}: no such split, {there}")
