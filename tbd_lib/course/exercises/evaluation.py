"""Exercises of lesson 07: scores of DAVIS."""

import numpy as np

from tbd_lib.course.exercises.exercise import Answer, Exercise, Mistake


def video_mean_j(predictions: np.ndarray, truth: np.ndarray) -> float:
    """Mean J of one object over the frames that count.

    Args:
        predictions: predicted pixels of the object, bool, of shape (frames, height, width).
        truth: its true pixels, of the same shape.
    """
    scores = []
    for predicted, true in zip(predictions[1:-1], truth[1:-1], strict=True):
        union = (predicted | true).sum()
        scores.append((predicted & true).sum() / union if union else 1.0)
    return float(np.mean(scores))


def _empty_is_zero(predictions: np.ndarray, truth: np.ndarray) -> float:
    both, either = predictions & truth, predictions | truth
    return float(np.mean(both.sum((1, 2))[1:-1] / np.maximum(either.sum((1, 2)), 1)[1:-1]))


def _with_empty_frames(before: int, after: int) -> Answer:
    """The mean J of videos that are longer by frames without a pixel, so that others count as first and last."""
    frames = ((before, after), (0, 0), (0, 0))
    return lambda predictions, truth: video_mean_j(np.pad(predictions, frames), np.pad(truth, frames))


def _videos() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    truth = random.random((7, 8, 9)) < np.linspace(0.2, 0.8, 7)[:, None, None]
    predictions = truth ^ (random.random(truth.shape) < 0.2)
    predictions[0] = truth[0]  # as it is given
    gone, nothing = truth.copy(), predictions.copy()
    gone[3:5] = nothing[3] = False  # in frame 3 both are empty, in frame 4 only the truth is
    return [(predictions, truth), (nothing, gone)]


def f_of_boundaries(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    """F of two boundaries.

    Args:
        found: rows and columns of the predicted boundary's pixels, of shape (n, 2); n may be 0.
        true: those of the true boundary, of shape (m, 2); m may be 0.
        radius: the largest Euclidean distance at which a pixel is matched.
    """
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    away = np.linalg.norm(found[:, None] - true[None], axis=-1)  # n, m
    precision = np.mean(away.min(1) <= radius)
    recall = np.mean(away.min(0) <= radius)
    total = precision + recall
    return float(2 * precision * recall / total) if total else 0.0


def _square(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    near = np.abs(found[:, None] - true[None]).max(-1) <= radius
    precision, recall = near.any(1).mean(), near.any(0).mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _plain_mean(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    near = np.linalg.norm(found[:, None] - true[None], axis=-1) <= radius
    return float((near.any(1).mean() + near.any(0).mean()) / 2)


def _boundaries() -> list[tuple[np.ndarray, np.ndarray, int]]:
    line = np.stack([np.full(6, 5), np.arange(6)], 1)
    corner = np.array([[7, 7], [8, 8], [20, 20]])  # (5, 5) is (2, 2) away: inside a square, outside a disk
    nothing = np.zeros((0, 2), int)
    below, far = line + np.array([2, 0]), line + np.array([30, 0])
    cases = [(line, below, 2), (line, below[:2], 2), (line, corner, 2), (line, far, 2)]
    return [*cases, (nothing, line, 2), (nothing, nothing, 2)]


def data_set_mean(videos: list) -> float:
    """The data set's mean J.

    Args:
        videos: for each video a list with one array per object: the object's J in every scored frame.
    """
    means = [values.mean() for objects in videos for values in objects]
    return float(np.mean(means))


def _data_sets() -> list[tuple[list]]:
    random = np.random.default_rng(1)
    many = [
        [random.random(frames) ** (video + 1) for _ in range(video + 1)] for video, frames in enumerate((9, 30, 14))
    ]
    return [(many,), ([[np.array([0.5, 0.7])]],)]


EXERCISES = (
    Exercise(
        "Write the mean J of one object in one video. Keep two rules of DAVIS in mind: which frames count, and what J "
        "is where neither mask holds a pixel.",
        video_mean_j,
        _videos,
        Mistake(
            _with_empty_frames(1, 1),
            "all frames were counted, but the first mask was given, and the last is left out too",
        ),
        Mistake(
            _with_empty_frames(0, 1),
            "the last frame was counted; DAVIS leaves out the first and the last",
        ),
        Mistake(_empty_is_zero, "where both masks are empty nothing was got wrong, and J is 1, not 0"),
        Mistake(
            lambda predictions, truth: float((predictions & truth)[1:-1].sum() / (predictions | truth)[1:-1].sum()),
            "all pixels of the video were pooled; take J of each frame, then the mean",
        ),
    ),
    Exercise(
        "Write F for two sets of boundary pixels, with its special cases: where neither set holds a pixel F is 1, "
        "where only one does F is 0, and where nothing is matched F is 0 too.",
        f_of_boundaries,
        _boundaries,
        Mistake(
            lambda found, true, radius: f_of_boundaries(found * 1000, true * 1000, radius * 1000 - 1),
            "a pixel at exactly the radius is matched too: compare with <=",
        ),
        Mistake(_square, "the neighbourhood was a square; the distance is the Euclidean one, so it is a disk"),
        Mistake(_plain_mean, "the harmonic mean is asked for: 2 P R / (P + R)"),
        Mistake(
            lambda found, true, radius: f_of_boundaries(found, true, radius) if len(found) else 0.0,
            "where neither boundary has a pixel, F is 1",
        ),
    ),
    Exercise(
        "Videos differ in their number of objects and in their length. From the values of J in all scored frames, "
        "compute the one number that DAVIS reports as the data set's mean J.",
        data_set_mean,
        _data_sets,
        Mistake(
            lambda videos: float(np.mean([np.mean([values.mean() for values in objects]) for objects in videos])),
            "each video was averaged first; DAVIS gives every object the same weight, not every video",
        ),
        Mistake(
            lambda videos: float(np.concatenate([values for objects in videos for values in objects]).mean()),
            "all frames were pooled, so that long videos weigh more; take each object's mean first",
        ),
    ),
)
