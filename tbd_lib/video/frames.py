"""Videos as lazy records, and where their frames come from: a folder of pictures, or a video file."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import count
from operator import index, length_hint
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.files import StrPath, at_home, write_whole
from tbd_lib.video.arrays import Image, ImageLike, Mask, as_image, as_masks, described
from tbd_lib.video.films import beginning, film_errors, is_cut_off, main_stream, open_film, shots, upright
from tbd_lib.video.folders import frame_files
from tbd_lib.video.masks import MaskReader, require_objects, require_size, size_of
from tbd_lib.video.pictures import open_picture, require_8_bits

WRITTEN_SUFFIXES = (".jpg", ".jpeg", ".png")
JPEG_QUALITY = 95


if TYPE_CHECKING:
    _Picture = Image
    _Frames = Iterable["Frame"]
    _Given = Mapping[int, Mask]
    _Truth = Sequence[Mask]
else:  # a checker at run time takes an item out to look at it: of containers that read files, it would read one
    _Frames, _Given, _Truth = Iterable, Mapping, Sequence
    _Picture = object  # what it is given as; ``as_image`` is the checker


@dataclass(frozen=True)
class Frame:
    """One picture of a video and the name its mask will have (``"00042"``).

    The picture may be given in any form that ``as_image`` takes; a ``uint8`` array HxWx3 is kept, not copied. ``time``
    is when a film shows it, in seconds from its first frame, and ``duration`` for how long; None where the video does
    not tell, as a folder.

    Raises:
        InputError: what ``as_image`` refuses.
    """

    name: str
    image: _Picture
    time: float | None = None
    duration: float | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "image", as_image(self.image))
        except InputError as error:
            raise InputError(f"frame {self.name}: {error}") from error


@dataclass(frozen=True)
class Video:
    """What a tracker needs: frames in order and the masks that are given.

    ``frames`` can be iterated more than once and may read from disk while it is; it has a length where the length is
    known. ``given`` maps a frame's position to the id mask that the user provides there. ``truth``, where a data set
    has it, holds the true id mask of every frame, read when asked for. ``wanted`` are the positions whose masks
    shall be written; None means all of them. ``notes`` tell how the input was understood where that might be doubted,
    each in a line.

    A dictionary of given masks may hold them in any form that ``as_masks`` takes.

    Raises:
        InputError: frames that are a path, given masks that are not by position, or what ``as_masks`` refuses.
    """

    name: str
    frames: _Frames
    given: _Given
    truth: _Truth | None = None
    wanted: frozenset[int] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.frames, str | os.PathLike) or not isinstance(self.frames, Iterable):
            expected = "expected frames, as frames_of(path) reads them"
            raise InputError(f"{self.name}: `frames` is {described(self.frames)}; {expected}")
        if not isinstance(self.given, Mapping):
            expected = "expected masks by position: {0: mask}"
            raise InputError(f"{self.name}: `given` is {described(self.given)}; {expected}")
        if isinstance(self.given, dict):  # others read files when asked
            masks = {position_of(at, self.name): mask for at, mask in self.given.items()}
            try:
                object.__setattr__(self, "given", as_masks(masks))
            except InputError as error:
                raise InputError(f"{self.name}, {error}") from error


@dataclass(frozen=True)
class Clip:
    """A short video wholly in memory, with the true id mask of every frame."""

    name: str
    images: UInt8[np.ndarray, "t H W 3"]
    masks: UInt8[np.ndarray, "t H W"]
    facts: Mapping[str, object] = field(default_factory=dict)  # how it was made: challenges, distractors, seed


class FolderFrames(Sequence):  # of Frame; unnamed for the same reason as above
    """The pictures of a folder as frames, each read when it is asked for: JPEG, PNG, WebP, BMP and TIFF.

    ``frame_files`` tells which pictures are frames, and in which order; ``left_out`` are the names of those that are
    none. A frame's name is the file's without its suffix. Frames are turned upright as their EXIF orientation says.

    Args:
        folder: where they lie.
        strict: for the folders of a benchmark: no picture may be left out, and no number be missing.

    Raises:
        InputError: no such folder, and what ``frame_files`` refuses; when a frame is read: it is not a whole picture,
            or not of the first frame's size.
        OSError: a file that cannot be read.
    """

    def __init__(self, folder: StrPath, strict: bool = False):
        folder = at_home(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder, expected a folder of frames")
        self.folder = folder
        self.paths, self.left_out = frame_files(folder, strict)

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

    The film is the main stream of pictures (``main_stream``). Names are ``"00000"``, ``"00001"``, ... Frames are turned
    and mirrored as the file says (phones record that way); each tells its time. ``fps`` is frames per second on
    average; ``count`` is the number of frames the file states, which may be wrong; None where it tells neither.
    ``broken`` is None but after a film was iterated that is ``readable`` and breaks off: the error.

    Raises:
        InputError: no such file, not a video, no frames in it; while iterating: a frame that cannot be decoded or is
            not of the first one's size, or an end before the one that the file states.
    """

    def __init__(self, path: StrPath):
        self.path = at_home(path)
        self.broken: InputError | None = None
        self._forgiving = False
        with open_film(self.path) as container:
            stream = main_stream(self.path, container)
            self.fps: float | None = float(stream.average_rate) if stream.average_rate else None
            self.count: int | None = stream.frames or None

    def readable(self) -> "FileFrames":
        """The same frames, as far as they can be read: where the film breaks off, ``broken`` is set instead of raised.

        An error at the first frame is raised all the same.
        """
        frames = copy(self)
        frames._forgiving = True
        return frames

    @cached_property
    def aspect(self) -> Fraction:
        """Width of a pixel divided by its height, in frames as they are given; 1 if the film does not tell."""
        return beginning(self.path)[1]

    def __length_hint__(self) -> int:
        return self.count or 0

    def __iter__(self) -> Iterator[Frame]:
        position = 0
        try:
            for frame in self._frames():
                yield frame
                position += 1
        except InputError as error:
            if not (self._forgiving and position):
                raise
            self.broken = error

    def _frames(self) -> Iterator[Frame]:
        shape, end = None, 0.0
        with open_film(self.path) as container:
            stream = main_stream(self.path, container)
            shown = shots(container, stream)
            for position in count():
                try:
                    shot = next(shown, None)
                    image = None if shot is None else upright(shot.frame)
                    if shot is None and shape is not None and is_cut_off(self.path, stream, end):
                        raise EOFError("the file ends before it")
                except film_errors() as error:
                    reason = " ".join(str(error).split())
                    raise InputError(f"{self.path}: frame {position} cannot be decoded ({reason})") from error
                if shot is None or image is None:
                    break
                shape, end = shape or image.shape, shot.end
                if image.shape != shape:
                    found, expected = size_of(image.shape), size_of(shape)
                    raise InputError(f"{self.path}: found frame {position} of {found} pixels, expected {expected}")
                yield Frame(f"{position:05}", image, shot.time, shot.duration)
        if shape is None:
            raise InputError(f"{self.path}: found no frames, expected a video")


