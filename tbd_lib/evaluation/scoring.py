"""Score masks that lie in folders. Imports no PyTorch, whose start takes longer than scoring many a video."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm.auto import tqdm

from tbd_lib.datasets.davis import list_of_split, listed, require_resolution
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import ObjectScore, join, score_video
from tbd_lib.evaluation.report import Report, Selection, VideoScore
from tbd_lib.files import at_home, is_stray
from tbd_lib.video.arrays import Mask
from tbd_lib.video.folders import natural
from tbd_lib.video.headers import header_shape, require_sizes
from tbd_lib.video.masks import MaskReader, ids_of, require_objects, require_size

FEW_FRAMES = 400  # are scored in the time that processes need to start
FEWEST_FRAMES = 3  # the first and the last are not scored


def score(
    predictions: Path,
    truth: Path,
    joined: bool = False,
    workers: int | None = 1,
    *,
    split: str | None = None,
    videos: Sequence[str] | None = None,
    missing: Literal["error", "zero"] = "error",
    resolution: str = "480p",
) -> Report:
    """Score masks that lie in ``predictions/<video>/<frame>.png``: those of every video in the list, and of no other.

    The list is ``ImageSets/<year>/<split>.txt`` of a root in DAVIS layout. Where there is none and no split is asked
    for, it is what both folders have: videos without predictions are left out, and the report names them. The frames
    are those that have a true mask, but for the first and the last: what the official evaluator does. All
    files are looked at before the first is scored.

    Args:
        predictions: a folder of folders of masks. Videos and frames beyond those that are scored are left out.
        truth: true masks in the same layout; or the root of a data set, which has them in ``Annotations/<resolution>``.
        joined: all objects of a mask are one, id 1; the list is that of DAVIS-2016.
        workers: processes, each with a video at a time; None takes as many as there are processors, if it pays. With
            more than one, a script has to begin its work below ``if __name__ == "__main__"``: each imports it anew.
        split: which list of a root; None is ``val``.
        videos: names of the only videos to be scored; None is the whole list.
        missing: "zero" scores a video without predictions 0, for all its objects and frames; "error" refuses it where
            a list names it.
        resolution: of the true masks below a root: 480p, or Full-Resolution.

    Raises:
        InputError: a listed video or scored frame that has no prediction or no true mask, a split that is not there,
            a file that is no mask, masks of different sizes, or fewer than three frames.
        OSError: a file cannot be read.
    """
    predictions, truth = at_home(predictions), at_home(truth)
    root, listing, names = _list_of(truth, split, joined, resolution)
    is_list, lists = listing != root, truth / "ImageSets"
    chosen = names if videos is None else list(videos)
    if unknown := [name for name in chosen if name not in names]:
        raise InputError(f"{listing}: does not list the video {unknown[0]}, expected one of {len(names)}")
    found = _video_names(predictions)
    work = [_checked(predictions / name, root / name, listing, joined) for name in chosen]
    lost = [name for name, video in zip(chosen, work, strict=True) if video.predictions is None]
    if lost and missing == "error" and (is_list or len(lost) == len(chosen)):
        raise InputError(
            f"{predictions / lost[0]}: found no <frame>.png, but {listing} {'lists' if is_list else 'has'} the video; "
            f"expected masks of each of {len(chosen)} videos ({len(lost)} have none), or `missing` zero"
        )
    selection = Selection(
        str(listing),
        tuple(lost),
        missing == "zero",
        tuple(name for name in found if name not in names),
        {name: video.surplus for name, video in zip(chosen, work, strict=True) if video.surplus},
        "" if is_list or not lists.is_dir() else f"{lists}: has no list val of {2016 if joined else 2017}",
    )
    if missing == "error":
        work = [video for video in work if video.predictions is not None]
    workers = _processes(work) if workers is None else workers
    with ExitStack() as stack:
        scoring = map(_score_video, work)
        if workers > 1:  # new processes, for a program that has threads (PyTorch's, say) cannot be copied safely
            pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
            scoring = stack.enter_context(pool).map(_score_video, work)
        scores = tuple(tqdm(scoring, desc="score", total=len(work), unit="video"))
    return Report(scores, len(chosen), joined, selection=selection)


def mask_names(folder: Path) -> set[str]:
    """File names of the masks of a video; hidden files are no masks (a write that was cut off leaves one)."""
    return {path.name for path in folder.glob("[!.]*.png")}


@dataclass(frozen=True)
class _Work:
    """A video to be scored: where its masks are, and the names of those that are true.

    ``predictions`` is None where there are none. ``surplus`` are predicted masks of frames without a true one.
    """

    predictions: Path | None
    truth: Path
    names: tuple[str, ...]
    surplus: tuple[str, ...]
    joined: bool


def _list_of(truth: Path, split: str | None, joined: bool, resolution: str) -> tuple[Path, Path, list[str]]:
    """Where the true masks lie; the list, which may be that folder; and the names of its videos."""
    lists, root = truth / "ImageSets", truth / "Annotations" / resolution
    if lists.is_dir():
        require_resolution(root.parent, resolution, f"the true masks of the videos that {lists} lists")
    root = root if root.is_dir() else truth
    if split is not None and not lists.is_dir():
        raise InputError(f"{truth}: has no lists of videos (ImageSets), expected some for `split` {split}")
    try:
        listing = list_of_split(truth, split or "val", 2016 if joined else 2017, resolution)
    except InputError:
        if split is not None:
            raise
        return root, root, _video_names(root)
    return root, listing, listed(listing)


def _checked(predictions: Path, truth: Path, listing: Path, joined: bool) -> _Work:
    """What there is of a video, after a look at its files."""
    if not truth.is_dir():
        raise InputError(f"{truth}: no such folder of true masks, but {listing} lists the video")
    names, present = sorted(mask_names(truth), key=_order), mask_names(predictions)
    if len(names) < FEWEST_FRAMES:
        found = f"{len(names) or 'no'} true mask{'s' * (len(names) != 1)}"
        raise InputError(f"{truth}: found {found}, expected at least 3: the first and the last frame are not scored")
    shape = header_shape(truth / names[0])
    require_sizes([truth / name for name in names], shape, like="the first")
    work = _Work(predictions, truth, tuple(names), tuple(sorted(present - set(names), key=_order)), joined)
    if not present:
        return _Work(None, truth, tuple(names), (), joined)
    scored = names[1:-1]
    if lost := [name for name in scored if name not in present]:
        raise InputError(
            f"{predictions / lost[0]}: no such file, expected a predicted mask for each true one but the first and the "
            f"last ({len(lost)} of {len(scored)} are missing)"
        )
    require_sizes([predictions / name for name in scored], shape, like="the true mask")
    return work


def _processes(work: Sequence[_Work]) -> int:
    """One per processor, no more than there are videos; one where starting others takes longer than the work."""
    pays = sum(len(video.names) for video in work) > FEW_FRAMES
    return min(os.cpu_count() or 1, len(work)) if pays else 1


def _score_video(work: _Work) -> VideoScore:
    """Score one video."""
    name, scored = work.truth.name, work.names[1:-1]
    true_paths = [work.truth / name for name in work.names]
    reader = MaskReader(true_paths)
    first = reader.read(true_paths[0])
    frames = tuple(Path(name).stem for name in scored)
    if work.predictions is None:
        ids = ids_of(require_objects(join(first) if work.joined else first, true_paths[0]))
        nothing = np.zeros(len(scored))
        return VideoScore(
            name, len(work.names), {i: ObjectScore(nothing, nothing) for i in ids}, scored=frames, masks=reader.meaning
        )
    found_paths = [work.predictions / name for name in scored]
    found = MaskReader(found_paths, like=None if work.joined else reader)
    unread = np.zeros_like(first)  # in the place of the first and the last, which need not be there
    masks = chain([unread], _masks(found, found_paths, first.shape), [unread])
    objects = score_video(masks, chain([first], _masks(reader, true_paths[1:], first.shape)), work.joined, name)
    meanings = dict.fromkeys(meaning for meaning in (reader.meaning, found.meaning) if meaning)
    return VideoScore(name, len(work.names), objects, scored=frames, masks="; ".join(meanings))


def _masks(reader: MaskReader, paths: Sequence[Path], shape: tuple[int, ...]) -> Iterator[Mask]:
    """Masks of this shape, read when asked for."""
    return (require_size(reader.read(path), shape, path) for path in paths)


def _video_names(root: Path) -> list[str]:
    """Videos of a folder of masks: the folders in it."""
    names = sorted((path.name for path in root.glob("*") if path.is_dir() and not is_stray(path.name)), key=_order)
    if not names:
        raise InputError(f"{root}: found no folders there, expected one folder of masks per video")
    return names


def _order(name: str) -> tuple[list[str | int], str]:
    """As people count; of two names that differ in zeros alone, the order of letters."""
    return natural(name), name
