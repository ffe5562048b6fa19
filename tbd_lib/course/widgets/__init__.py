"""Inspectors for the lessons, ipywidgets built from traits, with a picture and a caption that says what it shows.

And ``MaskDrawing``, on which people draw the first mask of a video of their own.
"""

from tbd_lib.errors import extra

with extra("course"):
    import anywidget  # noqa: F401  what the inspectors are made of
    import ipywidgets  # noqa: F401

from tbd_lib.course.widgets.aggregation_inspector import AggregationInspector
from tbd_lib.course.widgets.augmentation_inspector import AugmentationInspector
from tbd_lib.course.widgets.distance_inspector import DistanceInspector
from tbd_lib.course.widgets.drawing import MaskDrawing, draw_on
from tbd_lib.course.widgets.history import History, Moment
from tbd_lib.course.widgets.template_inspector import TemplateInspector
from tbd_lib.course.widgets.timeline import TrackerTimeline

__all__ = [
    "AggregationInspector",
    "AugmentationInspector",
    "DistanceInspector",
    "History",
    "MaskDrawing",
    "Moment",
    "TemplateInspector",
    "TrackerTimeline",
    "draw_on",
]
