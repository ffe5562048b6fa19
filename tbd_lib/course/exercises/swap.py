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
    right, twice = np.eye(3), np.diag([2.0, 2, 1])
    right[0, 2] = 1
    return [(np.stack([right, twice]), np.diag([1.0, -1, 1])), (steps, crop), (steps[:1], crop), (steps[:3], np.eye(3))]


def clip_positions(begin: int, frames: int, length: int, backwards: bool) -> np.ndarray:
    """Which frames of a video a clip is made of.

    Args:
        begin: the first frame that is taken, counted from 0.
        frames: how many the clip has.
        length: how many the video has.
        backwards: whether the clip is played backwards.

    Returns:
        The positions, counted from 0, in the order in which the clip shows them, shape (frames,).
    """
    positions = np.minimum(begin + np.arange(frames), length - 1)
    return positions[::-1] if backwards else positions


def _turned(positions: np.ndarray, backwards: bool) -> np.ndarray:
    return positions[::-1] if backwards else positions


def _reversed_then_padded(begin: int, frames: int, length: int, backwards: bool) -> np.ndarray:
    shown = _turned(np.arange(begin, min(begin + frames, length)), backwards)
    return np.append(shown, [length - 1] * (frames - len(shown)))


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
    if not (mask * ~pasted).any():
        return image, mask
    return np.where(pasted[..., None], other_image, image), np.where(pasted, 0, mask)


