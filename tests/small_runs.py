"""What the tests of training share: a run of seconds."""

from dataclasses import replace

import numpy as np

from tbd_lib.datasets.config import VIDEO_AUGMENT
from tbd_lib.method.model import TBD
from tbd_lib.training.config import SMALL_STAGE, TrainConfig, change
from tbd_lib.training.stages import stage_model
from tbd_lib.video.frames import Frame, Video

TINY = change(
    SMALL_STAGE,
    model={"key_channels": 16, "decoder_channels": 16},
    data={
        "augment": replace(VIDEO_AUGMENT, crop=48),
        "synthetic_augment": {"crop": 48},
        "synthetic_share": 0.0,
        "frames": 3,
        "batch": 4,
        "workers": 0,
    },
    optimiser={"encoder_rate": 1e-3, "warm_up": 0, "context_from": 0, "context_full": 0},
    run={"iterations": 4, "precision": "float32", "save_every": 2, "log_every": 2, "validate_every": 2},
)
LONGER = change(
    TINY,
    data={"synthetic_share": 0.5, "synthetic_videos": 2},
    run={"iterations": 12, "save_every": 1, "log_every": 1, "validate_every": 6},
)


def tiny_model(config: TrainConfig = TINY) -> TBD:
    """A model with weights that are always the same: a new head on the bundled encoder."""
    return stage_model(change(config, run={"seed": 5}))


def square_video(frames: int = 6, side: int = 20, name: str = "square") -> Video:
    """A bright square that moves over noise, and another that stays."""
    random = np.random.default_rng(side)
    images, masks = random.integers(0, 120, (frames, 60, 72, 3), np.uint8), np.zeros((frames, 60, 72), np.uint8)
    for t in range(frames):
        images[t, 10 : 10 + side, 4 + 3 * t : 4 + 3 * t + side] += 120
        masks[t, 10 : 10 + side, 4 + 3 * t : 4 + 3 * t + side] = 3
        masks[t, 40:58, 40:60] = 7
    pictures = [Frame(f"{t:05d}", image) for t, image in enumerate(images)]
    return Video(name, pictures, {0: masks[0]}, list(masks))


VIDEOS = [square_video(6, 20, "a"), square_video(5, 16, "b")]
