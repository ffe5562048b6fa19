"""Films for tests: made from pictures, turned as a phone does, with sound, covers and previews."""

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.video.stream import VideoStream

from tbd_lib.video.overlay import OverlayWriter

Turn = tuple[int, int, int, int]
CLOCKWISE: Turn = (0, 1, -1, 0)  # the first four entries of the matrix that a phone writes
HALF: Turn = (-1, 0, 0, -1)
COUNTER_CLOCKWISE: Turn = (0, -1, 1, 0)


def film(path: Path, images: Iterable[np.ndarray], fps: float = 24.0) -> Path:
    with OverlayWriter(path, fps) as writer:
        for image in images:
            writer.write(image)
    return path


MILLISECOND = Fraction(1, 1000)
SAMPLES = 8000  # of sound, per second


def recorded(
    path: Path,
    images: Sequence[np.ndarray],
    times: Sequence[int] | None = None,
    aspect: Fraction | int = 1,
    sound: str | None = None,
    cover: np.ndarray | None = None,
    preview: np.ndarray | None = None,
    sound_from: int | None = None,
    **options: str,
) -> Path:
    """A film as a camera leaves it.

    Args:
        path: where it will lie; the suffix tells the kind of file.
        images: its pictures, of even sizes.
        times: of the pictures, in milliseconds; 25 per second if left out.
        aspect: width of a pixel by its height.
        sound: codec of a tone as long as the film.
        cover: a picture that is attached.
        preview: a picture of another size, which a second stream shows all the time; it comes first.
        sound_from: when the tone begins, in milliseconds; with the first picture if left out.
        options: of the container.
    """
    times = times or [40 * number for number in range(len(images))]
    with av.open(str(path), "w", container_options=options) as target:
        second = None if preview is None else _pictures(target, preview, 1)
        film = _pictures(target, images[0], aspect)
        tone: Any = target.add_stream(sound, rate=SAMPLES, layout="mono") if sound else None
        front: Any = None if cover is None else target.add_stream("mjpeg", rate=1, pix_fmt="yuvj420p")
        if front is not None and cover is not None:
            front.height, front.width = cover.shape[:2]
            front.disposition = int(Disposition.attached_pic.value)
        ends = [*times[1:], times[-1] + 40]
        if tone is not None and sound_from is not None:
            target.mux(tone.encode(_tone(sound_from, times[0])))
        for image, time, end in zip(images, times, ends, strict=True):
            for stream, shown in ((second, preview), (film, image)):
                if stream is not None and shown is not None:
                    target.mux(stream.encode(_shot(shown, time, end)))
            if tone is not None:
                target.mux(tone.encode(_tone(time, end)))
        for stream in filter(None, (second, film, tone)):
            target.mux(stream.encode())
        if front is not None and cover is not None:
            target.mux([*front.encode(av.VideoFrame.from_ndarray(cover, format="rgb24")), *front.encode()])
    return path


def reordered(path: Path, images: Sequence[np.ndarray]) -> Path:
    """A film of 25 frames per second, which are coded in another order than they are shown."""
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.height, stream.width = images[0].shape[:2]
        for image in images:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        target.mux(stream.encode())
    return path


def _pictures(target: Any, image: np.ndarray, aspect: Fraction | int) -> VideoStream:
    stream = target.add_stream("libx264", rate=25, options={"crf": "12", "bf": "0"})
    stream.height, stream.width = image.shape[:2]
    stream.codec_context.time_base = MILLISECOND
    stream.codec_context.sample_aspect_ratio = Fraction(aspect)
    return stream


def _shot(image: np.ndarray, time: int, end: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    frame.pts, frame.duration, frame.time_base = time, end - time, MILLISECOND
    return frame


def _tone(start: int, end: int) -> av.AudioFrame:
    """A sound between two times in milliseconds."""
    at = np.arange(start * SAMPLES // 1000, end * SAMPLES // 1000)
    wave = (9000 * np.sin(at * 440 * 2 * np.pi / SAMPLES)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLES, int(at[0]), Fraction(1, SAMPLES)
    return frame


def sound_of(path: Path) -> list[tuple[int | None, bytes]]:
    """Time and content of every packet of sound."""
    with av.open(str(path)) as source:
        return [(packet.pts, bytes(packet)) for packet in source.demux(audio=0) if packet.size]


def without_length(path: Path) -> Path:
    """The same film beside it, as a Matroska file, which does not tell how many frames it has."""
    other = path.with_suffix(".mkv")
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:  # the last one is empty
                packet.stream = stream
                target.mux(packet)
    return other


def turned(path: Path, turn: Turn) -> Path:
    """The same mp4 file, which now says that its pictures are to be turned before they are shown."""
    plain, matrix = (
        struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
        for a, b, c, d in ((1, 0, 0, 1), turn)
    )
    data = path.read_bytes()
    header = data.index(b"tkhd")
    assert plain in data[header:]
    path.write_bytes(data[:header] + data[header:].replace(plain, matrix, 1))
    return path
