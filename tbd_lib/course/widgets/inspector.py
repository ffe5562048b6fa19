"""What all inspectors share: controls tied to traits, and a board that shows a scene and can be pointed at.

An inspector has no output area of its own. It is driven by its controls and its board, with mouse, finger or keyboard,
or by its traits from code (``inspector.frame = 7``), which a notebook's test can do.
"""

import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, ClassVar

import traitlets
from ipywidgets import Button, Dropdown, HBox, IntSlider, Layout, Play, VBox, Widget
from traitlets.utils.bunch import Bunch

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.grid import Cell
from tbd_lib.course.viz.scene import Scene, still
from tbd_lib.course.widgets.board import Board

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PREFIX = "As first shown: "
SLIDER, MENU = Layout(width="320px"), Layout(width="250px")


class Inspector(VBox):
    """Controls and a board. Subclasses make the scene for the present values of their traits.

    ``caption`` is a sentence that says what to see, ``description`` all that is shown in numbers: the alternative text.
    """

    caption = traitlets.Unicode(help="what to see, in one sentence")
    description = traitlets.Unicode(help="what is shown, in numbers")

    def __init__(self, controls: Sequence[Widget]) -> None:
        self.board = Board(self._heard)
        row = HBox(list(controls), layout=Layout(flex_flow="row wrap"))
        super().__init__([row, self.board])
        self.add_class("tbd-inspector")
        self._waiting = False

    def scene(self) -> Scene:
        """What is shown for the present values of the traits."""
        raise NotImplementedError

    def copy(self) -> "Inspector":
        """Another inspector that shows the same: what is done to one of them does not change the other."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show anew."""
        scene = self.scene()
        self.caption, self.description = scene.caption, scene.description
        self.board.show(scene, held=self._is_held(), more=self._has_more())

    def set(self, **traits: Any) -> None:
        """Change several traits in the given order, and draw once."""
        with self._draw_once():
            for name, value in traits.items():
                setattr(self, name, value)

    @contextmanager
    def _draw_once(self) -> Iterator[None]:
        """Draw once, after everything that changes within (and within what it calls)."""
        if self._waiting:
            yield
            return
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
            self.refresh()

    def _tie(self, **controls: Any) -> None:
        """Tie traits to controls: they take over its value, refuse what it cannot show, and draw anew on a change."""
        for name, control in controls.items():
            self._register_validator(_refuse_misfits(control), (name,))
            traitlets.link((control, "value"), (self, name))
            self.observe(self._changed, name)

    def _changed(self, change: Bunch) -> None:
        """A trait that is tied to a control has changed."""
        if not self._waiting:
            self.refresh()

    def _is_held(self) -> bool:
        return False

    def _has_more(self) -> bool:
        """Whether there is something left to compute, when the page has drawn what there is."""
        return False

    def _heard(self, content: dict[str, Any]) -> None:
        """Do what the page says: ``{"scrub": frame}`` moves to a frame."""
        if "scrub" in content:
            self.set(frame=int(content["scrub"]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.description}"

    def _ipython_display_(self, **options: object) -> None:
        """Display the inspector, and for pages that cannot run it a still and its caption as they are now."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        _, metadata = self.board._repr_mimebundle_() or ({}, {})  # by which Colab finds what draws the board
        name = display_live(still(self.scene()), {WIDGET_VIEW: view}, metadata)
        self.board.stills = [*self.board.stills, name]


class PointedInspector(Inspector):
    """An inspector of a place that is chosen by pointing: the place follows the pointer until a click holds it."""

    PLACE: ClassVar[str]  # the trait that pointing sets
    held = traitlets.Bool(False, help="whether the place stays when the pointer moves on")

    def __init__(self, controls: Sequence[Widget]) -> None:
        super().__init__(controls)
        self._register_validator(_refuse_outside(self.grid), (self.PLACE,))
        self.observe(self._changed, [self.PLACE, "held"])

    def grid(self) -> Cell:
        """Rows and columns of the places that can be chosen."""
        raise NotImplementedError

    def point(self, place: Cell, hold: bool = False) -> None:
        """Do as a pointer does: choose a place unless another one is held; with ``hold`` as a click does.

        A click on the place that is held lets it go.
        """
        if hold:
            self.set(**{"held": not (self.held and getattr(self, self.PLACE) == place), self.PLACE: place})
        elif not self.held:
            self.set(**{self.PLACE: place})

    def _is_held(self) -> bool:
        return self.held

    def _heard(self, content: dict[str, Any]) -> None:
        """Also ``{"point": [row, column], "hold": bool}``, and ``{"release": True}``."""
        super()._heard(content)
        if "point" in content:
            inside = (max(0, min(int(at), size - 1)) for at, size in zip(content["point"], self.grid(), strict=True))
            self.point((next(inside), next(inside)), bool(content.get("hold")))
        if "release" in content:
            self.held = False


def display_live(shown: Described, view: dict[str, Any], metadata: dict[str, Any]) -> str:
    """Display a widget by its view, and where it cannot run a still and its caption instead.

    Returns:
        The class of the caption, which the live widget hides: it says nothing that the widget does not say.
    """
    from IPython.display import display  # only a notebook asks for this

    (picture, alternative), (caption, _) = shown.bundles(PREFIX)
    name = f"tbd-still-{binascii.crc32(shown.sentence.encode()):08x}"
    seen = escape(PREFIX + (shown.caption or shown.sentence))
    display({**view, **picture}, raw=True, metadata={**metadata, **alternative})
    display({"text/html": f'<p class="{name}"><em>{seen}</em></p>', **caption}, raw=True, metadata={})
    return name


def _refuse_misfits(control: Any) -> Any:
    """What checks a value from code before a trait takes it: the control would show another one without a word."""

    def check(_: Inspector, proposal: Bunch) -> object:
        value = proposal["value"]
        is_menu = isinstance(control, Dropdown)
        if not (value in control.options if is_menu else control.min <= value <= control.max):
            expected = ", ".join(map(repr, control.options)) if is_menu else f"{control.min} to {control.max}"
            raise traitlets.TraitError(f"{proposal['trait'].name} is {value!r}; expected {expected}")
        return value

    return check


def _refuse_outside(grid: Callable[[], Cell]) -> Any:
    """What checks that a place lies on a grid."""

    def check(_: Inspector, proposal: Bunch) -> object:
        (row, column), (rows, columns) = proposal["value"], grid()
        if not (0 <= row < rows and 0 <= column < columns):
            expected = f"rows 0 to {rows - 1}, columns 0 to {columns - 1}"
            raise traitlets.TraitError(f"{proposal['trait'].name} is {(row, column)}; expected {expected}")
        return row, column

    return check


def slider(name: str, least: int, most: int) -> IntSlider:
    """A slider that begins at its least value."""
    return IntSlider(least, least, most, description=name, layout=SLIDER)


def menu(name: str, options: Sequence[Any], **traits: Any) -> Dropdown:
    """A menu that begins with its first option, unless ``value`` names another."""
    return Dropdown(description=name, options=options, layout=MENU, **traits)


def button(text: str, does: Callable[[], object], tip: str) -> Button:
    """A button that calls ``does`` without arguments."""
    made = Button(description=text, tooltip=tip, layout=Layout(width="auto"))
    made.on_click(lambda _: does())
    return made


def player(frame: IntSlider) -> Play:
    """What plays the frames of a slider, one after the other."""
    play = Play(min=frame.min, max=frame.max, interval=400, description="play")
    traitlets.link((play, "value"), (frame, "value"))
    return play
