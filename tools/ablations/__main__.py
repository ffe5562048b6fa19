"""Which of the paper's ideas matter: heads trained with each of them left out. Hours on two cores; it can be resumed.

    python -m tools.ablations --coco-root FOLDER --pictures FOLDER FOLDER --davis-root FOLDER
        --clips FOLDER FOLDER --test-root FOLDER

The encoder (EfficientNet-Lite0 with its ImageNet weights, as in bundled-coco) has never seen any of the ideas. Its
features of a fixed pool of clips are computed once; heads begin from scratch and learn from them, the same clips in
the same order for every variant of a seed. Each head is scored on videos for each claim; those of the first two seeds
also after a quarter and a half of their iterations (for the time, not on the long videos). The full method's are scored
with ideas switched off at use, too. Some variants are trained four times as long as well, to tell whether they are
worse or only slower. Runs that are done are not repeated: each goes into the table's file at once, from where it is
read on another machine, too. ``--only VARIANT`` runs the seeds of one row; to repeat it, name another ``--json-file``
and ``--out``.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from tqdm.auto import tqdm

from tbd_lib.errors import InputError
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.model import TBD, build_model
from tbd_lib.texts import read_json
from tbd_lib.training.checkpoint import bundled_model, save_head
from tbd_lib.training.config import UNPREFIXED, change
from tools.ablations import pool as pools
from tools.ablations import test_sets
from tools.ablations.head import RECIPE, numbers, scores, train
from tools.ablations.report import effects_of, sentence
from tools.ablations.statistics import Videos, effect, expected_false, mean_j_and_f
from tools.ablations.variants import FEW, LONG_CURVE, LONGER, RUNS, TWO, VARIANTS, Run, begin
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
LEARNED = 0.1  # IoU in training below which a head has settled on empty masks
AT_USE = {name: variant.model for name, variant in VARIANTS.items() if variant.model != VARIANTS["full"].model}
"""Ideas that can be switched off in a trained model: what it then matches is out of what it has learned from."""


def main(
    roots: Annotated[Roots, UNPREFIXED],
    test_root: Path,
    out: Path = Path("runs/ablations"),
    json_file: Path = Path("results/ablations.json"),
    jobs: int = 2,
    only: str | None = None,
    run: tuple[str, int, bool] | None = None,
) -> None:
    """Run what is missing, and write the table.

    Args:
        roots: What to learn from.
        test_root: Videos in DAVIS layout with a split val of 2016, to score on.
        out: Folder for features and runs.
        json_file: Where the runs that are done lie; once all are, the table, too.
        jobs: Runs at a time, each on one core.
        only: One variant, all its seeds, without the longer runs.
        run: One variant and seed, and whether to train four times as long, in this process; no table is written.
    """
    torch.set_num_threads(1)
    done, encoded = runs_of(json_file), model_of_encoder()
    if not pools.is_built(out / "pool"):
        videos, _ = stage_data(IMAGES, VIDEOS, roots)[VIDEOS.data.dataset]
        pools.build(out / "pool", encoded.encoder, DATA, videos, CLIPS, POOL_SEED)
    if run is not None:
        run_head(Run(*run), test_root, out)
        return
    references(test_root, out)
    wanted = [each for each in RUNS if only is None or (each.variant == only and not each.longer)]
    missing = [each for each in wanted if each not in done]
    folders = ["--coco-root", roots.coco_root, "--davis-root", roots.davis_root, "--test-root", test_root, "--out", out]
    folders += ["--pictures", *roots.pictures, "--clips", *roots.clips, "--json-file", json_file]

    def start(each: Run) -> Run:
        if not each.result(out).exists():
            each.folder(out).mkdir(parents=True, exist_ok=True)
            with (each.folder(out) / "output.txt").open("a") as text:
                which = ["--run", each.variant, each.seed, each.longer]
                command = [sys.executable, "-m", "tools.ablations", *map(str, [*folders, *which])]
                subprocess.run(command, check=True, stdout=text, stderr=subprocess.STDOUT)
        return each

    found = json.loads((out / "references.json").read_text())
    with ThreadPoolExecutor(jobs) as threads:
        for each in tqdm(threads.map(start, missing), total=len(missing), desc="ablations", unit="run"):
            done[each] = json.loads(each.result(out).read_text())
            write_json(json_file, content(done, found))
    write_json(json_file, content(done, found))


def runs_of(json_file: Path) -> dict[Run, dict]:
    """The runs that a table's file holds; none if there is no file.

    Raises:
        InputError: they were trained with other settings than today's.
    """
    if not json_file.exists():
        return {}
    held, today = read_json(json_file, "a table that this tool has written"), json.loads(json.dumps(settings()))
    if other := [name for name, setting in today.items() if held.get(name) != setting]:
        raise InputError(
            f"{json_file}: made with another {', '.join(other)}; move it away, or name another --json-file"
        )
    return {Run(run["variant"], run["seed"], run["longer"]): run for run in held["runs"]}


def model_of_encoder() -> TBD:
    """A model whose encoder is that of bundled-coco: ImageNet's, which no idea of the paper has touched."""
    return bundled_model("bundled-coco")


