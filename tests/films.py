"""Films for tests: made from pictures, turned as a phone does that was held upright, or silent on their length."""

import struct
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

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
