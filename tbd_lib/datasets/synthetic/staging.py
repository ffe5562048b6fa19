"""Planning a synthetic scene: things are drawn one by one, and drawn again where they would break the plan."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from tbd_lib.datasets.config import Challenge, SyntheticConfig
from tbd_lib.datasets.synthetic.bodies import placement, random_column, random_parts
from tbd_lib.datasets.synthetic.scenes import Camera, Light, Measurements, Scene, happenings, measure
from tbd_lib.datasets.synthetic.sprites import EXTENT, Excursion, Look, Motion, Sprite, rough_silhouette
from tbd_lib.datasets.synthetic.textures import background, skin

COARSE = 4  # pixels of the video per pixel of the planning grid, each way
TRIES = 20  # candidates drawn for one place in a scene
SHRINK = 0.97  # factor of the size from one candidate to the next
UNSEEN: tuple[Challenge, ...] = ("crossing", "occlusion", "leaving", "late-entry")  # must not happen unless allowed
LEAST_FRAMES: dict[Challenge, int] = {"crossing": 2, "late-entry": 2, "leaving": 3}  # below, it cannot happen

Course = Callable[[Sprite, float], Sprite]
"""Gives a thing a random motion; its radius is multiplied by the factor."""


class Stage:
    """A scene while it is planned."""

    def __init__(self, config: SyntheticConfig, rng: np.random.Generator, textures: Path):
        self.config, self.rng, self.textures = config, rng, textures
        self.side = min(config.height, config.width)
        self.last = config.frames - 1
        self.wanted = {challenge for challenge in config.challenges if rng.random() < config.challenge_share}
        self.wanted -= {challenge for challenge, least in LEAST_FRAMES.items() if config.frames < least}
        self.camera = self._camera()
        self.sprites: list[Sprite] = []  # from the far to the near
        self.covers: list[Bool[np.ndarray, "t H W"]] = []  # on the planning grid

    def populate(self) -> bool:
        """Place everything. False if an object found no place."""
        objects, distractors = self._counts()
        if not all(self._place_object(identity, objects) for identity in range(1, objects + 1)):
            return False
        for index in range(distractors):
            self._place_distractor(index)
        events = happenings(measure(self.sprites, np.stack(self.covers), COARSE**2), self.config.min_pixels)
        if "occlusion" in self.wanted and "occlusion" not in {challenge for challenge, _ in events}:
            self._place_occluder()
        return True

    def scene(self) -> Scene:
        """The scene with ground, light and the camera's faults."""
        margin = 2 * self.camera.margin()
        noisy = "noise" in self.wanted
        return Scene(
            background(self.rng, self.textures, self.config.width + margin, self.config.height + margin),
            self.camera,
            self._light(),
            tuple(self.sprites),
            "motion-blur" in self.wanted,
            self._between(2.0, 7.0) if noisy else 0.0,
            int(self.rng.integers(40, 76)) if noisy else None,
        )

    # --- what is placed

    def _counts(self) -> tuple[int, int]:
        """Numbers of objects and distractors; at least what the wanted challenges need, if the configuration has it."""
        objects = int(self.rng.integers(self.config.objects[0], self.config.objects[1] + 1))
        distractors = int(self.rng.integers(self.config.distractors[0], self.config.distractors[1] + 1))
        if "late-entry" in self.wanted:
            objects = max(objects, min(2, self.config.objects[1]))
        if self.wanted & {"look-alike", "crossing"}:
            distractors = max(distractors, min(1, self.config.distractors[1]))
        return objects, distractors

    def _place_object(self, identity: int, count: int) -> bool:
        """Place an object: the last one may enter late, the one before it may leave, others may cross."""
        late = "late-entry" in self.wanted and count > 1
        base = Sprite(self._object_look(), Motion((0.0, 0.0)), identity=identity)
        if late and identity == count:
            return self._place(base, self._entering, "late-entry")
        if "leaving" in self.wanted and identity == count - late:
            return self._place(base, self._leaving, "leaving")
        crossing = "crossing" in self.wanted and identity > 1 and self.rng.random() < 0.4
        return (crossing and self._place(base, self._meeting, "crossing")) or self._place(base, self._wandering, None)

    def _place_distractor(self, index: int) -> bool:
        """Place a thing of the background: a look-alike of an object, or something of its own."""
        model = self._any_object()
        alike = "look-alike" in self.wanted and (index == 0 or self.rng.random() < 0.7)
        look = model.look.stirred(self.rng) if alike else self._look()
        base = Sprite(look, Motion((0.0, 0.0)), role="distractor", like=model.identity if alike else 0)
        needs = "look-alike" if alike else None
        crossing = "crossing" in self.wanted and (index == 0 or self.rng.random() < 0.3)
        return (crossing and self._place(base, self._meeting, "crossing")) or self._place(base, self._wandering, needs)

    def _place_occluder(self) -> bool:
        """Place a column of the ground's kind in front of everything."""
        look = Look("column", background(self.rng, self.textures, 96, 96), random_column(self.rng))
        return self._place(Sprite(look, Motion((0.0, 0.0)), role="occluder"), self._hiding, "occlusion")

    def _place(self, base: Sprite, course: Course, needs: Challenge | None) -> bool:
        """Try courses, each for a smaller thing, until one fits in and brings the challenge it is there for."""
        for attempt in range(TRIES):
            candidate = course(base, SHRINK**attempt)
            place = self._depth(candidate)
            sprites = [*self.sprites[:place], candidate, *self.sprites[place:]]
            covers = [*self.covers[:place], self._cover(candidate), *self.covers[place:]]
            if self._fits(measure(sprites, np.stack(covers), COARSE**2), place, needs):
                self.sprites, self.covers = sprites, covers
                return True
        return False

    def _depth(self, sprite: Sprite) -> int:
        """A random place in depth; occluders are in front, and distractors behind where they must not occlude."""
        if sprite.role == "occluder":
            return len(self.sprites)
        behind = sprite.role == "distractor" and "occlusion" not in self.config.challenges
        return 0 if behind else int(self.rng.integers(len(self.sprites) + 1))

    def _cover(self, sprite: Sprite) -> Bool[np.ndarray, "t H W"]:
        """What a sprite covers on the planning grid."""
        coarse = placement(0.0, 0.0, 0.0, 1 / COARSE)
        size = (math.ceil(self.config.width / COARSE), math.ceil(self.config.height / COARSE))
        views = [coarse @ self.camera.view(float(t)) for t in range(self.config.frames)]
        return np.stack([rough_silhouette(sprite, float(t), view, *size) for t, view in enumerate(views)])

    # --- what is accepted

    def _fits(self, measured: Measurements, place: int, needs: Challenge | None) -> bool:
        """Whether the new sprite does what it shall, nothing forbidden happens, and all objects can be tracked."""
        found = happenings(measured, self.config.min_pixels)
        names = {challenge for challenge, _ in found}
        missing = needs is not None and (needs, place) not in found
        if missing and not (needs == "occlusion" and needs in names):  # who is occluded is not who hides it
            return False
        if names & (set(UNSEEN) - set(self.config.challenges)) or self._nearly_forbidden(measured):
            return False
        return all(self._is_usable(measured, index) for index in range(len(measured.sprites)))

    def _nearly_forbidden(self, measured: Measurements) -> bool:
        """Overlaps too small to be a challenge on the planning grid that might be one on the finished masks."""
        targets, allowed = measured.targets(), self.config.challenges
        free = [index for index, sprite in enumerate(measured.sprites) if sprite.role != "occluder"]
        touching = any(measured.overlap(target, other).any() for target in targets for other in free if target != other)
        hidden = any(bool(np.any(measured.visible[target] < 0.75 * measured.alone[target])) for target in targets)
        return ("crossing" not in allowed and touching) or ("occlusion" not in allowed and hidden)

    def _is_usable(self, measured: Measurements, index: int) -> bool:
        """Whether a sprite is seen well enough where it must be."""
        sprite, visible = measured.sprites[index], measured.visible[index]
        if sprite.identity == 0:
            return sprite.role == "occluder" or bool(visible.max() >= self.config.min_pixels)
        if sprite.role == "late":
            entry = visible[visible > 0][:1]  # empty where something hides the object all the time
            return bool(np.all(entry >= self.config.min_pixels / 2) and visible.max() >= self.config.min_pixels)
        shown = visible[0] >= max(1.2 * self.config.min_pixels, 0.7 * measured.alone[index][0])
        return bool(shown and (visible > 0).mean() >= 0.5) and (sprite.role == "leaving" or self._stays(sprite))

    def _stays(self, sprite: Sprite) -> bool:
        """Whether the centre is well inside the frame all the time."""
        frame = np.array([self.config.width, self.config.height])
        times = range(self.config.frames)
        centres = np.stack([(self.camera.view(float(t)) @ sprite.motion.placed(float(t)))[:2, 2] for t in times])
        rims = 0.4 * np.array([[sprite.motion.size(float(t))] for t in times])
        return bool(np.all((centres > rims) & (centres < frame - rims)))

    # --- how things look and move

    def _between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def _look(self) -> Look:
        kind, parts = random_parts(self.rng)
        side = round(EXTENT * self._between(*self.config.diameter) * self.side)
        return Look(kind, skin(self.rng, self.textures, max(side, 48)), parts)

    def _object_look(self) -> Look:
        """Often the look of an object that is there already: twins."""
        if self.sprites and "look-alike" in self.wanted and self.rng.random() < 0.35:
            return self._any_object().look.stirred(self.rng)
        return self._look()

    def _any_object(self) -> Sprite:
        objects = [sprite for sprite in self.sprites if sprite.identity > 0]
        return objects[int(self.rng.integers(len(objects)))]

    def _motion(self, sprite: Sprite, factor: float) -> Motion:
        """Size, turn and sway; still standing."""
        like = [other.motion.radius for other in self.sprites if other.look.skin is sprite.look.skin]
        radius = like[0] * self._between(0.88, 1.12) if like else self._between(*self.config.diameter) / 2 * self.side
        sway = 0.03 * self.side * min(1.0, self.config.frames / 12)
        chosen = sprite.identity == 1 or (sprite.identity > 1 and self.rng.random() < 0.4)
        grows = "scale-change" in self.wanted and chosen
        return Motion(
            (0.0, 0.0),
            sway=(self._between(-sway, sway), self._between(-sway, sway)),
            period=self._between(12.0, 30.0),
            turn=self._between(0.0, 2 * math.pi),
            spin=self._between(-0.05, 0.05),
            radius=radius * factor,
            growth=self._between(1.4, 1.8) ** float(self.rng.choice([-1, 1])) if grows else 1.0,
            frames=self.config.frames,
        )

    def _heading(self, speed: float) -> tuple[float, float]:
        """A velocity of random direction."""
        angle = self._between(0.0, 2 * math.pi)
        return speed * math.cos(angle), speed * math.sin(angle)

    def _wandering(self, sprite: Sprite, factor: float) -> Sprite:
        """Straight on, somewhere in the frame."""
        middle = (self._between(0.12, 0.88) * self.config.width, self._between(0.12, 0.88) * self.config.height)
        velocity = self._heading(self._between(*self.config.speed) * self.side)
        start = (middle[0] - velocity[0] * self.last / 2, middle[1] - velocity[1] * self.last / 2)
        return replace(sprite, motion=replace(self._motion(sprite, factor), start=start, velocity=velocity))

    def _meeting(self, sprite: Sprite, factor: float) -> Sprite:
        """On a course that crosses an object's, apart from it in the first frame where that is not too fast."""
        other, motion = self._any_object().motion, self._motion(sprite, factor)
        when = self._between(0.4, 0.8) * max(self.last, 1)
        gap = 1.15 * (motion.size(0.0) + other.size(0.0)) * self._between(1.0, 1.3)
        relative = self._heading(min(gap / when, 0.12 * self.side))
        return replace(sprite, motion=self._arriving(motion, other, when, relative))

    def _arriving(self, motion: Motion, other: Motion, when: float, relative: tuple[float, float]) -> Motion:
        """Where another thing is at the time ``when``, with a velocity relative to that thing's."""
        aim, velocity = other.centre(when), (other.velocity[0] + relative[0], other.velocity[1] + relative[1])
        start = (aim[0] - velocity[0] * when, aim[1] - velocity[1] * when)
        return replace(motion, start=start, velocity=velocity)

    def _at_border(self, motion: Motion) -> tuple[tuple[float, float], tuple[float, float]]:
        """A place near a random side of the frame, and the way from there that leads wholly out of it."""
        inside = self._between(1.0, 1.5) * motion.radius
        away = inside + 1.05 * EXTENT * max(motion.size(0.0), motion.size(float(self.last)))
        width, height = self.config.width, self.config.height
        x, y = self._between(0.25, 0.75) * width, self._between(0.25, 0.75) * height
        left, right = ((inside, y), (-away, 0.0)), ((width - inside, y), (away, 0.0))
        top, bottom = ((x, inside), (0.0, -away)), ((x, height - inside), (0.0, away))
        sides = (left, right) if self.rng.random() < 0.5 else (top, bottom)
        return sides[0] if self.rng.random() < 0.5 else sides[1]

    def _leaving(self, sprite: Sprite, factor: float) -> Sprite:
        """Near the border, out of the frame, and back."""
        motion = self._motion(sprite, factor)
        start, reach = self._at_border(motion)
        times = np.array([0.12, 0.45, 0.55, 0.95]) * self.last + self._between(-0.04, 0.04) * self.last
        trip = Excursion(reach, (float(times[0]), float(times[1])), (float(times[2]), float(times[3])))
        return replace(sprite, role="leaving", motion=replace(motion, start=start, excursion=trip))

    def _entering(self, sprite: Sprite, factor: float) -> Sprite:
        """Outside at first, then quickly in."""
        motion = self._motion(sprite, factor)
        start, reach = self._at_border(motion)
        frame = int(self.rng.integers(max(1, round(0.25 * self.last)), max(1, round(0.6 * self.last)) + 1))
        trip = Excursion(reach, (-2.0, -1.0), (frame - 1.0, frame + 2.0))
        return replace(sprite, role="late", motion=replace(motion, start=start, excursion=trip))

    def _hiding(self, sprite: Sprite, factor: float) -> Sprite:
        """Across an object's way; it stands still if the object is fast enough to pass behind it in time."""
        other = self._any_object().motion
        motion = replace(self._motion(sprite, factor), sway=(0.0, 0.0), spin=0.0)
        when, angle = self._between(0.4, 0.8) * max(self.last, 1), math.atan2(*other.velocity[::-1])
        needed = 1.2 * (other.size(0.0) + 0.6 * motion.radius) / when
        speed = max(math.hypot(*other.velocity), needed)
        relative = (-speed * math.cos(angle), -speed * math.sin(angle))
        return replace(sprite, motion=replace(self._arriving(motion, other, when, relative), turn=angle))

    # --- camera and light

    def _camera(self) -> Camera:
        still = Camera(self.config.width, self.config.height, self.config.frames)
        if "camera-motion" not in self.wanted:
            return still
        reach = 0.1 * self.side
        return replace(
            still,
            drift=(self._between(-reach, reach), self._between(-reach, reach)),
            shake=self._between(0.0, 0.03) * self.side,
            turn=self._between(0.0, 0.05),
            zoom=self._between(0.93, 1.2),
            phase=self._between(0.0, 2 * math.pi),
        )

    def _light(self) -> Light:
        if "light-change" not in self.wanted:
            return Light(self.config.frames)
        darker = self.rng.random() < 0.6
        gain = self._between(0.45, 0.75) if darker else self._between(1.15, 1.35)
        tint = (self._between(0.85, 1.1), self._between(0.9, 1.05), self._between(0.85, 1.1))
        return Light(self.config.frames, gain, self._between(1.0, 1.25) if darker else self._between(0.8, 1.0), tint)
