"""The recipe at the paper's width: a head trained from scratch on a frozen ImageNet trunk, by both stages.

    python -m tools.train_trunk --trunk FILE.py --coco-root FOLDER --pictures FOLDER FOLDER
        --davis-root FOLDER --clips FOLDER FOLDER --test-root FOLDER

``FILE`` is a Python module whose ``load()`` gives a frozen encoder with the widths of DenseNet-121, for instance an
ImageNet ResNet-50. The head learns by the paper's stages, shortened to what a CPU can do (``results/trunk.json`` lists
what differs), and is scored on real videos after each. Run it again after an interruption and it goes on.
"""

import importlib.util
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, cast

import torch
import tyro
from safetensors.torch import load_file
from torch import nn

from tbd_lib.datasets.davis import davis
from tbd_lib.errors import InputError
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.encoder import Encoder
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.training.checkpoint import fill
from tbd_lib.training.config import COCO_STAGE, DAVIS_STAGE, UNPREFIXED, change
from tbd_lib.training.run_dir import differences, read_log
from tbd_lib.training.train import train
from tools.train_bundled import Roots, minutes, stage_data

IMAGES = change(
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
    run={"iterations": 1600, "validate_every": 400, "save_every": 100, "log_every": 10, "precision": "bfloat16"},
)
VIDEOS = change(
    DAVIS_STAGE,
    data={
        "augment": {"crop": 224, "area": (0.35, 1.0), "swap": 0.3},
        "synthetic_augment": {"crop": 224},
        "frames": 6,
        "stride": (1, 3),
        "short_videos": "repeat",
        "batch": 4,
        "workers": 1,
    },
    optimiser={"learning_rate": 2e-4, "schedule": "cosine", "warm_up": 20, "clip_gradient": 1.0},
    run={
        "iterations": 600,
        "validate_every": 600,
        "save_every": 50,
        "log_every": 10,
        "seed": 1,
        "precision": "bfloat16",
    },
)
STAGES = {"images": (IMAGES, COCO_STAGE), "videos": (VIDEOS, DAVIS_STAGE)}

REDUCED = TrackConfig(short_side=320, enlarge=False)  # for the time


def main(
    trunk: Path,
    roots: Annotated[Roots, UNPREFIXED],
    test_root: Path,
    run: Path = Path("runs/trunk"),
    json_file: Path = Path("results/trunk.json"),
    threads: int = 2,
) -> None:
    """Train the head in both stages, score it after each on the six real videos, write curves and scores.

    Args:
        trunk: A Python module whose load() gives a frozen encoder.
        roots: What to learn from.
        test_root: Videos in DAVIS layout with a split val of 2016, to score on.
        run: Folder for checkpoints, logs and scores of the stages.
        json_file: Where to write curves and scores.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(IMAGES.run.seed)
    model = TBD(cast(nn.Module, load_trunk(trunk)), IMAGES.model)
    data = stage_data(IMAGES, VIDEOS, roots)
    stages = {}
    for name, (config, paper) in STAGES.items():
        learned_from, held_out = data[config.data.dataset]
        if not (run / name / "scores.json").exists():
            train(config, model, learned_from, run / name, held_out=held_out, device="cpu")
            report = evaluate(model, davis(test_root, "val", 2016), config=REDUCED, joined=True)
            write_json(run / name / "scores.json", report.as_json())
        final = run / name / "final.safetensors"
        fill(model, load_file(final), final)
        log = read_log(run / name / "log.jsonl")
        stages[name] = {
            "differs_from_the_papers_stage": differences(asdict(paper), asdict(config)),
            "minutes": minutes(log),
            "log": log,
            "scores": json.loads((run / name / "scores.json").read_text()),
        }
    content = {
        "what": "head of the paper's width on a frozen ImageNet ResNet-50 v2 (ONNX model zoo, Apache 2.0), on a CPU",
        "tracked_at": f"{REDUCED.short_side} pixels, shorter side",
        "stages": stages,
        "scores": stages["videos"]["scores"],
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
