"""Videos as lazy records, and where their frames come from: a folder of pictures, or a video file."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pictures

from tbd_lib.errors import InputError, extra
from tbd_lib.files import write_whole
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import open_picture, read_mask, require_objects, require_size, size_of

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Frame:
    """One picture of a video and the name its mask will have (``"00042"``)."""

    name: str
    image: Image


if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

    _Frames = Iterable[Frame]
    _Given = Mapping[int, Mask]
    _Truth = Sequence[Mask]
else:  # a checker at run time takes an item out to look at it: of containers that read files, it would read one
    _Frames, _Given, _Truth = Iterable, Mapping, Sequence
    VideoFrame = InputContainer = object  # PyAV takes 16 MB, and is imported where a video file is opened


@dataclass(frozen=True)
class Video:
    """What a tracker needs: frames in order and the masks that are given.

    ``frames`` can be iterated more than once and may read from disk while it is; it has a length where the length is
    known. ``given`` maps a frame's position to the id mask that the user provides there. ``truth``, where a data set
    has it, holds the true id mask of every frame, read when asked for. ``wanted`` are the positions whose masks
    shall be written; None means all of them.
    """

    name: str
    frames: _Frames
    given: _Given
    truth: _Truth | None = None
    wanted: frozenset[int] | None = None


@dataclass(frozen=True)
class Clip:
    """A short video wholly in memory, with the true id mask of every frame."""

    name: str
    images: UInt8[np.ndarray, "t H W 3"]
    masks: UInt8[np.ndarray, "t H W"]
    facts: Mapping[str, object] = field(default_factory=dict)  # how it was made: challenges, distractors, seed


class FolderFrames(Sequence):  # of Frame; unnamed for the same reason as above
    """The JPEG and PNG files of a folder as frames, each read when it is asked for; other files are ignored.

    Files are ordered by number where all names are alike but for their number (``00010.jpg``, ``frame_10.png``), else
    by name. A frame's name is the file's without its suffix. Frames are turned upright as their EXIF orientation says.

    Raises:
        InputError: no such folder, no frames in it, a number that is missing or there twice; when a frame is read: it
            is not a whole picture, or not of the first frame's size.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder, expected a folder of frames")
        paths = [path for path in folder.iterdir() if path.suffix.lower() in FRAME_SUFFIXES and path.name[0] != "."]
        if not paths:
            raise InputError(f"{folder}: found no frames, expected files that end in {', '.join(FRAME_SUFFIXES)}")
        self.folder = folder
        self.paths = _in_order(paths)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(H, W, 3)`` of the first frame, and so of all."""
        return read_image(self.paths[0]).shape

    @property
    def names(self) -> list[str]:
        """Names of all frames, without reading them."""
        return [path.stem for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, position: int) -> Frame: ...
    @overload
    def __getitem__(self, position: slice) -> "FolderFrames": ...
    def __getitem__(self, position: int | slice) -> "Frame | FolderFrames":
        if isinstance(position, slice):
            part = copy(self)
            part.paths = self.paths[position]
            return part
        path = self.paths[position]
        image = read_image(path)
        if image.shape != self.shape:
            found, expected = size_of(image.shape), size_of(self.shape)
            raise InputError(f"{path}: found a frame of {found} pixels, expected {expected} as the first frame")
        return Frame(path.stem, image)


class FileFrames(Iterable[Frame]):
    """The frames of a video file, decoded anew each time they are iterated; only one is in memory at a time.

    Names are ``"00000"``, ``"00001"``, ... Frames are turned upright as the file's rotation says (phones record that
    way). ``fps`` is frames per second; ``count`` is the number of frames the file states; None where it tells neither.

    Raises:
        InputError: no such file, not a video, no frames in it; while iterating: a frame that cannot be decoded or is
            not of the first one's size.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._open() as container:
            stream = container.streams.video[0]
            self.fps: float | None = float(stream.average_rate) if stream.average_rate else None
            self.count: int | None = stream.frames or None

    def __length_hint__(self) -> int:
        return self.count or 0

    def __iter__(self) -> Iterator[Frame]:
        from av.error import FFmpegError

        shape = None
        with self._open() as container:
            decoded = container.decode(container.streams.video[0])
            for position in count():
                try:
                    frame = next(decoded, None)
                except (FFmpegError, ValueError) as error:
                    raise InputError(f"{self.path}: frame {position} cannot be decoded ({error})") from error
                if frame is None:
                    break
                image = _upright(frame)
                shape = shape or image.shape
                if image.shape != shape:
                    found, expected = size_of(image.shape), size_of(shape)
                    raise InputError(f"{self.path}: found frame {position} of {found} pixels, expected {expected}")
                yield Frame(f"{position:05}", image)
        if shape is None:
            raise InputError(f"{self.path}: found no frames, expected a video")

    def _open(self) -> InputContainer:
        with extra("video"):
            import av
            from av.error import FFmpegError

        if not self.path.is_file():
            raise InputError(f"{self.path}: no such file, expected a video")
        try:
            container = av.open(str(self.path))
        except PermissionError:
            raise
        except FFmpegError as error:
            raise InputError(f"{self.path}: cannot be decoded, expected a video file") from error
        if not container.streams.video:
            container.close()
            raise InputError(f"{self.path}: found no pictures in it, expected a video file")
        return container


