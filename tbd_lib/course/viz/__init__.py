"""Figures that describe themselves: see ``described``."""

from tbd_lib.errors import extra

with extra("course"):
    import matplotlib  # noqa: F401  what every figure is drawn with
    import scipy  # noqa: F401

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.diagrams import diagram
from tbd_lib.course.viz.films import film
from tbd_lib.course.viz.plots import bars, curves, heat_maps, lines
from tbd_lib.course.viz.tracking import given_mask, mask_strip, pictures, score_maps

__all__ = [
    "Described",
    "bars",
    "curves",
    "diagram",
    "film",
    "given_mask",
    "heat_maps",
    "lines",
    "mask_strip",
    "pictures",
    "score_maps",
]
