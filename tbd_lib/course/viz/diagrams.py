"""The diagram of the method: eight steps round a loop, those of a lesson lit.

Places and lengths are in pixels, from the upper left corner.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch, Polygon
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from tbd_lib.course.viz.described import Described
from tbd_lib.video.overlay import OKABE_ITO


@dataclass(frozen=True)
class Step:
    """A step's name, what it does, and a few words that fit below its name."""

    name: str
    what: str
    note: str = ""


STEPS = {
    1: Step("Encode", "a frame becomes features at strides 4, 8 and 16", "frozen CNN"),
    2: Step("Key", "the features at stride 16 become a vector of length one for each cell"),
    3: Step("Masks on the grid", "each cell gets the share of it that the object covers", "a share for each cell"),
    4: Step(
        "Match",
        "the key is compared with five kinds of templates, for background and foreground: ten score maps per object; "
        "a local match is weighted by its distance",
    ),
    5: Step(
        "Decode", "features, score maps and the previous mask become a probability for each pixel", "object by object"
    ),
    6: Step("Aggregate", "the probabilities of all objects become one mask", "into one mask"),
    7: Step("Update", "the key and the mask of this frame change the templates", "with key t and mask t"),
    8: Step(
        "New objects", "a given mask starts an object's templates and takes part in this frame", "with given masks"
    ),
}
"""The steps by their number in ``docs/method.md``."""
TEMPLATES = {
    "global": ("first frame", ("best match",)),
    "local": ("previous frame", ("best match", "\u00d7 distance")),
    "overall": ("mean of all frames", ("similarity",)),
    "short": ("fast mean", ("similarity",)),
    "long": ("slow mean", ("similarity",)),
}
"""Each kind of template: what it holds, and what a cell's score is."""
WIDTH, HEIGHT = 602, 592
DPI = 72  # at which a point is a pixel: lines and letters are as large as they say
INK, FAINT, LINE, LIT, GROUND, DARK = "#1b2733", "#4d5965", "#7b8794", "#0b3d66", "#ffffff", "#27313b"
OBJECT, SCENE, BRIGHT, HALF = OKABE_ITO[0], "#e6ebf0", "#fde9c0", "#a89a7e"
FOREGROUND_BOTH, BACKGROUND_COARSE = (DARK, BRIGHT, BRIGHT), (BRIGHT, HALF, HALF)
FOREGROUND_MAPS = {"local": (DARK, BRIGHT, "#4a545e")}
BACKGROUND_MAPS = {"global": (BRIGHT, "#ecd09a", "#ecd09a"), "local": (BRIGHT, DARK, "#ecd09a")}
"""Ground, object and look-alike. The look-alike is background: without distances, the object matches it there."""
Number = int | float
Place = tuple[Number, Number]
Side = Literal["left", "center"]
DASHES = (0, (4, 3))
HEAD = ((-7, -11), (-7, -61 / 3), (7, -61 / 3), (7, -11), (7, -5 / 3), (-7, -5 / 3), (-7, -11), (-7, -11))
BODY = ((-12, 18), (-12, 10), (-12, -14 / 3), (12, -14 / 3), (12, 10), (12, 18), (-12, 18))
MOVE, LINE_TO, CURVE, CLOSE = (Path.MOVETO,), (Path.LINETO,), 3 * (Path.CURVE4,), (Path.CLOSEPOLY,)
FIGURE = Path(HEAD + BODY, MOVE + CURVE + CURVE + CLOSE + MOVE + LINE_TO + CURVE + LINE_TO + CLOSE)
"""A thing that has a head and a body, round the origin."""


def diagram(lit: Iterable[int] = ()) -> Described:
    """The method's steps, those of a lesson in white on dark, their numbers in a diamond; the others in outline.

    Args:
        lit: numbers of steps.

    Raises:
        ValueError: a number that no step has.
    """
    chosen = sorted(set(lit))
    if unknown := [step for step in chosen if step not in STEPS]:
        raise ValueError(f"steps {unknown} to light; expected numbers from 1 to {len(STEPS)}")
    sentence = f"The method, step by step{_lit_sentence(chosen)}."
    listed = " ".join(f"{number} {step.name}: {step.what}." for number, step in STEPS.items())
    alternative = f"{sentence} {listed} Then the next frame."
    return Described(_drawn(chosen), alternative, caption=sentence)


def _lit_sentence(chosen: Sequence[int]) -> str:
    return f"; lit: {', '.join(f'{number} {STEPS[number].name}' for number in chosen)}" if chosen else ""


def _drawn(lit: Sequence[int]) -> Figure:
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    ax.set_axis_off()
    border = _box(0.5, 0.5, WIDTH - 1, HEIGHT - 1, GROUND, "#c6ced6", 1, 10)
    sides = (_frame_to_key, _matching, _scores_to_mask, _back_to_templates)
    for part in [border, *(part for side in sides for part in side(lit))]:
        ax.add_artist(part)
    return figure


