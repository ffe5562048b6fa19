"""Id masks as PNG files: one way to write them, and a reader that says what it makes of everybody else's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt32
from PIL import Image as Pictures

from tbd_lib.errors import InputError, named
from tbd_lib.files import StrPath, at_home, write_whole
from tbd_lib.video.arrays import Mask, MaskLike, as_values
from tbd_lib.video.pictures import open_picture
from tbd_lib.video.soft_edges import VOID, are_shades, edge_values

MAX_ID = VOID - 1  # the largest id that files hold
OPAQUE = 128  # pixels of less alpha are background
SHOWN = 6  # so many colours are named with their ids
MASK_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "LA", "PA", "RGB", "RGBA")
LOSSY = {"JPEG", "MPO", "AVIF"}
WAY_OUT = "or `threshold` 128 to make one object of it"


def _palette() -> UInt8[np.ndarray, "256 3"]:
    """Colour of each id: bit 3k of the id goes to red, 3k+1 to green, 3k+2 to blue, the lowest k to the highest bit.

    Source: the colour map convention of PASCAL VOC, which DAVIS follows.
    """
    bits = np.unpackbits(np.arange(VOID + 1, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    bits = np.pad(bits, ((0, 0), (0, 1))).reshape(-1, 3, 3)  # id, k, channel
    return (bits * np.array([128, 64, 32], dtype=np.uint8)[:, None]).sum(axis=1).astype(np.uint8)


PALETTE = _palette()
"""RGB colour of every id, as the benchmarks' own files show them (PASCAL VOC colour map convention)."""


def _code(pixels: UInt8[np.ndarray, "*shape C"]) -> UInt32[np.ndarray, "*shape"]:
    """One number per colour, 0xRRGGBB: ordered as (red, green, blue)."""
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


IDS_OF_PALETTE = {int(code): i for i, code in enumerate(_code(PALETTE))}


def write_mask(path: StrPath, mask: MaskLike) -> None:
    """Write an id mask as a palette PNG: pixels are the ids, colours are ``PALETTE``. Whole or not at all.

    Raises:
        InputError: what ``as_values`` refuses.
        OSError: no space left, or no right to write.
    """
    picture = Pictures.fromarray(as_values(mask))
    picture.putpalette(PALETTE.tobytes())
    with write_whole(at_home(path)) as temporary:
        picture.save(temporary, format="PNG")


def read_mask(path: StrPath, threshold: int | None = None) -> Mask:
    """Read an id mask that stands alone: as ``MaskReader`` does the only mask of a video.

    Raises:
        InputError: what ``MaskReader`` refuses.
        OSError: the file cannot be read.
    """
    path = at_home(path)
    return MaskReader([path], threshold).read(path)


