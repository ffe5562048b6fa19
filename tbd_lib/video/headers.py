"""A look at all files of a video before the work: each can be opened and has the right size, as its header says."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tbd_lib.errors import InputError
from tbd_lib.video.frames import FileFrames, FolderFrames, Video
from tbd_lib.video.masks import size_of
from tbd_lib.video.pictures import picture_header, upright_shape

THREADS = 8  # what takes time is the disk


def require_sizes(paths: Iterable[Path], shape: tuple[int, ...], kind: str = "a mask", like: str = "its frame") -> None:
    """Refuse files that are no pictures of this size, by their headers; pixels are not decoded.

    Args:
        paths: of the files.
        shape: ``(H, W, ...)``, upright.
        kind: what the files hold, for the error.
        like: whose size is expected, for the error.

    Raises:
        InputError: no such file, not a picture, another size.
        OSError: a file cannot be read.
    """
    paths = list(paths)
    with ThreadPoolExecutor(THREADS, "headers") as pool:
        for path, found in zip(paths, pool.map(lambda path: header_shape(path, shape), paths), strict=True):
            if found != shape[:2]:
                size, expected = size_of(found), size_of(shape)
                raise InputError(f"{path}: found {kind} of {size} pixels, expected {expected} as {like}")


def require_readable(video: Video) -> None:
    """Refuse a video of which a file cannot be read or has not the first frame's size; a film is not looked at.

    Raises:
        InputError: no such file, not a picture, another size.
        OSError: a file cannot be read.
    """
    if isinstance(video.frames, FolderFrames):
        require_sizes(video.frames.paths, video.frames.shape, "a frame", "the first frame")
        require_sizes(mask_files(video), video.frames.shape)


def mask_files(video: Video) -> list[Path]:
    """Files of the masks of a video, given and true, each once; none of masks that are in memory."""
    paths = [path for masks in (video.given, video.truth) for path in getattr(masks, "paths", ())]
    return list(dict.fromkeys(paths))


def files_of(video: Video) -> list[Path]:
    """Files of a video's frames, or of the film, and of its masks."""
    frames = video.frames.paths if isinstance(video.frames, FolderFrames) else []
    film = [video.frames.path] if isinstance(video.frames, FileFrames) else []
    return [*frames, *film, *mask_files(video)]


def header_shape(path: Path, expected: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Shape ``(H, W)`` of a picture, upright as its EXIF orientation says.

    Args:
        path: of the picture.
        expected: the shape that is expected. Only a PNG of another one is searched for an orientation behind its
            pixels, which takes the time of decoding it.

    Raises:
        InputError: no such file, or not a picture.
        OSError: the file cannot be read.
    """
    with picture_header(path) as picture:
        shape = upright_shape(picture)
        return shape if shape == expected[:2] else upright_shape(picture, behind=True)
