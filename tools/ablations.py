"""Which of the paper's ideas matter: the same small training with each of them left out, three seeds each.

    python tools/ablations.py --coco-root FOLDER --davis-root FOLDER

All runs begin with the same weights: those of the bundled model, but for all that says what templates and distances
mean, which is drawn anew: the weights by which the decoder reads score maps, the distance scorer and the inertias. The
encoder stays frozen. So a run takes minutes; but every variant keeps what the encoder and the finer part of the decoder
learned with all ideas in place, swap-and-attach among them. Each run is scored on the sample's validation videos, on
hard look-alike videos made from a published seed, and on six real videos of DAVIS. Runs that are done are not repeated,
and an interrupted one goes on.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import mean, pstdev

import torch
import tyro
from tqdm.auto import tqdm

from tbd_lib.datasets.coco import coco
from tbd_lib.datasets.config import SyntheticConfig
from tbd_lib.datasets.davis import davis, sample
from tbd_lib.datasets.synthetic.clips import clip_as_video, make_videos
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.training.config import SMALL_STAGE, TrainConfig, change
from tbd_lib.training.run_dir import read_log
from tbd_lib.training.train import train
from tbd_lib.video.frames import Video

SEEDS = (0, 1, 2)
CROP = 160
FULL = change(
    SMALL_STAGE,
    data={
        "augment": {"crop": CROP, "area": (0.2, 0.8)},
        "synthetic_augment": {"crop": CROP, "area": (0.3, 0.9)},
        "synthetic": {"challenge_share": 0.6},
        "synthetic_share": 0.6,
        "synthetic_videos": 200,
        "hold_out": 0,
        "workers": 0,
    },
    optimiser={"warm_up": 10, "context_from": 0, "context_full": 0},
    run={"iterations": 150, "save_every": 100},
)


def without(*, templates: tuple[str, ...] = (), swap: bool = False, distance: bool = False) -> TrainConfig:
    """The full recipe with some of its ideas left out."""
    kept = tuple(kind for kind in FULL.model.templates if kind not in templates)
    probability = 0.0 if swap else FULL.data.augment.swap
    model = {"templates": kept, "distance_score": not distance}
    return change(FULL, model=model, data={"augment": {"swap": probability}})


VARIANTS = {
    "full": FULL,
    "without swap-and-attach": without(swap=True),
    "without the distance score": without(distance=True),
    "fine only (global, local)": without(templates=("overall", "short", "long")),
    "coarse only (overall, short, long)": without(templates=("global", "local")),
    "without overall": without(templates=("overall",)),
    "without short": without(templates=("short",)),
    "without long": without(templates=("long",)),
}
HARD = SyntheticConfig(
    240, 427, 24, objects=(1, 2), distractors=(3, 4), challenges=("look-alike", "crossing"), diameter=(0.2, 0.35)
)
HARD_SEED, HARD_VIDEOS = 2022, 6
REDUCED = TrackConfig(short_side=240, enlarge=False)  # real videos at half their size, for the time


def run_one(variant: str, seed: int, coco_root: Path, davis_root: Path, out: Path) -> None:
    """Train and score one variant with one seed, on one core."""
    torch.set_num_threads(1)
    config = change(VARIANTS[variant], run={"seed": seed})
    model = beginning(config)
    folder = run_folder(out, variant, seed)
    train(config, model, coco(coco_root), folder, device="cpu")
    scores = {}
    for name, (videos, how) in test_sets(davis_root).items():
        report = evaluate(model, videos, config=how, joined=name == "davis", baseline=False)
        overall = report.overall
        scores[name] = {"J": overall.j.mean, "F": overall.f.mean, "J&F": overall.j_and_f}
    result = {"variant": variant, "seed": seed, "scores": scores, "last_log_line": read_log(folder)[-1]}
    write_json(result_file(out, variant, seed), result)


def beginning(config: TrainConfig) -> TBD:
    """The bundled model, in which all that says what score maps and distances mean is drawn anew from the seed."""
    torch.manual_seed(config.run.seed)
    model = build_model(config.model)
    trained, drawn = bundled_model().state_dict(), model.state_dict()
    width = config.model.decoder_channels
    blend = "decoder.stage16.blend.weight"  # over the features, then over ten score maps and the previous mask
    trained[blend][:, width:] = drawn[blend][:, width:]
    anew = {name: value for name, value in drawn.items() if name.startswith("distance.") or "inertia" in name}
    model.load_state_dict(trained | anew)
    return model


def test_sets(davis_root: Path) -> dict[str, tuple[Sequence[Video], TrackConfig]]:
    """Videos to score, and at which size they are tracked."""
    hard = [clip_as_video(clip) for clip in make_videos(HARD, HARD_SEED, HARD_VIDEOS)]
    return {
        "sample": (sample("val"), OWN_SIZE),
        "hard": (hard, OWN_SIZE),
        "davis": (davis(davis_root, "val", 2016), REDUCED),
    }


def run_folder(out: Path, variant: str, seed: int) -> Path:
    """Where a run lies."""
    return out / f"{'-'.join(re.findall(r'[a-z-]+', variant))}-{seed}"


def result_file(out: Path, variant: str, seed: int) -> Path:
    """Where a run's scores lie, once it is done."""
    return run_folder(out, variant, seed) / "result.json"


