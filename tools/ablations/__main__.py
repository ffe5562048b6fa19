"""Which of the paper's ideas matter: heads trained with each of them left out. Hours on two cores; it can be resumed.

    python -m tools.ablations --coco-root FOLDER --pictures FOLDER FOLDER --davis-root FOLDER
        --clips FOLDER FOLDER --test-root FOLDER

The encoder (EfficientNet-Lite0 with its ImageNet weights, as in bundled-coco) has never seen any of the ideas. Its
features of a fixed pool of clips are computed once; heads begin from scratch and learn from them, the same clips in
the same order for every variant of a seed. Each head is scored on videos for each claim; those of the first three
seeds also after a quarter and a half of their iterations (for the time, not on the long videos). The full method's are
scored with ideas switched off at use, too. Runs that are done are not repeated; ``--only VARIANT`` runs the seeds of
one row.
"""

import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import tyro
from tqdm.auto import tqdm

from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import bundled_model, save_head
from tbd_lib.training.config import UNPREFIXED, change
from tools.ablations import pool as pools
from tools.ablations import test_sets
from tools.ablations.head import CURVE, RECIPE, numbers, scores, train
from tools.ablations.report import effects_of, sentence
from tools.ablations.statistics import Videos, effect, expected_false, mean_j_and_f
from tools.ablations.variants import FEW, VARIANTS, begin
from tools.train_bundled import IMAGES, VIDEOS, Roots, stage_data

CROP, CLIPS, POOL_SEED = 192, 1200, 2022
DATA = change(
    VIDEOS.data,
    frames=5,
    batch=RECIPE.data.batch,
    synthetic_share=0.35,
    augment={"crop": CROP},
    synthetic_augment={"crop": CROP},
)
AT_USE = {name: variant.model for name, variant in VARIANTS.items() if variant.model != VARIANTS["full"].model}
"""Ideas that can be switched off in a trained model: what it then matches is out of what it has learned from."""


def main(
    roots: Annotated[Roots, UNPREFIXED],
    test_root: Path,
    out: Path = Path("runs/ablations"),
    json_file: Path = Path("results/ablations.json"),
    jobs: int = 2,
    only: str | None = None,
    run: tuple[str, int] | None = None,
) -> None:
    """Run what is missing, then write the table.

    Args:
        roots: What to learn from.
        test_root: Videos in DAVIS layout with a split val of 2016, to score on.
        out: Folder for features and runs.
        json_file: Where to write the table.
        jobs: Runs at a time, each on one core.
        only: One variant, all its seeds; the table is written if all others are there.
        run: One variant and seed, in this process; no table is written.
    """
    torch.set_num_threads(1)
    encoded = model_of_encoder()
    if not pools.is_built(out / "pool"):
        videos, _ = stage_data(IMAGES, VIDEOS, roots)[VIDEOS.data.dataset]
        pools.build(out / "pool", encoded.encoder, DATA, videos, CLIPS, POOL_SEED)
    if run is not None:
        run_head(*run, test_root, out)
        return
    references(test_root, out)
    wanted = [(name, seed) for seed in range(5) for name, variant in VARIANTS.items() if seed in variant.seeds]
    missing = [pair for pair in wanted if only in (None, pair[0]) and not result_file(out, *pair).exists()]
    folders = ["--coco-root", roots.coco_root, "--davis-root", roots.davis_root, "--test-root", test_root, "--out", out]
    folders += ["--pictures", *roots.pictures, "--clips", *roots.clips]

    def start(pair: tuple[str, int]) -> None:
        folder = run_folder(out, *pair)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "output.txt").open("a") as text:
            command = [sys.executable, "-m", "tools.ablations", *map(str, folders), "--run", pair[0], str(pair[1])]
            subprocess.run(command, check=True, stdout=text, stderr=subprocess.STDOUT)

    with ThreadPoolExecutor(jobs) as threads:
        list(tqdm(threads.map(start, missing), total=len(missing), desc="ablations", unit="run"))
    if all(result_file(out, *pair).exists() for pair in wanted):
        results = [json.loads(result_file(out, *pair).read_text()) for pair in wanted]
        write_json(json_file, content(results, json.loads((out / "references.json").read_text())))


def model_of_encoder() -> TBD:
    """A model whose encoder is that of bundled-coco: ImageNet's, which no idea of the paper has touched."""
    return bundled_model("bundled-coco")