# --- the four sides of the loop


def _frame_to_key(lit: Sequence[int]) -> list[Artist]:
    """Above: frame, encoder, features, key head, key; the features' way to the decoder, and the key's to matching."""
    sizes = enumerate(((48, 8), (36, 4), (26, 2)))  # side of the drawing, cells along it
    return [
        _text(18, 24, "then frame t + 1", FAINT, 13, "left"),
        _box(26, 32, 84, 52, GROUND, LINE, 1, 3, dashed=True),
        *_scene(18, 40, look_alike=True),
        _text(60, 112, "frame t", FAINT, 14),
        *_way((111, 66), (128, 66)),
        *_step(1, lit, 130, 42, 116, 48),
        *_way((247, 66), (264, 66)),
        *(part for i, (size, cells) in sizes for part in _grid(266 + 27 * i, 66 - size / 2, size, size, cells, cells)),
        _text(306, 112, "features", FAINT, 14),
        *_way((348, 66), (368, 66)),
        *_step(2, lit, 370, 42, 90, 48),
        *_way((461, 66), (484, 66)),
        *_key(486, 42),
        _text(521, 112, "key t", FAINT, 14),
        *_way((308, 40), (308, 18), (586, 18), (586, 433), (570, 433)),
        *_way((521, 118), (521, 131), (318, 131), (318, 146)),
    ]


def _matching(lit: Sequence[int]) -> list[Artist]:
    """In the middle a row for each kind of template, through matching to two score maps."""
    ink = GROUND if 4 in lit else INK
    parts = [
        _box(16, 148, 208, 208, "#f5f7f9", LINE, 1, 8),
        _text(28, 170, "templates", INK, 15, "left", bold=True),
        *_step(4, lit, 246, 148, 144, 208, 20),
        _text(457, 172, "background", FAINT, 12),
        _text(533, 172, "foreground", FAINT, 12),
    ]
    for row, (name, (mean, how)) in enumerate(TEMPLATES.items()):
        y = 195 + 34 * row
        parts += [
            _text(28, y, name, INK, 15, "left"),
            _text(28, y + 13, mean, FAINT, 12, "left"),
            *_template(166, y - 12, fine=row < 2),
            *_way((210, y), (244, y)),
            *(_text(318, y + 5 + 8 * (2 * i + 1 - len(how)), word, ink, 14, bold=i > 0) for i, word in enumerate(how)),
            *_way((392, y), (422, y)),
            *_score_map(425, y - 14, BACKGROUND_MAPS.get(name, BACKGROUND_COARSE)),
            *_score_map(501, y - 14, FOREGROUND_MAPS.get(name, FOREGROUND_BOTH)),
        ]
    return parts


def _scores_to_mask(lit: Sequence[int]) -> list[Artist]:
    """Below, from the right: score maps, previous mask, decoder, probabilities, aggregation; objects that are given."""
    return [
        _text(495, 376, "ten score maps", FAINT, 14),
        *_way((495, 384), (495, 406)),
        _text(316, 384, "previous mask", FAINT, 12),
        *_way((190, 357), (190, 367), (409, 367), (409, 432), (420, 432)),
        *_step(5, lit, 422, 408, 146, 48),
        *_way((495, 457), (495, 500)),
        _box(426, 504, 66, 50, DARK, LINE, 1, 3),
        _figure(446, 530, OBJECT),
        _box(498, 504, 66, 50, GROUND, LINE, 1, 3, dashed=True),
        _text(531, 532, "\u2026", FAINT, 20),
        _text(495, 573, "probabilities", FAINT, 14),
        *_way((422, 529), (400, 529)),
        *_step(8, lit, 246, 438, 152, 48),
        *_way((322, 487), (322, 503)),
        *_way((245, 462), (227, 462)),
        *_step(6, lit, 246, 505, 152, 48),
        *_way((245, 529), (203, 529)),
    ]


def _back_to_templates(lit: Sequence[int]) -> list[Artist]:
    """Below, on the left: mask, mask on the grid, update."""
    return [
        *_scene(117, 503, look_alike=False),
        _text(159, 573, "mask t", FAINT, 14),
        *_way((115, 529), (64, 529), (64, 488)),
        *_step(3, lit, 16, 438, 208, 48),
        *_way((120, 437), (120, 424)),
        *_step(7, lit, 16, 374, 208, 48),
        *_way((120, 373), (120, 358)),
    ]


# --- what they are drawn of


