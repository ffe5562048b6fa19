"""Masks shown over their frames, as pictures and as mp4 or WebP videos."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Any, SupportsFloat, cast

import numpy as np
from jaxtyping import Bool, UInt8

from tbd_lib.errors import InputError, extra
from tbd_lib.files import StrPath, at_home, write_whole
from tbd_lib.video.arrays import Image, ImageLike, Mask, MaskLike, as_image, as_values
from tbd_lib.video.films import copied_sound, film_url, lost_sound
from tbd_lib.video.masks import VOID, size_of

if TYPE_CHECKING:  # PyAV takes 16 MB of memory, and is imported where a film is written
    from av.video.stream import VideoStream

OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Seven colours that stay apart under every common colour-vision deficiency (Okabe and Ito, 2008), without black."""
TINTS = (0.0, 0.45, -0.4)  # later ids repeat the colours nearer to white (positive) or black (negative)
OPACITY = 0.45  # of the colour that fills an object
PIXELS_PER_LINE = 320  # the contour is one pixel wide per so many pixels of the frame's shorter side
OUTLINE_OPACITY = 0.65  # of the dark line around an object, which parts it from a background of its colour
CODECS = {
    ".mp4": ("libx264", {"crf": "18", "preset": "fast"}, {"movflags": "faststart"}),
    ".webp": ("libwebp_anim", {"quality": "80"}, {"loop": "0"}),
}
"""Encoder, its options and the container's, for each suffix."""
TICKS = {".mp4": Fraction(1, 90_000), ".webp": Fraction(1, 1000)}
"""The unit of pictures' times, in seconds, for each suffix."""


def _colours() -> UInt8[np.ndarray, "256 3"]:
    base = np.array([tuple(bytes.fromhex(colour[1:])) for colour in OKABE_ITO], dtype=np.float64)
    tinted = [base + (255 - base) * tint if tint > 0 else base * (1 + tint) for tint in TINTS]
    objects = np.resize(np.concatenate(tinted), (VOID, 3))
    return np.concatenate([np.zeros((1, 3)), objects]).round().astype(np.uint8)


COLOURS = _colours()
"""RGB colour of every id in figures and overlays: Okabe-Ito, then lighter, then darker, then again."""


