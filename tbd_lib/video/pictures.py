"""Picture files, decoded or measured: what is wrong with one is said in a line."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image as Pictures
from PIL import ImageOps, UnidentifiedImageError

from tbd_lib.errors import InputError
from tbd_lib.files import StrPath, at_home

ORIENTATION = 0x0112  # the tag of EXIF
TURNING = range(5, 9)  # its values with which rows and columns change places
NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def open_picture(path: StrPath) -> Pictures.Image:
    """Decode a picture file wholly, upright as its EXIF orientation says.

    Raises:
        InputError: no such file, not a picture, or a truncated one.
        OSError: the file cannot be read (no right to, disk error).
    """
    path = at_home(path)
    try:
        data = path.read_bytes()
    except NO_FILE as error:
        raise _no_picture(path, error) from error
    try:
        picture = Pictures.open(io.BytesIO(data))
        ImageOps.exif_transpose(picture, in_place=True)
        picture.load()
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, EOFError, struct.error ...
        raise _no_picture(path, error) from error
    return picture


@contextmanager
def picture_header(path: Path) -> Iterator[Pictures.Image]:
    """A picture of which only the header is read, unless something asks for its pixels.

    Raises:
        InputError: no such file, not a picture, or what is raised in the block.
        OSError: the file cannot be read.
    """
    try:
        with path.open("rb") as file, Pictures.open(file) as picture:
            yield picture
    except InputError:
        raise
    except Exception as error:  # as above
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, NO_FILE):
            raise
        raise _no_picture(path, error) from error


def upright_shape(picture: Pictures.Image, behind: bool = False) -> tuple[int, int]:
    """Rows and columns of a picture as its EXIF orientation says.

    Args:
        picture: of which the header was read.
        behind: look also for an orientation that stands behind the pixels, as PNG allows; it decodes the picture.
    """
    columns, rows = picture.size
    searched = behind or picture.format != "PNG" or "exif" in picture.info
    turned = searched and picture.getexif().get(ORIENTATION) in TURNING
    return (columns, rows) if turned else (rows, columns)


def require_8_bits(picture: Pictures.Image, path: Path) -> None:
    """Refuse pictures of more than 8 bits per channel.

    Raises:
        InputError: so many; ``path`` is named.
    """
    if picture.mode.startswith(("I", "F")):
        raise InputError(f"{path}: found pixels of kind {picture.mode}, expected 8 bits per channel")


def _no_picture(path: Path, error: Exception) -> InputError:
    """What an error says of a file that should be a picture."""
    if isinstance(error, NO_FILE):
        return InputError(f"{path}: no such file, expected a picture")
    reason = "not a picture" if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
    return InputError(f"{path}: found {path.stat().st_size} bytes ({reason}), expected a whole picture")
