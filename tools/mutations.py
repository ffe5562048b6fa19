"""Break the method on purpose, one line at a time, and see that the quick tests notice: ``make mutations``.

Each fault is put into a copy of the repository in a temporary folder, where the tests that are named are run.
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
COPIED = ("tbd_lib", "tests", "tools", "benchmarks", "data", "results", "docs")


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
        "return torch.cat(maps, 2)",
        "return torch.cat([score.flip(2) for score in maps], 2)",
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


def failures(tests: tuple[str, ...], mutation: Mutation | None) -> tuple[int, int]:
    """How many of the tests pass and how many fail in a copy, with a fault or with none."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, copy)
        if mutation is not None:
            mutation.put_into(copy / "tbd_lib")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "-p", "no:cacheprovider", *tests]
        environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        answer = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    passed, failed = (re.search(rf"(\d+) {word}", answer.stdout) for word in ("passed", "failed"))
    if answer.returncode not in (0, 1) or not (passed or failed):
        raise RuntimeError(f"pytest ended with {answer.returncode}: {answer.stdout[-500:]} {answer.stderr[-500:]}")
    return int(passed[1]) if passed else 0, int(failed[1]) if failed else 0


def main(tests: tyro.conf.Positional[tuple[str, ...]]) -> None:
    """Print how many tests notice each fault; the exit status is 1 if a fault goes unnoticed.

    Args:
        tests: Files of tests, from the root of the repository.
    """
    passed, failed = failures(tests, None)
    print(f"without a fault: {passed} pass, {failed} fail")
    unnoticed = failed > 0
    for mutation in MUTATIONS:
        _, failed = failures(tests, mutation)
        unnoticed |= not failed
        print(f"{mutation.name} ({mutation.file}): {failed} fail" if failed else f"{mutation.name}: NOT NOTICED")
    raise SystemExit(int(unnoticed))


if __name__ == "__main__":
    tyro.cli(main)
