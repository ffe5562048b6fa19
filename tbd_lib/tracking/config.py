"""How a video goes through the model."""

from dataclasses import dataclass

from tbd_lib.method.config import Precision


@dataclass(frozen=True)
class TrackConfig:
    """How a video goes through the model."""

    short_side: int | None = 480  # pixels to which the shorter side of a larger frame is reduced; None keeps the size
    enlarge: bool = False  # make the shorter side of a smaller frame ``short_side`` too
    min_object_pixels: int = 1000  # an object smaller than this after resizing keeps the video at its own size
    objects_at_once: int | None = None  # decoded together; None: one for each thread on a CPU, 8 on a GPU
    roi_margin: int | None = None  # decode so many grid cells around where an object can be; None: every pixel, exact
    precision: Precision = "float32"  # of encoder and decoder


BENCHMARK = TrackConfig(enlarge=True)  # the evaluation's protocol: every video's shorter side becomes 480 pixels