def _pasted_always(
    image: np.ndarray, mask: np.ndarray, other_image: np.ndarray, other_mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return np.where(other_mask[..., None] > 0, other_image, image), np.where(other_mask > 0, 0, mask)


def _pastes() -> list[tuple[np.ndarray, ...]]:
    small = np.arange(12).reshape(2, 2, 3)
    upper, right, most = np.array([[1, 1], [0, 0]]), np.array([[0, 1], [0, 1]]), np.array([[1, 1], [0, 1]])
    random = np.random.default_rng(2)
    image, other = random.random((2, 8, 10, 3))
    mask, far, near, all_but_one = np.zeros((4, 8, 10), int)
    mask[2:6, 2:6], far[0:2, 7:10], near[3:8, 4:8], all_but_one[1:7, 1:7] = 1, 1, 1, 1
    all_but_one[5, 5] = 0
    pastes = [(image, mask, other, pasted) for pasted in (far, near, all_but_one)]
    first, last = ((small, target, small + 100, pasted) for target, pasted in ((upper, right), (upper, most)))
    return [first, *pastes, last]


EXERCISES = (
    Exercise(
        "From the single steps of the drift, $D_0, D_1, \\dots$, to one matrix per frame: $M_t = D_0\\, D_1 \\cdots "
        "D_t\\, C$ with the crop $C$. A matrix is applied to a pixel from the left, so the one that stands nearest to "
        "the pixel acts first. Which one is that, and does its place in the chain matter?",
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
            "the crop is applied in every step; it stands once, at the end of each chain",
        ),
        Mistake(
            lambda steps, crop: np.stack([reduce(np.matmul, steps[i::-1]) @ crop for i in range(len(steps))]),
            "the steps stand in reverse order; each new one is multiplied onto the chain from the right",
        ),
        Mistake(
            lambda steps, crop: np.concatenate([crop[None], accumulate_drift(steps, crop)[:-1]]),
            "each frame lacks its own step; frame 0 already has the first",
        ),
        Mistake(
            lambda steps, crop: accumulate_drift(steps, np.eye(3)),
            "the crop is missing; it is the same in all frames and stands at the end of each chain",
        ),
        reasoning="`drift` holds the product of all steps so far and takes one more factor from the right in every "
        "frame; the crop is multiplied onto a copy of it, so that it stands once in each chain. **The crop stands "
        "nearest to the pixel, so it acts first**: it takes the output pixel to its place in the frame, and the drift "
        "moves that place. The order matters, since matrix products do not commute: with the crop on the left the "
        "drift would be measured in output pixels, and the crop's scaling would enlarge it.",
        tolerance=1e-6,
    ),
    Exercise(
        "Which frames does a clip show? It takes consecutive frames from `begin` on, repeats the last one where the "
        "video has ended, and may be played backwards. In a clip that is played backwards, do the repeated frames come "
        "first or last?",
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
            "the clip begins earlier so that it fits; it should begin at `begin` and repeat the last frame",
        ),
        Mistake(
            lambda begin, frames, length, backwards: np.clip(
                begin + np.arange(frames) * (-1 if backwards else 1), 0, length - 1
            ),
            "backwards, other frames are shown; take the same frames as forwards, then reverse their order",
        ),
        Mistake(
            lambda begin, frames, length, backwards: np.arange(begin, min(begin + frames, length))[
                :: -1 if backwards else 1
            ],
            "the clip is too short where the video ends; repeat the last frame until there are `frames` of them",
        ),
        Mistake(
            _reversed_then_padded,
            "the order was reversed before the last frame was repeated; repeat first, then reverse, so that the "
            "repeated frames come first",
        ),
        Mistake(
            lambda begin, frames, length, backwards: clip_positions(begin, frames, length, False),
            "`backwards` has no effect here",
        ),
        reasoning="`begin + np.arange(frames)` would run beyond the end of the video; `np.minimum` with the last "
        "position, `length - 1`, repeats the last frame. Reversing comes after that. **Played backwards, the repeated "
        "frames come first**: such a clip begins with a scene that stands still.",
    ),
    Exercise(
        "Paste a distractor into one frame, the one in which the target is given: the other picture's object covers "
        "whatever is there, and belongs to the background. Before you start: this lesson has a rule for a paste that "
        "would leave nothing of the target. What must come back then?",
        attach_distractor,
        _pastes,
        Mistake(
            _pasted_always,
            "nothing of the target is left in the last case; such a paste is not made, so image and mask come back as "
            "they were",
        ),
        Mistake(
            lambda image, mask, other, pasted: (attach_distractor(image, mask, other, pasted)[0], mask),
            "covered pixels are still labelled as the target; there the image shows the distractor now",
        ),
        Mistake(
            lambda image, mask, other, pasted: (_pasted_always(image, mask, other, pasted)[0], mask),
            "covered pixels are still labelled as the target; there the image shows the distractor now. And a paste "
            "that leaves nothing of the target is not made",
        ),
        Mistake(
            lambda image, mask, other, pasted: (
                _pasted_always(image, mask, other, pasted)[0],
                np.maximum(mask, pasted),
            ),
            "the pasted object has the target's label; it is a distractor, so it is background",
        ),
        Mistake(
            lambda image, mask, other, pasted: (
                _pasted_always(image, mask, other, pasted * (mask == 0))[0],
                mask,
            ),
            "the object lies below the target; it is pasted over it, so that it can occlude",
        ),
        Mistake(
            lambda image, mask, other, pasted: (_pasted_always(image, mask, other, pasted)[0], pasted),
            "the mask is that of the pasted object; return what is left of the target",
        ),
        Mistake(
            lambda image, mask, other, pasted: (image, np.where(pasted > 0, 0, mask)),
            "the mask has changed and the image has not: the other picture's pixels are missing",
        ),
        Mistake(
            lambda image, mask, other, pasted: (other, np.where(pasted > 0, 0, mask)),
            "the whole other picture was taken; paste only the pixels of its object",
        ),
        reasoning="`np.where` chooses pixel by pixel: where the other mask is set the image shows the other picture "
        "and the target's mask becomes 0, since what is seen there is background now. `pasted[..., None]` gives the "
        "mask a third axis, so that it applies to all three colours. **If nothing of the target would be left, image "
        "and mask come back as they were**: the target has to be seen where it is given, and an empty mask would ask "
        "the network to follow nothing. (The lesson's rule is stricter: at least a minimum of pixels must be left.)",
    ),
)
