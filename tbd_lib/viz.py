"""Figures that describe themselves: what a figure shows is also said in a sentence, computed from the same data.

The sentence is the figure's ``text/plain`` (which ``pytest --nbval`` compares, so that a notebook's figures are tested
for what they show), its alternative text, and a caption below it that everybody can read. Objects have the colours of
``overlay``, and contours besides; quantities have a perceptual colour map.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image as Pictures
from torch import Tensor

from tbd_lib.geometry import crop, pad, padded_size
from tbd_lib.masks import ids_of, size_of
from tbd_lib.metrics import jaccard
from tbd_lib.overlay import OKABE_ITO, overlay
from tbd_lib.shapes import STRIDE, Image, Mask
from tbd_lib.video import Frame

WIDTH = 10.0  # inches, of every figure
TITLE = 0.3  # inches, the height of a line above the panels
DPI = 100  # 1,000 pixels: as wide as a notebook's page
JPEG_OPTIONS = {"quality": 75, "subsampling": 0, "optimize": True}  # full colour resolution: lines stay sharp
PNG_COLOURS = 64  # enough for lines on white; a third of the size
LINES = tuple(zip((OKABE_ITO[4], OKABE_ITO[5], OKABE_ITO[2], OKABE_ITO[6]), ("-", "--", "-.", ":"), strict=True))
"""Colour and dash of each curve: told apart without colour too."""
HALO = [withStroke(linewidth=2.5, foreground="black")]  # white lines and letters can be read on any picture


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
        drawn, file = BytesIO(), BytesIO()
        self.figure.savefig(drawn, format="png")
        picture = Pictures.open(drawn).convert("RGB")
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
        caption: dict[str, object] = {"text/markdown": f"*{_literal(self.sentence)}*", "text/plain": self.sentence}
        return [(picture, {self.mime: {"alt": self.sentence}}), (caption, {})]

    def _ipython_display_(self) -> None:
        from IPython.display import display  # only a notebook asks for this

        for data, metadata in self.bundles():
            display(data, raw=True, metadata=metadata)


def given_mask(frame: Frame, mask: Mask) -> Described:
    """A frame, and the same frame with the objects that are given in it."""
    figure = _figure(WIDTH / 2 * _aspect(frame.image) + TITLE)
    left, right = figure.subplots(1, 2)
    _picture(left, frame.image, f"frame {frame.name}")
    _picture(right, overlay(frame.image, mask), "given mask")
    places = "; ".join(_place_of(mask, i) for i in ids_of(mask))
    return Described(figure, f"Frame {frame.name} and the mask given in it: {places}.", photographic=True)


def mask_strip(frames: Sequence[Frame], rows: Mapping[str, Sequence[Mask]], truth: Sequence[Mask]) -> Described:
    """Frames side by side, a row for each name: its masks filled, the true outlines in white, J in the corner.

    J is averaged over the objects of the true masks. All sequences have one entry per frame.
    """
    figure = _figure(len(rows) * WIDTH / len(frames) * _aspect(frames[0].image) + TITLE)
    axes = figure.subplots(len(rows), len(frames), squeeze=False)
    ids = sorted({i for mask in truth for i in ids_of(mask)})
    said = []
    for row, (name, masks) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name)
        scores = [_mean_jaccard(mask, true, ids) for mask, true in zip(masks, truth, strict=True)]
        for ax, frame, mask, true, score in zip(row, frames, masks, truth, scores, strict=True):
            _picture(ax, overlay(frame.image, mask), f"frame {frame.name}" if not said else "")
            _outline(ax, true)
            ax.text(0.03, 0.05, f"J {score:.2f}", color="white", path_effects=HALO, transform=ax.transAxes)
        said.append(f"{name}: {', '.join(f'{score:.2f}' for score in scores)}")
    numbers = ", ".join(frame.name for frame in frames)
    return Described(figure, f"J in the frames {numbers}. {'; '.join(said)}.", photographic=True)


def curves(
    values: Mapping[str, Float[np.ndarray, " n"]],
    measure: str,
    along: str = "frame",
    first: int = 0,
    marked: Iterable[int] = (),
) -> Described:
    """A measure in [0, 1] along the frames of a video, or along anything else that is counted; a curve for each name.

    Args:
        values: one value per frame; at most four names.
        measure: what it is, as the upright axis is called.
        along: what is counted, as the other axis is called.
        first: the frame of the first value (the scores of DAVIS begin with frame 1).
        marked: frames at which a thin line is drawn.

    Raises:
        ValueError: more than four names.
    """
    figure = _figure(3.0)
    ax = figure.subplots()
    for (name, one), (colour, dash) in zip(values.items(), LINES[: len(values)], strict=True):
        ax.plot(first + np.arange(len(one)), one, dash, color=colour, linewidth=2, label=name)
    for place in marked:
        ax.axvline(place, color="0.75", linewidth=0.8, zorder=0)
    ax.set(xlabel=along, ylabel=measure, ylim=(0, 1.02))
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(values), frameon=False)
    said = "; ".join(f"{name}: {_extent(one, first)}" for name, one in values.items())
    return Described(figure, f"{measure} by {along}. {said}.")


def score_maps(image: Image, mask: Mask, maps: Mapping[str, Float[Tensor, "h w"]]) -> Described:
    """A frame, and scores per grid cell on one colour scale: where they are best inside the object, and where outside.

    Args:
        image: the frame at the size at which the tracker works.
        mask: the object's pixels, drawn as an outline. A cell lies outside if none of its pixels is the object's.
        maps: scores on the grid of the padded frame, as in ``Step.scores``.

    Raises:
        ValueError: a map that is not of the frame's grid.
    """
    maps = {name: one.detach().cpu() for name, one in maps.items()}
    figure = _figure(WIDTH / (len(maps) + 1) * _aspect(image) + TITLE)
    axes = figure.subplots(1, len(maps) + 1)
    _picture(axes[0], image, "frame")
    scale = ScalarMappable(Normalize(0, max(float(one.max()) for one in maps.values())), "viridis")
    for ax, (name, one) in zip(axes[1:], maps.items(), strict=True):
        ax.imshow(_on_pixels(one, mask).numpy(), cmap=scale.cmap, norm=scale.norm)
        ax.set(xticks=[], yticks=[], title=name)
    figure.colorbar(scale, ax=axes, shrink=0.8, aspect=12, pad=0.01)
    for ax in axes:
        _outline(ax, mask)
    inside = _cells_of(mask)
    said = [f"{name}: {_best(one, inside)} inside, {_best(one, ~inside)} outside" for name, one in maps.items()]
    sentence = f"Best score inside and outside the object's outline. {'; '.join(said)}."
    return Described(figure, sentence, photographic=True)


def _figure(height: float) -> Figure:
    """An empty figure, ``height`` inches high, without the state that pyplot keeps."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    return figure


