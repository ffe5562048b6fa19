"""How far rounding alone moves the scores of six real videos of DAVIS-2016.

    python -m tools.rounding --davis-root FOLDER

The bundled model is run with encoder and decoder in bfloat16, which keeps 8 binary digits of a number; the scores in
float32, which keeps 24, are those of ``results/davis2016_six.json``. TF32, in which GPUs multiply by default, keeps 11:
two correct programs on two machines lie closer together than these two runs. Writes ``results/rounding.json``.
"""

import json
from dataclasses import replace
from pathlib import Path

import torch
import tyro

from tbd_lib.datasets.davis import davis
from tbd_lib.engines.shared import shared
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.tracking.config import BENCHMARK
from tbd_lib.training.checkpoint import bundled_model


def main(davis_root: Path, results: Path = Path("results"), threads: int = 1) -> None:
    """Score the videos in bfloat16 and put the scores beside those in float32.

    Args:
        davis_root: Videos in DAVIS layout with a split val of 2016.
        results: Folder of the scores in float32, and of the result.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    exact = json.loads((results / "davis2016_six.json").read_text())["videos"]
    config = replace(BENCHMARK, precision="bfloat16")
    report = evaluate(
        shared(bundled_model()), davis(davis_root, "val", 2016), config=config, joined=True, baseline=False
    )
    scores = {
        "float32": {name: video["objects"]["1"]["J&F"] for name, video in exact.items()},
        "bfloat16": {video.name: video.objects[1].j_and_f for video in report.videos},
    }
    write_json(results / "rounding.json", {"scores": scores, "provenance": provenance()})


if __name__ == "__main__":
    tyro.cli(main)
