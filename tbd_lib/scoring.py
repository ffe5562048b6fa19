"""Score masks that lie in folders. Imports no PyTorch, whose start takes longer than scoring many a video."""

from collections.abc import Iterator
from itertools import tee
from pathlib import Path

from tqdm.auto import tqdm

from tbd_lib.files import InputError
from tbd_lib.masks import read_mask, size_of
from tbd_lib.metrics import score_video
from tbd_lib.report import Report, VideoScore
from tbd_lib.shapes import Mask

DAVIS_MASKS = Path("Annotations", "480p")  # where a DAVIS root keeps the masks that are scored


def score(predictions: Path, truth: Path, joined: bool = False) -> Report:
    """Score masks that lie in ``predictions/<video>/<frame>.png``; every folder there is a video.

    Args:
        predictions: a folder of folders of masks, for all or some of the videos of ``truth``.
        truth: true masks in the same layout; or a folder that has them in ``Annotations/480p``, as a DAVIS root.
        joined: all objects of a mask are one, id 1 (DAVIS-2016).

    Raises:
        InputError: a video or frame that only one side has (a whole video may lack predictions, which the report
            counts), a file that is no mask, masks of different sizes, or fewer than three frames.
        OSError: a file cannot be read.
    """
    root = truth / DAVIS_MASKS if (truth / DAVIS_MASKS).is_dir() else truth
    available = _video_names(root)
    names = _video_names(predictions)
    frames = {name: _common_frames(predictions / name, root / name) for name in names}
    scores = []
    for name in tqdm(names, desc="score", unit="video"):
        found, true = _unzip(_read_pairs(predictions / name, root / name, frames[name]))
        scores.append(VideoScore(name, len(frames[name]), score_video(found, true, joined, name)))
    return Report(tuple(scores), len(available), joined)


def mask_names(folder: Path) -> set[str]:
    """File names of the masks of a video; hidden files are no masks (a write that was cut off leaves one)."""
    return {path.name for path in folder.glob("[!.]*.png")}


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


def _read_pairs(found: Path, true: Path, names: list[str]) -> Iterator[tuple[Mask, Mask]]:
    """Predicted and true masks, read when asked for."""
    for name in names:
        prediction, truth = read_mask(found / name), read_mask(true / name)
        if prediction.shape != truth.shape:
            size, expected = size_of(prediction.shape), size_of(truth.shape)
            raise InputError(f"{found / name}: found a mask of {size} pixels, expected {expected} as {true / name}")
        yield prediction, truth


def _unzip(pairs: Iterator[tuple[Mask, Mask]]) -> tuple[Iterator[Mask], Iterator[Mask]]:
    """Both sides of the pairs; taken in step, no more than one pair is held."""
    left, right = tee(pairs)
    return (prediction for prediction, _ in left), (truth for _, truth in right)
