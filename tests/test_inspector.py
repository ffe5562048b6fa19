"""What all inspectors promise: one drawing per change, a caption that is the picture's sentence, nothing swallowed."""

import gc
from collections.abc import Callable
from functools import cache
from io import BytesIO

import IPython.display
import pytest
import traitlets
from inspected import everything_in, model, short
from ipywidgets import HTML, Box, Button, Dropdown, FloatSlider, Image, IntSlider, Play
from PIL import Image as Pictures

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.page import new_figure
from tbd_lib.course.widgets import (
    AggregationInspector,
    AugmentationInspector,
    DistanceInspector,
    TemplateInspector,
    TrackerTimeline,
)
from tbd_lib.course.widgets.inspector import WIDGET_VIEW, Inspector, button


class Shape(Inspector):
    """An inspector of a shape: its sides tell its colour when it is painted."""

    sides = traitlets.Int(3)
    colour = traitlets.Unicode("red")

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.slider = IntSlider(3, 3, 9, description="sides")
        self.menu = Dropdown(options=["red", "<b>&"], description="colour")
        self.press = button("paint", self.paint, "in another colour")
        super().__init__([self.slider, self.menu, self.press])
        self._tie(sides=self.slider, colour=self.menu)
        self.refresh()

    def view(self) -> Described:
        if self.sides == 7:
            raise ArithmeticError("seven")
        self.drawn.append(f"{self.colour}, {self.sides} sides")
        return Described(new_figure(1.0), self.drawn[-1], photographic=True)

    def paint(self) -> None:
        with self._draw_once():
            self.set(sides=4, colour="red")
            self.set(sides=5, colour="<b>&")


@cache
def made(name: str) -> Inspector:
    """An inspector on a few frames."""
    twins = short("occluded-twins")
    kinds: dict[str, Callable[[], Inspector]] = {
        "template": lambda: TemplateInspector(model(), [twins]),
        "distance": lambda: DistanceInspector(model(), twins),
        "augmentation": lambda: AugmentationInspector([twins, short("leaving")]),
        "timeline": lambda: TrackerTimeline(model(), twins),
        "aggregation": lambda: AggregationInspector(model(), twins),
    }
    return kinds[name]()


EVERY = pytest.mark.parametrize("name", ["template", "distance", "augmentation", "timeline", "aggregation"])


@pytest.fixture
def shape() -> Shape:
    return Shape()


def test_a_change_from_code_or_by_a_control_draws_once_and_both_follow(shape: Shape) -> None:
    assert shape.drawn == ["red, 3 sides"]
    shape.sides = 5
    assert shape.drawn[1:] == ["red, 5 sides"] and shape.slider.value == 5
    shape.menu.value = "<b>&"
    assert shape.drawn[2:] == ["<b>&, 5 sides"] and shape.colour == "<b>&"
    shape.sides = 5
    assert len(shape.drawn) == 3  # nothing changed


def test_several_changes_draw_once(shape: Shape) -> None:
    shape.set(sides=6, colour="<b>&")
    assert shape.drawn[1:] == ["<b>&, 6 sides"]
    shape.press.click()
    assert shape.drawn[2:] == ["<b>&, 5 sides"]  # changes within changes, too
    shape.sides = 3
    assert shape.drawn[3:] == ["<b>&, 3 sides"]


def test_picture_and_caption_are_those_of_the_last_drawing_the_caption_letter_by_letter(shape: Shape) -> None:
    shape.colour = "<b>&"
    picture, paragraph = shape.children[1:]
    assert shape.shown is not None and isinstance(picture, Image) and isinstance(paragraph, HTML)
    assert picture.value == shape.shown.content
    assert Pictures.open(BytesIO(picture.value)).format == "JPEG" and picture.format == "jpeg"
    assert shape.caption == "<b>&, 3 sides" and repr(shape) == "Shape: <b>&, 3 sides"
    assert paragraph.value == '<p role="status" aria-live="polite">&lt;b&gt;&amp;, 3 sides</p>'


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sides": 10}, "sides is 10; expected 3 to 9"),
        ({"sides": 2}, "sides is 2; expected 3 to 9"),
        ({"colour": "blue"}, "colour is 'blue'; expected 'red', '<b>&'"),
    ],
)
def test_values_that_a_control_cannot_show_are_refused_and_change_nothing(
    shape: Shape, wrong: dict, message: str
) -> None:
    with pytest.raises(traitlets.TraitError, match=message):
        shape.set(**wrong)
    assert shape.sides == shape.slider.value == 3 and shape.colour == shape.menu.value == "red"
    assert shape.caption == "red, 3 sides"


def test_what_was_changed_before_a_refusal_is_shown(shape: Shape) -> None:
    with pytest.raises(traitlets.TraitError):
        shape.set(sides=4, colour="blue")
    assert shape.caption == "red, 4 sides"
    shape.sides = 5
    assert shape.caption == "red, 5 sides"


def test_errors_while_drawing_are_not_swallowed(shape: Shape) -> None:
    with pytest.raises(ArithmeticError):
        shape.sides = 7
    with pytest.raises(ArithmeticError):
        shape.set(colour="<b>&")
    with pytest.raises(ArithmeticError):
        shape.menu.value = "red"
    shape.sides = 8
    assert shape.caption == "red, 8 sides"


@pytest.mark.parametrize("on", [True, False])
def test_garbage_waits_until_the_picture_is_there(shape: Shape, monkeypatch: pytest.MonkeyPatch, on: bool) -> None:
    """And is collected afterwards if it was before, also after an error."""
    seen, view = [], shape.view
    monkeypatch.setattr(shape, "view", lambda: (seen.append(gc.isenabled()), view())[1])
    try:
        if not on:
            gc.disable()
        shape.sides = 4
        assert seen == [False] and gc.isenabled() == on
        with pytest.raises(ArithmeticError):
            shape.sides = 7
        assert gc.isenabled() == on
    finally:
        gc.enable()


@EVERY
def test_displayed_are_the_widget_with_a_picture_beside_it_and_then_the_caption(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspector, found = made(name), []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: found.append((data, metadata)))
    inspector._ipython_display_()
    (first, metadata), (caption, _) = found
    assert set(first) == {WIDGET_VIEW, "image/jpeg", "text/plain"}
    assert first[WIDGET_VIEW] == {"version_major": 2, "version_minor": 0, "model_id": inspector.model_id}
    assert inspector.shown is not None and first["image/jpeg"] == inspector.shown.content
    sentence = f"As first shown: {inspector.caption}"
    assert first["text/plain"] == caption["text/plain"] == metadata["image/jpeg"]["alt"] == sentence
    assert set(caption) == {"text/markdown", "text/plain"}
    assert repr(inspector) == f"{type(inspector).__name__}: {inspector.shown.sentence}"


@EVERY
def test_every_control_has_a_label_and_answers_to_the_keyboard_and_buttons_say_what_they_do(name: str) -> None:
    controls = [part for part in everything_in(made(name)) if not isinstance(part, Box | HTML | Image)]
    assert controls and all(isinstance(part, IntSlider | FloatSlider | Dropdown | Button | Play) for part in controls)
    labels = [control.description for control in controls]
    assert all(labels) and len(set(labels)) == len(labels)
    assert not any(control.disabled for control in controls)
    assert all(control.tooltip for control in controls if isinstance(control, Button))
