"""Exercises of lesson 07: scores of DAVIS."""

from collections.abc import Callable

import numpy as np

from tbd_lib.course.exercises.exercise import Answer, Exercise, Mistake


def video_mean_j(predictions: np.ndarray, truth: np.ndarray) -> float:
    """Mean J of one object over the frames that count.

    Args:
        predictions: predicted pixels of the object, bool, of shape (frames, height, width).
        truth: its true pixels, of the same shape.

    Returns:
        A single number.
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
    return [(predictions[:4, :2, :4], truth[:4, :2, :4]), (predictions, truth), (nothing, gone)]


def f_of_boundaries(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    """F of two boundaries.

    Args:
        found: rows and columns of the predicted boundary's pixels, of shape (n, 2); n may be 0.
        true: those of the true boundary, of shape (m, 2); m may be 0.
        radius: the largest Euclidean distance at which a pixel is matched.

    Returns:
        A single number, from 0 to 1.
    """
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    away = np.linalg.norm(found[:, None] - true[None], axis=-1)  # n, m
    precision = np.mean(away.min(1) <= radius)
    recall = np.mean(away.min(0) <= radius)
    total = precision + recall
    return float(2 * precision * recall / total) if total else 0.0


def _f_with(distance: Callable[[np.ndarray], np.ndarray]) -> Answer:
    """F with another distance, which is computed from the rows and columns between two pixels."""

    def answer(found: np.ndarray, true: np.ndarray, radius: int) -> float:
        if len(found) == 0 or len(true) == 0:
            return float(len(found) == len(true))
        near = distance(found[:, None] - true[None]) <= radius
        return _harmonic(near.any(1).mean(), near.any(0).mean())

    return answer


def _harmonic(precision: float, recall: float) -> float:
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _near(found: np.ndarray, true: np.ndarray, radius: int) -> np.ndarray:
    return np.linalg.norm(found[:, None] - true[None], axis=-1) <= radius


def _plain_mean(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    near = _near(found, true, radius)
    return float((near.any(1).mean() + near.any(0).mean()) / 2)


def _f_recall_of_found(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    share = _near(found, true, radius).any(1).mean()
    return _harmonic(share, share)


def _f_hits_over_true(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    hits = _near(found, true, radius).any(1).sum()
    return _harmonic(hits / len(found), hits / len(true))


def _f_one_to_one(found: np.ndarray, true: np.ndarray, radius: int) -> float:
    if len(found) == 0 or len(true) == 0:
        return float(len(found) == len(true))
    free, pairs = np.ones(len(true), bool), 0
    for near in _near(found, true, radius):
        if (near & free).any():
            free[(near & free).argmax()] = False
            pairs += 1
    return _harmonic(pairs / len(found), pairs / len(true))


def _boundaries() -> list[tuple[np.ndarray, np.ndarray, int]]:
    point, line = np.array([[5, 5]]), np.stack([np.full(6, 5), np.arange(6)], 1)
    around = point + np.array([[0, 0], [0, 1], [1, 0], [9, 9]])  # three predicted pixels near the true one
    knight = np.array([[6, 7], [5, 7], [9, 5], [20, 20]])  # (1, 2), (0, 2), (4, 0) and far away from the point
    diagonal = np.array([[7, 7], [8, 5], [8, 8]])  # (2, 2), (3, 0) and (3, 3) away
    nothing = np.zeros((0, 2), int)
    cases = [(around, point, 2), (point, around, 2), (knight, point, 2), (diagonal, point, 3), (line, point, 2)]
    lines = [(line, line + np.array([2, 0]), 2), (line, line[:2], 2), (line, line + np.array([30, 0]), 2)]
    return [*cases, *lines, (nothing, line, 2), (line, nothing, 2), (nothing, nothing, 2)]


def data_set_mean(videos: list) -> float:
    """The data set's mean J.

    Args:
        videos: for each video a list with one array per object: the object's J in every scored frame.

    Returns:
        A single number.
    """
    means = [values.mean() for objects in videos for values in objects]
    return float(np.mean(means))


def _data_sets() -> list[tuple[list]]:
    few = [[np.array([0.9, 0.8, 0.7])], [np.array([0.5, 0.1]), np.array([0.4, 0.4])]]
    random = np.random.default_rng(1)
    many = [
        [random.random(frames) ** (video + 1) for _ in range(video + 1)] for video, frames in enumerate((9, 30, 14))
    ]
    return [(few,), (many,), ([[np.array([0.5, 0.7])]],)]


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
        Mistake(
            _with_empty_frames(1, 0),
            "the first frame was counted, whose mask was given; DAVIS leaves out the first and the last",
        ),
        Mistake(_empty_is_zero, "where both masks are empty nothing is wrong, and J is 1, not 0"),
        Mistake(
            lambda predictions, truth: ((predictions & truth).sum((1, 2)) / (predictions | truth).sum((1, 2)))[
                1:-1
            ].mean(),
            "0 / 0 is not a number; where both masks are empty J is 1",
        ),
        Mistake(
            lambda predictions, truth: float((predictions & truth)[1:-1].sum() / (predictions | truth)[1:-1].sum()),
            "all pixels of the video were pooled; take J of each frame, then the mean",
        ),
        Mistake(
            lambda predictions, truth: float((predictions == truth)[1:-1].mean()),
            "this is the share of pixels that are right, in which the background counts too; J is intersection over "
            "union",
        ),
        reasoning="`[1:-1]` leaves out the first frame, whose mask was given, and the last, by DAVIS's convention. J "
        "of each frame is the intersection over the union, and 1 where the union is empty. The mean comes last, so "
        "that every frame has the same weight whatever the object's size in it.",
    ),
    Exercise(
        "Write F for two sets of boundary pixels. A pixel is matched if the other boundary has *any* pixel at a "
        "Euclidean distance of at most `radius`, however many others that pixel matches already. Precision is the "
        "share of the predicted pixels that are matched, recall the share of the true ones, and F their harmonic "
        "mean. Special cases: where neither set holds a pixel F is 1, where only one does F is 0, and where nothing "
        "is matched F is 0 too.",
        f_of_boundaries,
        _boundaries,
        Mistake(
            lambda found, true, radius: f_of_boundaries(found * 1000, true * 1000, radius * 1000 - 1),
            "a pixel at exactly the radius is matched too: compare with <=",
        ),
        Mistake(
            _f_with(lambda apart: np.abs(apart).max(-1)),
            "the larger of rows and columns was compared, so that the neighbourhood is a square; the Euclidean "
            "distance makes it a disk",
        ),
        Mistake(
            _f_with(lambda apart: np.abs(apart).sum(-1)),
            "rows and columns were added up (Manhattan distance), so that the neighbourhood is a diamond; the "
            "Euclidean distance is the root of the sum of their squares",
        ),
        Mistake(
            _f_with(lambda apart: (apart**2).sum(-1)),
            "the squared distance was compared with the radius; take the root, or square the radius",
        ),
        Mistake(
            _f_recall_of_found,
            "recall was left out, or counted on the predicted pixels; it is the share of the *true* ones",
        ),
        Mistake(
            _f_hits_over_true,
            "recall divides the number of matched *predicted* pixels by the number of true ones; several predicted "
            "pixels may lie near one true pixel, so count the true pixels that are matched",
        ),
        Mistake(
            _f_one_to_one,
            "each pixel was allowed a single partner; a pixel is matched if any pixel is near, however many others are "
            "near that one too",
        ),
        Mistake(_plain_mean, "this is the plain mean of the two; the harmonic mean is 2 P R / (P + R)"),
        Mistake(
            lambda found, true, radius: f_of_boundaries(found, true, radius) if len(found) else 0.0,
            "where neither boundary has a pixel, F is 1",
        ),
        reasoning="`found[:, None] - true[None]` holds rows and columns between any two pixels, and the norm over the "
        "last axis their distances, one row per predicted pixel. The least of each row is the distance of a predicted "
        "pixel to the true boundary, the least of each column that of a true pixel to the predicted one: precision "
        "and recall are read off the same table, from its two sides. The empty cases come first, since a minimum of "
        "nothing does not exist.",
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
        Mistake(
            lambda videos: float(np.mean([objects[0].mean() for objects in videos])),
            "only the first object of each video was counted",
        ),
        Mistake(
            lambda videos: sum(values.mean() for objects in videos for values in objects) / len(videos),
            "the sum over objects was divided by the number of videos; divide by the number of objects",
        ),
        Mistake(
            lambda videos: [float(np.mean([values.mean() for values in objects])) for objects in videos],
            "this is a list with one number per video; the data set has a single one",
        ),
        reasoning="First each object's mean over its frames, so that a long video does not weigh more than a short "
        "one; then the mean over all objects of all videos, each with the same weight. A video with many objects "
        "weighs more than a video with one: that is DAVIS's convention.",
    ),
)
