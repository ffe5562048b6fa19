"""Index functions: from a data set's folder to a list of videos whose frames and masks are read when asked for."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from tbd_lib.errors import InputError
from tbd_lib.files import data_folder
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import FileFrames, FolderFrames, Video, frames_of
from tbd_lib.video.masks import ids_of, read_mask, require_objects, require_size


class MaskFiles(Sequence):  # of Mask; left unnamed, since a checker at run time would read one to look at it
    """True id masks of frames, read from ``<folder>/<frame name>.png`` when asked for.

    ``joined`` makes one object, id 1, of all objects.

    Raises:
        InputError: when a mask is read: it cannot be, or has not the size of its frames.
    """

    def __init__(self, folder: Path, frames: FolderFrames, joined: bool = False):
        self.paths = [folder / f"{name}.png" for name in frames.names]
        self._frames = frames
        self._joined = joined

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, position: int) -> Mask: ...
    @overload
    def __getitem__(self, position: slice) -> list[Mask]: ...
    def __getitem__(self, position: int | slice) -> Mask | list[Mask]:
        if isinstance(position, slice):
            return [self[at] for at in range(len(self))[position]]
        path = self.paths[position]
        mask = require_size(read_mask(path), self._frames.shape, path)
        return (mask > 0).astype(np.uint8) if self._joined else mask


class GivenMasks(Mapping):  # of int to Mask; see above
    """The masks that a benchmark gives to the tracker: that of the first frame and, if asked for, of later objects.

    With ``late_objects`` every object is given in the frame where it first appears, as a mask that holds only the
    objects new there. To find these frames all masks are read, once, when the first of them is asked for.

    Raises:
        InputError: when a mask is read: it cannot be, has not the size of its frame, or the first has no objects.
    """

    def __init__(self, masks: MaskFiles, late_objects: bool = False):
        self._masks = masks
        self._last = len(masks) - 1 if late_objects else 0

    def __len__(self) -> int:
        return len(self._new_ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._new_ids)

    def __getitem__(self, position: int) -> Mask:
        new_ids = self._new_ids[position]
        mask = self._masks[position]
        return np.where(np.isin(mask, new_ids), mask, np.uint8(0))

    @cached_property
    def _new_ids(self) -> dict[int, list[int]]:
        """Ids that are new in a frame, for every frame that has some."""
        first = require_objects(self._masks[0], self._masks.paths[0])
        known, entries = set(ids_of(first)), {0: ids_of(first)}
        for position in range(1, self._last + 1):
            new_ids = [new for new in ids_of(self._masks[position]) if new not in known]
            if new_ids:
                entries[position] = new_ids
                known.update(new_ids)
        return entries


def davis(
    root: Path | str, split: str = "val", year: int = 2017, resolution: str = "480p", late_objects: bool = False
) -> list[Video]:
    """Videos of a data set in the layout of DAVIS.

    ``root`` holds ``JPEGImages/<resolution>/<video>/*.jpg``, ``Annotations/<resolution>/<video>/*.png`` and
    ``ImageSets/<year>/<split>.txt``, a video's name per line; the lines of two paths in DAVIS-2016's own release
    (``ImageSets/<resolution>``) are understood too. Year 2016 joins all objects into one. A split that has only first
    masks (test-dev) gives videos without ``truth``.

    The benchmark gives and scores the objects of the first frame; ``late_objects`` also gives each later one in the
    frame where it first appears. Source: ``docs/method.md``, "Evaluation".

    Raises:
        InputError: no such folder, split or video; a list without videos; a mask is missing; see also
            ``FolderFrames``, ``MaskFiles`` and ``GivenMasks`` for what is found when frames and masks are read.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder, expected a data set in DAVIS layout")
    split_file = _split_file(root, split, year, resolution)
    videos = []
    for name in listed(split_file):
        frames_folder = root / "JPEGImages" / resolution / name
        if not frames_folder.is_dir():
            raise InputError(f"{frames_folder}: no such folder, but {split_file} lists the video {name!r}")
        masks_folder = root / "Annotations" / resolution / name
        videos.append(_davis_video(name, frames_folder, masks_folder, year == 2016, late_objects))
    return videos


def youtube_vos(root: Path | str, split: str = "train") -> list[Video]:
    """The training videos of YouTube-VOS: ``root/<split>/JPEGImages/<video>/*.jpg`` and ``Annotations/<video>/*.png``.

    Frames without a mask (of the release with all frames) are left out. Each object is given where it first appears.

    Raises:
        InputError: no such folder, no videos in it, a video without masks, or a mask without a frame; see also
            ``FolderFrames``, ``MaskFiles`` and ``GivenMasks`` for what is found when frames and masks are read.
    """
    folder = Path(root) / split
    for part in (folder / "JPEGImages", folder / "Annotations"):
        if not part.is_dir():
            raise InputError(f"{part}: no such folder, expected YouTube-VOS as released")
    names = sorted(path.name for path in (folder / "Annotations").iterdir() if path.is_dir())
    if not names:
        raise InputError(f"{folder / 'Annotations'}: found no videos, expected a folder of masks per video")
    return [_annotated_video(name, folder / "JPEGImages" / name, folder / "Annotations" / name) for name in names]


def sample(split: str) -> list[Video]:
    """The synthetic videos that come with the package; objects that enter late are given where they appear.

    Raises:
        InputError: no such split, or the package lacks its data.
    """
    return davis(data_folder() / "sample", split, late_objects=True)


def find(name: str, root: Path | str | None = None) -> Video:
    """A video by its name: of the bundled sample, or of DAVIS-2016's validation set below ``root``.

    Raises:
        InputError: no video of that name; see also ``davis``.
    """
    videos = [*sample("train"), *sample("val")] if root is None else davis(root, "val", 2016)
    for video in videos:
        if video.name == name:
            return video
    place = "the sample" if root is None else str(root)
    raise InputError(f"no video {name!r} in {place}; there are {', '.join(video.name for video in videos)}")


def folder(path: Path | str, mask: Path | str | Mapping[int, Path], name: str | None = None) -> Video:
    """A video of one's own: a folder of frames or a video file, with the file of its first mask.

    ``mask`` may instead map positions of frames (from 0) to mask files, to give objects that enter later, or to
    correct. ``name`` is that of the folder or file unless told otherwise.

    Raises:
        InputError: no such folder or file, no frames in it, a mask that cannot be read, has no objects or not the size
            of the frames, no mask at all, a position that the video does not have.
    """
    path = Path(path)
    frames = frames_of(path)
    files = {0: Path(mask)} if isinstance(mask, Path | str) else mask
    _require_positions(path, list(files), frames)
    shape = next(iter(frames)).image.shape
    given = {at: require_objects(require_size(read_mask(file), shape, file), file) for at, file in files.items()}
    return Video(name or (path.resolve().name if path.is_dir() else path.stem), frames, given)


def _davis_video(name: str, frames_folder: Path, masks_folder: Path, joined: bool, late_objects: bool) -> Video:
    frames = FolderFrames(frames_folder)
    masks = MaskFiles(masks_folder, frames, joined)
    present = {path.name for path in masks_folder.glob("*.png")}
    missing = [path for path in masks.paths if path.name not in present]
    only_first = len(masks) > 1 and missing == masks.paths[1:]
    if missing and not only_first:
        raise InputError(f"{missing[0]}: no such mask, expected one for every frame, or for the first alone")
    return Video(
        name,
        frames,
        GivenMasks(masks, late_objects and not only_first),
        truth=None if only_first else masks,
    )


def _annotated_video(name: str, frames_folder: Path, masks_folder: Path) -> Video:
    """A video of those frames that have a mask."""
    frames = FolderFrames(frames_folder)
    annotated = {path.stem for path in masks_folder.glob("*.png")}
    lost = sorted(annotated - set(frames.names))
    if lost:
        raise InputError(f"{masks_folder / f'{lost[0]}.png'}: a mask without a frame, expected one in {frames_folder}")
    frames.paths = [path for path in frames.paths if path.stem in annotated]
    if not frames.paths:
        raise InputError(f"{masks_folder}: found no masks, expected some of the frames of {frames_folder}")
    masks = MaskFiles(masks_folder, frames)
    return Video(name, frames, GivenMasks(masks, late_objects=True), truth=masks)


def _split_file(root: Path, split: str, year: int, resolution: str) -> Path:
    """The list of a split: under the year, or where DAVIS-2016's own release has it."""
    folders = [root / "ImageSets" / str(year)] + [root / "ImageSets" / resolution] * (year == 2016)
    for candidate in folders:
        if (candidate / f"{split}.txt").is_file():
            return candidate / f"{split}.txt"
    splits = sorted({path.stem for candidate in folders for path in candidate.glob("*.txt")})
    others = sorted(path.parent.name for path in (root / "ImageSets").glob(f"*/{split}.txt"))
    there = f"there are {', '.join(splits)}" if splits else "there is none"
    if others and not splits:
        there += f" of {year}, but one of {', '.join(others)}"
    raise InputError(f"{folders[0] / f'{split}.txt'}: no such split, {there}")


def listed(split_file: Path) -> list[str]:
    """Names of a split's videos in order, each once; of a path, the folder that the file lies in.

    Raises:
        FileNotFoundError: no such list.
        InputError: the list is empty.
    """
    entries = [line.split()[0] for line in split_file.read_text().splitlines() if line.strip()]
    names = [Path(entry).parent.name if "/" in entry else entry for entry in entries]
    if not names:
        raise InputError(f"{split_file}: found no videos, expected a video's name per line")
    return list(dict.fromkeys(names))


def _require_positions(path: Path, positions: list[int], frames: FolderFrames | FileFrames) -> None:
    """Refuse masks for frames that are not there; how many a video file has may be unknown until it is decoded."""
    if not positions:
        raise InputError(f"{path}: no mask is given, expected at least one")
    count = len(frames) if isinstance(frames, FolderFrames) else frames.count
    wrong = [at for at in positions if at < 0 or (count is not None and at >= count)]
    if wrong:
        raise InputError(f"{path}: found a mask for frame {wrong[0]}, expected positions from 0 to {(count or 0) - 1}")
