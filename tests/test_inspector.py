"""What all inspectors promise: one drawing per change, a sentence and all numbers, nothing swallowed."""

import json
import re
from collections.abc import Callable
from functools import cache
from io import BytesIO

import IPython.display
import numpy as np
import pytest
import traitlets
from inspected import charts, control, everything_in, model, say, short
from ipywidgets import BoundedIntText, Box, Button, Dropdown, FloatSlider, IntSlider, Play
from PIL import Image as Pictures

from tbd_lib.course.viz.scene import Chart, Mark, Picture, Scene, Table
from tbd_lib.course.widgets import (
    AggregationInspector,
    AugmentationInspector,
    DistanceInspector,
    MaskDrawing,
    TemplateInspector,
    TrackerTimeline,
    drawing,
)
from tbd_lib.course.widgets.board import HERE, SCRIPTS, Board
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

    def scene(self) -> Scene:
        if self.sides == 7:
            raise ArithmeticError("seven")
        self.drawn.append(f"{self.colour}, {self.sides} sides")
        image, extent = np.full((4, 6, 3), self.sides, np.uint8), (0.0, 3.0, 2.0, 0.0)
        picture = Picture("shape", image, extent, (Mark("query", (1, 2)),))
        line = Chart("sides", "time", {"sides": ([0, 1], np.array([3.0, float(self.sides)]))}, at=1)
        return Scene((picture, line, Table(("", "n"), (("sides", str(self.sides)),))), "A shape.", self.drawn[-1])

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


def test_the_page_gets_the_scene_of_the_last_drawing(shape: Shape) -> None:
    shape.colour = "<b>&"
    row, board = shape.children
    assert isinstance(row, Box) and board is shape.board
    assert Pictures.open(BytesIO(board.pictures[0])).size == (6, 4)
    sent = json.loads(json.dumps(board.scene))  # plain data
    assert (
        sent["description"] == shape.description == "<b>&, 3 sides" and sent["caption"] == shape.caption == "A shape."
    )
    assert repr(shape) == "Shape: <b>&, 3 sides"
    picture, chart, table = sent["parts"]
    assert [part["kind"] for part in sent["parts"]] == ["picture", "chart", "table"]
    assert picture["size"] == [4, 6] and picture["extent"] == [0, 3, 2, 0] and picture["marks"][0]["cell"] == [1, 2]
    assert chart["lines"] == {"sides": [[0, 1], [3, 3]]} and table["rows"] == [["sides", "3"]]


def test_pictures_that_stay_the_same_are_not_sent_again(shape: Shape) -> None:
    sent: list[str] = []
    shape.board.observe(lambda change: sent.append(change["name"]), ["pictures", "scene"])
    shape.colour = "<b>&"
    assert sent == ["scene"]
    shape.sides = 4
    assert sorted(sent[1:]) == ["pictures", "scene"]


def test_a_page_is_answered_whatever_becomes_of_what_it_says(shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[dict] = []
    monkeypatch.setattr(shape.board, "send", answers.append)
    say(shape, nothing=1)
    with pytest.raises(ValueError, match="invalid literal"):
        say(shape, scrub="x")
    assert answers == [{"answered": "test 1"}] * 2


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
    assert shape.description == "red, 3 sides"


def test_what_was_changed_before_a_refusal_is_shown(shape: Shape) -> None:
    with pytest.raises(traitlets.TraitError):
        shape.set(sides=4, colour="blue")
    assert shape.description == "red, 4 sides"
    shape.sides = 5
    assert shape.description == "red, 5 sides"


def test_errors_while_drawing_are_not_swallowed(shape: Shape) -> None:
    with pytest.raises(ArithmeticError):
        shape.sides = 7
    with pytest.raises(ArithmeticError):
        shape.set(colour="<b>&")
    with pytest.raises(ArithmeticError):
        shape.menu.value = "red"
    shape.sides = 8
    assert shape.description == "red, 8 sides"


@EVERY
def test_displayed_are_the_widget_with_a_still_beside_it_and_then_a_sentence_that_the_widget_hides(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspector, found = made(name), []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: found.append((data, metadata)))
    inspector._ipython_display_()
    (first, metadata), (caption, _) = found
    assert set(first) == {WIDGET_VIEW, "image/jpeg", "text/plain"}
    assert first[WIDGET_VIEW] == {"version_major": 2, "version_minor": 0, "model_id": inspector.model_id}
    assert Pictures.open(BytesIO(first["image/jpeg"])).size[0] == 1000
    text = f"As first shown: {inspector.description}"
    assert first["text/plain"] == caption["text/plain"] == metadata["image/jpeg"]["alt"] == text
    assert set(caption) == {"text/html", "text/markdown", "text/plain"}
    hidden = inspector.board.stills[-1]
    assert (
        f'class="{hidden}"' in caption["text/html"] and f"As first shown: {inspector.caption}" in caption["text/html"]
    )
    assert inspector.caption.split()[0] in caption["text/markdown"]
    assert repr(inspector) == f"{type(inspector).__name__}: {inspector.description}"


@EVERY
def test_the_sentence_for_people_is_one(name: str) -> None:
    """Full stops within numbers do not count."""
    caption = made(name).caption
    assert caption.endswith(".") and len(re.findall(r"[.!?](\s|$)", caption)) == 1 and len(caption) < 170


@EVERY
def test_every_control_has_a_label_and_answers_to_the_keyboard_and_buttons_say_what_they_do(name: str) -> None:
    controls = [part for part in everything_in(made(name)) if not isinstance(part, Box | Board)]
    kinds = IntSlider | FloatSlider | Dropdown | Button | Play | BoundedIntText
    assert controls and all(isinstance(part, kinds) for part in controls)
    labels = [control.description for control in controls]
    assert all(labels) and len(set(labels)) == len(labels)
    assert not any(control.disabled for control in controls)
    assert all(control.tooltip for control in controls if isinstance(control, Button))


@EVERY
def test_a_line_that_the_page_can_move_stays_where_the_frames_slider_can_be(name: str) -> None:
    for chart in charts(made(name)):
        if chart.at is not None:
            frames = control(made(name), "frame")
            last = chart.last or max(places[-1] for places, _ in chart.lines.values())
            assert (chart.first, last) == (frames.min, frames.max)


@pytest.mark.parametrize(
    ("widget", "scripts", "styles"), [(Board, SCRIPTS, "board.css"), (MaskDrawing, drawing.SCRIPTS, "drawing.css")]
)
def test_the_page_asks_nobody_for_anything(
    widget: type[Board | MaskDrawing], scripts: tuple[str, ...], styles: str
) -> None:
    """No address but SVG's name, no imports, nothing that fetches: one module that is whole, as are its styles."""
    script = "\n".join((HERE / name).read_text() for name in scripts)
    assert script == widget._esm and script.count("export ") == 1
    script = script.replace("http://www.w3.org/2000/svg", "")
    fetching = r"\bimport\b|https?:|//\w|\bfetch\b|XMLHttp|WebSocket|\beval\b|sendBeacon|\brequire\b"
    assert not re.findall(fetching, script)
    assert not re.findall(r"@import|url\(|https?:", (HERE / styles).read_text())
