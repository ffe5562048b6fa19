"""The scores that the authors published, beside ours: what was run, on how much of each benchmark, and the gap."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from tbd_lib.errors import InputError
from tbd_lib.evaluation.report import aligned
from tbd_lib.files import results_folder
from tbd_lib.texts import read_json

NAMES = {
    "davis16_val": "DAVIS-2016 val",
    "davis17_val": "DAVIS-2017 val",
    "davis17_test-dev": "DAVIS-2017 test-dev",
    "ytvos18_val": "YouTube-VOS 2018 val",
}
"""Benchmarks of the published file, in the order of the table."""
TRAININGS = ("with COCO pre-training", "without COCO pre-training")
EXPECTED = "a file of tbd evaluate --json"
TOLERANCE, MEAN_TOLERANCE = 0.01, 0.002
"""How far J&F of a video, and their mean, may lie from the published ones and still agree with them.

Rounding to 8 binary digits instead of 24 moves a video by at most 0.0067 and the mean of six by 0.0011
(``results/rounding.json``). GPUs round more finely (TF32 keeps 11 digits); other readers of pictures were not measured.
"""
PublishedScores = Mapping[str, Any]
WHOLE = {"ytvos18_val": "Overall"}  # where the one number is not called J&F


@dataclass(frozen=True)
class Row:
    """One line of the table: a benchmark, or the part of it that was run, in J&F.

    ``objects`` are those that were scored and all that there are (DAVIS-2016 joins those of a video). ``published`` is
    the mean over the scored ones; ``ours`` is None where nothing was run.
    """

    benchmark: str
    objects: tuple[int, int] | None
    published: Mapping[str, float]  # by training
    ours: float | None
    source: str

    @property
    def gap(self) -> float | None:
        """Ours less the published one with COCO pre-training."""
        return None if self.ours is None else self.ours - self.published[TRAININGS[0]]


def compare(files: Sequence[Path]) -> list[Row]:
    """A line for every result file, and one for every benchmark that none of them covers.

    Args:
        files: as ``tbd evaluate --json`` writes them, of DAVIS-2016 or DAVIS-2017.

    Raises:
        InputError: a file that is not such a result, or holds an object for which nothing was published.
    """
    published = _published()
    rows = [_row(path, published) for path in files]
    covered = {row.benchmark for row in rows if row.objects and row.objects[0] == row.objects[1]}
    for key, name in NAMES.items():
        if name not in covered:
            whole = {training: published[training][key][WHOLE.get(key, "J&F")] for training in TRAININGS}
            rows.append(Row(name, None, whole, None, "not run"))
    return rows


def per_video(file: Path, training: str = TRAININGS[0]) -> dict[str, tuple[float, float]]:
    """J&F of every video of a result file, as published and as found here: means over its objects.

    Args:
        file: as ``tbd evaluate --json`` writes it, of DAVIS-2016 or DAVIS-2017.
        training: which of the published trainings.

    Raises:
        InputError: as ``compare``.
    """
    joined, ours = _read(file)
    theirs = _of_objects(file, joined, ours, _published())[training]
    videos = dict[str, list[str]]()
    for name in ours:
        videos.setdefault(name.rstrip("0123456789"), []).append(name)
    return {
        video: (mean(theirs[name] for name in names), mean(ours[name] for name in names))
        for video, names in videos.items()
    }


def verdict(pairs: Mapping[str, tuple[float, float]]) -> str:
    """Whether scores agree with the published ones, in a line: every video, and the mean over the videos.

    Args:
        pairs: as ``per_video`` finds them, at least one.
    """
    gaps = {video: ours - theirs for video, (theirs, ours) in pairs.items()}
    far = [video for video, gap in gaps.items() if abs(gap) > TOLERANCE]
    furthest, overall = max(gaps, key=lambda video: abs(gaps[video])), mean(gaps.values())
    agrees = not far and abs(overall) <= MEAN_TOLERANCE
    return (
        f"{'agrees' if agrees else 'does not agree'}: {len(far)} of {len(gaps)} videos differ by more than {TOLERANCE}"
        f", {furthest} the most ({gaps[furthest]:+.4f}); the mean differs by {overall:+.4f} (allowed {MEAN_TOLERANCE})"
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    head = ("benchmark", "objects", "published", "without COCO", "ours", "gap", "from")
    lines: list[tuple[str, ...]] = [head]
    for row in rows:
        part = f"{row.objects[0]} of {row.objects[1]}" if row.objects else "all"
        numbers = [f"{row.published[training]:.3f}" for training in TRAININGS]
        ours, gap = ("-", "-") if row.ours is None else (f"{row.ours:.3f}", f"{row.gap:+.3f}")
        lines.append((row.benchmark, part, *numbers, ours, gap, row.source))
    return "\n".join(["J&F, published by the authors and ours", *aligned(lines, left=(0, 1, 6))])


def _published() -> PublishedScores:
    """All published scores, by training and benchmark."""
    return json.loads((results_folder() / "published.json").read_text())["scores"]


def _row(path: Path, published: PublishedScores) -> Row:
    """One result file beside what was published of the same objects."""
    joined, ours = _read(path)
    theirs = _of_objects(path, joined, ours, published)
    same = {name: mean(scores[i] for i in ours) for name, scores in theirs.items()}
    return Row(NAMES[_key(joined)], (len(ours), len(theirs[TRAININGS[0]])), same, mean(ours.values()), str(path))


def _key(joined: bool) -> str:
    """The benchmark of a result."""
    return "davis16_val" if joined else "davis17_val"


def _of_objects(
    path: Path, joined: bool, ours: Mapping[str, float], published: PublishedScores
) -> dict[str, dict[str, float]]:
    """The published J&F of every object, by training; all that are ours have to be among them."""
    key = _key(joined)
    objects = {training: published[training][key]["per_object"] for training in TRAININGS}
    if unknown := sorted(set(ours) - set(objects[TRAININGS[0]])):
        raise InputError(f"{path}: found the object {unknown[0]}, expected those of {NAMES[key]}")
    return {name: {i: (s["J"] + s["F"]) / 2 for i, s in scores.items()} for name, scores in objects.items()}


def _read(path: Path) -> tuple[bool, dict[str, float]]:
    """Whether a report joins objects, and its J&F by object; some result files hold a report under "scores"."""
    content = read_json(path, EXPECTED)
    try:
        content = content.get("scores", content)
        videos = content["videos"].items()
        ours = {f"{video}{i}": float(score["J&F"]) for video, found in videos for i, score in found["objects"].items()}
        joined = bool(content["joined"])
    except (KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: no scores of videos in it; expected {EXPECTED}") from error
    if not ours:
        raise InputError(f"{path}: no scores of videos in it; expected {EXPECTED}")
    return joined, ours
