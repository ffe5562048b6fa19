"""Train the bundled small model: images and synthetic videos, in stages, in some hours on two cores.

    python -m tools.train_small --coco-root FOLDER [--teacher FILE.py]

``FOLDER`` holds images and instances in COCO's layout (``train2017/``, ``annotations/``). ``FILE`` is a Python module
whose ``load()`` gives a frozen ImageNet encoder (see ``tbd_lib.method.encoder.Encoder``) for the encoder to imitate
in the later stages; without it they learn from masks alone. Run it again after an interruption and it goes on.
Nothing of DAVIS is ever read.
"""

import importlib.util
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import tyro

from tbd_lib.datasets.coco import coco
from tbd_lib.errors import InputError
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json, write_whole
from tbd_lib.method.distance import DistanceScorer
from tbd_lib.method.encoder import Encoder
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import load_checkpoint, save_weights
from tbd_lib.training.config import SMALL_STAGE, change
from tbd_lib.training.run_dir import read_log
from tbd_lib.training.stages import stage_videos
from tbd_lib.training.train import train

FIRST = change(SMALL_STAGE, data={"hold_out": 0}, optimiser={"freeze_bn_stats": 0.0})
SECOND = change(
    FIRST,
    data={"synthetic_share": 0.65},
    optimiser={"context_from": 0, "context_full": 0, "freeze_bn_stats": 0.15},
    run={"iterations": 1400, "seed": 1},
)
THIRD = change(  # nearer: tracking enlarges small videos, and things in it are larger than those of the crops before
    SECOND,
    data={
        "augment": {"crop": 256, "area": (0.3, 0.8)},
        "synthetic_augment": {"crop": 256, "area": (0.35, 0.8)},
        "synthetic_share": 0.75,
    },
    optimiser={"learning_rate": 4e-4, "encoder_rate": 4e-4, "warm_up": 20, "freeze_bn_stats": 1.0},
    run={"iterations": 260, "seed": 2},
)
FOURTH = change(  # nearer still, with more drift, and with the teacher
    SECOND,
    data={
        "augment": {"crop": 256, "area": (0.12, 0.7), "rotate": 15.0, "scale": 1.2},
        "synthetic_augment": {"crop": 256, "area": (0.2, 0.9)},
        "synthetic": {"challenge_share": 0.5},
        "synthetic_share": 0.55,
        "synthetic_videos": 2000,
    },
    optimiser={"distillation": 0.15},
    run={"iterations": 1000, "seed": 3},
)
FIFTH = change(  # longer: what is lost in one frame has to be found again in a later one
    FOURTH,
    data={
        "augment": {"area": (0.15, 0.8), "rotate": 8.0, "shear": 6.0, "scale": 1.12},
        "synthetic": {"challenge_share": 0.6, "diameter": (0.2, 0.5), "speed": (0.0, 0.04)},
        "synthetic_videos": 1000,
        "frames": 10,
        "batch": 4,
        "hold_out": 8,
    },
    optimiser={"learning_rate": 7e-4, "encoder_rate": 7e-4, "distillation": 0.1, "freeze_bn_stats": 0.3},
    run={"iterations": 800, "validate_every": 400, "save_every": 50, "seed": 4},
)
SIXTH = change(
    FOURTH,
    optimiser={"learning_rate": 5e-4, "encoder_rate": 5e-4, "warm_up": 20, "freeze_bn_stats": 0.3},
    run={"iterations": 320, "seed": 5},
)
STAGES = {"first": FIRST, "second": SECOND, "third": THIRD, "fourth": FOURTH, "fifth": FIFTH, "sixth": SIXTH}
AVERAGED = ("fifth", "sixth")  # the mean of the weights before and after is better than either


def main(
    coco_root: Path,
    teacher: Path | None = None,
    run: Path = Path("runs/small"),
    out: Path = Path("data/weights"),
    threads: int = 2,
) -> None:
    """Train all stages; write the weights in half precision, a JSON file on how they were made, and the logs.

    Args:
        coco_root: Images and instances in COCO's layout.
        teacher: A Python module whose load() gives a frozen encoder.
        run: Folder for checkpoints and logs of the stages; those that are finished are not repeated.
        out: Folder for small.safetensors and small.json.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    guide = None if teacher is None else load_teacher(teacher)
    torch.manual_seed(FIRST.run.seed)
    model = build_model(FIRST.model)
    for name, config in STAGES.items():
        finished, before = run / name / "final.safetensors", deepcopy(model)
        if finished.exists():
            model = load_checkpoint(finished)
        else:
            config = config if guide is not None else change(config, optimiser={"distillation": 0.0})
            images, held_out = stage_videos(config, coco_root)
            model = train(config, model, images, run / name, held_out=held_out, teacher=guide, device="cpu")
        if name == "first":
            model.distance = DistanceScorer(config.model.distance_units)  # see "notes" in small.json
        if name in AVERAGED:
            average(model, before)
    save_weights(out / "small.safetensors", model, torch.float16)
    write_record(out / "small.json", run, len(coco(coco_root)))
    for name in STAGES:
        with write_whole(Path("results") / f"train_small_{name}.jsonl") as temporary:
            shutil.copy(run / name / "log.jsonl", temporary)


def average(model: TBD, other: TBD) -> None:
    """Put a model's weights half way to another's (Izmailov et al., 2018, average along a run as well)."""
    theirs = other.state_dict()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.lerp_(theirs[name].to(value), 0.5)


def load_teacher(path: Path) -> Encoder:
    """The frozen encoder that a Python file's ``load()`` gives.

    Raises:
        InputError: not such a file.
    """
    spec = importlib.util.spec_from_file_location("teacher", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: cannot be loaded; expected a Python file with a function load()")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load().to(memory_format=torch.channels_last)


def write_record(path: Path, run: Path, images: int) -> None:
    """How the weights were made: data, the stages' settings and the end of their logs."""
    logs = {name: read_log(run / name) for name in STAGES}
    record = {
        "model": asdict(FIRST.model),
        "data": f"{images} images of COCO train2017 with instances, and synthetic videos; nothing of DAVIS",
        "notes": [
            "the distance scorer began anew with the second stage, falling; in the first it was random",
            "from the fourth stage on the encoder imitated an ImageNet ResNet-50 v2 (ONNX model zoo, Apache 2.0)",
            f"after the {' and the '.join(AVERAGED)} stage the weights are the mean of those before and after it",
            "the first four stages ran with earlier forms of the training code, to the same settings",
        ],
        "minutes": {name: minutes(log) for name, log in logs.items()},
        "stages": {name: asdict(config) for name, config in STAGES.items()},
        "last_log_line": {name: training_lines(log)[-1] for name, log in logs.items()},
        "provenance": provenance(),
    }
    write_json(path, record)


def training_lines(log: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A log's lines without those of validation."""
    return [line for line in log if "loss" in line]


def minutes(log: Sequence[dict[str, Any]]) -> float:
    """Time from a log's first line of training to its last."""
    lines = training_lines(log)
    return round((lines[-1]["time"] - lines[0]["time"]) / 60, 1)


if __name__ == "__main__":
    tyro.cli(main)
