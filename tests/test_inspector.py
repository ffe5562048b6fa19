"""What all inspectors promise: one drawing per change, a caption that is the picture's sentence, nothing swallowed."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO

import IPython.display
import pytest
import traitlets
from inspected import everything_in, model, short
from ipywidgets import HTML, Box, Button, Dropdown, FloatSlider, Image, IntSlider, Output, Play
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


@contextmanager
def displayed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[dict[str, object], dict[str, dict[str, str]]]]]:
    """Data and metadata of all that is displayed meanwhile."""
    found = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: found.append((data, metadata)))
    yield found


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


def test_picture_and_caption_are_those_of_the_last_drawing(shape: Shape) -> None:
    shape.sides = 4
    picture, said = shape.children[1:]
    assert shape.shown is not None and isinstance(picture, Image) and isinstance(said, HTML)
    assert picture.value == shape.shown.content
    assert Pictures.open(BytesIO(picture.value)).format == "JPEG" and picture.format == "jpeg"
    assert shape.caption == "red, 4 sides" and repr(shape) == "Shape: red, 4 sides"


def test_the_caption_is_announced_and_shown_letter_by_letter(shape: Shape) -> None:
    shape.colour = "<b>&"
    assert shape.children[2].value == '<p role="status" aria-live="polite">&lt;b&gt;&amp;, 3 sides</p>'


@pytest.mark.parametrize(("wrong", "expected"), [({"sides": 10}, "3 to 9"), ({"sides": 2}, "3 to 9")])
def test_values_beyond_a_slider_are_refused_and_change_nothing(shape: Shape, wrong: dict, expected: str) -> None:
    with pytest.raises(traitlets.TraitError, match=f"sides is {wrong['sides']}; expected {expected}"):
        shape.set(**wrong)
    assert shape.sides == shape.slider.value == 3 and shape.caption == "red, 3 sides"


def test_choices_that_a_menu_does_not_have_are_refused_and_change_nothing(shape: Shape) -> None:
    with pytest.raises(traitlets.TraitError, match="colour is 'blue'; expected 'red', '<b>&'"):
        shape.colour = "blue"
    assert shape.colour == shape.menu.value == "red"


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


def test_errors_behind_a_button_reach_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """ipywidgets catches them and hands them to the shell, which shows them: nothing of ours may come between."""
    shown = []
    shell = type("Shell", (), {"showtraceback": lambda self: shown.append("traceback")})()
    monkeypatch.setattr("ipywidgets.widgets.widget.get_ipython", lambda: shell)
    button("divide", lambda: 1 / 0, "by zero").click()
    assert shown == ["traceback"]


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


def test_an_inspector_without_a_view_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Inspector([]).refresh()


@EVERY
def test_displayed_are_the_widget_with_a_picture_beside_it_and_then_the_caption(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspector = made(name)
    with displayed(monkeypatch) as found:
        inspector._ipython_display_()
    (first, metadata), (caption, _) = found
    assert set(first) == {WIDGET_VIEW, "image/jpeg", "text/plain"}
    assert first[WIDGET_VIEW] == {"version_major": 2, "version_minor": 0, "model_id": inspector.model_id}
    assert inspector.shown is not None and first["image/jpeg"] == inspector.shown.content
    sentence = f"As first shown: {inspector.caption}"
    assert first["text/plain"] == caption["text/plain"] == metadata["image/jpeg"]["alt"] == sentence
    assert set(caption) == {"text/markdown", "text/plain"}


@EVERY
def test_its_name_and_caption_represent_it(name: str) -> None:
    inspector = made(name)
    assert inspector.shown is not None
    assert repr(inspector) == f"{type(inspector).__name__}: {inspector.shown.sentence}"
    assert "\n" not in repr(inspector) and inspector.caption.endswith(".")


@EVERY
def test_there_is_no_output_area_and_every_control_has_a_label_and_answers_to_the_keyboard(name: str) -> None:
    inspector = made(name)
    every = list(everything_in(inspector))
    assert not [one for one in every if isinstance(one, Output)]
    controls = [one for one in every if not isinstance(one, Box | HTML | Image)]
    assert controls and all(isinstance(one, IntSlider | FloatSlider | Dropdown | Button | Play) for one in controls)
    labels = [one.description for one in controls]
    assert all(labels) and len(set(labels)) == len(labels)
    assert not any(one.disabled for one in controls)


@EVERY
def test_buttons_say_what_they_do(name: str) -> None:
    assert all(one.tooltip for one in everything_in(made(name)) if isinstance(one, Button))
