"""Runs over many videos that go on where they stopped: what must be the same, and which videos are finished."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import ObjectScore
from tbd_lib.evaluation.report import Scores, VideoScore
from tbd_lib.texts import read_json
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.video.frames import FolderFrames, Video
from tbd_lib.video.headers import mask_files

Facts = Mapping[str, object]
"""What decides the results of a run, in types that JSON knows, so that one goes on only with its own results."""


def facts_of(segmenter: Segmenter, config: TrackConfig, videos: Sequence[Video], **more: object) -> Facts:
    """What decides a run's results, but for the content of the videos (``data_fingerprint``).

    Args:
        segmenter: the model or engine.
        config: how a video goes through it.
        videos: in the order of their list.
        more: for instance whether objects are joined.
    """
    engine = {"engine": type(segmenter).__name__, "weights": _weights(segmenter)}
    return json.loads(json.dumps({**engine, **asdict(config), **more, "videos": [video.name for video in videos]}))


def data_fingerprint(video: Video) -> str:
    """A hash of a video's files: names and sizes of frames, names and bytes of masks, and which masks are wanted.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in video.frames.paths if isinstance(video.frames, FolderFrames) else []:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode(errors="surrogateescape"))
    for path in mask_files(video):
        digest.update(f"{path.name}\n".encode(errors="surrogateescape") + path.read_bytes())
    digest.update(repr(video.wanted and sorted(video.wanted)).encode())
    return digest.hexdigest()[:32]


def require_same(place: Path, before: Facts, now: Facts) -> None:
    """Refuse to go on with the results of another run.

    Args:
        place: where they are, for the error.
        before: what decided the results that are there.
        now: what decides those that shall be added.

    Raises:
        InputError: something differs.
    """
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            found, here = (_short(facts.get(name)) for facts in (before, now))
            raise InputError(
                f"{place}: part of a run is there whose {name} was {found}, not {here}; expected the same, another "
                "place, or `overwrite`"
            )


def unfinished(path: Path) -> tuple[Facts, dict[str, VideoScore]]:
    """What a file of scores holds whose run stopped before its end: the run's facts, and the scores by video.

    Every number is that which was written.

    Raises:
        InputError: the file holds anything else; it is not written over.
        OSError: it cannot be read.
    """
    try:
        content = read_json(path, "scores")
        if content["videos_scored"] < content["videos_available"]:
            scores = {name: _video_score(name, video) for name, video in content["videos"].items()}
            return dict(content["run"]), scores
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise InputError(f"{path}: exists already; expected a new file (or `overwrite`)")


def _video_score(name: str, content: Mapping[str, Any]) -> VideoScore:
    scored = tuple(str(frame) for frame in content["scored_frames"])
    baseline = content["baseline"] and _scores(content["baseline"], len(scored))
    return VideoScore(
        name,
        int(content["frames"]),
        _scores(content["objects"], len(scored)),
        baseline,
        None if content["seconds"] is None else float(content["seconds"]),
        scored,
        str(content.get("masks", "")),
        content.get("data"),
    )


def _scores(content: Mapping[str, Any], frames: int) -> Scores:
    """J and F of every object, of so many frames.

    Raises:
        ValueError: no objects, or anything else in the place of the numbers.
    """
    scores = {
        int(i): ObjectScore(*(np.array(score[f"{measure}_per_frame"], np.float64) for measure in "JF"))
        for i, score in content.items()
    }
    values = [values for score in scores.values() for values in (score.j, score.f)]
    if not values or not all(each.shape == (frames,) and (abs(each) <= 1).all() for each in values):
        raise ValueError(f"expected numbers from 0 to 1 of {frames} frames")  # NaN is none
    return scores


def _weights(segmenter: Segmenter) -> str:
    """A hash of the weights, and of the code that makes masks of them."""
    from tbd_lib.engines.export import fingerprint
    from tbd_lib.engines.onnx import Onnx
    from tbd_lib.engines.shared import Shared
    from tbd_lib.method.model import TBD

    if isinstance(segmenter, Onnx):
        return segmenter.fingerprint
    model = segmenter.model if isinstance(segmenter, Shared) else segmenter
    if not isinstance(model, TBD):
        raise TypeError(f"a {type(segmenter).__name__}; expected a model or one of the engines")
    return fingerprint(model)


def _short(value: object) -> str:
    """A value as an error shows it."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
