"""A synthetic scene under a moving camera: filming it, and measuring what really happens in it."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image as Pictures
from PIL.Image import Resampling, Transform

from tbd_lib.datasets.config import Challenge
from tbd_lib.datasets.synthetic.bodies import Placement, placement
from tbd_lib.datasets.synthetic.sprites import Picture, Sprite, ease

MARGIN = 0.3  # of the shorter side: how much ground lies outside the first view of a moving camera, on each side
SHUTTER = 0.3  # frames that the shutter is open before and after a frame's time, where there is motion blur
HIDDEN = 0.6  # an object of which a smaller share is visible is occluded
TOUCHED = 0.1  # two things cross when they overlap by this share of the smaller one
APART = 0.03  # ... and at first overlapped by less than this
GROWN = 1.3  # factor of the size that counts as a change of scale
SHIFTED = 4.0  # pixels the corners of the view move by, if the camera counts as moving
LIT = 12.0  # grey levels by which middle grey changes, if the light counts as changing
SMEARED = 1.5  # pixels an object moves while the shutter is open, if motion counts as blurred

Covers = Bool[np.ndarray, "s t H W"]  # s: sprite


@dataclass(frozen=True, eq=False)
class Camera:
    """The view: at the first frame nothing is moved."""

    width: int  # pixels
    height: int
    frames: int
    drift: tuple[float, float] = (0.0, 0.0)  # pixels until the last frame
    shake: float = 0.0  # pixels
    turn: float = 0.0  # radians
    zoom: float = 1.0  # factor until the last frame
    phase: float = 0.0  # radians

    def view(self, t: float) -> Placement:
        """From the world to the screen."""
        share = ease(t / max(self.frames - 1, 1))
        wave_x, wave_y, wave_turn = (self._wave(t, period) - self._wave(0.0, period) for period in (5.3, 4.1, 9.7))
        x, y = self.width / 2, self.height / 2
        shift = placement(
            -x - self.drift[0] * share - self.shake * wave_x, -y - self.drift[1] * share - self.shake * wave_y
        )
        return placement(x, y, self.turn * wave_turn, self.zoom**share) @ shift

    def margin(self) -> int:
        """Pixels by which the ground must be larger than the frame, on each side."""
        still = (self.drift, self.shake, self.turn, self.zoom) == ((0.0, 0.0), 0.0, 0.0, 1.0)
        return 0 if still else math.ceil(MARGIN * min(self.width, self.height))

    def _wave(self, t: float, period: float) -> float:
        angle = 2 * math.pi * t / period + self.phase * period
        return 0.6 * math.sin(angle) + 0.4 * math.sin(1.9 * angle)


@dataclass(frozen=True, eq=False)
class Light:
    """Brightness, contrast and tint that drift from neutral to given factors."""

    frames: int
    gain: float = 1.0
    gamma: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def table(self, t: float) -> UInt8[np.ndarray, "3 256"]:
        """New value of every old value, for red, green and blue."""
        share = ease(t / max(self.frames - 1, 1))
        levels = np.linspace(0, 1, 256) ** self.gamma**share
        factors = self.gain**share * np.array(self.tint) ** share
        return np.clip(np.round(255 * factors[:, None] * levels), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Scene:
    """All it takes to film a video. Sprites are ordered from the far to the near."""

    ground: Picture
    camera: Camera
    light: Light
    sprites: tuple[Sprite, ...]
    blurred: bool = False
    grain: float = 0.0  # deviation of the sensor's noise in grey levels
    quality: int | None = None  # of the JPEG compression that the frames went through

    def paint(self, t: float) -> tuple[Picture, Bool[np.ndarray, "s H W"]]:
        """The picture at one moment, and which pixels each sprite covers."""
        view = self.camera.view(t)
        picture = self._ground_seen(view)
        covers = [sprite.paint(picture, t, view) for sprite in self.sprites]
        return picture.point(self.light.table(t).ravel().tolist()), np.stack(covers)

    def expose(self, t: int) -> tuple[Picture, Bool[np.ndarray, "s H W"]]:
        """The picture of one frame, averaged over the time the shutter is open, and what the sprites cover amid it."""
        picture, covers = self.paint(float(t))
        if self.blurred:
            before_after = Pictures.blend(self.paint(t - SHUTTER)[0], self.paint(t + SHUTTER)[0], 0.5)
            picture = Pictures.blend(picture, before_after, 2 / 3)
        return picture, covers

    def _ground_seen(self, view: Placement) -> Picture:
        """The ground's part in the frame."""
        size, margin = (self.camera.width, self.camera.height), self.camera.margin()
        if margin == 0:  # nothing moves: the same pixels, and much faster
            return self.ground.copy()
        to_ground = (placement(float(margin), float(margin)) @ np.linalg.inv(view))[:2].ravel().tolist()
        return self.ground.transform(size, Transform.AFFINE, tuple(to_ground), Resampling.BILINEAR)


