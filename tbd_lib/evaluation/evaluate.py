"""Run a model or an engine over videos: write its masks, score them beside doing nothing, time it."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import length_hint
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from tqdm.auto import tqdm

from tbd_lib.datasets.lazy import MaskFiles
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.errors import InputError, is_full_memory, named
from tbd_lib.evaluation.export import expected_names
from tbd_lib.evaluation.metrics import join, score_video
from tbd_lib.evaluation.report import Report, VideoScore
from tbd_lib.evaluation.resuming import Facts, data_fingerprint, require_same, unfinished
from tbd_lib.evaluation.scoring import FEWEST_FRAMES, mask_names
from tbd_lib.files import JSON_BEGINS, at_home, require_absent, require_writable
from tbd_lib.records import Record, recording
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import Step, track
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Video
from tbd_lib.video.headers import files_of, require_readable
from tbd_lib.video.masks import ids_of, read_mask, write_mask
from tbd_lib.video.prefetch import BackgroundWriter

OnFailure = Callable[[str, str], object]
"""Takes the name of a video and what is wrong with it, in one line."""
T = TypeVar("T")


def evaluate(
    segmenter: Segmenter,
    videos: Sequence[Video],
    out: Path | None = None,
    config: TrackConfig | None = None,
    *,
    joined: bool = False,
    baseline: bool = True,
    overwrite: bool = False,
    json: Path | None = None,
    facts: Facts | None = None,
    on_failure: OnFailure | None = None,
) -> Report:
    """Track every video, score each mask as it comes and let it go: memory does not grow with the videos' length.

    With ``facts``, a run that stopped goes on: videos whose scores are in ``json``, or whose masks are in ``out``, are
    not tracked again.

    Args:
        segmenter: a model in inference mode, or an engine made from it.
        videos: with true masks.
        out: masks go to ``out/<video>/<frame>.png``, as palette PNGs; None writes none.
        config: how a video goes through the model.
        joined: all objects are one, id 1, in what is given, predicted and true (DAVIS-2016).
        baseline: also score the first given masks kept unchanged.
        overwrite: replace what the last run wrote to ``out`` and ``json``.
        json: a file that holds the report after every video.
        facts: what decides the results, as ``facts_of`` tells it.
        on_failure: called for a video that cannot be tracked or scored; it is then in the report's ``failed``, and the
            others go on. None: the first error ends the run.

    Raises:
        InputError: no videos, a video without true masks or with fewer than three frames, files that cannot be used,
            places that cannot be written to, masks or scores that are there already, what ``track`` refuses; no video
            that could be evaluated.
        OSError: a file cannot be read or written.
    """
    out = None if out is None else at_home(out)
    require_scorable(videos)
    _require_trackable(videos, out)
    kept = facts is not None and not (out is None and json is None)  # somewhere to go on from
    data = {video.name: data_fingerprint(video) for video in videos} if kept else {}
    before = {} if json is None else _scores_before(json, overwrite, facts, data)
    device = segmenter.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    failed: dict[str, str] = {}
    report = None
    with _results(out, videos, overwrite, facts, data) as (record, finished):
        if json is not None and overwrite:
            json.unlink(missing_ok=True)
        scores = {name: score for name, score in before.items() if out is None or name in finished}
        scoring = _Scoring(segmenter, out, config, joined, baseline, scores, finished, data, record)
        for name, score in _each(videos, scoring.of, "evaluate", on_failure, failed):
            scores |= {} if score is None else {name: score}
            if scores:
                known = tuple(scores[video.name] for video in videos if video.name in scores)
                report = Report(known, len(videos), joined, peak_memory(device), failed=dict(failed), facts=facts)
                if json is not None:
                    report.write_json(json)
        if record is not None and not failed:
            record.finish()
    if report is None:
        raise InputError(
            f"found none of {len(videos)} videos that can be evaluated, expected one: {named(list(failed))}"
        )
    return report


def require_scorable(videos: Sequence[Video]) -> None:
    """Refuse videos that no tracker can be scored on.

    Raises:
        InputError: a video without true masks, or with fewer than three frames.
    """
    for video in videos:
        if not video.truth:
            raise InputError(f"{video.name}: found no true masks, expected one per frame to score against")
        if len(video.truth) < FEWEST_FRAMES:
            raise InputError(
                f"{video.name}: found {len(video.truth)} frame{'s' * (len(video.truth) > 1)}, expected at least "
                f"{FEWEST_FRAMES}: the first and the last are not scored"
            )


def predict(
    segmenter: Segmenter,
    videos: Sequence[Video],
    out: Path,
    config: TrackConfig | None = None,
    *,
    overwrite: bool = False,
    facts: Facts | None = None,
    on_failure: OnFailure | None = None,
) -> int:
    """Track videos whose true masks nobody has but the benchmark's server, and write the masks that are asked for.

    With ``facts``, a run that stopped goes on: videos whose masks are in ``out`` are not tracked again.

    Args:
        segmenter: a model in inference mode, or an engine made from it.
        videos: from an index function; ``wanted`` says which masks are written.
        out: masks go to ``out/<video>/<frame>.png``, as palette PNGs.
        config: how a video goes through the model.
        overwrite: replace what the last run wrote to ``out``.
        facts: what decides the results, as ``facts_of`` tells it.
        on_failure: called for a video that cannot be tracked, and the others go on. None: the first error ends the run.

    Returns:
        How many masks there are of the videos that are finished.

    Raises:
        InputError: no videos, files that cannot be used, places that cannot be written to, masks that are there
            already, or what ``track`` refuses.
        OSError: a file cannot be read or written.
    """
    out = at_home(out)
    _require_trackable(videos, out)
    data = {} if facts is None else {video.name: data_fingerprint(video) for video in videos}
    failed: dict[str, str] = {}
    with _results(out, videos, overwrite, facts, data) as (record, finished):

        def predicted(video: Video) -> int:
            if video.name in finished:
                return len(expected_names(video))
            steps = tqdm(track(segmenter, video, config), desc=video.name, total=length_hint(video.frames), leave=False)
            positions = [position for position, _ in enumerate(_masks(iter(steps), out / video.name, video.wanted))]
            if record is not None and facts is not None:
                record.finish_video(video.name, data[video.name])
            return sum(video.wanted is None or position in video.wanted for position in positions)

        written = sum(count or 0 for _, count in _each(videos, predicted, "predict", on_failure, failed))
        if record is not None and not failed:
            record.finish()
    return written


def unchanged(given: Mapping[int, Mask], frames: int) -> Iterator[Mask]:
    """The do-nothing baseline: every object stays where it was first given, from that frame on.

    Args:
        given: id masks by the position of their frame, at least one.
        frames: length of the video.
    """
    mask, known = np.zeros_like(given[min(given)]), set[int]()
    for position in range(frames):
        if position in given:
            entering = set(ids_of(given[position])) - known
            mask = np.where(np.isin(given[position], list(entering)), given[position], mask)
            known |= entering
        yield mask


def peak_memory(device: torch.device) -> int | None:
    """Bytes: the most that PyTorch held on a GPU, or that this process has held since it began (None on Windows)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    status = Path("/proc/self/status")
    if status.is_file():  # Linux, where getrusage counts what the process held that began this one as well
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):  # some emulated systems have none
                return int(line.split()[1]) * 1024
    import resource  # Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _UnwrittenError(OSError):
    """A mask cannot be written: that is no fault of its video, and ends the run."""