class MaskReader:
    """Reads the masks of one video: what their pixels mean is decided from all of them together.

    * Palette or greyscale, of 8 or 16 bits: the ids as stored, from 1 to 254, whatever colours a palette has.
    * 255 (of 16 bits: 65535) is void and becomes background, as in the benchmarks' own readers. Where no mask of the
      video holds anything but 0 and 255, they are black-and-white, as those of DAVIS-2016, and 255 becomes id 1.
    * One bit per pixel: one object, id 1.
    * True colours: black is background, and one table for the video gives the others their ids. If all of them are in
      ``PALETTE`` they are its ids; if all are grey, their values are the ids, as in a greyscale file; else ids 1, 2,
      ... go to the colours of all masks of the video in the order of (red, green, blue).
    * Pixels that are less than half opaque are background.
    * Soft edges, whose greys and mixed colours would become objects, are refused, and so are lossy formats, unless
      ``threshold`` makes one object of them.

    Other masks of the video are read only when a mask is met whose meaning depends on them: one in true colours, or of
    nothing but 0 and 255.

    Args:
        paths: files of all masks of the video.
        threshold: where the brightest channel is at least this, from 1 to 255, is the one object, id 1; None reads ids.
        like: the reader of the true masks of the same video. If these have a table of colours and share a colour with
            the masks here, their table holds here too, and colours that it lacks get further ids. If these hold ids,
            true colours here are those of the benchmarks' palette, or of the true masks' own, or a single one.

    Raises:
        InputError: a threshold out of range; when a mask is read: not a picture, truncated, a lossy format, soft
            edges, ids above 254 or negative, more than 254 colours, a kind of pixel that holds no ids, a palette in
            which black is an id and 0 is not black, a video of which some masks hold ids and others colours.
        OSError: when a mask is read: the file cannot be.
    """

    def __init__(self, paths: Sequence[Path], threshold: int | None = None, like: "MaskReader | None" = None) -> None:
        if threshold is not None and not 1 <= threshold <= VOID:
            raise InputError(f"`threshold`: found {threshold}, expected 1 to {VOID}")
        self.paths, self.threshold, self.like = tuple(paths), threshold, like
        self._found: _Contents | None = None
        self._meanings: dict[str, None] = {}  # a set that keeps its order

    def read(self, path: Path) -> Mask:
        """The id mask of one of the files."""
        if self.threshold is not None:
            self._note(f"what is at least {self.threshold} bright is object 1")
            return (_brightness(path) >= self.threshold).astype(np.uint8)
        pixels = _decode(path)
        if pixels.dtype == bool:
            self._note("white is object 1")
        if pixels.dtype == np.uint32:
            pixels = self._ids_of_colours(path, pixels)
        return self._without_void(path, pixels.astype(np.uint8))

    @property
    def meaning(self) -> str:
        """What the masks read until now were taken for, in one line: ``"white is object 1"``; "" of plain ids."""
        return "; ".join(self._meanings)

    def _note(self, meaning: str) -> None:
        self._meanings[meaning] = None

    def _contents(self, path: Path | None = None, pixels: np.ndarray | None = None) -> "_Contents":
        """What all masks of the video hold; the file of these ``pixels`` is not read again."""
        if self._found is None:
            found = _Contents()
            for other in self.paths:
                found.add(other, pixels if pixels is not None and other == path else _decode(other))
            self._found = found
        return self._found

    def _ids_of_colours(self, path: Path, codes: np.ndarray) -> np.ndarray:
        """Ids of true colours."""
        true = self.like._contents() if self.like and self.like.threshold is None else None
        contents = self._contents(path, codes)
        table = contents.table(true)
        parts = [f"#{code:06x} is object {i}" for code, i in table.items() if 0 < i < VOID]
        if parts and not contents.is_grey:
            self._note(named(parts, SHOWN))
        colours = np.array(sorted(table), dtype=np.uint32)
        return np.array([table[code] for code in colours.tolist()])[np.searchsorted(colours, codes)]

    def _without_void(self, path: Path, mask: Mask) -> Mask:
        """255 as background, or as the one object of a black-and-white video."""
        present = ids_of(mask)
        if VOID not in present:
            return mask
        if are_shades(mask):
            raise InputError(f"{path}: found {len(present)} levels of grey up to 255, expected ids, {WAY_OUT}")
        if len(present) > 1 or self._contents(path, mask).holds_ids:
            self._note("255 is void, read as background")
            return np.where(mask == VOID, np.uint8(0), mask)
        self._note("white is object 1")
        return (mask == VOID).astype(np.uint8)


