"""Films that play in the page: tracked masks over their frames, several trackings side by side in lock-step.

A film is an animated PNG. Every front end that shows pictures plays it without a program or a player, stored or not, on
GitHub too; where it does not play, a chosen frame stands still.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image as Pictures

from tbd_lib.course.viz.described import Encoded
from tbd_lib.course.viz.page import TITLE, aspect, in_corner, new_figure, picture
from tbd_lib.course.viz.tracking import mean_jaccard
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame
from tbd_lib.video.masks import ids_of
from tbd_lib.video.overlay import overlay

PANEL = 3.6  # inches, the width of each of several panels; a single one is wider
SINGLE = 5.0
FPS = 8.0
PAUSE = 1500  # milliseconds, before a film begins again
COLOURS = 64  # of all its pictures together
UNSEEN = 16  # of 255: a pixel that changes by less keeps its colour, so that noise costs nothing
WHITE = 245  # a lighter colour is the page's white
SPOKEN = 6  # frames whose scores the alternative text lists

Picture = UInt8[np.ndarray, "y x 3"]


def film(
    frames: Sequence[Frame],
    panels: Mapping[str, Sequence[Mask]],
    truth: Sequence[Mask] | None = None,
    still: int = -1,
    fps: float = FPS,
) -> Encoded:
    """Masks over their frames, as a film in which all panels show the same frame at a time.

    Only what changes is stored, so that films of a camera that stands still are small; of others show fewer frames. All
    sequences have one entry per frame.

    Args:
        frames: of the video.
        panels: by the title of its panel, the mask in every frame.
        truth: the true masks; with them every panel shows J, the mean over objects.
        still: the position of the frame to show where nothing plays. By default the last.
        fps: frames per second.
    """
    drawn = _draw(frames, panels, truth)
    first, last = frames[0].name, frames[-1].name
    beside = f", {len(panels)} side by side" if len(panels) > 1 else ""
    sentence = f"Film of the frames {first} to {last}{beside}: {', '.join(panels)}."
    clauses = [_clause(name, frames, masks, truth) for name, masks in panels.items()]
    return Encoded("image/png", _encode(drawn, still, fps), sentence, f"{sentence} {'; '.join(clauses)}.")


def _draw(frames: Sequence[Frame], panels: Mapping[str, Sequence[Mask]], truth: Sequence[Mask] | None) -> list[Picture]:
    """The pictures of the film. Titles and places of panels are found once."""
    width = PANEL * len(panels) if len(panels) > 1 else SINGLE
    figure = new_figure(width / len(panels) * aspect(frames[0].image) + TITLE, width)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), squeeze=False).ravel().tolist()
    for ax, name in zip(axes, panels, strict=True):
        picture(ax, frames[0].image, name)
    canvas.draw()
    figure.set_layout_engine("none")
    drawn = []
    for t, frame in enumerate(frames):
        for ax, masks in zip(axes, panels.values(), strict=True):
            ax.images[0].set_data(overlay(frame.image, masks[t]))
            for text in list(ax.texts):
                text.remove()
            score = f"   J {_score(masks[t], truth, t):.2f}" if truth else ""
            in_corner(ax, f"frame {frame.name}{score}")
        canvas.draw()
        drawn.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return drawn


def _score(mask: Mask, truth: Sequence[Mask], t: int) -> float:
    return mean_jaccard(mask, truth[t], sorted({i for true in truth for i in ids_of(true)}))


def _clause(name: str, frames: Sequence[Frame], masks: Sequence[Mask], truth: Sequence[Mask] | None) -> str:
    """What a panel shows, at a few of its frames."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, SPOKEN).astype(int)).tolist()
    if truth:
        values = [f"{_score(masks[t], truth, t):.2f}" for t in chosen]
        return f"{name}: J {', '.join(values)} in the frames {', '.join(frames[t].name for t in chosen)}"
    areas = [f"{np.count_nonzero(masks[t]):,}" for t in chosen]
    return f"{name}: {', '.join(areas)} px in the frames {', '.join(frames[t].name for t in chosen)}"


def _encode(drawn: Sequence[Picture], still: int, fps: float) -> bytes:
    """An animated PNG with one palette. Of every picture but the first only the pixels that change are stored."""
    held = [drawn[0]]
    for now in drawn[1:]:
        changes = np.abs(now.astype(np.int16) - held[-1]).max(-1, keepdims=True) > UNSEEN
        held.append(np.where(changes, now, held[-1]))
    palette = Pictures.fromarray(np.vstack(drawn[:: max(1, len(drawn) // 6)])).quantize(COLOURS)
    colours = np.zeros((COLOURS + 1, 3), np.uint8)  # the last is the transparent one
    found = np.array(palette.getpalette(), np.uint8).reshape(-1, 3)[:COLOURS]
    colours[: len(found)] = np.where((found > WHITE).all(1, keepdims=True), 255, found)
    chosen = [_in_palette(now, palette) for now in held]
    stored = [chosen[0], *(np.where(now == before, COLOURS, now) for before, now in pairwise(chosen))]
    pictures = [_with_colours(indices, colours) for indices in (chosen[still], *stored)]
    file, time = BytesIO(), round(1000 / fps)
    pictures[0].save(
        file,
        "PNG",
        save_all=True,
        default_image=True,
        loop=0,
        append_images=pictures[1:],
        duration=[time] * (len(drawn) - 1) + [PAUSE],
        blend=1,  # over what was there, which shows where a picture is transparent
        transparency=COLOURS,
        optimize=True,
    )
    return file.getvalue()


def _in_palette(now: Picture, palette: Pictures.Image) -> UInt8[np.ndarray, "y x"]:
    return np.asarray(Pictures.fromarray(now).quantize(palette=palette, dither=Pictures.Dither.NONE))


def _with_colours(indices: np.ndarray, colours: UInt8[np.ndarray, "n 3"]) -> Pictures.Image:
    made = Pictures.fromarray(indices.astype(np.uint8))
    made.putpalette(colours.tobytes())
    return made