class _Stopwatch:
    """Steps as they come, the names of their frames, and the seconds spent on waiting for them."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self.steps, self.seconds = steps, 0.0
        self.names: list[str] = []

    def __iter__(self) -> Iterator[Step]:
        while True:
            start = perf_counter()
            step = next(self.steps, None)
            self.seconds += perf_counter() - start
            if step is None:
                return
            self.names.append(step.name)
            yield step


def _each(
    videos: Sequence[Video],
    work: Callable[[Video], T],
    title: str,
    on_failure: OnFailure | None,
    failed: dict[str, str],
) -> Iterator[tuple[str, T | None]]:
    """The work on one video after another: its name and what came of it, or None for one that is now in ``failed``."""
    for video in tqdm(videos, desc=title, unit="video"):
        done = None
        try:
            done = work(video)
        except _UnwrittenError:
            raise
        except Exception as error:
            of_the_video = isinstance(error, InputError | OSError) or is_full_memory(error)
            if on_failure is None or not of_the_video:
                raise
            failed[video.name] = " ".join(str(error).split()) or type(error).__name__
            on_failure(video.name, failed[video.name])
        yield video.name, done


@dataclass(frozen=True)
class _Scoring:
    """How the videos of a run are scored, one at a time.

    ``known`` are scores of the run that stopped, by video, and ``finished`` are videos whose masks it has written;
    ``data`` are fingerprints of the videos where a run can be gone on with, ``record`` says what is written to ``out``.
    """

    segmenter: Segmenter
    out: Path | None
    config: TrackConfig | None
    joined: bool
    baseline: bool
    known: Mapping[str, VideoScore]
    finished: Collection[str]
    data: Mapping[str, str]
    record: Record | None

    def of(self, video: Video) -> VideoScore:
        """Its scores from before, those of its masks from before, or those of tracking it now."""
        if video.name in self.known:
            return self.known[video.name]
        if self.joined:
            video = replace(video, given={position: join(mask) for position, mask in video.given.items()})
        folder = None if self.out is None else self.out / video.name
        if folder is not None and video.name in self.finished and video.wanted is None:
            score = self._of_files(video, folder)
        else:
            score = self._of_tracking(video, folder)
            if self.record is not None and self.data:
                self.record.finish_video(video.name, self.data[video.name])
        return replace(score, data=self.data.get(video.name))

    def _of_tracking(self, video: Video, folder: Path | None) -> VideoScore:
        steps = _Stopwatch(track(self.segmenter, video, self.config))
        bar = tqdm(steps, desc=video.name, total=length_hint(video.truth), unit="frame", leave=False)
        score = self._of_masks(_masks(iter(bar), folder, video.wanted), video)
        return replace(score, seconds=steps.seconds, scored=tuple(steps.names[1:-1]))

    def _of_files(self, video: Video, folder: Path) -> VideoScore:
        names = expected_names(video)
        score = self._of_masks((read_mask(folder / name) for name in names), video)
        return replace(score, scored=tuple(Path(name).stem for name in names[1:-1]))

    def _of_masks(self, masks: Iterable[Mask], video: Video) -> VideoScore:
        """The scores of the masks of one video, and those of doing nothing."""
        truth = video.truth
        assert truth is not None  # ``evaluate`` has looked
        objects = score_video(masks, truth, self.joined, video.name)
        still = unchanged(video.given, len(truth))
        baseline = score_video(still, truth, self.joined, video.name) if self.baseline else None
        meaning = truth.reader.meaning if isinstance(truth, MaskFiles) else ""
        return VideoScore(video.name, len(truth), objects, baseline, masks=meaning)


def _masks(steps: Iterator[Step], folder: Path | None, wanted: frozenset[int] | None) -> Iterator[Mask]:
    """The masks of the steps, each written on its way if there is a folder and its frame is wanted."""
    with BackgroundWriter() as writer:
        for position, step in enumerate(steps):
            if folder is not None and (wanted is None or position in wanted):
                writer.submit(_write, folder / f"{step.name}.png", step.mask)
            yield step.mask


def _write(path: Path, mask: Mask) -> None:
    try:
        write_mask(path, mask)
    except OSError as error:
        raise _UnwrittenError(*error.args[:2], error.filename) from error


def _require_trackable(videos: Sequence[Video], out: Path | None) -> None:
    """Look before hours of tracking: is there something to track, can it be read, and can results be written?"""
    if not videos:
        raise InputError("found no videos, expected at least one")
    for video in videos:
        require_readable(video)
        if not video.given:
            raise InputError(f"{video.name}: found no given mask, expected at least one to track from")
        if out is not None:
            folder = out / video.name
            require_writable(folder / "00000.png")
            if folder.resolve() in {parent.resolve() for parent in {path.parent for path in files_of(video)}}:
                raise InputError(f"{folder}: holds the video's own files, expected another `out`")


def _scores_before(json: Path, overwrite: bool, facts: Facts | None, data: Mapping[str, str]) -> dict[str, VideoScore]:
    """The scores of a run that stopped, by video."""
    require_writable(json)
    if facts is None or overwrite or not json.exists():
        require_absent(json, overwrite, JSON_BEGINS)
        return {}
    stopped, scores = unfinished(json)
    require_same(json, stopped, facts)
    for name, score in scores.items():
        _require_same_data(json, name, score.data, data)
    return scores


@contextmanager
def _results(
    out: Path | None, videos: Sequence[Video], overwrite: bool, facts: Facts | None, data: Mapping[str, str]
) -> Iterator[tuple[Record | None, set[str]]]:
    """The folder of masks, for a run that begins or goes on: its record, and which videos are finished there."""
    if out is None:
        yield None, set()
        return
    record = Record(out)
    stopped = None if overwrite or facts is None else record.unfinished
    _require_no_masks(record, videos, overwrite, stopped, facts)
    goes_on = stopped is not None and stopped == facts
    finished = _finished(record, videos, data) if goes_on else set[str]()
    for video in videos if goes_on else ():
        if video.name not in finished:  # it stopped halfway, and its files may have changed since
            for name in mask_names(out / video.name):
                (out / video.name / name).unlink()
    if overwrite:
        record.clear(out / video.name for video in videos)
    with recording(out, facts, goes_on) as written:
        yield written, finished


def _require_no_masks(
    record: Record, videos: Sequence[Video], overwrite: bool, stopped: Facts | None, facts: Facts | None
) -> None:
    """Refuse masks that are there already, unless they may be replaced or are those of the run that stopped."""
    recorded = record.files()
    for video in videos:
        place = record.folder / video.name
        present = {place.resolve() / name for name in mask_names(place)}
        if overwrite:
            record.require_replaceable(present, expected_names(video) if present else (), recorded)
        elif present and (stopped is None or not present <= recorded):
            raise InputError(f"{place}: found masks there already, expected none (or `overwrite`)")
        elif present and stopped is not None and facts is not None:
            require_same(record.folder, stopped, facts)


def _finished(record: Record, videos: Sequence[Video], data: Mapping[str, str]) -> set[str]:
    """The videos whose masks the run that stopped has written, all of them."""
    known, finished = record.videos, set[str]()
    for video in videos:
        folder, before = record.folder / video.name, known.get(video.name)
        if before is not None and all((folder / name).is_file() for name in expected_names(video)):
            _require_same_data(record.folder, video.name, before, data)
            finished.add(video.name)
    return finished


def _require_same_data(place: Path, name: str, before: str | None, data: Mapping[str, str]) -> None:
    if before != data.get(name):
        raise InputError(f"{place}: {name} was made from other frames or masks; expected the same (or `overwrite`)")
