"""What all inspectors share: controls tied to traits, a picture, and a caption that says what the picture shows.

Pictures are bytes and captions are text: an inspector has no output area of its own. It is driven by its controls, with
mouse or keyboard, or by its traits from code (``inspector.frame = 7``), which a notebook's test can do.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import traitlets
from ipywidgets import HTML, Button, Dropdown, HBox, Image, IntSlider, Layout, VBox, Widget
from traitlets.utils.bunch import Bunch

from tbd_lib.course.viz.described import Described

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CONTROL = Layout(width="320px")


class Inspector(VBox):
    """Controls, a picture and its caption. Subclasses draw (``view``) what their traits ask for."""

    caption = traitlets.Unicode(help="what the picture shows, in words")

    def __init__(self, controls: Sequence[Widget]) -> None:
        self._picture = Image(layout=Layout(width="100%", max_width="1000px"))
        self._paragraph = HTML()
        self._paragraph.add_class("tbd-caption")
        row = HBox(list(controls), layout=Layout(flex_flow="row wrap"))
        super().__init__([row, self._picture, self._paragraph])
        self.add_class("tbd-inspector")
        self._waiting = False
        self.shown: Described | None = None

    def view(self) -> Described:
        """The picture and its sentence for the present values of the traits."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Draw anew."""
        with _without_collecting():
            self.shown = self.view()
            self._picture.format = self.shown.mime.removeprefix("image/")
            self._picture.value = self.shown.content
            self.caption = self.shown.sentence
            self._paragraph.value = f'<p role="status" aria-live="polite">{escape(self.caption)}</p>'

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.caption}"

    def _ipython_display_(self, **options: object) -> None:
        """Display the inspector, and for pages that cannot run it the picture and caption as they are now."""
        assert self.shown is not None, "a subclass draws itself when it is made"
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        display_live(self.shown, {WIDGET_VIEW: view})


def display_live(still: Described, view: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    """Display a widget by its view, and where it cannot run a picture and its caption instead."""
    from IPython.display import display  # only a notebook asks for this

    (picture, alternative), caption = still.bundles("As first shown: ")
    display({**view, **picture}, raw=True, metadata={**(metadata or {}), **alternative})
    display(caption[0], raw=True, metadata=caption[1])


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let the collection of garbage wait.

    A figure is ten thousand objects that refer to each other. Collected while they are made they grow old, and every
    tenth drawing has to search all objects of the process: 0.3 s. Collected afterwards they go with the young ones.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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


def slider(name: str, least: int, most: int) -> IntSlider:
    """A slider that begins at its least value."""
    return IntSlider(least, least, most, description=name, layout=CONTROL)


def menu(name: str, options: Sequence[Any], **traits: Any) -> Dropdown:
    """A menu that begins with its first option, unless ``value`` names another."""
    return Dropdown(description=name, options=options, layout=CONTROL, **traits)


def button(text: str, does: Callable[[], object], tip: str) -> Button:
    """A button that calls ``does`` without arguments."""
    made = Button(description=text, tooltip=tip, layout=Layout(width="auto"))
    made.on_click(lambda _: does())
    return made