class _Contents:
    """What the masks of a video hold, all of them together: ``values`` as stored, and ``colours`` as 0xRRGGBB."""

    def __init__(self) -> None:
        self.values, self.colours = set[int](), set[int]()
        self._stored: Path | None = None  # a file of ids
        self._coloured: Path | None = None

    def add(self, path: Path, pixels: np.ndarray) -> None:
        """Add the decoded pixels of a file."""
        if pixels.dtype == np.uint32:
            self.colours.update(np.unique(pixels).tolist())
            self._coloured = self._coloured or path
        elif pixels.any():
            self._stored = self._stored or path
            if pixels.dtype != bool:
                self.values.update(ids_of(pixels))

    @property
    def is_grey(self) -> bool:
        return all(code == (code & 0xFF) * 0x010101 for code in self.colours) and not self._is_palette

    @property
    def _is_palette(self) -> bool:
        return self.colours <= IDS_OF_PALETTE.keys()

    @property
    def holds_ids(self) -> bool:
        """Whether there are ids from 1 to 254."""
        numbered = self.table(None).values() if self.is_grey or self._is_palette else ()
        return any(0 < value < VOID for value in (*self.values, *numbered))

    def table(self, true: "_Contents | None") -> dict[int, int]:
        """Id of every colour, also of black; ``true`` are the true masks, whose table holds if a colour is shared.

        If these hold ids, it is the colours in which their palette shows them, where it has all that are met here.
        """
        stored = None if true is None else true._stored
        shown = {0: 0} | true._shown(stored) if true is not None and stored else {}
        if self.colours <= shown.keys():
            return {code: shown[code] for code in sorted(self.colours)}
        known = {} if true is None or true.is_grey or true._is_palette else true.table(None)
        shared = (known.keys() & self.colours) - {0}
        if not shared and self._is_palette:
            return {code: IDS_OF_PALETTE[code] for code in sorted(self.colours)}
        if not shared and self.is_grey:
            return {code: code & 0xFF for code in sorted(self.colours)}
        if self._stored:
            ids = self._stored
            raise InputError(f"{self._coloured}: found colours, but ids in {ids}; expected either for a video")
        if shown and len(self.colours - {0}) > 1:
            raise InputError(
                f"{self._coloured}: found colours, but ids in {stored}, and nothing tells which colour is which id; "
                "expected ids, or colours of the benchmarks' palette"
            )
        table = dict(known) if shared else {0: 0}
        for code in sorted(self.colours):
            table.setdefault(code, len(table))
        if len(table) > MAX_ID + 1:
            raise InputError(f"{self._coloured}: found {len(table) - 1} colours, expected at most {MAX_ID} in a video")
        return table

    def _shown(self, path: Path) -> dict[int, int]:
        """The ids that are stored, by the colours in which the palette of this file shows them."""
        palette = _palette_of(open_picture(path))
        return {int(code): i for i, code in enumerate(_code(palette)) if i in self.values and code}


def ids_of(mask: Mask) -> list[int]:
    """Ids of the objects in a mask, in ascending order, without the background."""
    ids = np.flatnonzero(np.bincount(mask.ravel()))
    return ids[ids > 0].tolist()


def only(mask: Mask, number: int) -> Mask:
    """The mask of an object without the other objects."""
    return np.where(mask == number, mask, 0).astype(np.uint8)


def require_objects(mask: Mask, path: Path) -> Mask:
    """The mask itself, if it holds at least one object.

    Raises:
        InputError: all of it is background; ``path`` is named as the mask's file.
    """
    if not mask.any():
        raise InputError(
            f"{path}: found background (0) only, expected a mask with at least one object; 255 beside ids is none"
        )
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


def _decode(path: Path) -> np.ndarray:
    """Pixels of a mask: ``bool`` of one bit, ``uint8`` values, or ``uint32`` true colours, 0xRRGGBB; transparent is 0.

    Raises:
        InputError: a lossy format, soft edges, values that are no ids, a kind of pixel that holds none.
    """
    picture = open_picture(path)
    if _is_lossy(picture, path):
        raise InputError(f"{path}: found a {picture.format}, whose losses invent ids; expected a PNG mask, {WAY_OUT}")
    if picture.mode not in MASK_MODES:
        raise InputError(f"{path}: found pixels of kind {picture.mode}, expected a palette, greyscale or RGB mask")
    pixels = np.asarray(picture)
    if picture.mode in ("RGB", "RGBA"):
        pixels = _code(pixels)
    elif picture.mode != "1":
        pixels = _stored(pixels if pixels.ndim == 2 else pixels[..., 0], path)
    opaque = _opaque(picture)
    pixels = pixels if opaque is None else np.where(opaque, pixels, pixels.dtype.type(0))
    _require_hard_edges(pixels, picture, path)
    _require_black_background(pixels, picture, path)
    return pixels