def run_head(name: str, seed: int, test_root: Path, out: Path) -> None:
    """Train and score a variant with a seed."""
    began = time.monotonic()
    variant, folder = VARIANTS[name], run_folder(out, name, seed)
    model = begin(variant, seed)
    model.encoder.load_state_dict(model_of_encoder().encoder.state_dict())
    sets = {kind: test_sets.load(kind, test_root, out / "tests", model) for kind in test_sets.NAMES}
    curve, log = {}, []
    for iteration, lines in train(variant, model, seed, pools.load(out / "pool")):
        log += lines
        if seed not in FEW and iteration < CURVE[-1]:
            continue
        due = sets if iteration == CURVE[-1] else {kind: v for kind, v in sets.items() if kind != test_sets.LONGEST}
        curve[iteration] = {kind: scores(model.eval(), videos) for kind, videos in due.items()}
    save_head(folder / "head.safetensors", model, torch.float32)
    at_use = {}
    if name == "full" and seed in FEW:
        for idea, config in AT_USE.items():
            bent = build_model(config)
            bent.load_state_dict(model.state_dict())
            at_use[idea] = {kind: scores(bent.eval(), videos) for kind, videos in sets.items()}
    distances = torch.arange(15.0)
    with torch.no_grad():
        learned = {
            "distance_score": model.distance(distances).tolist(),
            "short_inertia": model.short_inertia.tolist(),
            "long_inertia": model.long_inertia.tolist(),
        }
    write_json(
        result_file(out, name, seed),
        {
            "variant": name,
            "seed": seed,
            "curve": curve,
            "at_use": at_use,
            "learned": learned,
            "training": {name: means([line[name] for line in log]) for name in ("loss", "iou")},
            "minutes": round((time.monotonic() - began) / 60, 1),
            "provenance": provenance(),
        },
    )


def means(values: list[float], every: int = RECIPE.run.log_every) -> list[float]:
    """Means of each ``every`` values that follow each other."""
    return [round(sum(values[i : i + every]) / every, 5) for i in range(0, len(values), every)]


def references(test_root: Path, out: Path) -> None:
    """Score what every table shows beside the heads: the first masks unchanged, and the bundled models."""
    if (out / "references.json").exists():
        return
    bundled = {name: bundled_model(name) for name in ("bundled-coco", "bundled-davis")}
    found: dict[str, dict[str, Videos]] = {name: {} for name in ("unchanged", *bundled)}
    for kind in test_sets.NAMES:
        videos = test_sets.load(kind, test_root, out / "tests", bundled["bundled-coco"])
        found["unchanged"][kind] = {entry.video.name: numbers(entry.unchanged()) for entry in videos}
        for name, model in bundled.items():
            found[name][kind] = {
                entry.video.name: numbers(test_sets.score_tracked(model, entry.video, entry.joined)) for entry in videos
            }
    write_json(out / "references.json", found)


def run_folder(out: Path, variant: str, seed: int) -> Path:
    """Where a run lies."""
    return out / f"{'-'.join(re.findall(r'[a-z]+', variant))}-{seed}"


def result_file(out: Path, variant: str, seed: int) -> Path:
    """Where a run's scores lie, once it is done."""
    return run_folder(out, variant, seed) / "result.json"


def content(results: list[dict], found: dict[str, dict[str, Videos]]) -> dict[str, object]:
    """All that results/ablations.json holds."""
    by_pair = {(result["variant"], result["seed"]): result for result in results}
    last = str(CURVE[-1])

    def of(name: str, kind: str, seeds: tuple[int, ...]) -> list[Videos]:
        return [by_pair[name, seed]["curve"][last][kind] for seed in seeds]

    trained = {
        name: {kind: summary(of(name, kind, v.seeds), of("full", kind, v.seeds)) for kind in test_sets.NAMES}
        for name, v in VARIANTS.items()
    }
    sentences = {name: sentence(effects_of(sets)) for name, sets in trained.items() if name != "full"}
    used = {
        name: {
            kind: summary([by_pair["full", seed]["at_use"][name][kind] for seed in FEW], of("full", kind, FEW))
            for kind in test_sets.NAMES
        }
        for name in AT_USE
    }
    verdicts = (len(VARIANTS) - 1) * len(test_sets.NAMES)
    return {
        "provenance": provenance(),
        "what": "J&F; effects are paired differences to `full` of the same seed, with 95 % intervals",
        "encoder": "EfficientNet-Lite0 with ImageNet weights, frozen",
        "recipe": asdict(RECIPE),
        "data": asdict(DATA),
        "pool": {"clips": CLIPS, "seed": POOL_SEED, "crop": CROP},
        "sets": {
            name: {"config": asdict(config), "seed": test_sets.SEED, "videos": test_sets.count_of(config)}
            for name, config in test_sets.CLAIMS.items()
        },
        "variants": {name: asdict(variant) for name, variant in VARIANTS.items()},
        "references": {
            name: {kind: mean_j_and_f(videos) for kind, videos in kinds.items()} for name, kinds in found.items()
        },
        "reference_scores": found,
        "trained": trained,
        "sentences": sentences,
        "at_use": used,
        "verdicts": verdicts,
        "expected_false_verdicts": expected_false(verdicts),
        "runs": results,
    }


def summary(ablated: list[Videos], full: list[Videos]) -> dict[str, object]:
    """Mean J&F of every seed, and the effect against the full method."""
    return {"seeds": [mean_j_and_f(videos) for videos in ablated], "effect": asdict(effect(ablated, full))}


if __name__ == "__main__":
    tyro.cli(main)
