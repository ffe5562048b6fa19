"""Where the time of one frame goes: every part's seconds, operations and bytes, beside the machine's limits."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.limits import cost_of, median_seconds
from benchmarks.scenes import Scene
from tbd_lib.engines.segmenter import FrameFeatures
from tbd_lib.engines.shared import shared
from tbd_lib.method.aggregate import aggregate_log_odds
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.region_of_interest import log_odds
from tbd_lib.tracking.tracker import Tracker, regions_of
from tbd_lib.video.frames import read_image, write_image
from tbd_lib.video.masks import write_mask

COMPUTED = ("encode", "match", "decode", "aggregate", "update")


@torch.no_grad()
def parts_of(model: TBD, scene: Scene, rounds: int) -> dict[str, dict[str, float]]:
    """Every part of the third frame of a scene: seconds, and what is counted of those that compute."""
    device = model.device
    with TemporaryDirectory() as folder:
        found: dict[str, dict[str, float]] = {}
        for name, run in _work(model, scene, Path(folder)).items():
            found[name] = {"seconds": median_seconds(run, device, rounds)}
            if name in COMPUTED:
                found[name] |= cost_of(run)
    return found


def _work(model: TBD, scene: Scene, folder: Path) -> dict[str, Callable[[], object]]:
    """The parts of a frame, each ready to be run again and again."""
    engine = shared(model)
    tracker = Tracker(engine, OWN_SIZE)
    tracker.step(scene.images[0], scene.given)
    step = tracker.step(scene.images[1])
    assert tracker.state is not None
    (cohort,) = tracker.state.cohorts
    image, picture, drawn = scene.images[2], folder / "frame.jpg", folder / "mask.png"
    write_image(picture, image)
    size = tracker.state.work
    features = tracker.encode(image, size)
    assert isinstance(features, FrameFeatures)
    scores = engine.match(features, cohort.templates)
    odds = log_odds(engine, features, cohort.templates, scores, tracker.config)
    together = aggregate_log_odds(odds)
    mask = np.asarray(step.mask)
    return {
        "read": partial(read_image, picture),
        "encode": lambda: tracker.encode(image, size),
        "match": lambda: engine.match(_fresh(features), cohort.templates),
        "decode": lambda: log_odds(engine, _fresh(features), cohort.templates, scores, tracker.config),
        "aggregate": lambda: aggregate_log_odds(odds),
        "update": lambda: engine.update(features, cohort.templates, regions_of(together[1:])),
        "write": lambda: write_mask(drawn, mask),
    }


def _fresh(features: FrameFeatures) -> FrameFeatures:
    """The same features, with nothing computed from them yet."""
    return replace(features, made={})
