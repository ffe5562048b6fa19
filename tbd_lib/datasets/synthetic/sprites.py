"""Things that move in synthetic videos: their paths, and how they are painted into a frame."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from PIL import Image as Pictures
from PIL import ImageChops, ImageDraw, ImageFilter
from PIL.Image import Resampling, Transform

from tbd_lib.datasets.synthetic.bodies import Part, Placement, Points, moved, placement

Picture = Pictures.Image

EXTENT = 1.7  # half the side, in object units, of the square that a skin covers
SAMPLES = 3  # outlines are drawn this much finer than the frame, then averaged: soft edges
GRAIN = 16  # corners lie on a grid this much finer again, so that a last digit of sin() never moves a pixel


@dataclass(frozen=True, eq=False)
class Excursion:
    """A way out of the frame and back: ``reach`` pixels, left between two times, undone between two later ones."""

    reach: tuple[float, float]
    out: tuple[float, float]
    back: tuple[float, float]

    def at(self, t: float) -> tuple[float, float]:
        """Shift in pixels."""
        gone = ease((t - self.out[0]) / (self.out[1] - self.out[0]))
        home = 1 - (1 - _clip((t - self.back[0]) / (self.back[1] - self.back[0]))) ** 2  # quick at first
        return self.reach[0] * gone * (1 - home), self.reach[1] * gone * (1 - home)


@dataclass(frozen=True, eq=False)
class Motion:
    """Smooth motion: straight on, swaying, turning, growing, and an excursion."""

    start: tuple[float, float]
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels per frame
    sway: tuple[float, float] = (0.0, 0.0)  # pixels
    period: float = 20.0  # frames, of the sway
    turn: float = 0.0  # radians
    spin: float = 0.0  # radians per frame
    radius: float = 30.0  # pixels
    growth: float = 1.0  # factor by which the radius changes from the first frame to the last
    frames: int = 2
    excursion: Excursion | None = None

    def centre(self, t: float) -> tuple[float, float]:
        """Position in pixels."""
        wave = math.sin(2 * math.pi * t / self.period)
        extra = self.excursion.at(t) if self.excursion else (0.0, 0.0)
        x = self.start[0] + self.velocity[0] * t + self.sway[0] * wave + extra[0]
        return x, self.start[1] + self.velocity[1] * t + self.sway[1] * wave + extra[1]

    def size(self, t: float) -> float:
        """Radius in pixels."""
        return self.radius * self.growth ** ease(t / max(self.frames - 1, 1))

    def placed(self, t: float) -> Placement:
        """From object units to pixels of the world."""
        return placement(*self.centre(t), self.turn + self.spin * t, self.size(t))


@dataclass(frozen=True, eq=False)
class Look:
    """How a thing looks: what two things share if they look alike."""

    kind: str
    skin: Picture
    parts: tuple[Part, ...]

    def stirred(self, rng: np.random.Generator) -> "Look":
        """The same look at another moment of its breath."""
        shift = float(rng.uniform(0, 2 * math.pi))
        return replace(self, parts=tuple(replace(part, phase=part.phase + shift) for part in self.parts))


@dataclass(frozen=True, eq=False)
class Sprite:
    """A thing in the video. ``identity`` is its id in the masks, 0 for things of the background."""

    look: Look
    motion: Motion
    identity: int = 0
    role: str = "plain"
    like: int = 0  # the object whose look a thing of the background has, 0 for none

    def outlines(self, t: float, view: Placement) -> list[Points]:
        """Corners of all parts on the screen, in pixels."""
        return [moved(part.corners(t), place) for part, place in self._places(t, view)]

    def paint(self, frame: Picture, t: float, view: Placement) -> Bool[np.ndarray, "H W"]:
        """Draw shadow and thing into the frame. Returns the pixels that at least half belong to the thing."""
        cover = np.zeros((frame.height, frame.width), bool)
        box = _box(self.outlines(t, view), frame.size)
        if box is None:
            return cover
        size = (box[2] - box[0], box[3] - box[1])
        colours, alpha = Pictures.new("RGB", size), Pictures.new("L", size)
        for part, place in self._places(t, view):
            local = placement(float(-box[0]), float(-box[1])) @ place
            soft = _soft_cover(moved(part.corners(t), local), size)
            colours.paste(_texture(self.look.skin, local, size), mask=soft)
            alpha = ImageChops.lighter(alpha, soft)
        shade = alpha.filter(ImageFilter.BoxBlur(3)).point(_SHADOW)
        frame.paste((0, 0, 0), (box[0] + 3, box[1] + 4), shade)
        frame.paste(colours, box[:2], alpha)
        cover[box[1] : box[3], box[0] : box[2]] = np.asarray(alpha) >= 128
        return cover

    def _places(self, t: float, view: Placement) -> list[tuple[Part, Placement]]:
        """Every part with the placement of its own coordinates on the screen."""
        body = view @ self.motion.placed(t)
        return [(part, body @ part.placed(t)) for part in self.look.parts]


_SHADOW = [round(0.4 * level) for level in range(256)]


def _soft_cover(corners: Points, size: tuple[int, int]) -> Picture:
    """Share of each pixel that lies in the outline, as grey levels 0 to 255."""
    fine = Pictures.new("L", (size[0] * SAMPLES, size[1] * SAMPLES))
    ImageDraw.Draw(fine).polygon(_gridded(corners * SAMPLES), fill=255)
    return fine.reduce(SAMPLES)


def rough_silhouette(sprite: Sprite, t: float, view: Placement, width: int, height: int) -> Bool[np.ndarray, "H W"]:
    """Pixels of the thing, whatever is in front of it; without averaging, for planning on a coarse grid."""
    picture = Pictures.new("L", (width, height))
    draw = ImageDraw.Draw(picture)
    for corners in sprite.outlines(t, view):
        draw.polygon(_gridded(corners), fill=1)
    return np.asarray(picture).astype(bool)


def _texture(skin: Picture, local: Placement, size: tuple[int, int]) -> Picture:
    """The skin as it lies over a box of the screen."""
    unit = 2 * EXTENT / skin.width
    to_skin = np.linalg.inv(local @ np.array([[unit, 0, -EXTENT], [0, unit, -EXTENT], [0, 0, 1.0]]))
    return skin.transform(size, Transform.AFFINE, tuple(to_skin[:2].ravel().tolist()), Resampling.BILINEAR)


def _gridded(corners: Points) -> list[float]:
    return (np.round(corners * GRAIN) / GRAIN).ravel().tolist()


def _box(outlines: list[Points], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what can be seen of the outlines, with a margin for soft edges and shadow."""
    corners = np.concatenate(outlines)
    low, high = np.floor(corners.min(axis=0)).astype(int) - 8, np.ceil(corners.max(axis=0)).astype(int) + 8
    left, top, right, bottom = max(low[0], 0), max(low[1], 0), min(high[0], size[0]), min(high[1], size[1])
    return (int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


def _clip(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def ease(share: float) -> float:
    """From 0 to 1 without jerk at either end."""
    share = _clip(share)
    return share * share * (3 - 2 * share)
