"""What a quarter of an hour of training gives, and what two stages in an hour or two give.

    python -m tools.train_budgets --test-root FOLDER [--bundled FOLDER]

The quarter of an hour is ``tbd train sample``: the small model's head from scratch, on the frozen ImageNet encoder,
from synthetic videos alone. ``--bundled`` is the folder of ``tools/train_bundled.py``, whose stages ``images`` and
``videos_a`` are the longer budget. Both are scored as ``tools/score_bundled.py`` does it: ``results/budgets.json``.
``--too-early`` trains as ``TOO_EARLY`` says instead, to be stopped when the intersection over union stays at zero.
"""

import json
import resource
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import torch
import tyro

from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_copy, write_json
from tbd_lib.method.model import TBD
from tbd_lib.training.checkpoint import load_checkpoint, save_head
from tbd_lib.training.config import SAMPLE_STAGE, TrainConfig, change
from tbd_lib.training.run_dir import read_log
from tbd_lib.training.stages import stage_model, stage_videos
from tbd_lib.training.train import train
from tools.score_bundled import Set, exported, means, score, videos_of
from tools.train_bundled import STAGES, final, minutes, training_lines

QUARTER, LONGER = "15 minutes", "2 hours"
LONGER_STAGES = ("images", "videos_a")
TOO_EARLY = change(  # the decoder sees the image before it has learned what score maps mean
    SAMPLE_STAGE,
    optimiser={"context_from": 0, "context_full": 0},
    run={"iterations": 600},
)


def main(
    test_root: Path,
    bundled: Path | None = None,
    run: Path = Path("runs/budgets"),
    results: Path = Path("results"),
    weights: Path = Path("data/weights"),
    sets: tuple[Set, ...] = get_args(Set),
    remark: str = "",
    too_early: bool = False,
) -> None:
    """Train and score the shorter budget, or score the longer one.

    Args:
        test_root: Videos in DAVIS layout with a split val of 2016, to score.
        bundled: Folder of tools/train_bundled.py: score the longer budget.
        run: Folder for checkpoints and logs of the shorter one.
        results: Folder for scores and logs.
        weights: Folder for the head of the shorter one.
        sets: Videos to score on; the scores on others stay as they are in the file.
        remark: What the settings do not say of how the run went.
        too_early: Train the run that fails, and score nothing.
    """
    torch.set_num_threads(1)
    if too_early:
        learn(TOO_EARLY, run / "too_early")
        write_copy(results / "train_too_early.jsonl", run / "too_early" / "log.jsonl")
    elif bundled is not None:
        row = {"stages": {name: record(STAGES[name].config, bundled / name) for name in LONGER_STAGES}}
        scores = scores_of(load_checkpoint(final(bundled, LONGER_STAGES[-1])), test_root, sets)
        add(results / "budgets.json", LONGER, row, scores)
    else:
        learn(SAMPLE_STAGE, run / "sample")
        model = load_checkpoint(run / "sample" / "final.safetensors")
        processor = json.loads((run / "sample" / "processor.json").read_text())
        row = {**record(SAMPLE_STAGE, run / "sample"), "processor_minutes": processor, "remark": remark}
        save_head(weights / "quarter-hour-head.safetensors", model)
        write_copy(results / "train_quarter_hour.jsonl", run / "sample" / "log.jsonl")
        add(results / "budgets.json", QUARTER, row, scores_of(model, test_root, sets))


def scores_of(model: TBD, test_root: Path, sets: tuple[Set, ...]) -> dict[str, Any]:
    """Mean J, and J&F, on each set of videos."""
    engine = exported(model)
    return {which: means(score(engine, videos_of(which, test_root), which)) for which in sets}


def add(path: Path, name: str, row: dict[str, Any], scores: dict[str, Any]) -> None:
    """Put a row into the file of results, beside the others and with its scores on other sets."""
    rows: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    earlier = rows.get(name, {}).get("scores", {})
    write_json(path, rows | {name: {**row, "scores": earlier | scores, "provenance": provenance()}})


def learn(config: TrainConfig, out: Path) -> None:
    """Train, unless that is done, and note the processor's time: that of a quiet machine, however busy this one is."""
    if (out / "final.safetensors").exists():
        return
    videos, held_out = stage_videos(config, None)
    train(config, stage_model(config), videos, out, held_out=held_out, device="cpu")
    spent = {"training": resource.RUSAGE_SELF, "clips": resource.RUSAGE_CHILDREN}
    used = {name: resource.getrusage(who) for name, who in spent.items()}
    write_json(out / "processor.json", {name: (of.ru_utime + of.ru_stime) / 60 for name, of in used.items()})


def record(config: TrainConfig, out: Path) -> dict[str, Any]:
    """Settings of a run, its minutes by the clock, and how it ended."""
    log = read_log(out / "log.jsonl")
    return {"config": asdict(config), "minutes": minutes(log), "last_log_line": training_lines(log)[-1]}


if __name__ == "__main__":
    tyro.cli(main)
