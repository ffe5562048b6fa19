"""What an evaluation found: scores of every video, as a table to read and as JSON to keep."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tbd_lib.errors import named
from tbd_lib.evaluation.metrics import ObjectScore, Overall, overall
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json

GIB = 2**30

Scores = Mapping[int, ObjectScore]


@dataclass(frozen=True)
class VideoScore:
    """J and F of one video, by object id.

    ``frames`` are those that have a true mask; ``scored`` are the names of those that count, one for each number of an
    object's scores (empty where nobody knows them). ``baseline`` are the scores of the first given masks kept
    unchanged. ``seconds`` are those spent on reading and tracking (not on writing and scoring masks). Both are None
    where they were not measured. ``masks`` says what pixels of mask files were taken for, where they are not simply
    ids. ``data`` is a fingerprint of the video's files.
    """

    name: str
    frames: int
    objects: Scores
    baseline: Scores | None = None
    seconds: float | None = None
    scored: tuple[str, ...] = ()
    masks: str = ""
    data: str | None = None

    @property
    def fps(self) -> float | None:
        """Frames per second."""
        return None if self.seconds is None else self.frames / self.seconds


@dataclass(frozen=True)
class Selection:
    """Which of the masks in a folder were scored.

    ``listing`` is the file or folder that names the videos; ``no_list`` is where a list was looked for in vain.
    ``missing`` are videos without predictions, which count as 0 or are left out. Of the predictions,
    ``surplus_videos`` and the files in ``surplus_frames`` (by video) were left out.
    """

    listing: str
    missing: tuple[str, ...] = ()
    missing_count: bool = True
    surplus_videos: tuple[str, ...] = ()
    surplus_frames: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    no_list: str = ""

    def remarks(self) -> list[str]:
        """What people should know of it, a line for each kind."""
        lines = [f"{self.no_list}, scored are videos of {self.listing}"] if self.no_list else []
        if self.missing:
            how = "scored 0" if self.missing_count else "left out"
            lines.append(f"without predictions, {how}: {named(self.missing)}")
        if self.surplus_videos:
            lines.append(f"not in {self.listing}, left out: {named(self.surplus_videos)}")
        if self.surplus_frames:
            files = [f"{video}/{name}" for video, names in self.surplus_frames.items() for name in names]
            lines.append(f"frames without a true mask, left out: {named(files)}")
        return lines

    def as_json(self) -> dict[str, object]:
        """All of it, in types that JSON knows."""
        return {
            "list": self.listing,
            "missing_videos": list(self.missing),
            "missing_videos_count_as_0": self.missing_count,
            "surplus_videos": list(self.surplus_videos),
            "surplus_frames": {video: list(names) for video, names in self.surplus_frames.items()},
        }


@dataclass(frozen=True)
class Report:
    """Scores of videos, what they cost, and where they come from.

    ``available`` is the number of videos that could have been scored, ``peak_memory`` is in bytes: what PyTorch held
    on the GPU, or else the most that the process has held since it began. ``failed`` are videos that could not be
    tracked or scored, and why. ``facts`` are what decides the results of a run that can be gone on with.
    """

    videos: tuple[VideoScore, ...]
    available: int
    joined: bool
    peak_memory: int | None = None
    provenance: Mapping[str, object] = field(default_factory=provenance)
    selection: Selection | None = None
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    facts: Mapping[str, object] | None = None

    @property
    def overall(self) -> Overall:
        """Global numbers: means over all objects of all videos."""
        return overall(score for video in self.videos for score in video.objects.values())

    @property
    def baseline(self) -> Overall | None:
        """Global numbers of the first given masks kept unchanged."""
        scores = [score for video in self.videos for score in (video.baseline or {}).values()]
        return overall(scores) if scores else None

    @property
    def fps(self) -> float | None:
        """Frames per second over all videos that were timed."""
        timed = [(video.frames, video.seconds) for video in self.videos if video.seconds is not None]
        return sum(frames for frames, _ in timed) / sum(seconds for _, seconds in timed) if timed else None

    def table(self) -> str:
        """The scores as plain text: a row per object, the mean, and the global numbers."""
        mean, base = self.overall, self.baseline
        rows: list[tuple[str, ...]] = [("video", "object", "J", "F", "J&F", "J&F unchanged", "fps")]
        for video in self.videos:
            name, speed = video.name, _number(video.fps, 2)
            for i, score in video.objects.items():
                unchanged = video.baseline[i].j_and_f if video.baseline else None
                numbers = (score.j_statistics.mean, score.f_statistics.mean, score.j_and_f, unchanged)
                rows.append((name, str(i), *map(_number, numbers), speed))
                name = speed = ""  # a video is named and timed in its first row
        numbers = (mean.j.mean, mean.f.mean, mean.j_and_f, base and base.j_and_f)
        rows.append(("Mean", "", *map(_number, numbers), _number(self.fps, 2)))
        lines = [*aligned(rows), "", f"predicted  {_line(mean)}", *([f"unchanged  {_line(base)}"] if base else [])]
        return "\n".join([*lines, self._summary()])

    def as_json(self) -> dict[str, object]:
        """Everything, per-frame numbers included, in types that JSON knows."""
        return {
            "provenance": dict(self.provenance),
            "joined": self.joined,
            "videos_scored": len(self.videos),
            "videos_available": self.available,
            "overall": _means_json(self.overall),
            "baseline": self.baseline and _means_json(self.baseline),
            "frames_per_second": self.fps,
            "peak_memory_bytes": self.peak_memory,
            "videos": {video.name: _video_json(video) for video in self.videos},
            **({"selection": self.selection.as_json()} if self.selection else {}),
            **({"failed": dict(self.failed)} if self.failed else {}),
            **({"run": dict(self.facts)} if self.facts is not None else {}),
        }

    def remarks(self) -> list[str]:
        """What people should know of how masks were chosen and read, a line for each kind."""
        meanings = dict[str, list[str]]()
        for video in self.videos:
            if video.masks:
                meanings.setdefault(video.masks, []).append(video.name)
        read = [f"{meaning} ({named(names)})" for meaning, names in meanings.items()]
        return [*(self.selection.remarks() if self.selection else []), *read]

    def write_json(self, path: Path) -> None:
        """Write ``as_json()`` to a file, whole or not at all.

        Raises:
            OSError: no space left, or no right to write.
        """
        write_json(path, self.as_json())

    def _summary(self) -> str:
        """How much was scored and what it cost, in one line."""
        count = sum(len(video.objects) for video in self.videos)
        parts = [f"{len(self.videos)} of {self.available} videos", f"{count} objects{' (joined)' * self.joined}"]
        parts += [f"failed: {named(list(self.failed))}"] if self.failed else []
        parts += [f"{self.fps:.2f} frames per second"] if self.fps else []
        parts += [f"peak memory {self.peak_memory / GIB:.2f} GiB"] if self.peak_memory else []
        return ", ".join(parts)


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """A line per row, in columns of equal width; columns with nothing below their head are left out.

    Args:
        rows: cells, the head first.
        left: numbers of the columns whose cells stand at the left; those of the others stand at the right.
    """
    columns = []
    for number, column in enumerate(zip(*rows, strict=True)):
        width = max(map(len, column))
        if set(column[1:]) - {"", "-"}:
            columns.append([cell.ljust(width) if number in left else cell.rjust(width) for cell in column])
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _line(scores: Overall) -> str:
    """Global numbers in one line."""
    named = (("J", scores.j), ("F", scores.f))
    parts = (f"{name} {s.mean:.3f} recall {s.recall:.3f} decay {s.decay:+.3f}" for name, s in named)
    return " | ".join([*parts, f"J&F {scores.j_and_f:.3f}"])


def _number(value: float | None, digits: int = 3) -> str:
    """A number as the table shows it."""
    return "-" if value is None else f"{value:.{digits}f}"


def _video_json(video: VideoScore) -> dict[str, object]:
    """One video for JSON."""
    return {
        "frames": video.frames,
        "seconds": video.seconds,
        "frames_per_second": video.fps,
        "objects": {str(i): _object_json(scores) for i, scores in video.objects.items()},
        "baseline": video.baseline and {str(i): _object_json(scores) for i, scores in video.baseline.items()},
        "scored_frames": list(video.scored),
        **({"masks": video.masks} if video.masks else {}),
        **({"data": video.data} if video.data else {}),
    }


def _object_json(score: ObjectScore) -> dict[str, object]:
    """Statistics and scored frames of one object for JSON."""
    frames = {"J_per_frame": score.j.tolist(), "F_per_frame": score.f.tolist()}
    return _means_json(Overall(score.j_statistics, score.f_statistics, score.j_and_f)) | frames


def _means_json(scores: Overall) -> dict[str, object]:
    """Statistics for JSON."""
    return {"J": asdict(scores.j), "F": asdict(scores.f), "J&F": scores.j_and_f}
