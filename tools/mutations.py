"""Break the method on purpose, one line at a time, and see that the quick tests notice: ``make mutations``.

    python -m tools.mutations tests/test_model.py
    python -m tools.mutations --faults "no distance score" --least 3 notebooks/0[2-5]*.ipynb

Each fault is put into a copy of the repository in a temporary folder, where the tests that are named are run.
Lessons are tests too: they are compared with the outputs that they are stored with.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("tbd_lib", "tests", "tools", "benchmarks", "data", "results", "docs", "notebooks")
FAILED = re.compile(r"^FAILED ([^:\s]+)::(Cell \d+|\S+)", re.MULTILINE)  # file and test, or file and number of a cell


@dataclass(frozen=True)
class Mutation:
    """A fault: in one file, one piece of text that becomes another."""

    name: str
    file: str  # in tbd_lib
    before: str
    after: str

    def put_into(self, package: Path) -> None:
        """Change the file in a copy of the package.

        Raises:
            ValueError: the text does not stand there exactly once.
        """
        path = package / self.file
        source = path.read_text()
        if source.count(self.before) != 1:
            raise ValueError(f"{self.file}: found {self.before!r} {source.count(self.before)} times; expected it once")
        path.write_text(source.replace(self.before, self.after))


MUTATIONS = (
    Mutation(
        "foreground before background in match's maps",
        "method/model.py",
        "{kind: maps if kind in used",
        "{kind: maps.flip(2) if kind in used",
    ),
    Mutation(
        "the maximum before the weight in best_match",
        "method/matching.py",
        "    weighted = mask.flatten(3)[:, :, :, None, :] * product[:, None, None]  # b o r q p\n"
        "    return weighted.amax(-1).view(mask.shape)",
        "    best = product.max(-1)\n"
        "    places = best.indices[:, None, None].expand(*mask.shape[:3], -1)\n"
        "    return (mask.flatten(3).gather(3, places) * best.values[:, None, None]).view(mask.shape)",
    ),
    Mutation("no clamp in coarse_vectors", "method/templates.py", "total.clamp(min=1e-7)", "total"),
    Mutation(
        "short and long inertia swapped",
        "method/model.py",
        "self.short_inertia, self.long_inertia)",
        "self.long_inertia, self.short_inertia)",
    ),
    Mutation(
        "the overall mean not weighted by area",
        "method/templates.py",
        "1 - gained / area",
        "torch.full_like(area, 0.5)",
    ),
    Mutation(
        "no distance score",
        "method/model.py",
        "near = near * self.distance.pairs(*key.shape[-2:])",
        "near = near * 1.0",
    ),
    Mutation(
        "no distance score in the shared engine",
        "engines/shared.py",
        "product *= self._scores_of_pairs(prev_key.shape[-2], prev_key.shape[-1])",
        "product *= 1.0",
    ),
    Mutation(
        "the background from the objects' mean in aggregate",
        "method/aggregate.py",
        "-log_odds.amax(0, keepdim=True)",
        "-log_odds.mean(0, keepdim=True)",
    ),
    Mutation(
        "the previous mask one frame late in a tracker",
        "tracking/tracker.py",
        "            cohorts = self._update(features, cohorts, together[1:])",
        '            late = getattr(self, "_late", together[1:])\n'
        "            self._late = together[1:]\n"
        "            late = late if late.shape == together[1:].shape else together[1:]\n"
        "            cohorts = self._update(features, cohorts, late)",
    ),
    Mutation(
        "the previous mask one frame late in training",
        "method/model.py",
        "self.update(before, templates, logits[-1].softmax(2))",
        "self.update(before, templates, logits[max(len(logits) - 2, 0)].softmax(2))",
    ),
)


def failures(tests: tuple[str, ...], mutation: Mutation | None) -> tuple[int, dict[str, list[str]]]:
    """How many tests pass in a copy, with a fault or with none, and by file the names of those that fail."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, copy)
        if mutation is not None:
            mutation.put_into(copy / "tbd_lib")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "loadscope", "-p", "no:cacheprovider"]
        command += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout", "300", *tests]
        environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        answer = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    passed, failed = re.search(r"(\d+) passed", answer.stdout), failed_by_file(answer.stdout)
    if answer.returncode not in (0, 1) or not (passed or failed):
        raise RuntimeError(f"pytest ended with {answer.returncode}: {answer.stdout[-500:]} {answer.stderr[-500:]}")
    return int(passed[1]) if passed else 0, failed


def failed_by_file(report: str) -> dict[str, list[str]]:
    """By file the tests, or cells, that pytest's summary names."""
    failed: dict[str, list[str]] = {}
    for file, test in FAILED.findall(report):
        failed.setdefault(Path(file).name, []).append(test)
    return failed


def main(tests: tyro.conf.Positional[tuple[str, ...]], faults: tuple[str, ...] = (), least: int = 1) -> None:
    """Print how many tests of each file notice each fault; the exit status is 1 if a fault goes unnoticed.

    Args:
        tests: Files of tests, or notebooks, from the root of the repository.
        faults: Names of faults. By default all.
        least: So many files have to notice each fault.
    """
    if unknown := set(faults) - {mutation.name for mutation in MUTATIONS}:
        raise SystemExit(f"--faults {sorted(unknown)}; expected names of {[mutation.name for mutation in MUTATIONS]}")
    passed, failed = failures(tests, None)
    print(f"without a fault: {passed} pass, {sum(map(len, failed.values()))} fail")
    unnoticed = bool(failed)
    for mutation in MUTATIONS:
        if not faults or mutation.name in faults:
            _, failed = failures(tests, mutation)
            unnoticed |= len(failed) < least
            print(f"{mutation.name} ({mutation.file}): {in_words(failed) if len(failed) >= least else 'NOT NOTICED'}")
    raise SystemExit(int(unnoticed))


def in_words(failed: dict[str, list[str]]) -> str:
    """How many tests of each file fail; of a notebook also which cells."""
    return "; ".join(
        f"{len(names)} fail in {file}" + (f" ({', '.join(names)})" if file.endswith(".ipynb") else "")
        for file, names in failed.items()
    )


if __name__ == "__main__":
    tyro.cli(main)