def film(scene: Scene, rng: np.random.Generator) -> tuple[UInt8[np.ndarray, "t H W 3"], Covers]:
    """All frames as the camera stores them, and the pixels each sprite covers, seen or not."""
    shots = [scene.expose(t) for t in range(scene.camera.frames)]
    images = np.stack([_stored(picture, scene, rng) for picture, _ in shots])
    return images, np.stack([covers for _, covers in shots], axis=1)


def _stored(picture: Picture, scene: Scene, rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """One frame with sensor noise and compression."""
    image = np.asarray(picture)
    if scene.grain > 0:
        grain = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32) * np.float32(scene.grain)
        image = np.clip(np.round(image + grain), 0, 255).astype(np.uint8)
    if scene.quality is not None:
        buffer = io.BytesIO()
        Pictures.fromarray(image).save(buffer, format="JPEG", quality=scene.quality)
        image = np.asarray(Pictures.open(buffer))
    return image


@dataclass(frozen=True, eq=False)
class Measurements:
    """What happens in a scene: areas in pixels of the video, from the pixels that its sprites cover."""

    sprites: Sequence[Sprite]
    covers: Covers
    layers: UInt8[np.ndarray, "t H W"]  # 0 is the ground, k + 1 the sprite k, the nearest of those that cover a pixel
    visible: Int[np.ndarray, "s t"]
    alone: Int[np.ndarray, "s t"]  # what would be visible if nothing else were there

    def masks(self) -> UInt8[np.ndarray, "t H W"]:
        """Id mask of every frame."""
        return np.array([0, *(sprite.identity for sprite in self.sprites)], np.uint8)[self.layers]

    def targets(self) -> list[int]:
        """Positions of the sprites that are objects."""
        return [index for index, sprite in enumerate(self.sprites) if sprite.identity > 0]

    def first(self, index: int) -> int:
        """First frame in which a sprite is visible; the number of frames if there is none."""
        seen = np.flatnonzero(self.visible[index])
        return int(seen[0]) if len(seen) else self.visible.shape[1]

    def overlap(self, index: int, other: int) -> Float[np.ndarray, "t"]:
        """Share of the smaller of two sprites that lies over or under the larger, in every frame."""
        cell = self.alone[index].sum() / max(int(self.covers[index].sum()), 1)
        both = (self.covers[index] & self.covers[other]).sum(axis=(1, 2)) * cell
        return both / np.maximum(np.minimum(self.alone[index], self.alone[other]), 1)


def measure(sprites: Sequence[Sprite], covers: Covers, cell: int = 1) -> Measurements:
    """Areas and layers of sprites that are ordered from the far to the near.

    ``cell`` is the number of pixels of the video that one pixel of ``covers`` stands for: above 1 while planning.
    """
    layers = np.zeros(covers.shape[1:], np.uint8)
    for index, cover in enumerate(covers):
        layers[cover] = index + 1
    counts = np.stack([np.bincount(layer.ravel(), minlength=len(sprites) + 1)[1:] for layer in layers], axis=1)
    return Measurements(sprites, covers, layers, counts * cell, covers.sum(axis=(2, 3)) * cell)


