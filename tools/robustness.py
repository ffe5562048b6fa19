"""Faults on purpose: damaged files, kills at random moments, and places without room.

    python -m tools.robustness [--damaged 10000] [--kills 100] [--parts damage kills room]

Writes ``results/robustness.json``: how often each was tried, and every fault that was found, which should be none. What
a part found is kept until the part is run again.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import numpy as np
import tyro
from tqdm.auto import tqdm

from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.texts import read_json
from tools.damage import damage, outcome
from tools.kills import TESTS, Command, commands, faults_of_kill, faults_of_no_room, result

Part = Literal["damage", "kills", "room"]
ROOM = (0, 1, 100, 1000, 3000, 10_000, 30_000, 100_000, 300_000)  # bytes that a file may have


def main(
    damaged: int = 10_000,
    kills: int = 100,
    parts: tuple[Part, ...] = ("damage", "kills", "room"),
    seed: int = 0,
    out: Path = Path("results/robustness.json"),
) -> None:
    """Try all of it; the exit status is 1 if a fault was found.

    Args:
        damaged: Files to damage and read, of all kinds in turn.
        kills: Of all commands in turn.
        parts: What to try.
        seed: Of damage and moments.
        out: The result file.
    """
    found: dict[str, Any] = read_json(out, "an earlier result") if out.exists() else {}
    for part in parts:
        if part == "damage":
            total = outcome(tqdm(damage(range(damaged), seed), total=damaged, desc=part, unit="file"))
            counts = {"read": dict(total.read), "refused": dict(total.refused)}
            found[part] = {"files": damaged, "seed": seed, **counts, "faults": total.faults}
        elif part == "kills":
            found[part] = {"seed": seed, **try_kills(kills, seed)}
        else:
            found[part] = try_without_room()
        found[part]["provenance"] = provenance()
        write_json(out, found)
    faults = [line for part in found.values() for line in part["faults"]]
    print(*faults, f"{len(faults)} faults; figures in {out}", sep="\n")
    raise SystemExit(int(bool(faults)))


def try_kills(count: int, seed: int = 0) -> dict[str, Any]:
    """Kill commands in turn, at moments that are drawn from their usual time: how often, by command, and the faults."""
    random, killed, faults = np.random.default_rng(seed), dict[str, int](), list[str]()
    with prepared() as (every, folder):
        usual = {name: measured(command, folder) for name, command in tqdm(every.items(), desc="undisturbed")}
        for number in tqdm(range(count), desc="kills", unit="kill"):
            name = list(every)[number % len(every)]
            expected, seconds = usual[name]
            moment = float(random.random() * seconds)
            lines = faults_of_kill(every[name], folder, folder / "out", moment, expected)
            faults += [f"{name}, killed after {moment:.2f} s: {line}" for line in lines]
            killed[name] = killed.get(name, 0) + 1
    return {"killed": killed, "faults": faults}


def try_without_room() -> dict[str, Any]:
    """Let every command write files of so many bytes and no more: how often, by command, and the faults."""
    faults = list[str]()
    with prepared() as (every, folder):
        for name, command in tqdm(every.items(), desc="without room", unit="command"):
            for most in tqdm(ROOM, desc=name, unit="size", leave=False):
                lines = faults_of_no_room(command, folder, folder / "out", most)
                faults += [f"{name}, files of at most {most} bytes: {line}" for line in lines]
    return {"tried": dict.fromkeys(every, len(ROOM)), "faults": faults}


@contextmanager
def prepared() -> Iterator[tuple[dict[str, Command], Path]]:
    """All commands, with their inputs in a folder, and a server for the one that fetches."""
    sys.path.insert(0, str(TESTS))
    from archive_server import running  # pyright: ignore[reportMissingImports]

    with TemporaryDirectory() as folder, running() as server:
        every = commands(Path(folder), server.url("prepare.zip"))
        server.serve("prepare.zip", (Path(folder) / "prepare.zip").read_bytes())
        yield every, Path(folder)


def measured(command: Command, folder: Path) -> tuple[dict[str, Any], float]:
    """What a command gives where nothing happens, and how long it takes once all is warm."""
    result(command, folder, folder / "warm" / command.name)
    start = perf_counter()
    return result(command, folder, folder / "whole" / command.name), perf_counter() - start


if __name__ == "__main__":
    tyro.cli(main)
