"""Score the bundled models on the sample's real clips, its validation videos and six real videos of DAVIS-2016.

    python -m tools.score_bundled --davis-root FOLDER [--run FOLDER]

Writes ``results/bundled.json``: a row per model, the last stage's two seeds and int8 among them; and, of the model that
is the default, every object and frame: ``sample_real.json``, ``sample_val.json``, ``davis2016_six.json``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

import torch
import tyro
from tqdm.auto import tqdm

from tbd_lib.cli.options import cached_onnx
from tbd_lib.datasets.davis import davis, sample
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.evaluation.report import Report
from tbd_lib.files import write_json
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import BENCHMARK
from tbd_lib.training.checkpoint import bundled_model, load_checkpoint
from tbd_lib.video.frames import Video
from tools.train_bundled import ENDS

Set = Literal["sample_real", "sample_val", "davis2016_six"]
SEEDS = ENDS["bundled-davis"]
DEFAULT = "bundled-davis"


def main(davis_root: Path, run: Path | None = None, out: Path = Path("results"), threads: int = 2) -> None:
    """Score all models on all sets.

    Args:
        davis_root: Videos in DAVIS layout with a split val of 2016.
        run: Folder of tools/train_bundled.py, to score the last stage's seeds as well.
        out: Folder for the results.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    sets = {which: videos_of(which, davis_root) for which in get_args(Set)}
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for name, make in tqdm(models(run).items(), unit="model"):
        engine = make()
        reports = {which: score(engine, videos, which) for which, videos in sets.items()}
        rows[name] = {which: means(report) for which, report in reports.items()}
        if name == DEFAULT:
            for which, report in reports.items():
                report.write_json(out / f"{which}.json")
                assert report.baseline is not None
                rows.setdefault("unchanged", {})[which] = {"J": report.baseline.j.mean, "J&F": report.baseline.j_and_f}
    write_json(out / "bundled.json", {"scores": rows, "provenance": provenance()})


def models(run: Path | None) -> Mapping[str, Callable[[], Segmenter]]:
    """By name, how each is made."""
    exact = {
        "bundled-coco": lambda: exported(bundled_model("bundled-coco")),
        DEFAULT: lambda: exported(bundled_model(DEFAULT)),
        f"{DEFAULT} int8": lambda: cached_onnx(bundled_model(DEFAULT), "int8"),
    }
    seeds = {} if run is None else {name: run / name / "final.safetensors" for name in SEEDS}
    return exact | {name: lambda path=path: exported(load_checkpoint(path)) for name, path in seeds.items()}


def videos_of(which: Set, davis_root: Path) -> list[Video]:
    """The videos of a set."""
    if which == "davis2016_six":
        return davis(davis_root, "val", 2016)
    return sample("real" if which == "sample_real" else "val")


def exported(model: TBD) -> Segmenter:
    """The model in ONNX Runtime, exact."""
    return cached_onnx(model, "float32")


def score(engine: Segmenter, videos: list[Video], which: Set) -> Report:
    """As the benchmarks do it; DAVIS-2016 joins a frame's objects."""
    return evaluate(engine, videos, config=BENCHMARK, joined=which == "davis2016_six")


def means(report: Report) -> dict[str, float]:
    """Mean J, and mean of J and F, over objects."""
    return {"J": report.overall.j.mean, "J&F": report.overall.j_and_f}


if __name__ == "__main__":
    tyro.cli(main)
