"""``tbd bench``: how fast this machine tracks, trains, loads and scores, and how far that is from its limits."""

import sys
from pathlib import Path
from typing import Any, Literal, get_args

from tqdm.auto import tqdm

from tbd_lib.errors import InputError
from tbd_lib.evaluation.provenance import REPOSITORY, provenance
from tbd_lib.files import JSON_BEGINS, require_absent, write_json
from tbd_lib.texts import read_json

Part = Literal["limits", "tracking", "parts", "films", "memory", "training", "loading", "scoring"]
PARTS: tuple[Part, ...] = get_args(Part)


def earlier(path: Path) -> dict[str, Any]:
    """What a file of figures holds.

    Raises:
        InputError: it is none.
    """
    try:
        found = read_json(path, "a file that tbd bench has written")
        if isinstance(found["measured"], dict):
            return found
    except (TypeError, KeyError):
        pass
    raise InputError(f"{path}: expected a file that tbd bench has written")


def bench(
    out: Path,
    parts: tuple[Part, ...] = PARTS,
    device: str | None = None,
    threads: int | None = None,
    objects: tuple[int, ...] = (1, 2, 5, 10, 20),
    lines: tuple[Literal[480, 720], ...] = (480, 720),
    frames: int = 5,
    davis: Path | None = None,
    results: Path | None = None,
    coco: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Measure this machine: ratios to plain forms in one run, time per part, memory. Takes half an hour on two cores.

    Args:
        out: The JSON file for the figures, with machine, versions, commit and command.
        parts: What to measure; what is left out, or lacks its data, is null in the file, or as an earlier run found it.
        device: For instance cuda:1; a GPU if there is one, else the CPU, if left out.
        threads: For PyTorch, on a CPU; its own choice if left out.
        objects: Numbers of objects to track.
        lines: Heights of the frames to track.
        frames: Of each video, after the first.
        davis: Root of DAVIS, for the J&F of faster options.
        results: Masks of a program for some of DAVIS's videos, to be scored.
        coco: Root of COCO, to load clips from.
        overwrite: Measure parts anew in a file that is there already; what is not run stays.
    """
    require_absent(out, overwrite, JSON_BEGINS)
    if results is not None and davis is None:
        raise InputError(f"--results {results}: found no --davis, expected the true masks to score these with")
    if not (REPOSITORY / "benchmarks" / "bench.py").is_file():
        raise InputError(f"{REPOSITORY}: found no benchmarks/ there; tbd bench needs a checkout of the repository")
    sys.path.insert(0, str(REPOSITORY))
    import torch

    from benchmarks.bench import Bench
    from tbd_lib.cli.options import device_of

    if threads is not None:
        torch.set_num_threads(threads)
    plan = Bench(device_of(device), objects, lines, frames, davis, results, coco)
    found = earlier(out) if out.exists() else {**dict.fromkeys(PARTS), "measured": {}}
    about = {"device": str(plan.device), "threads": torch.get_num_threads(), "provenance": (now := provenance())}
    for part in (bar := tqdm(parts, unit="part")):
        bar.set_description(part)
        figures = plan.run(part)
        if figures is None:  # what an earlier run has measured stays
            bar.write(f"{part}: not run, since its data were not named or it is measured on a CPU alone")
        else:
            found |= {**about, part: figures}
            found["measured"][part] = {name: now[name] for name in ("date", "command", "commit")}
        write_json(out, found)  # after each: what was measured before an interruption stays
    print(f"figures in {out}")
