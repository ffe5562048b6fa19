"""How a video goes through the model."""

from dataclasses import dataclass
from operator import index
from typing import get_args

from tbd_lib.errors import InputError
from tbd_lib.method.config import Precision
from tbd_lib.method.shapes import STRIDE
from tbd_lib.video.masks import MAX_ID

SMALL_OBJECT = 1000  # pixels at the working size; the benchmark's protocol leaves a video with a smaller one as it is
LONGEST_SHORT_SIDE = 8192  # pixels: no film is larger, and no memory would hold it
LIMITS = {
    "short_side": (STRIDE, LONGEST_SHORT_SIDE, "pixels"),
    "objects_at_once": (1, MAX_ID, "objects"),
    "roi_margin": (0, LONGEST_SHORT_SIDE // STRIDE, "cells"),
}


@dataclass(frozen=True)
class TrackConfig:
    """How a video goes through the model; without changes, as ``tbd track`` does it without options.

    Raises:
        InputError: a value of no use.
    """

    short_side: int | None = 480  # pixels of a frame's shorter side after resizing; None: frames keep their size
    enlarge: bool = True  # resize frames whose shorter side is smaller too; False: those keep their size
    keep_small_objects: bool = False  # keep a video's size if resizing leaves an object fewer than SMALL_OBJECT pixels
    objects_at_once: int | None = None  # how many are decoded together; None: one per thread on a CPU, 8 on a GPU
    roi_margin: int | None = None  # decode only this many cells around each object, not exact; None: the whole frame
    precision: Precision = "float32"  # in which encoder and decoder compute

    def __post_init__(self) -> None:
        for name, (least, most, unit) in LIMITS.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, _whole(value, name, least, most, unit))
        for name in ("enlarge", "keep_small_objects"):
            if not isinstance(value := getattr(self, name), bool):
                raise InputError(f"`{name}` {value!r}: expected True or False")
        if self.precision not in get_args(Precision):
            raise InputError(f"`precision` {self.precision!r}: expected {' or '.join(get_args(Precision))}")


def _whole(value: object, name: str, least: int, most: int, unit: str) -> int:
    """The value as an integer between these limits."""
    try:
        number = index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        number = None
    if number is None or not least <= number <= most:
        raise InputError(f"`{name}` {value!r}: expected a whole number of {unit}, {least} to {most}")
    return number


BENCHMARK = TrackConfig(keep_small_objects=True)
"""The evaluation's protocol (``docs/method.md``, "Evaluation")."""
OWN_SIZE = TrackConfig(short_side=None)
"""Every video at its own size."""
