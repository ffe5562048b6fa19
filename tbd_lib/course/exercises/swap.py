"""Lesson 02: the drift's chain of matrices, the frames of a clip, and a pasted distractor."""

from functools import reduce

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def accumulate_drift(steps: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """For each frame of a clip, the matrix that takes an output pixel to its place in the input.

    Args:
        steps: the drift of each step, shape (t, 3, 3); frame 0 already has the first.
        crop: the crop, which is the same in all frames, shape (3, 3).

    Returns:
        Shape (t, 3, 3).
    """
    drift, matrices = np.eye(3), []
    for step in steps:
        drift = drift @ step
        matrices.append(drift @ crop)
    return np.stack(matrices)


def _drifts() -> list[tuple[np.ndarray, ...]]:
    random = np.random.default_rng(0)
    steps = np.eye(3) + random.uniform(-0.2, 0.2, (5, 3, 3)) * np.array([[1, 1, 20], [1, 1, 20], [0, 0, 0]])
    crop = np.array([[-1.2, 0, 200], [0, 1.1, 7], [0, 0, 1]])
    return [(steps, crop), (steps[:1], crop), (steps[:3], np.eye(3))]


def clip_positions(begin: int, frames: int, length: int, backwards: bool) -> np.ndarray:
    """Which frames of a video a clip is made of.

    Args:
        begin: the first frame that is taken, counted from 0.
        frames: how many the clip has.
        length: how many the video has.
        backwards: whether the clip is played backwards.

    Returns:
        The positions in the order in which the clip shows them, shape (frames,).
    """
    positions = np.minimum(begin + np.arange(frames), length - 1)
    return positions[::-1] if backwards else positions


def _turned(positions: np.ndarray, backwards: bool) -> np.ndarray:
    return positions[::-1] if backwards else positions


def _clips() -> list[tuple[int, int, int, bool]]:
    return [(3, 5, 24, False), (20, 10, 24, False), (20, 10, 24, True), (23, 4, 24, True), (2, 6, 24, True)]


def attach_distractor(
    image: np.ndarray, mask: np.ndarray, other_image: np.ndarray, other_mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paste the object of another picture over this one, as a distractor that may cover the target.

    Args:
        image: shape (H, W, 3).
        mask: the target in it, 0 or 1, shape (H, W).
        other_image: shape (H, W, 3).
        other_mask: the object to be pasted, 0 or 1, shape (H, W).

    Returns:
        The new image and the new mask of the target.
    """
    pasted = other_mask > 0
    return np.where(pasted[..., None], other_image, image), np.where(pasted, 0, mask)


def _pastes() -> list[tuple[np.ndarray, ...]]:
    random = np.random.default_rng(2)
    image, other = random.random((2, 8, 10, 3))
    mask, far, near, covers = np.zeros((4, 8, 10), int)
    mask[2:6, 2:6], far[0:2, 7:10], near[3:8, 4:8], covers[1:7, 1:7] = 1, 1, 1, 1
    return [(image, mask, other, pasted) for pasted in (far, near, covers)]


EXERCISES = (
    Exercise(
        "Write equation (2): from the single steps of the drift to one matrix per frame. The matrix that stands "
        "nearest to the pixel acts first. Which one is that, and does its place in the chain matter?",
        accumulate_drift,
        _drifts,
        Mistake(
            lambda steps, crop: steps @ crop,
            "each frame has its own step only; the drift accumulates, so a frame also has all steps before it",
        ),
        Mistake(
            lambda steps, crop: crop @ accumulate_drift(steps, np.eye(3)),
            "the crop acts last; it takes the output pixel into the frame, so it must act first",
        ),
        Mistake(
            lambda steps, crop: accumulate_drift(steps @ crop, np.eye(3)),
            "the crop is applied in every step; it is chosen once, at the end of each chain",
        ),
        Mistake(
            lambda steps, crop: np.stack([reduce(np.matmul, steps[i::-1]) @ crop for i in range(len(steps))]),
            "the steps stand in reverse order; equation (2) multiplies each new one onto the chain from the right",
        ),
        tolerance=1e-6,
    ),
    Exercise(
        "Write equation (3): which frames does a clip show? Mind a clip that begins near the end of the video, and "
        "the order of two steps: repeating the last frame, and turning round.",
        clip_positions,
        _clips,
        Mistake(
            lambda begin, frames, length, backwards: _turned(np.minimum(begin + np.arange(frames), length), backwards),
            "a position lies beyond the end; frames are counted from 0, so the last is length - 1",
        ),
        Mistake(
            lambda begin, frames, length, backwards: _turned((begin + np.arange(frames)) % length, backwards),
            "the clip goes on at the video's beginning; it should stay at the last frame instead",
        ),
        Mistake(
            lambda begin, frames, length, backwards: clip_positions(
                max(min(begin, length - frames), 0), frames, length, backwards
            ),
            "the clip has been moved forward to fit; it begins where it is told, and repeats the last frame",
        ),
        Mistake(
            lambda begin, frames, length, backwards: np.clip(
                begin + np.arange(frames) * (-1 if backwards else 1), 0, length - 1
            ),
            "backwards, other frames are shown; take the same frames as forwards, then turn their order round",
        ),
    ),
    Exercise(
        "Write equation (4) for one frame. Before you do: if the pasted object covers the target wholly, what "
        "should come back?",
        attach_distractor,
        _pastes,
        Mistake(
            lambda image, mask, other, pasted: (attach_distractor(image, mask, other, pasted)[0], mask),
            "covered pixels are still labelled as the target; there the image shows the distractor now",
        ),
        Mistake(
            lambda image, mask, other, pasted: (
                attach_distractor(image, mask, other, pasted)[0],
                np.maximum(mask, pasted),
            ),
            "the pasted object has the target's label; it is a distractor, so it is background",
        ),
        Mistake(
            lambda image, mask, other, pasted: (attach_distractor(image, mask, other, pasted * (mask == 0))[0], mask),
            "the object lies below the target; it is pasted over it, so that it can occlude",
        ),
        Mistake(
            lambda image, mask, other, pasted: (attach_distractor(image, mask, other, pasted)[0], pasted),
            "the mask is that of the pasted object; wanted is what is left of the target",
        ),
    ),
)
