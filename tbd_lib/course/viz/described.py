"""Figures that describe themselves: what a figure shows is also a sentence, computed from the same data.

The sentence is the figure's ``text/plain`` (which ``pytest --nbval`` compares, so that a notebook's figures are tested
for what they show), its alternative text, and a caption below it that everybody can read.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image as Pictures

JPEG_OPTIONS = {"quality": 75, "subsampling": 0, "optimize": True, "progressive": True}  # all colours: sharp lines
Bundles = list[tuple[dict[str, object], dict[str, object]]]
"""What a notebook displays, one after the other: data and metadata, each by MIME type."""
PNG_COLOURS = 64  # enough for lines on white; a third of the size


@dataclass(frozen=True, repr=False)
class Described:
    """A figure and the sentence that says what it shows. In a notebook it displays itself, the sentence as caption.

    ``photographic`` figures are encoded as JPEG, a fifth of their size as PNG. Where the sentence is a list of numbers
    ``caption`` says in its place what to see; the sentence stays the alternative text.
    """

    figure: Figure
    sentence: str
    photographic: bool = False
    caption: str = ""

    def __repr__(self) -> str:
        return self.sentence

    @property
    def mime(self) -> str:
        """``image/jpeg`` or ``image/png``."""
        return "image/jpeg" if self.photographic else "image/png"

    @cached_property
    def content(self) -> bytes:
        """The encoded picture, without a date or the name of a program; drawn once, when first asked for."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        picture = Pictures.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        if not self.photographic:
            return _png(picture)
        file = BytesIO()
        picture.save(file, "JPEG", **JPEG_OPTIONS)
        return file.getvalue()

    def bundles(self, prefix: str = "") -> Bundles:
        """What a notebook displays: the picture, then its caption.

        Args:
            prefix: what stands before the sentence.
        """
        text = prefix + self.sentence
        return displayed(self.mime, self.content, prefix + (self.caption or self.sentence), text)

    def _ipython_display_(self) -> None:
        _display(self.bundles())


@dataclass(frozen=True, repr=False)
class Encoded:
    """A picture that comes from no figure, such as a film. In a notebook it displays itself with its caption.

    ``sentence`` is the caption; ``alternative`` begins with it, and says in words what else the picture shows.
    """

    mime: str
    content: bytes
    sentence: str
    alternative: str

    def __repr__(self) -> str:
        return self.alternative

    def _ipython_display_(self) -> None:
        _display(displayed(self.mime, self.content, self.sentence, self.alternative))


def displayed(mime: str, content: bytes, caption: str, alternative: str) -> Bundles:
    """A picture, then its caption, which is text of its own: no front end shows a picture's ``text/plain``.

    Never SVG: JupyterLab hides it in a notebook that it does not trust, and GitHub removes pictures from HTML.

    Args:
        mime: the picture's type.
        content: the encoded picture.
        caption: a sentence to be read below the picture.
        alternative: what the picture shows, in words; ``pytest --nbval`` compares it.
    """
    picture: dict[str, object] = {mime: content, "text/plain": alternative}
    below: dict[str, object] = {"text/markdown": f"*{_escaped(caption)}*", "text/plain": alternative}
    return [(picture, {mime: {"alt": alternative}}), (below, {})]


def _display(bundles: Bundles) -> None:
    from IPython.display import display  # only a notebook asks for this

    for data, metadata in bundles:
        display(data, raw=True, metadata=metadata)


def _png(picture: Pictures.Image) -> bytes:
    file = BytesIO()
    picture.quantize(PNG_COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()


def _escaped(text: str) -> str:
    """Text that Markdown shows letter by letter."""
    return re.sub(r"([\\`*_\[\]<>$|])", r"\\\1", text)
