"""Seeded videos about background distraction: textured things among look-alikes, made in memory or written to disk.

A scene is planned thing by thing on a coarse grid (a candidate that breaks the plan is drawn again), then filmed.
The facts of a clip are *measured* on what was filmed, never copied from the plan.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from tqdm.auto import tqdm

from tbd_lib.datasets.config import Challenge, SyntheticConfig
from tbd_lib.datasets.synthetic.scenes import Measurements, Scene, circumstances, film, happenings, measure
from tbd_lib.datasets.synthetic.staging import Stage
from tbd_lib.errors import InputError
from tbd_lib.files import data_folder, write_json, write_text, write_whole
from tbd_lib.video.frames import Clip, Frame, Video
from tbd_lib.video.masks import write_mask

SCENES = 20  # scenes drawn before a configuration is given up
QUALITY = 85  # of written JPEG frames


def random_clip(config: SyntheticConfig, seed: int, textures: Path | None = None) -> Clip:
    """One clip; the same configuration, seed and textures give the same bytes.

    Objects have the ids 1 to n in order of appearance. In the first frame at least one object shows
    ``config.min_pixels`` pixels, as does every object that does not enter late. ``facts`` can be written as JSON.

    Raises:
        InputError: the objects asked for do not fit into the frame; or ``textures`` holds no textures.
    """
    folder = textures or data_folder() / "textures"
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    for _ in range(SCENES):
        stage = Stage(config, rng, folder)
        if not stage.populate():
            continue
        scene = stage.scene()
        images, covers = film(scene, rng)
        measured = measure(scene.sprites, covers)
        if _keeps_promises(scene, measured, config):
            return Clip(f"synthetic-{seed}", images, measured.masks(), _facts(scene, measured, config, seed))
    raise InputError(f"{config}: {SCENES} scenes drawn, none fits; expected fewer or smaller objects, or larger frames")


def make_videos(config: SyntheticConfig, seed: int, count: int, textures: Path | None = None) -> Iterator[Clip]:
    """``count`` clips, one at a time; each can be made again alone, from the seed in its facts.

    Raises:
        InputError: as ``random_clip``.
    """
    for clip_seed in np.random.SeedSequence(seed).generate_state(count):
        yield random_clip(config, int(clip_seed), textures)


def clip_as_video(clip: Clip) -> Video:
    """The clip as a tracker sees it: each object's true mask is given once, in the first frame that shows it."""
    given, known = {}, {0}
    for index, mask in enumerate(clip.masks):
        new = sorted(set(np.unique(mask).tolist()) - known)
        if new:
            given[index] = np.where(np.isin(mask, new), mask, 0).astype(np.uint8)
            known.update(new)
    frames = [Frame(f"{index:05d}", image) for index, image in enumerate(clip.images)]
    return Video(clip.name, frames, given, truth=list(clip.masks))


def write_davis(clips: Mapping[str, Iterable[Clip]], root: Path) -> None:
    """Write clips by split (``"train"``, ``"val"``) in the layout of DAVIS 2017, with ``challenges.json``: their facts.

    Raises:
        InputError: ``root`` already holds a data set.
        OSError: no space left, or no right to write.
    """
    if (root / "ImageSets").exists():
        raise InputError(f"{root / 'ImageSets'}: the folder exists, expected a root without a data set")
    facts = {}
    for split, members in clips.items():
        names = []
        for clip in tqdm(members, desc=split, unit="video"):
            _write_frames(clip, root)
            names.append(clip.name)
            facts[clip.name] = dict(clip.facts)
        write_text(root / "ImageSets" / "2017" / f"{split}.txt", "".join(f"{name}\n" for name in names))
    write_json(root / "challenges.json", facts)


def _write_frames(clip: Clip, root: Path) -> None:
    for index, (image, mask) in enumerate(zip(clip.images, clip.masks, strict=True)):
        with write_whole(root / "JPEGImages" / "480p" / clip.name / f"{index:05d}.jpg") as path:
            Pictures.fromarray(image).save(path, quality=QUALITY)
        write_mask(root / "Annotations" / "480p" / clip.name / f"{index:05d}.png", mask)


def _present(scene: Scene, measured: Measurements, config: SyntheticConfig) -> set[Challenge]:
    """All challenges that the clip contains."""
    found = circumstances(scene)
    found.update(challenge for challenge, _ in happenings(measured, config.min_pixels))
    return found


def _keeps_promises(scene: Scene, measured: Measurements, config: SyntheticConfig) -> bool:
    """Whether what was planned on the coarse grid holds for the finished masks too."""
    early = [index for index in measured.targets() if scene.sprites[index].role != "late"]
    seen = bool(np.all(measured.visible[early, 0] >= config.min_pixels)) and bool(np.all(measured.visible.any(axis=1)))
    return seen and _present(scene, measured, config) <= set(config.challenges)


def _facts(scene: Scene, measured: Measurements, config: SyntheticConfig, seed: int) -> dict[str, object]:
    """What the clip contains; lists of frames are ascending."""
    events = happenings(measured, config.min_pixels)
    present = _present(scene, measured, config)
    roles = [sprite.role for sprite in scene.sprites]
    return {
        "seed": seed,
        "challenges": [challenge for challenge in config.challenges if challenge in present],
        "distractors": roles.count("distractor"),
        "occluders": roles.count("occluder"),
        "look_alikes_of": sorted(sprite.like for sprite in scene.sprites if sprite.like > 0),
        "objects": {
            str(scene.sprites[index].identity): _object_facts(measured, index, events)
            for index in sorted(measured.targets(), key=lambda index: scene.sprites[index].identity)
        },
    }


def _object_facts(measured: Measurements, index: int, events: set[tuple[Challenge, int]]) -> dict[str, object]:
    there = measured.alone[index] > 0
    share = measured.visible[index][there] / measured.alone[index][there]
    return {
        "shape": measured.sprites[index].look.kind,
        "first_frame": measured.first(index),
        "visible_frames": np.flatnonzero(measured.visible[index]).tolist(),
        "least_visible_share": round(float(share.min()), 3),
        "challenges": sorted(challenge for challenge, sprite in events if sprite == index),
    }
