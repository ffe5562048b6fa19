"""Shapes of the things in synthetic videos: closed outlines that breathe, and limbs that swing about joints.

Time ``t`` is real-valued and counts frames. A placement is a 3 x 3 matrix acting on columns ``(x, y, 1)``; object
units are such that the body of a thing has about radius 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "n 2"]
Placement = Float[np.ndarray, "3 3"]


def placement(x: float, y: float, turn: float = 0.0, scale: float = 1.0) -> Placement:
    """Scale, then turn (radians), then shift."""
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y], [0.0, 0.0, 1.0]])


def moved(corners: Points, place: Placement) -> Points:
    """Corners seen from where a placement leads to."""
    return corners @ place[:2, :2].T + place[:2, 2]


@dataclass(frozen=True, eq=False)
class Part:
    """A closed outline that breathes, and swings about a joint."""

    outline: Points
    joint: tuple[float, float] = (0.0, 0.0)
    swing: float = 0.0  # radians to either side
    breath: float = 0.0  # share of the radius
    waves: int = 2  # of the breath, around the outline
    period: float = 20.0  # frames
    phase: float = 0.0  # radians

    def placed(self, t: float) -> Placement:
        """Where the part is on the body."""
        turn = self.swing * math.sin(2 * math.pi * t / self.period + self.phase)
        x, y = self.joint
        return placement(x, y, turn) @ placement(-x, -y)

    def corners(self, t: float) -> Points:
        """The outline in its own coordinates, not yet swung."""
        angle = np.arctan2(self.outline[:, 1], self.outline[:, 0])
        wave = np.sin(self.waves * angle + 2 * math.pi * t / self.period + self.phase)
        return self.outline * (1 + self.breath * wave)[:, None]


def random_parts(rng: np.random.Generator) -> tuple[str, tuple[Part, ...]]:
    """Kind and parts of a random shape of about radius 1."""
    kind = str(rng.choice(list(_SHAPES)))
    return kind, _SHAPES[kind](rng)


def random_column(rng: np.random.Generator) -> tuple[Part, ...]:
    """An upright rounded box, narrower than it is high."""
    return (Part(_between_diamond_and_box(0.4) * np.array([rng.uniform(0.4, 0.7), rng.uniform(1.3, 1.6)])),)


def _circle(count: int = 56) -> Float[np.ndarray, "n"]:
    return np.arange(count) * (2 * math.pi / count)


def _polar(radius: Float[np.ndarray, "n"], angle: Float[np.ndarray, "n"]) -> Points:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _between_diamond_and_box(power: float) -> Points:
    """An ellipse at power 1, nearer to a box below, to a diamond above."""
    cos, sin = np.cos(_circle()), np.sin(_circle())
    return np.stack([np.sign(cos) * np.abs(cos) ** power, np.sign(sin) * np.abs(sin) ** power], axis=1)


def _body(rng: np.random.Generator, outline: Points) -> Part:
    """A body that breathes at a random pace."""
    return Part(
        outline,
        breath=float(rng.uniform(0.02, 0.07)),
        waves=int(rng.integers(2, 4)),
        period=float(rng.uniform(14, 30)),
        phase=float(rng.uniform(0, 2 * math.pi)),
    )


def _blob(rng: np.random.Generator) -> tuple[Part, ...]:
    """A radius with a few random Fourier terms."""
    angle, radius = _circle(), np.ones(56)
    for wave in range(2, 6):
        radius = radius + rng.uniform(0.05, 0.22) / (wave - 1) * np.sin(wave * angle + rng.uniform(0, 2 * math.pi))
    return (_body(rng, _polar(radius, angle)),)


def _superellipse(rng: np.random.Generator) -> tuple[Part, ...]:
    """Between a diamond, an ellipse and a rounded box."""
    outline = _between_diamond_and_box(2 / float(rng.uniform(1.3, 5.0)))
    return (_body(rng, outline * np.array([1.0, rng.uniform(0.55, 0.95)])),)


def _star(rng: np.random.Generator) -> tuple[Part, ...]:
    """Soft points around a disk."""
    angle, points = _circle(), int(rng.integers(4, 8))
    return (_body(rng, _polar(0.95 + rng.uniform(0.12, 0.3) * np.cos(points * angle), angle)),)


def _polygon(rng: np.random.Generator) -> tuple[Part, ...]:
    """A convex polygon with uneven corners."""
    count = int(rng.integers(3, 7))
    angle = (np.arange(count) + rng.uniform(-0.25, 0.25, size=count)) * (2 * math.pi / count)
    corners = _polar(np.full(count, 1.15), angle)
    along = np.linspace(0, 1, 10, endpoint=False)[None, :, None]
    return (
        _body(rng, (corners[:, None] * (1 - along) + np.roll(corners, -1, axis=0)[:, None] * along).reshape(-1, 2)),
    )


def _creature(rng: np.random.Generator) -> tuple[Part, ...]:
    """A body, a head and limbs that swing."""
    angle, count = _circle(40), int(rng.integers(2, 6))
    body = _body(rng, _polar(np.full(40, 0.8), angle) * np.array([1.0, rng.uniform(0.65, 1.0)]))
    period = float(rng.uniform(10, 24))
    limbs = []
    for index in range(count):
        turn = 2 * math.pi * (index + 0.3 * rng.random()) / count
        length, width = float(rng.uniform(0.45, 0.6)), float(rng.uniform(0.16, 0.3))
        limb = _polar(np.ones(40), angle) * np.array([length, width]) + np.array([0.65 + length * 0.7, 0.0])
        joint = (0.6 * math.cos(turn), 0.6 * math.sin(turn))
        limbs.append(Part(moved(limb, placement(0.0, 0.0, turn)), joint, 0.4, period=period, phase=float(2.4 * index)))
    return (*limbs, body)


def _train(rng: np.random.Generator) -> tuple[Part, ...]:
    """Three round segments in a row that bend at their joints."""
    angle, period = _circle(40), float(rng.uniform(12, 26))
    disk = _polar(np.full(40, 0.62), angle)
    side = [Part(disk * 0.85 + np.array([x, 0.0]), (0.3 * x, 0.0), 0.35, period=period, phase=x) for x in (-0.8, 0.8)]
    return (*side, _body(rng, disk))


_SHAPES = {
    "blob": _blob,
    "superellipse": _superellipse,
    "star": _star,
    "polygon": _polygon,
    "creature": _creature,
    "train": _train,
}
