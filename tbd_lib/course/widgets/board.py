"""The board: pictures that can be pointed at, charts whose points can be dragged, and tables, on a live page.

The page (``board.js``) draws the scene that it is sent, and tells what people do as messages: small dictionaries, one
at a time, each of which is answered when the scene is as it should be.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import traitlets
from anywidget import AnyWidget
from PIL import Image as Pictures

from tbd_lib.course.viz.page import LINES
from tbd_lib.course.viz.scene import CHART_ASPECT, MARKS, Chart, Part, Picture, Scene
from tbd_lib.video.arrays import Image

HERE = Path(__file__).parent
SCRIPTS = ("elements.js", "pointing.js", "pictures.js", "charts.js", "board.js")
WIDEST = 960  # pixels of a picture that is sent
JPEG_QUALITY = 88
DASHES = {"-": "", "--": "7 5", "-.": "9 4 2 4", ":": "2 4"}
"""Lengths of lines and gaps in SVG, by Matplotlib's names."""


class Board(AnyWidget):
    """Shows a scene. ``heard`` is called with what the page says, before it is answered."""

    _esm = "\n".join((HERE / name).read_text() for name in SCRIPTS)  # a page loads one module
    _css = HERE / "board.css"

    scene = traitlets.Dict(help="the parts, as the page draws them").tag(sync=True)
    pictures = traitlets.List(traitlets.Bytes(), help="of the scene's pictures, as JPEG").tag(sync=True)
    stills = traitlets.List(traitlets.Unicode(), help="captions of stills that this takes the place of").tag(sync=True)
    styles = traitlets.Dict(help="colour and dash of marks, by name, and of lines in order").tag(sync=True)

    def __init__(self, heard: Callable[[dict[str, Any]], None]) -> None:
        marks = {name: [colour, DASHES[dash]] for name, (colour, dash) in MARKS.items()}
        lines = [[colour, DASHES[dash]] for colour, dash in LINES]
        super().__init__(styles={"marks": marks, "lines": lines, "aspect": CHART_ASPECT})
        self._heard = heard
        self.on_msg(lambda _, content, __: self.hear(content))

    def hear(self, content: dict[str, Any]) -> None:
        """Take what the page says, and answer, also if it fails: the page waits."""
        try:
            self._heard(content)
        finally:
            self.send({"answered": content.get("number")})

    def show(self, scene: Scene, held: bool, more: bool) -> None:
        """Send a scene.

        Args:
            scene: what to show.
            held: whether the place that was chosen stays when the pointer moves on.
            more: whether the page is to ask for more as soon as it has drawn this.
        """
        images = [part.image for part in scene.parts if isinstance(part, Picture)]
        with self.hold_sync():  # both at once; pictures that are as they were are not sent again
            self.pictures = [jpeg(image, WIDEST, JPEG_QUALITY) for image in images]
            self.scene = {
                "parts": [_as_json(part) for part in scene.parts],
                "caption": scene.caption,
                "description": scene.description,
                "held": held,
                "more": more,
            }


def jpeg(image: Image, longest: int, quality: int) -> bytes:
    """A picture to look at, no larger than a page can show."""
    picture, file = Pictures.fromarray(image), BytesIO()
    picture.thumbnail((longest, longest))
    picture.save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def _as_json(part: Part) -> dict[str, Any]:
    """A part without its picture."""
    plain = {name: value for name, value in vars(part).items() if name != "image"}
    if isinstance(part, Picture):
        plain["size"] = list(part.image.shape[:2])
        plain["marks"] = [vars(mark) for mark in part.marks]
    if isinstance(part, Chart):
        plain["lines"] = {
            name: [[float(value) for value in line] for line in pair] for name, pair in part.lines.items()
        }
    return {"kind": type(part).__name__.lower(), **plain}
