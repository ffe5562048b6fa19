"""Figures that describe themselves: what a figure shows is also said in a sentence, computed from the same data.

The sentence is the figure's ``text/plain`` (which ``pytest --nbval`` compares, so that a notebook's figures are tested
for what they show), its alternative text, and a caption below it that everybody can read. Objects have the colours of
``overlay``, and contours besides; quantities have a perceptual colour map.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from PIL import Image as Pictures

from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of
from tbd_lib.video.overlay import OKABE_ITO

WIDTH = 10.0  # inches, of every figure
TITLE = 0.3  # inches, the height of a line above the panels
DPI = 100  # 1,000 pixels: as wide as a notebook's page
JPEG_OPTIONS = {"quality": 75, "subsampling": 0, "optimize": True}  # full colour resolution: lines stay sharp
PNG_COLOURS = 64  # enough for lines on white; a third of the size
LINES = tuple(zip((OKABE_ITO[4], OKABE_ITO[5], OKABE_ITO[2], OKABE_ITO[6]), ("-", "--", "-.", ":"), strict=True))
"""Colour and dash of each curve: told apart without colour too."""
HALO: list[AbstractPathEffect] = [withStroke(linewidth=2.5, foreground="black")]
"""White lines and letters can be read on any picture with it."""


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
        """The picture as a file's content, without date or program's name; drawn once, when first asked for."""
        canvas, file = FigureCanvasAgg(self.figure), BytesIO()
        canvas.draw()
        picture = Pictures.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        if self.photographic:
            picture.save(file, "JPEG", **JPEG_OPTIONS)
        else:
            picture.quantize(PNG_COLOURS).save(file, "PNG", optimize=True)
        return file.getvalue()

    def bundles(self) -> list[tuple[dict[str, object], dict[str, object]]]:
        """What a notebook displays, as pairs of data by MIME type and metadata: the picture, then its caption.

        The caption is text of its own since no front end shows a picture's ``text/plain``, and few its ``alt``.
        """
        picture: dict[str, object] = {self.mime: self.content, "text/plain": self.sentence}
        caption: dict[str, object] = {"text/markdown": f"*{literal(self.sentence)}*", "text/plain": self.sentence}
        return [(picture, {self.mime: {"alt": self.sentence}}), (caption, {})]

    def _ipython_display_(self) -> None:
        from IPython.display import display  # only a notebook asks for this

        for data, metadata in self.bundles():
            display(data, raw=True, metadata=metadata)


def new_figure(height: float) -> Figure:
    """An empty figure, ``height`` inches high, without the state that pyplot keeps."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    return figure


def aspect(image: Image) -> float:
    """Height over width."""
    return image.shape[0] / image.shape[1]


def picture(ax: Axes, image: Image, title: str) -> None:
    """Draw an image without axes around it."""
    ax.imshow(image)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


def outline(ax: Axes, mask: Mask) -> None:
    """Draw round every object of a mask in white."""
    for i in ids_of(mask):
        inside = np.pad(mask == i, 1)  # so that the line closes where the object touches the border
        rows, columns = (np.arange(-1, side + 1) for side in mask.shape)
        lines = ax.contour(columns, rows, inside, levels=[0.5], colors="white", linewidths=1)
        lines.set_path_effects(HALO)  # as an argument older releases of Matplotlib ignore it
    ax.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def literal(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>$|])", r"\\\1", text)
