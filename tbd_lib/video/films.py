"""What lies in a video file: the stream that is the film, how its pictures are to be shown, and its sound."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tbd_lib.errors import InputError, extra
from tbd_lib.video.arrays import Image
from tbd_lib.video.pictures import picture_header

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer, OutputContainer
else:  # PyAV takes 16 MB, and is imported where a video file is opened
    AudioStream = Packet = VideoFrame = VideoStream = InputContainer = OutputContainer = object

PICTURE_CODECS = ("mjpeg", "png", "bmp", "gif", "tiff", "webp")  # beside a stream of another codec: a cover
PREVIEW = Fraction(1, 4)  # a stream with fewer pixels than this part of the largest one's is a preview of it
STACKS = ("tiff_pipe", "webp_pipe")  # FFmpeg's names of files of which it decodes the first picture, or none
USUAL_RATE = 24  # frames per second, of a film that tells nothing
LONGEST_GAP = 6 * 3600  # seconds between two frames; more is a jump of the clock, and more than mp4 can hold
TOLERANCE = 0.25  # seconds by which a whole film may be shorter than it says
END = 0.0, None  # after the last packet
PREROLL = 0.1  # seconds of sound before the first picture, which decoders need to begin; players leave it out


def film_url(path: Path) -> str:
    """A file as FFmpeg takes it, whatever colons are in its name."""
    return f"file:{path}"


def open_film(path: Path) -> InputContainer:
    """Open a video file to read it.

    Raises:
        InputError: no such file, or not a video.
        OSError: the file cannot be read.
    """
    with extra("video"):
        import av
        from av.error import FFmpegError

    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a video")
    try:
        try:
            return av.open(film_url(path))
        except UnicodeDecodeError:  # titles and the like, which are not of interest here
            return av.open(film_url(path), metadata_errors="replace")
    except PermissionError as error:
        raise PermissionError(error.errno, error.strerror, str(path)) from error
    except (FFmpegError, ValueError) as error:
        raise InputError(f"{path}: cannot be decoded, expected a video file") from error


def film_errors() -> tuple[type[Exception], ...]:
    """What is raised of a film that is damaged, while it is decoded."""
    with extra("video"):
        from av.error import FFmpegError

    return FFmpegError, ValueError, MemoryError, EOFError


def main_stream(path: Path, container: InputContainer) -> VideoStream:
    """The stream of pictures that is the film: no cover, thumbnails, or preview.

    Of several that are not much smaller than the largest one, the default one goes first, then the largest.

    Raises:
        InputError: there is none, or several pictures in a file of which FFmpeg decodes one; ``path`` is named.
    """
    from av.stream import Disposition

    if container.format.name in STACKS:
        _require_one_picture(path)
    streams = container.streams.video
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    moving = [stream for stream in streams if not stream.disposition & still]
    known = [stream for stream in moving if stream.codec_context is not None]
    if not known:
        found = "no pictures in it" if not streams else "an unknown codec" if moving else "a cover picture only"
        raise InputError(f"{path}: found {found}, expected a video file")
    films = [stream for stream in known if stream.frames != 1 and stream.codec_context.name not in PICTURE_CODECS]
    films = films or known
    most = max(stream.width * stream.height for stream in films)
    films = [stream for stream in films if stream.width * stream.height >= most * PREVIEW]
    return max(films, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height))


def _require_one_picture(path: Path) -> None:
    count = 1
    with suppress(InputError), picture_header(path) as picture:  # what is damaged is found later
        count = getattr(picture, "n_frames", 1)
    if count > 1:
        found = f"found {count} pictures in a file of the kind {path.suffix}"
        raise InputError(f"{path}: {found}, expected a folder with a file for each, or a film such as mp4 or gif")


def upright(frame: VideoFrame) -> Image:
    """Pixels of a decoded frame, turned and mirrored as its display matrix says."""
    pixels = frame.to_ndarray(format="rgb24")
    (a, b), (c, d) = _matrix(frame)
    turned = _lies_on_its_side(frame)
    if turned:
        pixels = pixels.transpose(1, 0, 2)
    rows, columns = (b, c) if turned else (d, a)
    return np.ascontiguousarray(pixels[:: -1 if rows < 0 else 1, :: -1 if columns < 0 else 1])


def _lies_on_its_side(frame: VideoFrame) -> bool:
    """Whether the display matrix makes rows of a frame's columns."""
    (a, b), (c, d) = _matrix(frame)
    return abs(b) + abs(c) > abs(a) + abs(d)


