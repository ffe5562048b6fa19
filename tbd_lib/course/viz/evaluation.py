"""Figures of scoring: where two masks agree, and which boundary pixels find a partner."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import TITLE, WIDTH, aspect, new_figure, picture, surroundings
from tbd_lib.evaluation.metrics import boundary, match_radius
from tbd_lib.video.arrays import Image
from tbd_lib.video.overlay import OKABE_ITO

BRIGHTNESS = 0.45  # of the frame under coloured pixels, which stand out on a darker one
AGREEMENT = {"in both": OKABE_ITO[1], "only predicted": OKABE_ITO[0], "only true": OKABE_ITO[2]}
PARTNERS = {"partner near": OKABE_ITO[1], "no partner near": OKABE_ITO[0]}

Region = Bool[np.ndarray, "H W"]


def region_agreement(image: Image, prediction: Region, truth: Region) -> Described:
    """The pixels that two masks share, and those that only one of them has, over the frame's part around them.

    Args:
        image: the frame.
        prediction: pixels of the predicted object.
        truth: pixels of the true object.
    """
    regions = prediction & truth, prediction & ~truth, truth & ~prediction
    counts = [f"{name} {np.count_nonzero(region):,} px" for name, region in zip(AGREEMENT, regions, strict=True)]
    panels = {"frame": image, "prediction and truth": _painted(image, regions, AGREEMENT)}
    part = surroundings(prediction | truth)
    return _two_panels(panels, part, AGREEMENT, f"The two masks: {', '.join(counts)}.")


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
    panels, counts = {}, []
    for name, line, other in (("predicted", found, true), ("true", true, found)):
        near = line & _within(other, radius)
        panels[f"{name} boundary"] = _painted(image, (near, line & ~near), PARTNERS)
        counts.append(f"{name} boundary: {np.count_nonzero(near)} of {np.count_nonzero(line)} px")
    sentence = f"With a partner within {radius} px, {'; '.join(counts)}."
    return _two_panels(panels, surroundings(prediction | truth), PARTNERS, sentence)


def _within(region: Region, radius: int) -> Region:
    """The pixels that have a pixel of the region within a disk of the radius."""
    away = cast("Float[np.ndarray, 'H W']", ndimage.distance_transform_edt(~region))
    return (away <= radius) & region.any()  # without a pixel there is no distance


def _painted(image: Image, regions: tuple[Region, ...], colours: Mapping[str, str]) -> Image:
    """The frame, darker, with the pixels of each region in its colour."""
    canvas = (image * BRIGHTNESS).round().astype(np.uint8)
    for region, colour in zip(regions, colours.values(), strict=True):
        canvas[region] = tuple(bytes.fromhex(colour[1:]))
    return canvas


def _two_panels(
    panels: Mapping[str, Image], part: tuple[slice, slice], colours: Mapping[str, str], sentence: str
) -> Described:
    """A part of two pictures side by side, and above them what the colours mean."""
    shown = {title: image[part] for title, image in panels.items()}
    figure = new_figure(WIDTH / 2 * min(max(map(aspect, shown.values())), 1) + 2 * TITLE)
    for ax, (title, image) in zip(figure.subplots(1, 2), shown.items(), strict=True):
        picture(ax, image, title)
    for name, colour in colours.items():
        figure.axes[1].plot([], [], "s", color=colour, label=name)
    figure.legend(loc="outside upper center", ncols=len(colours), frameon=False)
    return Described(figure, sentence, photographic=True)
