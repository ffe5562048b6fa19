"""The recipe tried on real video: a head of the paper's width, trained from scratch on a frozen ImageNet trunk.

    python -m tools.train_trunk --trunk FILE.py --coco-root FOLDER --davis-root FOLDER

``FILE`` is a Python module whose ``load()`` gives a frozen encoder with the widths of DenseNet-121, for instance an
ImageNet ResNet-50. The head learns by the COCO stage's recipe, shortened to what a CPU can do (``results/trunk.json``
lists what differs), and is scored on real videos. Run it again after an interruption and it goes on.
"""

import importlib.util
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
import tyro
from torch import nn

from tbd_lib.datasets.davis import davis
from tbd_lib.errors import InputError
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.encoder import Encoder
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.training.config import COCO_STAGE, change
from tbd_lib.training.run_dir import differences, read_log
from tbd_lib.training.stages import stage_videos
from tbd_lib.training.train import train
from tools.train_bundled import minutes

SHORT = change(
    COCO_STAGE,
    data={
        "augment": {"crop": 160, "area": (0.15, 0.7), "rotate": 10.0, "shear": 8.0, "scale": 1.15},
        "synthetic_augment": {"crop": 160},
        "batch": 4,
        "hold_out": 8,
        "workers": 1,
    },
    optimiser={
        "learning_rate": 4e-4,
        "schedule": "cosine",
        "warm_up": 20,
        "clip_gradient": 1.0,
        "context_from": 120,
        "context_full": 240,
    },
    run={"iterations": 1600, "validate_every": 400, "save_every": 100, "log_every": 10},
)

REDUCED = TrackConfig(short_side=320, min_object_pixels=0)  # for the time


def main(
    trunk: Path,
    coco_root: Path,
    davis_root: Path,
    run: Path = Path("runs/trunk"),
    json_file: Path = Path("results/trunk.json"),
    threads: int = 2,
) -> None:
    """Train the head, score it on the six real videos, write the curve and the scores.

    Args:
        trunk: A Python module whose load() gives a frozen encoder.
        coco_root: Images and instances in COCO's layout, to train with.
        davis_root: Videos in DAVIS layout with a split val of 2016, to score on.
        run: Folder for the checkpoint and the log.
        json_file: Where to write the scores and the curve.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(SHORT.run.seed)
    model = TBD(cast(nn.Module, load_trunk(trunk)), SHORT.model)
    kept, held_out = stage_videos(SHORT, coco_root)
    train(SHORT, model, kept, run, held_out=held_out, device="cpu")
    report = evaluate(model, davis(davis_root, "val", 2016), config=REDUCED, joined=True)
    log = read_log(run)
    content = {
        "what": "head of the paper's width on a frozen ImageNet ResNet-50 v2 (ONNX model zoo, Apache 2.0), on a CPU",
        "images": len(kept),
        "tracked_at": f"{REDUCED.short_side} pixels, shorter side",
        "differs_from_the_coco_stage": differences(asdict(COCO_STAGE), asdict(SHORT)),
        "minutes": minutes(log),
        "log": log,
        "scores": report.as_json(),
        "provenance": provenance(),
    }
    write_json(json_file, content)


def load_trunk(path: Path) -> Encoder:
    """The frozen encoder that a Python file's ``load()`` gives.

    Raises:
        InputError: not such a file.
    """
    spec = importlib.util.spec_from_file_location("trunk", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: cannot be loaded; expected a Python file with a function load()")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load().to(memory_format=torch.channels_last)


if __name__ == "__main__":
    tyro.cli(main)
