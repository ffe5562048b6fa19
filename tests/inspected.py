"""What the tests of inspectors share: the bundled model, short videos of the sample, and walks over widgets."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from ipywidgets import Widget

from tbd_lib.course.viz.scene import Chart, Picture, Table
from tbd_lib.course.widgets.inspector import Inspector
from tbd_lib.datasets.davis import find
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import Step, Tracker
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.frames import Video


@cache
def model() -> TBD:
    """The small trained model, read once. Nobody may change it."""
    return bundled_model()


@cache
def short(name: str, frames: int = 4) -> Video:
    """The first frames of a bundled video, in memory."""
    video = find(name)
    assert isinstance(video.frames, Sequence) and video.truth is not None
    given = {at: mask for at, mask in video.given.items() if at < frames}
    return replace(video, frames=list(video.frames[:frames]), truth=list(video.truth[:frames]), given=given)


def pixels(video: Video, at: int) -> Any:
    """The image of a frame."""
    assert isinstance(video.frames, Sequence)
    return video.frames[at].image


def corrected_by_hand(model: TBD, video: Video, at: int, given: Any) -> list[Step]:
    """All steps of a tracker that is corrected after one frame."""
    tracker, steps = Tracker(model, OWN_SIZE), []
    for position, frame in enumerate(video.frames):
        steps.append(tracker.step(frame.image, video.given.get(position), frame.name))
        if position == at:
            tracker.correct(given)
    return steps


def pictures(inspector: Inspector) -> list[Picture]:
    """The pictures of the present scene."""
    return [part for part in inspector.scene().parts if isinstance(part, Picture)]


def charts(inspector: Inspector) -> list[Chart]:
    """The charts of the present scene."""
    return [part for part in inspector.scene().parts if isinstance(part, Chart)]


def table(inspector: Inspector) -> Table:
    """The table of the present scene."""
    (found,) = [part for part in inspector.scene().parts if isinstance(part, Table)]
    return found


def say(inspector: Inspector, **content: Any) -> None:
    """Let an inspector hear what a page would say."""
    inspector.board.hear({**content, "number": "test 1"})


def everything_in(widget: Widget) -> Iterator[Any]:
    """A widget and all that it holds, however deep."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything_in(child)


def control(inspector: Widget, description: str) -> Any:
    """The control with this label."""
    (found,) = [part for part in everything_in(inspector) if getattr(part, "description", None) == description]
    return found


def numbers(text: str) -> list[float]:
    """All numbers with decimals in a text, in order."""
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


def drawings_of(monkeypatch: pytest.MonkeyPatch, kind: type[Inspector]) -> list[Inspector]:
    """A list that grows by an inspector of this kind whenever it draws."""
    drawings: list[Inspector] = []
    refresh = kind.refresh
    monkeypatch.setattr(kind, "refresh", lambda inspector: (drawings.append(inspector), refresh(inspector)))
    return drawings