def happenings(measured: Measurements, min_pixels: int) -> set[tuple[Challenge, int]]:
    """Which sprites take part in which challenges, of those that can be seen in the masks.

    ``min_pixels`` is the area from which on a sprite counts as being there.
    """
    found: set[tuple[Challenge, int]] = set()
    for index in measured.targets():
        found.update((challenge, index) for challenge in _of_object(measured, index, min_pixels))
    for index in range(len(measured.sprites)):
        if _looks_alike(measured, index, min_pixels):
            found.add(("look-alike", index))
        if _crosses(measured, index):
            found.add(("crossing", index))
    return found


def _of_object(measured: Measurements, index: int, min_pixels: int) -> set[Challenge]:
    """What happens to an object."""
    visible, alone = measured.visible[index], measured.alone[index]
    seen = np.flatnonzero(visible)
    if not len(seen):
        return {"occlusion"} if np.any(alone >= min_pixels) else set()
    sizes = [measured.sprites[index].motion.size(float(t)) for t in seen]
    found: dict[Challenge, bool] = {
        "occlusion": bool(np.any((alone >= min_pixels) & (visible < HIDDEN * alone))),
        "leaving": bool(np.any(alone[seen[0] : seen[-1]] == 0)),  # out of the frame between two where it is seen
        "late-entry": seen[0] > 0,
        "scale-change": max(sizes) >= GROWN * min(sizes),
    }
    return {challenge for challenge, holds in found.items() if holds}


def _looks_alike(measured: Measurements, index: int, min_pixels: int) -> bool:
    """A thing of the background that looks like an object, both to be seen in one frame."""
    likes = [
        target for target in measured.targets() if measured.sprites[target].identity == measured.sprites[index].like
    ]
    both = [np.minimum(measured.visible[index], measured.visible[like]) for like in likes]
    return any(bool(np.any(visible >= min_pixels)) for visible in both)


def _crosses(measured: Measurements, index: int) -> bool:
    """Overlaps later with something that it was apart from; one of the two is an object, neither an occluder."""
    if measured.sprites[index].role == "occluder":
        return False
    objects = set(measured.targets())
    others = range(len(measured.sprites)) if index in objects else objects
    return any(
        _meets(measured.overlap(index, other), max(measured.first(index), measured.first(other)))
        for other in others
        if other != index and measured.sprites[other].role != "occluder"
    )


def _meets(overlap: Float[np.ndarray, "t"], start: int) -> bool:
    return start < len(overlap) and bool(overlap[start] < APART and overlap[start:].max() >= TOUCHED)


def circumstances(scene: Scene) -> set[Challenge]:
    """Challenges of a scene that lie in its camera and light."""
    times = [float(t) for t in range(scene.camera.frames)]
    found: dict[Challenge, bool] = {
        "camera-motion": max(_view_shift(scene.camera, t) for t in times) >= SHIFTED,
        "light-change": max(_light_shift(scene.light, t) for t in times) >= LIT,
        "motion-blur": scene.blurred and max(_smear(scene, t) for t in times) >= SMEARED,
        "noise": scene.grain > 0 or scene.quality is not None,
    }
    return {challenge for challenge, holds in found.items() if holds}


def _view_shift(camera: Camera, t: float) -> float:
    """How far the farthest corner of the first view has moved, in pixels."""
    corners = np.array([[0, 0, 1], [camera.width, 0, 1], [0, camera.height, 1], [camera.width, camera.height, 1.0]])
    moved = corners @ (camera.view(t) - camera.view(0.0)).T
    return float(np.hypot(moved[:, 0], moved[:, 1]).max())


def _light_shift(light: Light, t: float) -> float:
    """Change of middle grey, in grey levels, mean of the three channels."""
    return abs(float(light.table(t)[:, 128].mean()) - float(light.table(0.0)[:, 128].mean()))


def _smear(scene: Scene, t: float) -> float:
    """Longest way of an object's centre over the screen while the shutter is open, in pixels."""
    ends = [
        [(scene.camera.view(time) @ sprite.motion.placed(time))[:2, 2] for time in (t - SHUTTER, t + SHUTTER)]
        for sprite in scene.sprites
        if sprite.identity > 0
    ]
    return max(float(np.hypot(*(end - start))) for start, end in ends)
