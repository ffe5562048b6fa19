"""Id masks as PNG files: one way to write them, and a reader that says what it makes of everybody else's."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pictures
from PIL import ImageOps, UnidentifiedImageError

from tbd_lib.errors import InputError
from tbd_lib.files import write_whole
from tbd_lib.video.arrays import Mask

MAX_ID = 255  # the largest id one byte holds
BINARY = 255  # the value of the object in a black-and-white mask


def _palette() -> UInt8[np.ndarray, "256 3"]:
    """Colour of each id: bit 3k of the id goes to red, 3k+1 to green, 3k+2 to blue, the lowest k to the highest bit.

    Source: the colour map convention of PASCAL VOC, which DAVIS follows.
    """
    bits = np.unpackbits(np.arange(MAX_ID + 1, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    bits = np.pad(bits, ((0, 0), (0, 1))).reshape(-1, 3, 3)  # id, k, channel
    return (bits * np.array([128, 64, 32], dtype=np.uint8)[:, None]).sum(axis=1).astype(np.uint8)


PALETTE = _palette()
"""RGB colour of every id, as the benchmarks' own files show them (PASCAL VOC colour map convention)."""


def open_picture(path: Path) -> Pictures.Image:
    """Decode a picture file wholly, upright as its EXIF orientation says.

    Raises:
        InputError: no such file, not a picture, or a truncated one.
        OSError: the file cannot be read (no right to, disk error).
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"{path}: no such file, expected a picture") from error
    try:
        picture = Pictures.open(io.BytesIO(data))
        ImageOps.exif_transpose(picture, in_place=True)
        picture.load()
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, EOFError, struct.error ...
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
        raise InputError(f"{path}: found {len(data)} bytes ({reason}), expected a whole picture") from error
    return picture


def write_mask(path: Path, mask: Mask) -> None:
    """Write an id mask as a palette PNG: pixels are the ids, colours are ``PALETTE``. Whole or not at all.

    Raises:
        OSError: no space left, or no right to write.
    """
    picture = Pictures.fromarray(mask)
    picture.putpalette(PALETTE.tobytes())
    with write_whole(path) as temporary:
        picture.save(temporary, format="PNG")


def read_mask(path: Path) -> Mask:
    """Read an id mask.

    * Palette or greyscale: the ids as stored. Where the only value besides 0 is 255, the mask is black-and-white, as
      those of DAVIS-2016, and 255 becomes id 1 (the original reads 255 as void, and the object vanishes). 255 beside
      other ids is id 255: there is no void.
    * One bit per pixel: one object, id 1.
    * RGB: black is background. If all colours are in ``PALETTE`` they are its ids; if all are grey, their values are
      the ids, as in a greyscale file; else ids 1, 2, ... go to the colours sorted by (red, green, blue), which is an
      order within this file: masks of several frames should use palette colours.
    * Transparent pixels of RGBA and grey-alpha files are background, whatever their colour.
    * 16 bits: as greyscale, if no id is above 255.

    Raises:
        InputError: not a picture, truncated, JPEG (its losses invent ids), ids above 255 or negative, more than 255
            colours, a kind of pixel that holds no ids.
        OSError: the file cannot be read.
    """
    picture = open_picture(path)
    if picture.format in ("JPEG", "MPO"):
        raise InputError(f"{path}: found a JPEG, whose losses invent ids; expected a PNG mask")
    if picture.mode not in _READERS:
        raise InputError(f"{path}: found pixels of kind {picture.mode}, expected a palette, greyscale or RGB mask")
    return np.ascontiguousarray(_READERS[picture.mode](np.asarray(picture), path))


def ids_of(mask: Mask) -> list[int]:
    """Ids of the objects in a mask, in ascending order, without the background."""
    ids = np.flatnonzero(np.bincount(mask.ravel()))
    return ids[ids > 0].tolist()


def require_objects(mask: Mask, path: Path) -> Mask:
    """The mask itself, if it holds at least one object.

    Raises:
        InputError: all of it is background; ``path`` is named as the mask's file.
    """
    if not mask.any():
        raise InputError(f"{path}: found background (0) only, expected a mask with at least one object")
    return mask


def require_size(mask: Mask, frame_shape: tuple[int, ...], path: Path) -> Mask:
    """The mask itself, if it has the size of its frame, whose array has the shape ``(H, W, ...)``.

    Raises:
        InputError: another size; ``path`` is named as the mask's file.
    """
    if mask.shape != frame_shape[:2]:
        found, expected = size_of(mask.shape), size_of(frame_shape)
        raise InputError(f"{path}: found a mask of {found} pixels, expected {expected} as its frame")
    return mask


def size_of(shape: tuple[int, ...]) -> str:
    """Width x height of an array's shape ``(H, W, ...)``, as people write it: ``"854x480"``."""
    return f"{shape[1]}x{shape[0]}"


def _stored(values: np.ndarray, path: Path) -> Mask:
    """Ids as stored; a mask of nothing but 0 and 255 holds one object."""
    for extreme in (int(values.min()), int(values.max())):
        if not 0 <= extreme <= MAX_ID:
            raise InputError(f"{path}: found id {extreme}, expected ids from 0 to {MAX_ID}")
    mask = values.astype(np.uint8)
    return (mask == BINARY).astype(np.uint8) if ids_of(mask) == [BINARY] else mask


def _grey_alpha(pixels: np.ndarray, path: Path) -> Mask:
    """Values of the pixels that are not wholly transparent."""
    return _stored(np.where(pixels[..., 1] > 0, pixels[..., 0], 0), path)


def _coloured(pixels: np.ndarray, path: Path) -> Mask:
    """Ids from colours, in the order that ``read_mask`` promises; transparent pixels are background."""
    pixels = np.where(pixels[..., 3:] > 0, pixels[..., :3], 0) if pixels.shape[-1] == 4 else pixels
    codes, places = np.unique(_code(pixels), return_inverse=True)  # sorted by (red, green, blue)
    objects = codes[codes > 0]
    if len(objects) > MAX_ID:
        raise InputError(f"{path}: found {len(objects)} colours, expected at most {MAX_ID}: one per object")
    ids = np.zeros(len(codes), dtype=np.int64)
    ids[codes > 0] = _ids_of_colours(objects)
    return _stored(ids[places].reshape(pixels.shape[:2]), path)


def _ids_of_colours(codes: np.ndarray) -> np.ndarray:
    """One id per colour: the palette's, or the grey value, or the position in the list."""
    of_palette = _code(PALETTE)
    if np.isin(codes, of_palette).all():
        order = np.argsort(of_palette)
        return order[np.searchsorted(of_palette, codes, sorter=order)]
    grey = codes & 0xFF
    return grey if (codes == grey * 0x010101).all() else np.arange(1, len(codes) + 1)


def _code(pixels: np.ndarray) -> np.ndarray:
    """One integer per colour, ordered as (red, green, blue)."""
    return pixels[..., :3].astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])


def _one_bit(pixels: np.ndarray, path: Path) -> Mask:
    """Black is background, white is the one object."""
    return pixels.astype(np.uint8)


_READERS = {
    "1": _one_bit,
    "L": _stored,
    "P": _stored,
    "I": _stored,
    "I;16": _stored,
    "I;16B": _stored,
    "LA": _grey_alpha,
    "RGB": _coloured,
    "RGBA": _coloured,
}