def run_head(run: Run, test_root: Path, out: Path) -> None:
    """Train and score a variant with a seed."""
    began = time.monotonic()
    variant = VARIANTS[run.variant]
    model = begin(variant, run.seed)
    model.encoder.load_state_dict(model_of_encoder().encoder.state_dict())
    sets = {kind: test_sets.load(kind, test_root, out / "tests", model) for kind in test_sets.NAMES}
    curve, log = {}, []
    for iteration, lines in train(variant, model, run.seed, pools.load(out / "pool"), run.stops):
        log += lines
        if run.seed not in TWO and iteration < run.stops[-1]:
            continue
        due = sets if iteration == run.stops[-1] else {kind: v for kind, v in sets.items() if kind != test_sets.LONGEST}
        curve[iteration] = {kind: scores(model.eval(), videos) for kind, videos in due.items()}
    save_head(run.folder(out) / "head.safetensors", model, torch.float32)
    at_use = {}
    if run.variant == "full" and run.seed in FEW and not run.longer:
        for idea, config in AT_USE.items():
            bent = build_model(config)
            bent.load_state_dict(model.state_dict())
            at_use[idea] = {kind: scores(bent.eval(), videos) for kind, videos in sets.items()}
    learned = {
        "distance_score": distance_scores(model),
        "short_inertia": model.short_inertia.tolist(),
        "long_inertia": model.long_inertia.tolist(),
    }
    write_json(
        run.result(out),
        {
            **asdict(run),
            "curve": curve,
            "at_use": at_use,
            "learned": learned,
            "training": {name: means([line[name] for line in log]) for name in ("loss", "iou")},
            "minutes": round((time.monotonic() - began) / 60, 1),
            "provenance": provenance(),
        },
    )


def distance_scores(model: TBD) -> list[float]:
    """The distance score at 0 to 14 cells."""
    with torch.no_grad():
        return model.distance(torch.arange(15.0)).tolist()


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


def settings() -> dict[str, Any]:
    """What all runs of a table have in common."""
    return {
        "encoder": "EfficientNet-Lite0 with ImageNet weights, frozen",
        "recipe": asdict(RECIPE),
        "data": asdict(DATA),
        "pool": {"clips": CLIPS, "seed": POOL_SEED, "crop": CROP},
        "sets": {
            name: {"config": asdict(config), "seed": test_sets.SEED, "videos": test_sets.count_of(config)}
            for name, config in test_sets.CLAIMS.items()
        },
        "variants": {name: asdict(variant) for name, variant in VARIANTS.items()},
    }


def content(results: Mapping[Run, dict], found: dict[str, dict[str, Videos]]) -> dict[str, Any]:
    """All that results/ablations.json holds: the runs so far and, once all are done, what they show."""
    return {
        "provenance": provenance(),
        "what": "J&F; effects are paired differences to `full` of the same seed, with 95 % intervals",
        **settings(),
        "short_names": test_sets.SHORT,
        "references": {
            name: {kind: mean_j_and_f(videos) for kind, videos in kinds.items()} for name, kinds in found.items()
        },
        "reference_scores": found,
        **(table(results) if set(RUNS) <= set(results) else {}),
        "runs": [results[run] for run in RUNS if run in results],
    }


def table(results: Mapping[Run, dict]) -> dict[str, Any]:
    """What the runs show; heads that settled on empty masks are named, and in no effect."""
    empty = [run for run, result in results.items() if result["training"]["iou"][-1] < LEARNED]

    def last(run: Run) -> dict[str, Videos]:
        return results[run]["curve"][str(run.stops[-1])]

    def effects(name: str, seeds: Sequence[int], longer: bool = False) -> dict[str, dict]:
        pairs = [[Run(which, seed, longer) for which in (name, "full")] for seed in seeds]
        kept = [[last(run) for run in pair] for pair in pairs if not set(pair) & set(empty)]
        return summaries(*zip(*kept, strict=True))

    trained = {name: effects(name, variant.seeds) for name, variant in VARIANTS.items()}
    longer = {name: effects(name, TWO, longer=True) for name in LONGER}
    full = [run for seed in FEW if (run := Run("full", seed)) not in empty]
    used = {
        name: summaries([results[run]["at_use"][name] for run in full], [last(run) for run in full]) for name in AT_USE
    }
    verdicts = (len(VARIANTS) - 1) * len(test_sets.NAMES)
    return {
        "trained": trained,
        "sentences": sentences_of(trained),
        "at_use": used,
        "longer": {"iterations": LONG_CURVE[-1], "trained": longer, "sentences": sentences_of(longer)},
        "random_starts": {
            seed: [round(score, 5) for score in distance_scores(begin(variant, seed))]
            for variant in VARIANTS.values()
            if variant.begins == "random"
            for seed in variant.seeds
        },
        "settled_on_empty_masks": [asdict(run) for run in empty],
        "verdicts": verdicts,
        "expected_false_verdicts": expected_false(verdicts),
    }


def summaries(ablated: Sequence[dict[str, Videos]], full: Sequence[dict[str, Videos]]) -> dict[str, dict]:
    """Mean J&F of every seed, and the effect against the full method, for every set of videos."""
    return {kind: summary([head[kind] for head in ablated], [head[kind] for head in full]) for kind in test_sets.NAMES}


def summary(ablated: list[Videos], full: list[Videos]) -> dict[str, object]:
    """Mean J&F of every seed, and the effect against the full method, to five digits as the scores are."""
    found = asdict(effect(ablated, full))
    seeds = [round(mean_j_and_f(videos), 5) for videos in ablated]
    return {"seeds": seeds, "effect": {name: round(value, 5) for name, value in found.items()}}


def sentences_of(trained: Mapping[str, dict]) -> dict[str, str]:
    """What the intervals of each variant say."""
    return {
        name: sentence({test_sets.SHORT[kind]: e for kind, e in effects_of(sets).items()})
        for name, sets in trained.items()
        if name != "full"
    }


if __name__ == "__main__":
    tyro.cli(main)
