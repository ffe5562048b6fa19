"""Figures of scoring: where two masks agree, and which boundary pixels find a partner."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage

from tbd_lib.course.viz.described import TITLE, WIDTH, Described, aspect, new_figure, picture
from tbd_lib.evaluation.metrics import boundary, match_radius
from tbd_lib.video.arrays import Image
from tbd_lib.video.overlay import OKABE_ITO

MARGIN = 16  # pixels around the objects that are shown
BRIGHTNESS = 0.45  # of the frame under coloured pixels, which stand out on a darker one
BOTH, ONE, OTHER = 1, 0, 2  # places in ``OKABE_ITO``: sky blue, orange, green

Region = Bool[np.ndarray, "H W"]


def region_agreement(image: Image, prediction: Region, truth: Region) -> Described:
    """The pixels that two masks share, and those that only one of them has, over the frame's part around them.

    Args:
        image: the frame.
        prediction: pixels of the predicted object.
        truth: pixels of the true object.
    """
    kinds = {
        "in both": (prediction & truth, BOTH),
        "only predicted": (prediction & ~truth, ONE),
        "only true": (truth & ~prediction, OTHER),
    }
    colours = {name: colour for name, (_, colour) in kinds.items()}
    window = _window(prediction | truth)
    painted = _painted(image, kinds)[window]
    said = ", ".join(f"{name} {np.count_nonzero(where):,} px" for name, (where, _) in kinds.items())
    return _panels({"frame": image[window], "prediction and truth": painted}, colours, f"The two masks: {said}.")


def boundary_matches(image: Image, prediction: Region, truth: Region) -> Described:
    """Each boundary's pixels, by whether the other boundary has a pixel near enough: what F counts.

    The left panel shows the predicted boundary (precision), the right one the true boundary (recall).

    Args:
        image: the frame.
        prediction: pixels of the predicted object.
        truth: pixels of the true object.
    """
    found, true = boundary(prediction), boundary(truth)
    radius = match_radius(*truth.shape)
    window = _window(prediction | truth)
    panels, said = {}, []
    for name, own, other in (("predicted", found, true), ("true", true, found)):
        near = own & _within(other, radius)
        panels[f"{name} boundary"] = _painted(image, {"": (near, BOTH), " ": (own & ~near, ONE)})[window]
        said.append(f"{name} boundary: {np.count_nonzero(near)} of {np.count_nonzero(own)} px")
    return _panels(
        panels, {"partner near": BOTH, "no partner near": ONE}, f"With a partner within {radius} px, {'; '.join(said)}."
    )


def _within(region: Region, radius: int) -> Region:
    """The pixels that have a pixel of the region within a disk of the radius."""
    away = cast("Float[np.ndarray, 'H W']", ndimage.distance_transform_edt(~region))
    return (away <= radius) & region.any()  # without a pixel there is no distance


def _window(region: Region) -> tuple[slice, slice]:
    """The part of the frame that shows the region with a margin; all of it if the region is empty."""
    if not region.any():
        return slice(None), slice(None)
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    return _around(rows), _around(columns)


def _around(places: Int[np.ndarray, " n"]) -> slice:
    return slice(max(int(places[0]) - MARGIN, 0), int(places[-1]) + 1 + MARGIN)


def _painted(image: Image, kinds: Mapping[str, tuple[Region, int]]) -> UInt8[np.ndarray, "H W 3"]:
    """The frame, darker, with the pixels of each kind in its colour."""
    canvas = (image * BRIGHTNESS).round().astype(np.uint8)
    for where, colour in kinds.values():
        canvas[where] = tuple(bytes.fromhex(OKABE_ITO[colour][1:]))
    return canvas


def _panels(panels: Mapping[str, Image], colours: Mapping[str, int], said: str) -> Described:
    """Two pictures side by side, what the colours mean above them."""
    shown = list(panels.values())
    figure = new_figure(min(WIDTH / 2 * aspect(shown[0]), WIDTH / 2) + 2 * TITLE)
    for ax, (title, one) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        picture(ax, one, title)
    for name, colour in colours.items():
        figure.axes[1].plot([], [], "s", color=OKABE_ITO[colour], label=name)
    figure.legend(loc="outside upper center", ncols=len(colours), frameon=False)
    return Described(figure, said, photographic=True)
