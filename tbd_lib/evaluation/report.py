"""What an evaluation found: scores of every video, as a table to read and as JSON to keep."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tbd_lib.evaluation.metrics import ObjectScore, Overall, overall
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json

GIB = 2**30

Scores = Mapping[int, ObjectScore]


@dataclass(frozen=True)
class VideoScore:
    """J and F of one video, by object id.

    ``baseline`` are the scores of the first given masks kept unchanged. ``seconds`` are those spent on reading and
    tracking ``frames`` frames (not on writing and scoring masks). Both are None where they were not measured.
    """

    name: str
    frames: int
    objects: Scores
    baseline: Scores | None = None
    seconds: float | None = None

    @property
    def fps(self) -> float | None:
        """Frames per second."""
        return None if self.seconds is None else self.frames / self.seconds


@dataclass(frozen=True)
class Report:
    """Scores of videos, what they cost, and where they come from.

    ``available`` is the number of videos that could have been scored, ``peak_memory`` is in bytes: what PyTorch held
    on the GPU, or else the most that the process has held since it began.
    """

    videos: tuple[VideoScore, ...]
    available: int
    joined: bool
    peak_memory: int | None = None
    provenance: Mapping[str, object] = field(default_factory=provenance)

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
        """Frames per second over all videos together."""
        seconds = [video.seconds for video in self.videos if video.seconds is not None]
        return sum(video.frames for video in self.videos) / sum(seconds) if seconds else None

    def table(self) -> str:
        """The scores as plain text: a row per object, the mean, and the global numbers."""
        base = self.baseline
        rows = [("video", "object", "J", "F", "J&F", "J&F unchanged", "fps")]
        rows += [row for video in self.videos for row in _rows(video)]
        mean = (self.overall.j.mean, self.overall.f.mean, self.overall.j_and_f, base and base.j_and_f)
        rows += [("Mean", "", *map(_number, mean), _speed(self.fps))]
        lines = [*_aligned(rows), "", f"predicted  {_line(self.overall)}"]
        if base:
            lines.append(f"unchanged  {_line(base)}")
        return "\n".join([*lines, self._summary()])

    def as_json(self) -> dict[str, object]:
        """Everything, per-frame numbers included, in types that JSON knows."""
        return {
            "provenance": dict(self.provenance),
            "joined": self.joined,
            "videos_scored": len(self.videos),
            "videos_available": self.available,
            "overall": _overall_json(self.overall),
            "baseline": self.baseline and _overall_json(self.baseline),
            "frames_per_second": self.fps,
            "peak_memory_bytes": self.peak_memory,
            "videos": {video.name: _video_json(video) for video in self.videos},
        }

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
        parts += [f"{self.fps:.2f} frames per second"] if self.fps else []
        parts += [f"peak memory {self.peak_memory / GIB:.2f} GiB"] if self.peak_memory else []
        return ", ".join(parts)


def _rows(video: VideoScore) -> Iterator[tuple[str, ...]]:
    """Table rows of one video: one per object, named and timed in the first."""
    name, speed = video.name, _speed(video.fps)
    for i, scores in video.objects.items():
        base = video.baseline[i].j_and_f if video.baseline else None
        numbers = (float(scores.j.mean()), float(scores.f.mean()), scores.j_and_f, base)
        yield name, str(i), *map(_number, numbers), speed
        name = speed = ""


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns of equal width, the first to the left, all others to the right; without those where nothing stands."""
    columns = [column for column in zip(*rows, strict=True) if set(column[1:]) - {"", "-"}]
    widths = [-max(map(len, columns[0])), *(max(map(len, column)) for column in columns[1:])]
    lines = (zip(row, widths, strict=True) for row in zip(*columns, strict=True))
    return ["  ".join(_padded(cell, width) for cell, width in line).rstrip() for line in lines]


def _padded(cell: str, width: int) -> str:
    """A cell at the right of its column, or at the left of one of negative width."""
    return cell.rjust(width) if width > 0 else cell.ljust(-width)


def _line(scores: Overall) -> str:
    """Global numbers in one line."""
    named = (("J", scores.j), ("F", scores.f))
    parts = (f"{name} {s.mean:.3f} recall {s.recall:.3f} decay {s.decay:+.3f}" for name, s in named)
    return " | ".join([*parts, f"J&F {scores.j_and_f:.3f}"])


def _number(value: float | None) -> str:
    """A score as the table shows it."""
    return "-" if value is None else f"{value:.3f}"


def _speed(fps: float | None) -> str:
    """Frames per second as the table shows them."""
    return "-" if fps is None else f"{fps:.2f}"


def _overall_json(scores: Overall) -> dict[str, object]:
    """Global numbers for JSON."""
    return {"J": asdict(scores.j), "F": asdict(scores.f), "J&F": scores.j_and_f}


def _video_json(video: VideoScore) -> dict[str, object]:
    """One video for JSON."""
    return {
        "frames": video.frames,
        "seconds": video.seconds,
        "frames_per_second": video.fps,
        "objects": {str(i): _object_json(scores) for i, scores in video.objects.items()},
        "baseline": video.baseline and {str(i): _object_json(scores) for i, scores in video.baseline.items()},
    }


def _object_json(scores: ObjectScore) -> dict[str, object]:
    """Statistics and scored frames of one object for JSON."""
    return {
        "J": asdict(scores.j_statistics),
        "F": asdict(scores.f_statistics),
        "J&F": scores.j_and_f,
        "J_per_frame": scores.j.tolist(),
        "F_per_frame": scores.f.tolist(),
    }