def position_of(found: SupportsIndex, name: str) -> int:
    """A frame's position from any kind of whole number; ``name`` is the video's, for the error.

    Raises:
        InputError: no whole number, or one below 0.
    """
    if not isinstance(found, SupportsIndex) or index(found) < 0:
        raise InputError(f"{name}: found a mask for frame {found!r}, expected the frame's position as a number from 0")
    return index(found)


def frames_of(path: StrPath) -> FolderFrames | FileFrames:
    """The frames of a folder of pictures or of a video file, whichever lies there.

    Raises:
        InputError: neither does, or one without frames.
    """
    path = at_home(path)
    if not path.exists():
        raise InputError(f"{path}: no such folder or file, expected a folder of frames or a video")
    return FolderFrames(path) if path.is_dir() else FileFrames(path)


def readable(video: Video) -> Video:
    """The same video, whose frames end where a film breaks off; its ``frames.broken`` tells the error then."""
    return replace(video, frames=video.frames.readable()) if isinstance(video.frames, FileFrames) else video


def open_video(
    path: StrPath, mask: StrPath | Mapping[Any, StrPath], name: str | None = None, threshold: int | None = None
) -> Video:
    """A video of your own: a folder of frames or a video file, with the file of its first mask.

    ``mask`` may instead map positions of frames (from 0) to mask files, to give objects that enter later, or to
    correct: ``MaskReader`` decides from all of them what their pixels mean, and what it took them for is noted.
    ``threshold`` makes one object of each mask: where it is at least so bright. ``name`` is that of the folder or file
    unless another is given.

    Raises:
        InputError: no such folder or file, no frames in it, a mask that cannot be read, has no objects or not the size
            of the frames, no mask at all, a position that the video does not have.
    """
    path = at_home(path)
    frames = frames_of(path)
    by_position = mask if isinstance(mask, Mapping) else {0: mask}
    files = {position_of(at, str(path)): at_home(file, "mask") for at, file in by_position.items()}
    _require_positions(path, list(files), frames)
    shape = next(iter(frames)).image.shape
    reader = MaskReader(tuple(files.values()), threshold)
    given = {at: require_objects(require_size(reader.read(file), shape, file), file) for at, file in files.items()}
    notes = (f"in the given masks, {reader.meaning}",) if reader.meaning else ()
    return Video(name or (path.resolve().name if path.is_dir() else path.stem), frames, given, notes=notes)


def read_image(path: StrPath) -> Image:
    """Read a picture as RGB, upright as its EXIF orientation says.

    Raises:
        InputError: no such file, not a picture, truncated, or of more than 8 bits per channel.
        OSError: the file cannot be read.
    """
    path = at_home(path)
    picture = open_picture(path)
    require_8_bits(picture, path)
    return np.array(picture.convert("RGB"))


def write_image(path: StrPath, image: ImageLike) -> None:
    """Write a picture as JPEG or PNG, whole or not at all.

    Raises:
        InputError: the suffix is neither, or what ``as_image`` refuses.
        OSError: no space left, or no right to write.
    """
    path, pixels = at_home(path), as_image(image)
    if path.suffix.lower() not in WRITTEN_SUFFIXES:
        raise InputError(f"{path}: found the suffix {path.suffix!r}, expected one of {', '.join(WRITTEN_SUFFIXES)}")
    with write_whole(path) as temporary:
        Pictures.fromarray(pixels).save(temporary, quality=JPEG_QUALITY)


def _require_positions(path: Path, positions: list[int], frames: FolderFrames | FileFrames) -> None:
    """Refuse masks for frames that are not there; a film that seems to have too few, or does not tell, is counted."""
    if not positions:
        raise InputError(f"{path}: no mask is given, expected at least one")
    if max(positions) < (length_hint(frames) or 1):
        return
    count = len(frames) if isinstance(frames, FolderFrames) else sum(1 for _ in frames)
    if wrong := [at for at in positions if at >= count]:
        raise InputError(f"{path}: found a mask for frame {wrong[0]}, expected 0 to {count - 1}")
