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

JPEG_OPTIONS = {"quality": 75, "subsampling": 0, "optimize": True}  # full colour resolution: lines stay sharp
PNG_COLOURS = 64  # enough for lines on white; a third of the size


@dataclass(frozen=True, repr=False)
class Described:
    """A figure and the sentence that says what it shows. In a notebook it displays itself, the sentence as caption.

    ``photographic`` figures are encoded as JPEG, a fifth of their size as PNG.
    """

    figure: Figure
    sentence: str
    photographic: bool = False

    def __repr__(self) -> str:
        return self.sentence

    @property
    def mime(self) -> str:
        """``image/jpeg`` or ``image/png``."""
        return "image/jpeg" if self.photographic else "image/png"

    @cached_property
    def content(self) -> bytes:
        """The encoded picture, without a date or the name of a program; drawn once, when first asked for."""
        canvas, file = FigureCanvasAgg(self.figure), BytesIO()
        canvas.draw()
        picture = Pictures.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        if self.photographic:
            picture.save(file, "JPEG", **JPEG_OPTIONS)
        else:
            picture.quantize(PNG_COLOURS).save(file, "PNG", optimize=True)
        return file.getvalue()

    def bundles(self, prefix: str = "") -> list[tuple[dict[str, object], dict[str, object]]]:
        """What a notebook displays, as pairs of data and metadata by MIME type: the picture, then its caption.

        The caption is displayed as text of its own: no front end shows a picture's ``text/plain``, and few its ``alt``.

        Args:
            prefix: what stands before the sentence.
        """
        text = prefix + self.sentence
        picture: dict[str, object] = {self.mime: self.content, "text/plain": text}
        caption: dict[str, object] = {"text/markdown": f"*{_escaped(text)}*", "text/plain": text}
        return [(picture, {self.mime: {"alt": text}}), (caption, {})]

    def _ipython_display_(self) -> None:
        from IPython.display import display  # only a notebook asks for this

        for data, metadata in self.bundles():
            display(data, raw=True, metadata=metadata)


def _escaped(text: str) -> str:
    """Text that Markdown shows letter by letter."""
    return re.sub(r"([\\`*_\[\]<>$|])", r"\\\1", text)
