"""Train the bundled small model: images and synthetic videos, three stages, an hour and a half on two cores.

    python tools/train_small.py --coco-root FOLDER

``FOLDER`` holds images and instances in COCO's layout (``train2017/``, ``annotations/instances_train2017.json``). Run
it again after an interruption and it goes on. Nothing of DAVIS is ever read.
"""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import torch
import tyro

from tbd_lib.checkpoint import save_weights
from tbd_lib.coco import coco
from tbd_lib.config import TrainConfig
from tbd_lib.distance import DistanceScorer
from tbd_lib.files import write_json, write_whole
from tbd_lib.model import TBD
from tbd_lib.provenance import provenance
from tbd_lib.train import train

FIRST = replace(TrainConfig(), iterations=1600, settle=0.0)
SECOND = replace(FIRST, synthetic_share=0.65, context_from=0, context_full=0, iterations=1400, settle=0.15, seed=1)
THIRD = replace(  # nearer: tracking enlarges small videos, and things in it are larger than those of the crops before
    SECOND,
    augment=replace(FIRST.augment, crop=256, area=(0.3, 0.8)),
    video_augment=replace(FIRST.video_augment, crop=256, area=(0.35, 0.8)),
    synthetic_share=0.75,
    learning_rate=4e-4,
    warm_up=20,
    iterations=260,
    settle=1.0,
    seed=2,
)
STAGES = {"first": FIRST, "second": SECOND, "third": THIRD}


def main(coco_root: Path, run: Path = Path("runs/small"), out: Path = Path("data/weights"), threads: int = 2) -> None:
    """Train all stages; write the weights in half precision, a JSON file on how they were made, and the logs.

    Args:
        coco_root: Images and instances in COCO's layout.
        run: Folder for checkpoints and logs of the stages.
        out: Folder for small.safetensors and small.json.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    pictures = coco(coco_root)
    model: TBD | None = None
    for name, config in STAGES.items():
        model = train(config, pictures, run / name, model)
        if name == "first":
            model.distance = DistanceScorer(config.model.distance_units)  # see "notes" in small.json
    assert model is not None
    save_weights(out / "small.safetensors", model, torch.float16)
    write_story(out / "small.json", run, len(pictures))
    for name in STAGES:
        with write_whole(Path("results") / f"train_small_{name}.jsonl") as temporary:
            shutil.copy(run / name / "log.jsonl", temporary)


def write_story(path: Path, run: Path, images: int) -> None:
    """How the weights were made: data, the stages' settings and the end of their logs."""
    logs = {name: (run / name / "log.jsonl").read_text().splitlines() for name in STAGES}
    story = {
        "model": asdict(FIRST.model),
        "data": f"{images} images of COCO train2017 with instances, and synthetic videos; nothing of DAVIS",
        "notes": "the distance scorer began anew with the second stage, falling; in the first it was random",
        "minutes": {name: round(minutes(lines), 1) for name, lines in logs.items()},
        "stages": {name: asdict(config) for name, config in STAGES.items()},
        "last_log_line": {name: json.loads(lines[-1]) for name, lines in logs.items()},
        "provenance": provenance(),
    }
    write_json(path, story)


def minutes(lines: list[str]) -> float:
    """Time from the first line of a log to the last."""
    return (json.loads(lines[-1])["time"] - json.loads(lines[0])["time"]) / 60


if __name__ == "__main__":
    tyro.cli(main)