def overlay(image: ImageLike, mask: MaskLike, opacity: float = OPACITY) -> Image:
    """The image with every object filled in its id's colour and drawn round, by a line in that colour and a dark one.

    ``opacity`` of the fill runs from 0 (contours only) to 1. Pixels beyond the dark line are untouched.

    Raises:
        InputError: what ``as_image`` and ``as_values`` refuse, a mask of another size than the image, or an opacity
            outside [0, 1].
    """
    image, mask = as_image(image), as_values(mask)
    if mask.shape != image.shape[:2]:
        raise InputError(f"a mask of {size_of(mask.shape)} pixels; expected {size_of(image.shape)} as the image")
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity is {opacity}, expected 0 to 1")
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

    Args:
        path: where the file will lie.
        fps: frames per second; of pictures that are written with a time of their own, about so many.
        aspect: width of a pixel divided by its height. WebP knows square pixels only: pictures are widened there.
        sound: a film whose sound is copied from its first picture until the last one is over. WebP holds none.

    Raises:
        InputError: another suffix; ``fps`` or ``aspect`` that is not a positive number; sound of a kind that the file
            cannot hold; what ``as_image`` refuses; a frame of another size than the first; a block that ends without a
            frame.
        OSError: no space left, or no right to write.
    """

    def __init__(
        self, path: StrPath, fps: SupportsFloat, aspect: Fraction | int = 1, sound: StrPath | None = None
    ) -> None:
        path = at_home(path)
        self._suffix = path.suffix.lower()
        if self._suffix not in CODECS:
            raise InputError(f"{path}: found the suffix {path.suffix!r}, expected one of {', '.join(CODECS)}")
        if not isinstance(fps, SupportsFloat) or not 0 < float(fps) < math.inf:
            raise InputError(f"fps is {fps!r}, expected a positive number of frames per second")
        if not aspect > 0:
            raise InputError(f"aspect is {aspect}, expected a positive number")
        sound = None if sound is None else at_home(sound)
        if sound is not None and (codec := lost_sound(sound, self._suffix)):
            raise InputError(f"{sound}: found sound of the kind {codec}, expected one that {self._suffix} files hold")
        self._path = path
        self._rate = max(Fraction(float(fps)).limit_denominator(1001), Fraction(1, 1001))
        self._aspect = Fraction(aspect)
        self._sound = sound
        self._shape: tuple[int, ...] | None = None
        self._count, self._last, self._end = 0, -1, 0.0

    def __enter__(self) -> "OverlayWriter":
        with extra("video"):
            import av

        container_options = CODECS[self._suffix][2]
        with ExitStack() as stack:
            temporary = stack.enter_context(write_whole(self._path))
            stack.push(self._name_the_file)
            kind = self._suffix[1:]  # without it, FFmpeg takes a "%d" in the name for the number of a picture
            self._container = stack.enter_context(
                av.open(film_url(temporary), "w", kind, container_options=container_options)
            )
            stack.push(self._require_frames)
            self._stack = stack.pop_all()
        return self

    def write(self, image: ImageLike, time: int | float | None = None, duration: int | float | None = None) -> None:
        """Append one frame.

        Args:
            image: the picture.
            time: when it is shown, in seconds from the first frame, later than the one before; if left out of the
                first frame, all are shown for the same time each, as ``fps`` says.
            duration: seconds for which it is shown, if it is the last one.
        """
        image = as_image(image)
        if self._shape is None:
            self._start(image.shape, timed=time is not None)
        if image.shape != self._shape:
            found, expected = size_of(image.shape), size_of(self._shape or ())
            raise InputError(f"{self._path}: found a frame of {found} pixels, expected {expected} as the first frame")
        from av import VideoFrame

        rows, columns = image.shape[0] % 2, image.shape[1] % 2
        even = np.pad(image, ((0, rows), (0, columns), (0, 0)), mode="edge")
        frame = VideoFrame.from_ndarray(even, format="rgb24")
        at = self._count / self._rate if time is None else Fraction(time)
        lasts = 1 / self._rate if duration is None else Fraction(duration)
        frame.time_base = self._tick
        frame.pts = self._last = max(round(at / self._tick), self._last + 1)
        frame.duration = max(round(lasts / self._tick), 1)
        self._count, self._end = self._count + 1, float((frame.pts + frame.duration) * self._tick)
        self._container.mux(self._stream.encode(frame))
        self._copy_sound(float(at))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stack.__exit__(kind, error, trace)

    def _start(self, shape: tuple[int, ...], timed: bool) -> None:
        from av.codec.context import Flags

        codec, options, _ = CODECS[self._suffix]
        if timed and self._suffix == ".mp4":  # with B-frames, mp4 would state too short a film where frames last long
            options = {**options, "bf": "0"}
        self._tick = TICKS[self._suffix] if timed else 1 / self._rate
        self._stream = cast("VideoStream", self._container.add_stream(codec, rate=self._rate, options=options))
        self._stream.height, self._stream.width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._tick
        self._stream.codec_context.flags |= Flags.frame_duration
        if self._suffix == ".webp":
            self._stream.width = max(1, round(self._stream.width * self._aspect))
        else:
            self._stream.codec_context.sample_aspect_ratio = self._aspect
        self._copy_sound: Callable[[float], None] = lambda until: None
        if self._sound is not None:
            self._copy_sound = self._stack.enter_context(copied_sound(self._sound, self._container))
        self._stack.push(self._finish)
        self._shape = shape

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what the encoder still holds, and the rest of the sound, unless the block failed."""
        if kind is None:
            self._container.mux(self._stream.encode())
            self._copy_sound(self._end)

    def _require_frames(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._shape is None:
            raise InputError(f"{self._path}: no frame was written, expected at least one")

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