def _matrix(frame: VideoFrame) -> tuple[tuple[int, int], tuple[int, int]]:
    """The part of the display matrix that turns: where x (its first row) and y (its second) point to on the screen."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # beside it lies a kind of data that this PyAV does not know
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        return (((1, 0), (0, 1)), ((0, -1), (1, 0)), ((-1, 0), (0, -1)), ((0, 1), (-1, 0)))[turns]
    if data is None:
        return (1, 0), (0, 1)
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32).tolist()
    return (a, b), (c, d)


@dataclass(frozen=True)
class Shot:
    """A decoded frame; when it is shown, in seconds from the first frame, and for how long.

    ``end`` is when it is over by the file's own clock, which need not begin at zero.
    """

    frame: VideoFrame
    time: float
    duration: float
    end: float


def shots(container: InputContainer, stream: VideoStream) -> Iterator[Shot]:
    """All frames of a stream in order; where it breaks off, also those that the decoder still holds, before the error.

    Times ascend. Where a film tells none, or jumps, a frame is shown for as long as its frame rate says.

    Raises:
        FFmpegError, ValueError: the rest cannot be decoded.
    """
    base = stream.time_base or Fraction(1)
    usual = min(1 / Fraction(stream.average_rate or USUAL_RATE), Fraction(LONGEST_GAP))
    before, time = None, Fraction(0)
    # AVI does not tell when frames are shown that were coded in another order
    told = not (container.format.name == "avi" and stream.codec_context.has_b_frames)
    for position, frame in enumerate(_decoded(container, stream)):
        stamp = (frame.dts if frame.pts is None else frame.pts) if told else None
        passed = (stamp - before) * base if stamp is not None and before is not None else 0
        if position:
            time += passed if 0 < passed <= LONGEST_GAP else usual
        duration = (frame.duration or 0) * base
        duration = duration if 0 < duration <= LONGEST_GAP else usual
        end = (time if stamp is None else stamp * base) + duration
        yield Shot(frame, float(time), float(duration), float(end))
        before = stamp


def beginning(path: Path) -> tuple[float, Fraction]:
    """When a film's first frame is shown, in seconds by the file's clock, and a pixel's width by its height as shown.

    Raises:
        InputError: no such file, not a video, or no frame in it that can be decoded.
    """
    with open_film(path) as container:
        stream = main_stream(path, container)
        try:
            first = next(shots(container, stream))
        except (*film_errors(), StopIteration) as error:
            raise InputError(f"{path}: found no frames, expected a video") from error
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        return first.end - first.duration, 1 / aspect if _lies_on_its_side(first.frame) else aspect


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    from av.error import FFmpegError

    try:
        yield from container.decode(stream)
    except FFmpegError:
        with suppress(FFmpegError):
            yield from stream.decode(None)
        raise


def is_cut_off(path: Path, stream: VideoStream, end: float) -> bool:
    """Whether a film that ended without an error is shorter than its header says; ``end`` is that of its last shot."""
    size = path.stat().st_size
    if any(entry.pos + entry.size > size for entry in getattr(stream, "index_entries", ())):  # PyAV 15 has none
        return True
    stated = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))  # Matroska
    return bool(stated) and 3600 * int(stated[1]) + 60 * int(stated[2]) + float(stated[3]) > end + TOLERANCE


def lost_sound(path: Path, suffix: str) -> str | None:
    """The codec of a film's sound, if a file with this suffix cannot hold it; None if it can, or if there is none."""
    with open_film(path) as container:
        stream = _sound_of(container)
        if stream is None or _holds(suffix, stream):
            return None
        return stream.codec_context.name if stream.codec_context is not None else "unknown"


def _sound_of(container: InputContainer) -> AudioStream | None:
    """The sound that players play."""
    best = container.streams.best("audio")
    return next((stream for stream in container.streams.audio if stream is best), None)


def _holds(suffix: str, stream: AudioStream) -> bool:
    """Whether a kind of file has room for a stream as it is: tried, on a file in memory."""
    import av
    from av.error import FFmpegError

    try:
        trial = av.open(BytesIO(), "w", format=suffix[1:])
        trial.add_stream_from_template(stream)
        trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    with suppress(FFmpegError):  # some want packets before they end
        trial.close()
    return True


@contextmanager
def copied_sound(path: Path, target: OutputContainer) -> Iterator[Callable[[float], None]]:
    """A function that copies a film's sound, up to a time in seconds from its first picture, packet by packet.

    Sound before the first picture is left out. Without sound nothing is copied; where it breaks off, it ends.
    """
    from av.error import FFmpegError

    start, _ = beginning(path)
    with open_film(path) as source:
        stream = _sound_of(source)
        if stream is None:
            yield lambda until: None
            return
        copy = target.add_stream_from_template(stream)
        packets = _packets(source, stream, start)
        time, waiting = next(packets, END)

        def copy_until(seconds: float) -> None:
            nonlocal time, waiting
            while waiting is not None and time < seconds:
                waiting.stream = copy
                try:
                    target.mux(waiting)
                except FFmpegError as error:
                    if isinstance(error, OSError):  # no space left; any other error is of the sound
                        raise
                    time, waiting = END
                else:
                    time, waiting = next(packets, END)

        yield copy_until


def _packets(source: InputContainer, stream: AudioStream, start: float) -> Iterator[tuple[float, Packet | None]]:
    """Packets of sound from a time on, which becomes zero, with their times; in the order of time."""
    from av.error import FFmpegError

    last = None
    with suppress(FFmpegError):
        for packet in source.demux(stream):
            if packet.pts is None:
                continue
            packet.pts = packet.dts = packet.pts - round(start / packet.time_base)  # sound comes in its order
            time, length = float(packet.pts * packet.time_base), float((packet.duration or 0) * packet.time_base)
            if time + length >= -PREROLL and length <= LONGEST_GAP and (last is None or packet.pts > last):
                last = packet.pts
                yield time, packet