def _aspect(image: Image) -> float:
    """Height over width."""
    return image.shape[0] / image.shape[1]


def _picture(ax: Axes, image: Image, title: str) -> None:
    """Draw an image without axes around it."""
    ax.imshow(image)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


def _outline(ax: Axes, mask: Mask) -> None:
    """Draw round every object of a mask in white."""
    for i in ids_of(mask):
        inside = np.pad(mask == i, 1)  # so that the line closes where the object touches the border
        rows, columns = (np.arange(-1, side + 1) for side in mask.shape)
        ax.contour(columns, rows, inside, levels=[0.5], colors="white", linewidths=1, path_effects=HALO)
    ax.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def _place_of(mask: Mask, i: int) -> str:
    """How large an object is, and where."""
    rows, columns = np.nonzero(mask == i)
    share = f"{len(rows):,} px, {len(rows) / mask.size:.1%} of the frame"
    return f"object {i} has {share}, around row {rows.mean():.0f}, column {columns.mean():.0f}"


def _mean_jaccard(mask: Mask, true: Mask, ids: Sequence[int]) -> float:
    """J averaged over objects."""
    return float(np.mean([jaccard(mask == i, true == i) for i in ids]))


def _extent(values: Float[np.ndarray, " n"], first: int) -> str:
    """How a curve begins and ends, its mean and its least value."""
    ends = f"from {values[0]:.2f} to {values[-1]:.2f}, mean {values.mean():.2f}"
    return f"{ends}, least {values.min():.2f} at {first + int(values.argmin())}"


def _best(scores: Float[Tensor, "h w"], where: Bool[Tensor, "h w"]) -> str:
    """The highest score among some cells, and the cell."""
    best = int(scores.masked_fill(~where, -torch.inf).argmax())
    row, column = divmod(best, scores.shape[1])
    return f"{float(scores[row, column]):.2f} (row {row}, column {column})"


def _on_pixels(scores: Float[Tensor, "h w"], mask: Mask) -> Float[Tensor, "H W"]:
    """Each cell's score at its pixels, without those that padding has added."""
    size = (mask.shape[0], mask.shape[1])
    if padded_size(size) != (scores.shape[0] * STRIDE, scores.shape[1] * STRIDE):
        raise ValueError(f"a map of {size_of(scores.shape)} cells; expected the grid of {size_of(size)} pixels")
    pixels = scores.repeat_interleave(STRIDE, 0).repeat_interleave(STRIDE, 1)
    return crop(pixels[None], size)[0]


def _cells_of(mask: Mask) -> Bool[Tensor, "h w"]:
    """The cells of the padded frame that hold a pixel of an object."""
    padded = pad(torch.from_numpy(mask > 0)[None, None].float())
    return F.max_pool2d(padded, STRIDE)[0, 0] > 0


def _literal(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>$|])", r"\\\1", text)