def summary(results: Sequence[dict]) -> dict[str, object]:
    """Mean and spread (standard deviation) of J&F over the seeds, per variant and test set."""
    table = {}
    for variant in VARIANTS:
        rows = [result["scores"] for result in results if result["variant"] == variant]
        table[variant] = {
            name: {"mean": mean(row[name]["J&F"] for row in rows), "spread": pstdev(row[name]["J&F"] for row in rows)}
            for name in rows[0]
        }
    return table


def main(
    coco_root: Path,
    davis_root: Path,
    out: Path = Path("runs/ablations"),
    json_file: Path = Path("results/ablations.json"),
    jobs: int = 2,
    only: tuple[str, int] | None = None,
) -> None:
    """Run what is missing, then write the table.

    Args:
        coco_root: Images and instances in COCO's layout, to train with.
        davis_root: Videos in DAVIS layout with a split val of 2016, to score on.
        out: Folder for the runs.
        json_file: Where to write the table.
        jobs: Runs at a time, each on one core.
        only: One variant and seed; no table is written.
    """
    if only is not None:
        run_one(*only, coco_root, davis_root, out)
        return
    wanted = [(variant, seed) for seed in SEEDS for variant in VARIANTS]
    missing = [(variant, seed) for variant, seed in wanted if not result_file(out, variant, seed).exists()]
    roots = ["--coco-root", str(coco_root), "--davis-root", str(davis_root), "--out", str(out)]

    def start(wanted: tuple[str, int]) -> None:
        variant, seed = wanted
        folder = run_folder(out, variant, seed)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "output.txt").open("a") as text:
            command = [sys.executable, __file__, *roots, "--only", variant, str(seed)]
            subprocess.run(command, check=True, stdout=text, stderr=subprocess.STDOUT)

    with ThreadPoolExecutor(jobs) as pool:
        list(tqdm(pool.map(start, missing), total=len(missing), desc="ablations", unit="run"))
    results = [json.loads(result_file(out, variant, seed).read_text()) for variant, seed in wanted]
    write_json(
        json_file,
        {
            "provenance": provenance(),
            "what": "J&F; mean and standard deviation over the seeds",
            "begins_with": "bundled-davis, without what says what score maps and distances mean",
            "recipe": asdict(FULL),
            "sets": {
                "sample": "validation videos of data/sample, at their own size",
                "hard": {"config": asdict(HARD), "seed": HARD_SEED, "videos": HARD_VIDEOS},
                "davis": "six validation videos of DAVIS-2016, tracked at 240 pixels",
            },
            "table": summary(results),
            "runs": results,
        },
    )


if __name__ == "__main__":
    tyro.cli(main)