def _brightness(path: Path) -> UInt8[np.ndarray, "H W"]:
    """The brightest channel of every pixel; transparent is 0.

    Raises:
        InputError: a kind of pixel whose brightness is not known.
    """
    picture = open_picture(path)
    if picture.mode in ("I", "I;16", "I;16B"):
        values = np.asarray(picture).astype(np.int64)
        return (values // (257 if values.max() > 255 else 1)).clip(0, 255).astype(np.uint8)  # 16 bits, or 8 stored so
    if picture.mode not in (*MASK_MODES, "CMYK", "YCbCr", "HSV"):
        raise InputError(f"{path}: found pixels of kind {picture.mode}, expected 8 or 16 bits per channel")
    bright = np.asarray(picture.convert("RGB")).max(axis=-1)
    opaque = _opaque(picture)
    return bright if opaque is None else np.where(opaque, bright, np.uint8(0))


def _is_lossy(picture: Pictures.Image, path: Path) -> bool:
    """Whether the format loses; a WebP tells by the name of the chunk that holds its pixels."""
    if picture.format == "WEBP":
        return b"VP8L" not in path.read_bytes()
    return picture.format in LOSSY or picture.info.get("compression") in ("jpeg", "tiff_jpeg")


def _opaque(picture: Pictures.Image) -> np.ndarray | None:
    """Where a picture is at least half opaque; None if it has no transparency."""
    marked = "transparency" in picture.info and picture.mode in ("1", "L", "P", "RGB")
    if not (marked or picture.mode in ("LA", "PA", "RGBA")):
        return None
    return np.asarray(picture.convert("RGBA").getchannel("A")) >= OPAQUE


def _stored(values: np.ndarray, path: Path) -> UInt8[np.ndarray, "H W"]:
    """Values as stored; all bits of 16 are those of 8."""
    values = np.where(values == 0xFFFF, VOID, values) if values.dtype != np.uint8 else values
    if values.min() < 0 or values.max() > VOID:
        extreme = values.min() if values.min() < 0 else values.max()
        raise InputError(f"{path}: found id {extreme}, expected ids from 0 to {MAX_ID}, {WAY_OUT}")
    return values.astype(np.uint8)


def _palette_of(picture: Pictures.Image) -> UInt8[np.ndarray, "n 3"]:
    """The colours that a palette lists; none where there is none."""
    return np.array(picture.getpalette() if picture.mode == "P" else [], dtype=np.uint8).reshape(-1, 3)


def _require_black_background(pixels: np.ndarray, picture: Pictures.Image, path: Path) -> None:
    """Refuse a palette in another order, as some programs save it: black is an id there, and an object is 0."""
    codes = _code(_palette_of(picture))
    black = np.flatnonzero(codes == 0)
    if len(black) == 1 and black[0] > 0 and (pixels == black[0]).any():
        raise InputError(
            f"{path}: found a palette that shows 0 as #{codes[0]:06x} and {black[0]} as black; expected black, the "
            f"background, to be 0, {WAY_OUT}"
        )


def _require_hard_edges(pixels: np.ndarray, picture: Pictures.Image, path: Path) -> None:
    """Refuse a mask of soft edges; colours of ``PALETTE`` are ids, however they lie."""
    if pixels.dtype == bool or min(pixels.shape) < 3:
        return
    if pixels.dtype == np.uint32:
        ids = IDS_OF_PALETTE.keys() >= set(np.unique(pixels).tolist())
        shown = np.stack([(pixels >> shift).astype(np.uint8) for shift in (16, 8, 0)])
    elif picture.mode == "P":
        palette = np.zeros_like(PALETTE)
        listed = _palette_of(picture)
        palette[: len(listed)] = listed
        ids = bool((palette == PALETTE)[ids_of(pixels)].all())
        shown = palette.T[:, pixels]
    else:
        ids = len(ids_of(pixels)) < 2
        shown = pixels[None]
    if not ids and (count := edge_values(pixels, shown)):
        kind = "levels of grey" if len(shown) == 1 else "colours"
        raise InputError(f"{path}: found soft edges, of {count} {kind}; expected ids, {WAY_OUT}")
