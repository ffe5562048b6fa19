"""Score masks that lie in folders. Imports no PyTorch, whose start takes longer than scoring many a video."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from tqdm.auto import tqdm

from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import score_video
from tbd_lib.evaluation.report import Report, VideoScore
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import read_mask, require_size

FEW_FRAMES = 400  # are scored in the time that processes need to start
DAVIS_MASKS = Path("Annotations", "480p")  # where a DAVIS root keeps the masks that are scored


def score(predictions: Path, truth: Path, joined: bool = False, workers: int | None = None) -> Report:
    """Score masks that lie in ``predictions/<video>/<frame>.png``; every folder there is a video.

    Args:
        predictions: a folder of folders of masks, for all or some of the videos of ``truth``.
        truth: true masks in the same layout; or a folder that has them in ``Annotations/480p``, as a DAVIS root.
        joined: all objects of a mask are one, id 1 (DAVIS-2016).
        workers: processes, each with a video at a time; None takes as many as there are processors, if it pays.

    Raises:
        InputError: a video or frame that only one side has (a whole video may lack predictions, which the report
            counts), a file that is no mask, masks of different sizes, or fewer than three frames.
        OSError: a file cannot be read.
    """
    root = truth / DAVIS_MASKS if (truth / DAVIS_MASKS).is_dir() else truth
    available = _video_names(root)
    names = _video_names(predictions)
    frames = {name: _common_frames(predictions / name, root / name) for name in names}
    work = [(predictions / name, root / name, frames[name], joined) for name in names]
    workers = _processes(frames) if workers is None else workers
    with ExitStack() as stack:
        scoring = map(_score_video, work)
        if workers > 1:  # new processes, for a program that has threads (PyTorch's, say) cannot be copied safely
            pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
            scoring = stack.enter_context(pool).map(_score_video, work)
        scores = tuple(tqdm(scoring, desc="score", total=len(work), unit="video"))
    return Report(scores, len(available), joined)


def mask_names(folder: Path) -> set[str]:
    """File names of the masks of a video; hidden files are no masks (a write that was cut off leaves one)."""
    return {path.name for path in folder.glob("[!.]*.png")}


def _processes(frames: Mapping[str, Sequence[str]]) -> int:
    """One per processor, no more than there are videos; one where starting others takes longer than the work."""
    pays = sum(len(names) for names in frames.values()) > FEW_FRAMES
    return min(os.cpu_count() or 1, len(frames)) if pays else 1


def _score_video(work: tuple[Path, Path, list[str], bool]) -> VideoScore:
    """Score one video: masks found, true masks, their names, and whether all objects are one."""
    predictions, truth, names, joined = work
    shape = read_mask(truth / names[0]).shape if names else ()
    found, true = (_masks([folder / name for name in names], shape) for folder in (predictions, truth))
    return VideoScore(truth.name, len(names), score_video(found, true, joined, truth.name))


def _masks(paths: Sequence[Path], shape: tuple[int, ...]) -> Iterator[Mask]:
    """Masks of this shape, read when asked for."""
    return (require_size(read_mask(path), shape, path) for path in paths)


def _video_names(root: Path) -> list[str]:
    """Videos of a folder of masks: the folders in it."""
    names = sorted(path.name for path in root.glob("[!.]*") if path.is_dir())
    if not names:
        raise InputError(f"{root}: found no folders there, expected one folder of masks per video")
    return names


def _common_frames(found: Path, true: Path) -> list[str]:
    """File names of a video's masks, which must be the same on both sides."""
    names, expected = mask_names(found), mask_names(true)
    if missing := sorted(expected - names):
        raise InputError(f"{found / missing[0]}: found no such file, expected a predicted mask for each true one")
    if missing := sorted(names - expected):
        raise InputError(f"{true / missing[0]}: found no such file, expected a true mask for each predicted one")
    return sorted(expected, key=lambda name: (len(name), name))  # 9 before 10 where numbers are not padded
