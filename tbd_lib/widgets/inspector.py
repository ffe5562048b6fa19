"""What all inspectors share: controls tied to traits, a picture, and a caption that says what the picture shows.

An inspector has no output area of its own: pictures are bytes, captions are text. It is driven by its controls, with
mouse or keyboard, or by its traits from code (``inspector.frame = 7``), which a notebook's test can do.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import traitlets
from ipywidgets import HTML, Button, HBox, Image, Layout, VBox, Widget

from tbd_lib.viz.described import Described

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CONTROL = Layout(width="320px")


class Inspector(VBox):
    """Controls, a picture and its caption. Subclasses draw (``view``) what their traits ask for."""

    caption = traitlets.Unicode(help="what the picture shows, in words")

    def __init__(self, controls: Sequence[Widget]) -> None:
        self._picture = Image(layout=Layout(width="100%", max_width="1000px"))
        self._said = HTML()
        self._said.add_class("tbd-caption")
        row = HBox(list(controls), layout=Layout(flex_flow="row wrap"))
        super().__init__([row, self._picture, self._said])
        self.add_class("tbd-inspector")
        self._waiting = False
        self.shown: Described | None = None

    def view(self) -> Described:
        """The picture and its sentence for what the traits say now."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Draw anew."""
        self.shown = self.view()
        self._picture.format = self.shown.mime.removeprefix("image/")
        self._picture.value = self.shown.content
        self.caption = self.shown.sentence
        self._said.value = f'<p role="status" aria-live="polite">{escape(self.caption)}</p>'

    def set(self, **traits: Any) -> None:
        """Change several traits, and draw once."""
        self._waiting = True
        try:
            for name, value in traits.items():
                setattr(self, name, value)
        finally:
            self._waiting = False
        self.refresh()

    def _tie(self, **controls: Widget) -> None:
        """Tie traits to controls of which they take over the value, and draw anew when one changes."""
        for name, control in controls.items():
            traitlets.link((control, "value"), (self, name))
            self.observe(self._changed, name)

    def _changed(self, change: object) -> None:
        if not self._waiting:
            self.refresh()

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.caption}"

    def _ipython_display_(self, **options: object) -> None:
        """Display the inspector, and for pages that cannot run it the picture and caption as they are now."""
        from IPython.display import display  # only a notebook asks for this

        assert self.shown is not None, "a subclass draws itself when it is made"
        still = Described(self.shown.figure, f"As first shown: {self.caption}", self.shown.photographic)
        (picture, alternative), caption = still.bundles()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        display({**picture, WIDGET_VIEW: view}, raw=True, metadata=alternative)
        display(caption[0], raw=True, metadata=caption[1])


def button(text: str, does: Any, tip: str) -> Button:
    """A button that calls ``does`` without arguments."""
    made = Button(description=text, tooltip=tip, layout=Layout(width="auto"))
    made.on_click(lambda _: does())
    return made
