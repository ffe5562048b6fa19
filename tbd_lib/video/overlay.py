"""Masks shown over their frames, as pictures and as mp4 or WebP videos."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from jaxtyping import Bool, UInt8

from tbd_lib.errors import InputError, extra
from tbd_lib.files import write_whole
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import MAX_ID, size_of

if TYPE_CHECKING:  # PyAV takes 16 MB of memory, and is imported where a film is written
    from av.video.stream import VideoStream

OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Seven colours that stay apart under every common colour-vision deficiency (Okabe and Ito, 2008), without black."""
TINTS = (0.0, 0.45, -0.4)  # later ids repeat the colours nearer to white (positive) or black (negative)
PIXELS_PER_LINE = 320  # the contour is one pixel wide per so many pixels of the frame's shorter side
OUTLINE_OPACITY = 0.65  # of the dark line around an object, which parts it from a background of its colour
CODECS = {
    ".mp4": ("libx264", {"crf": "18", "preset": "fast"}, {"movflags": "faststart"}),
    ".webp": ("libwebp_anim", {"quality": "80"}, {"loop": "0"}),
}
"""Encoder, its options and the container's, for each suffix."""


def _colours() -> UInt8[np.ndarray, "256 3"]:
    base = np.array([tuple(bytes.fromhex(colour[1:])) for colour in OKABE_ITO], dtype=np.float64)
    tinted = [base + (255 - base) * tint if tint > 0 else base * (1 + tint) for tint in TINTS]
    objects = np.resize(np.concatenate(tinted), (MAX_ID, 3))
    return np.concatenate([np.zeros((1, 3)), objects]).round().astype(np.uint8)


COLOURS = _colours()
"""RGB colour of every id in figures and overlays: Okabe-Ito, then lighter, then darker, then again."""


def overlay(image: Image, mask: Mask, opacity: float = 0.45) -> Image:
    """The image with every object filled in its id's colour and drawn round, by a line in that colour and a dark one.

    ``opacity`` of the fill runs from 0 (contours only) to 1. Pixels beyond the dark line are untouched.

    Raises:
        ValueError: an opacity outside [0, 1].
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is {opacity}, expected 0 to 1")
    width = max(1, round(min(mask.shape) / PIXELS_PER_LINE))
    inside = mask > 0
    line = _changes_within(mask, width) & inside
    strength = np.where(line, 1.0, opacity * inside)
    outline = ~inside & _changes_within(mask, max(1, width // 2))
    strength[outline] = OUTLINE_OPACITY  # towards black, the colour of id 0
    blended = image + (COLOURS[mask] - image.astype(np.float32)) * strength[..., None].astype(np.float32)
    return blended.round().astype(np.uint8)


class OverlayWriter:
    """Writes pictures one after another as an mp4 (H.264) or animated WebP video, chosen by the suffix.

    A context manager that holds one picture at a time (WebP's encoder keeps all of them besides, compressed). The file
    appears under its name when the block ends well, and only then: an error or Ctrl-C leaves nothing. H.264 wants even
    sizes, so an odd side is lengthened by repeating its last pixels.

    Raises:
        InputError: another suffix; a frame of another size than the first; a block that ends without a frame.
        ValueError: ``fps``, in frames per second, is not positive.
        OSError: no space left, or no right to write.
    """

    def __init__(self, path: Path, fps: int | float):
        if path.suffix.lower() not in CODECS:
            raise InputError(f"{path}: found the suffix {path.suffix!r}, expected one of {', '.join(CODECS)}")
        if not fps > 0:
            raise ValueError(f"fps is {fps}, expected a positive number of frames per second")
        self._path = path
        self._rate = Fraction(fps).limit_denominator(1001)
        self._shape: tuple[int, ...] | None = None

    def __enter__(self) -> "OverlayWriter":
        with extra("video"):
            import av

        container_options = CODECS[self._path.suffix.lower()][2]
        with ExitStack() as stack:
            temporary = stack.enter_context(write_whole(self._path))
            stack.push(self._name_the_file)
            self._container = stack.enter_context(av.open(str(temporary), "w", container_options=container_options))
            stack.push(self._finish)
            self._stack = stack.pop_all()
        return self

    def write(self, image: Image) -> None:
        """Append one frame."""
        if self._shape is None:
            self._start(image.shape)
        if image.shape != self._shape:
            found, expected = size_of(image.shape), size_of(self._shape or ())
            raise InputError(f"{self._path}: found a frame of {found} pixels, expected {expected} as the first frame")
        from av import VideoFrame

        rows, columns = image.shape[0] % 2, image.shape[1] % 2
        even = np.pad(image, ((0, rows), (0, columns), (0, 0)), mode="edge")
        self._container.mux(self._stream.encode(VideoFrame.from_ndarray(even, format="rgb24")))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stack.__exit__(kind, error, trace)

    def _start(self, shape: tuple[int, ...]) -> None:
        codec, options, _ = CODECS[self._path.suffix.lower()]
        self._stream = cast("VideoStream", self._container.add_stream(codec, rate=self._rate, options=options))
        self._stream.height, self._stream.width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
        self._stream.pix_fmt = "yuv420p"
        self._shape = shape

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what the encoder still holds, unless the block failed."""
        if kind is None and self._shape is None:
            raise InputError(f"{self._path}: no frame was written, expected at least one")
        if kind is None:
            self._container.mux(self._stream.encode())

    def _name_the_file(self, kind: object, error: BaseException | None, *_: object) -> None:
        """Raise the encoder's kind of OSError as a plain one that names the file, not the temporary one."""
        from av.error import FFmpegError

        if isinstance(error, FFmpegError) and isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(self._path)) from error


def _changes_within(mask: Mask, pixels: int) -> Bool[np.ndarray, "H W"]:
    """Where another id lies within so many pixels, in rows and in columns."""
    with extra("video"):
        from scipy import ndimage  # 18 MB of memory, which tracking itself does without

    side = 2 * pixels + 1
    return ndimage.maximum_filter(mask, side) != ndimage.minimum_filter(mask, side)