def _step(
    step: int, lit: Sequence[int], x: Number, y: Number, width: Number, height: Number, middle: Number | None = None
) -> list[Artist]:
    """A step's box, its number, name and what it is; ``middle`` is the height of the number in the box."""
    dark, cx, cy = step in lit, x + 21, y + (middle or height / 2)
    ink, note = GROUND if dark else INK, STEPS[step].note
    number: Patch = Circle((cx, cy), 12, facecolor=GROUND, edgecolor=LINE, linewidth=1.5)
    if dark:
        number = Polygon([(cx, cy - 16), (cx + 16, cy), (cx, cy + 16), (cx - 16, cy)], facecolor=OBJECT)
    return [
        _box(x, y, width, height, LIT if dark else GROUND, LIT if dark else LINE, 3 if dark else 1.5, 8),
        number,
        _text(cx, cy + 5.5, str(step), INK, 15, bold=True),
        _text(x + 41, cy + (-2 if note else 5.5), STEPS[step].name, ink, 15, "left", bold=dark),
        *([_text(x + 41, cy + 14, note, ink, 12, "left")] if note else []),
    ]


def _scene(x: Number, y: Number, look_alike: bool) -> list[Artist]:
    """A frame with two look-alikes, or the mask of one of them."""
    ground = _box(x, y, 84, 52, SCENE if look_alike else INK, LINE, 1, 3)
    twin = [_figure(x + 60, y + 26, OBJECT)] if look_alike else []
    return [ground, *twin, _figure(x + 26, y + 26, OBJECT if look_alike else GROUND)]


def _figure(x: Number, y: Number, colour: str, scale: Number = 1) -> Patch:
    return PathPatch(FIGURE.transformed(Affine2D().scale(scale).translate(x, y)), facecolor=colour, linewidth=0)


def _grid(
    x: Number, y: Number, width: Number, height: Number, columns: int, rows: int, ground: str = SCENE
) -> list[Artist]:
    upright = [[(x + width * i / columns, y), (x + width * i / columns, y + height)] for i in range(columns + 1)]
    level = [[(x, y + height * i / rows), (x + width, y + height * i / rows)] for i in range(rows + 1)]
    return [_box(x, y, width, height, ground), _strokes(np.array(upright + level, float), LINE, 1)]


def _strokes(
    ends: Float[np.ndarray, "lines 2 2"], colour: str, weight: Number, cap: Literal["butt", "round"] = "butt"
) -> Patch:
    """Straight lines, each from a place to a place."""
    path = Path(ends.reshape(-1, 2), len(ends) * (Path.MOVETO, Path.LINETO))
    return PathPatch(path, fill=False, edgecolor=colour, linewidth=weight, capstyle=cap)


def _key(x: Number, y: Number) -> list[Artist]:
    """A grid of directions."""
    turns = np.array(
        ((7, -5), (6, -6), (8, 2), (-3, 8), (8, -3), (2, -8), (5, -7), (-6, 6), (4, 8), (8, 1), (7, 5), (-8, 3))
    )
    middles = [(x + 9 + 17.5 * (i % 4), y + 8 + 16 * (i // 4)) for i in range(len(turns))]
    ends = np.stack((middles - turns / 2, middles + turns / 2), 1)
    return [*_grid(x, y, 70, 48, 4, 3), _strokes(ends, INK, 2, "round")]


def _template(x: Number, y: Number, fine: bool) -> list[Artist]:
    """Every cell of a frame, or one vector."""
    return _grid(x, y, 42, 24, 7, 4, "#f6d79b") if fine else _grid(x, y + 7, 42, 10, 7, 1, "#f6d79b")


def _score_map(x: Number, y: Number, colours: tuple[str, str, str]) -> list[Artist]:
    """A map in which what is bright scores high: the ground, the object and its look-alike."""
    ground, thing, look_alike = colours
    return [
        _box(x, y, 64, 28, ground, LINE, 1, 2),
        _figure(x + 20, y + 14, thing, 0.62),
        _figure(x + 46, y + 14, look_alike, 0.62),
    ]


def _box(
    x: Number, y: Number, width: Number, height: Number, fill: str, line: str = "none", weight: Number = 0,
    corner: Number = 0, dashed: bool = False,
) -> Patch:  # fmt: skip
    style = f"round,pad=0,rounding_size={corner}"
    dashes = DASHES if dashed else "-"
    return FancyBboxPatch(
        (x, y), width, height, style, facecolor=fill, edgecolor=line, linewidth=weight, linestyle=dashes
    )


def _text(
    x: Number, y: Number, words: str, colour: str, size: Number, side: Side = "center", bold: bool = False
) -> Text:
    weight = "bold" if bold else "normal"
    return Text(x, y, words, color=colour, fontsize=size, fontweight=weight, horizontalalignment=side)


def _way(*places: Place) -> list[Artist]:
    """An arrow along straight lines."""
    before, tip = np.array(places[-2:], float)
    along = (tip - before) / np.abs(tip - before).sum()
    base, across = tip - 9 * along, 5 * along[::-1] * (-1, 1)
    line = Polygon([*places[:-1], tip - 6 * along], closed=False, fill=False, edgecolor=FAINT, linewidth=2)
    return [line, Polygon([tip, base + across, base - across], facecolor=FAINT)]