def frames_of(path: Path) -> FolderFrames | FileFrames:
    """The frames of a folder of pictures or of a video file, whichever lies there.

    Raises:
        InputError: neither does, or one without frames.
    """
    if not path.exists():
        raise InputError(f"{path}: no such folder or file, expected a folder of frames or a video")
    return FolderFrames(path) if path.is_dir() else FileFrames(path)


def open_video(path: Path | str, mask: Path | str | Mapping[int, Path], name: str | None = None) -> Video:
    """A video of your own: a folder of frames or a video file, with the file of its first mask.

    ``mask`` may instead map positions of frames (from 0) to mask files, to give objects that enter later, or to
    correct. ``name`` is that of the folder or file unless another is given.

    Raises:
        InputError: no such folder or file, no frames in it, a mask that cannot be read, has no objects or not the size
            of the frames, no mask at all, a position that the video does not have.
    """
    path = Path(path)
    frames = frames_of(path)
    files = {0: Path(mask)} if isinstance(mask, Path | str) else mask
    _require_positions(path, list(files), len(frames) if isinstance(frames, FolderFrames) else frames.count)
    shape = next(iter(frames)).image.shape
    given = {at: require_objects(require_size(read_mask(file), shape, file), file) for at, file in files.items()}
    return Video(name or (path.resolve().name if path.is_dir() else path.stem), frames, given)


def read_image(path: Path) -> Image:
    """Read a picture as RGB, upright as its EXIF orientation says.

    Raises:
        InputError: no such file, not a picture, truncated, or of more than 8 bits per channel.
        OSError: the file cannot be read.
    """
    picture = open_picture(path)
    if picture.mode.startswith(("I", "F")):
        raise InputError(f"{path}: found pixels of kind {picture.mode}, expected 8 bits per channel")
    return np.array(picture.convert("RGB"))


def write_image(path: Path, image: Image) -> None:
    """Write a picture as JPEG or PNG, whole or not at all.

    Raises:
        InputError: the suffix is neither.
        OSError: no space left, or no right to write.
    """
    if path.suffix.lower() not in FRAME_SUFFIXES:
        raise InputError(f"{path}: found the suffix {path.suffix!r}, expected one of {', '.join(FRAME_SUFFIXES)}")
    with write_whole(path) as temporary:
        Pictures.fromarray(image).save(temporary, quality=JPEG_QUALITY)


def _require_positions(path: Path, positions: list[int], count: int | None) -> None:
    """Refuse masks for frames that are not there; how many a video file has may be unknown until it is decoded."""
    if not positions:
        raise InputError(f"{path}: no mask is given, expected at least one")
    if wrong := [at for at in positions if at < 0 or (count is not None and at >= count)]:
        raise InputError(f"{path}: found a mask for frame {wrong[0]}, expected positions from 0 to {(count or 0) - 1}")


def _in_order(paths: list[Path]) -> list[Path]:
    """Frames by number, or by name where they carry no common numbering."""
    numbers = _numbers([path.stem for path in paths])
    if numbers is None:
        return sorted(paths)
    order = np.argsort(numbers, kind="stable")
    ordered = [paths[place] for place in order]
    _require_even_steps([numbers[place] for place in order], ordered)
    return ordered


def _numbers(names: list[str]) -> list[int] | None:
    """The number at the end of each name; None where a name has none or the rest of the names differs."""
    parts = [re.fullmatch(r"(.*?)(\d+)", name) for name in names]
    if not all(parts) or len({part[1] for part in parts if part}) > 1:
        return None
    return [int(part[2]) for part in parts if part]


def _require_even_steps(numbers: list[int], paths: list[Path]) -> None:
    """Refuse frames of which one is missing; data sets that keep every fifth frame have a step of five throughout."""
    steps = [after - before for before, after in pairwise(numbers)]
    if 0 in steps:
        at = steps.index(0)
        raise InputError(f"{paths[at + 1]}: found frame number {numbers[at]} twice in the folder, expected it once")
    for before, step in zip(numbers, steps, strict=False):
        if step != min(steps):
            missing, last = before + min(steps), numbers[-1]
            raise InputError(f"{paths[0].parent}: frame {missing} is missing, expected all from {numbers[0]} to {last}")


def _upright(frame: VideoFrame) -> Image:
    """Pixels of a decoded frame; ``rotation`` is in degrees, counter-clockwise."""
    pixels = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, k=round(frame.rotation / 90)))
