"""Answers to the exercises of lesson 02."""

from functools import reduce

import numpy as np
import torch

from answers import Answers


def _chains(steps, crop):
    return [reduce(np.matmul, [*steps[: t + 1], crop]) for t in range(len(steps))]


def _walk(begin, frames, length, backwards):
    shown, place = [], begin
    for _ in range(frames):
        shown.append(place)
        place = min(place + 1, length - 1)
    return shown[::-1] if backwards else shown


def _pixelwise(image, mask, other_image, other_mask):
    new_image, new_mask = image.copy(), mask.copy()
    new_image[other_mask == 1] = other_image[other_mask == 1]
    new_mask[other_mask == 1] = 0
    return (new_image, new_mask) if new_mask.any() else (image, mask)


def _blended(image, mask, other_image, other_mask):
    clear = (1 - other_mask)[..., None]
    return clear * image + (1 - clear) * other_image, (1 - other_mask) * mask


ANSWERS = {
    "accumulate_drift": Answers(
        right={
            "a list of chains": _chains,
            "nested lists": lambda steps, crop: np.array(_chains(steps, crop)).tolist(),
            "float32 tensors": lambda steps, crop: [torch.tensor(chain).float() for chain in _chains(steps, crop)],
        },
        wrong={
            "only its own step": (lambda steps, crop: [step @ crop for step in steps], "its own step only"),
            "crop on the left": (
                lambda steps, crop: [crop @ chain for chain in _chains(steps, np.eye(3))],
                "the crop acts last",
            ),
            "crop in every step": (
                lambda steps, crop: _chains([step @ crop for step in steps], np.eye(3)),
                "in every step",
            ),
            "reverse order": (
                lambda steps, crop: [reduce(lambda a, b: b @ a, steps[: t + 1]) @ crop for t in range(len(steps))],
                "reverse order",
            ),
            "begins one late": (lambda steps, crop: [crop, *_chains(steps, crop)][:-1], "lacks its own step"),
            "no crop": (lambda steps, crop: _chains(steps, np.eye(3)), "the crop is missing"),
            "element by element": (lambda steps, crop: np.cumprod(steps, 0) * crop, ""),
            "the last frame only": (lambda steps, crop: _chains(steps, crop)[-1], ""),
        },
    ),
    "clip_positions": Answers(
        right={
            "a list": _walk,
            "a tuple of floats": lambda *case: tuple(map(float, _walk(*case))),
            "a generator": lambda begin, frames, length, backwards: (
                min(begin + i, length - 1) for i in (reversed(range(frames)) if backwards else range(frames))
            ),
            "a tensor": lambda *case: torch.tensor(_walk(*case), dtype=torch.uint8),
        },
        wrong={
            "beyond the end": (
                lambda begin, frames, length, backwards: [
                    min(begin + i, length) for i in (reversed(range(frames)) if backwards else range(frames))
                ],
                "beyond the end",
            ),
            "round and round": (
                lambda begin, frames, length, backwards: [
                    (begin + i) % length for i in (reversed(range(frames)) if backwards else range(frames))
                ],
                "at the video's beginning",
            ),
            "moved forward": (
                lambda begin, frames, length, backwards: _walk(min(begin, length - frames), frames, length, backwards),
                "begins earlier",
            ),
            "into the past": (
                lambda begin, frames, length, backwards: [
                    min(max(begin - i, 0) if backwards else begin + i, length - 1) for i in range(frames)
                ],
                "other frames are shown",
            ),
            "a range that ends": (
                lambda begin, frames, length, backwards: range(begin, min(begin + frames, length))[
                    :: -1 if backwards else 1
                ],
                "too short",
            ),
            "reversed, then padded": (
                lambda begin, frames, length, backwards: (
                    sorted({*_walk(begin, frames, length, False)}, reverse=backwards) + [length - 1] * frames
                )[:frames],
                "reversed before",
            ),
            "always forwards": (
                lambda begin, frames, length, backwards: _walk(begin, frames, length, False),
                "no effect",
            ),
            "always backwards": (lambda begin, frames, length, backwards: _walk(begin, frames, length, True), ""),
            "a set": (lambda *case: set(_walk(*case)), ""),
        },
    ),
    "attach_distractor": Answers(
        right={
            "written into copies": _pixelwise,
            "a list of nested lists": lambda *case: [part.tolist() for part in _pixelwise(*case)],
            "tensors, the equation as it stands": lambda image, mask, other, pasted: (
                tuple(map(torch.tensor, _blended(image, mask, other, pasted)))
                if (mask > pasted).any()
                else (torch.tensor(image), torch.tensor(mask))
            ),
        },
        wrong={
            "covered wholly and pasted": (_blended, "such a paste is not made"),
            "still labelled": (lambda *case: (_pixelwise(*case)[0], case[1]), "still labelled"),
            "still labelled, always pasted": (lambda *case: (_blended(*case)[0], case[1]), "still labelled"),
            "labelled as the target": (lambda *case: (_blended(*case)[0], case[1] | case[3]), "has the target's label"),
            "below the target": (
                lambda image, mask, other, pasted: (_blended(image, mask, other, pasted & (1 - mask))[0], mask),
                "lies below the target",
            ),
            "the pasted object's mask": (lambda *case: (_blended(*case)[0], case[3]), "that of the pasted object"),
            "the image unchanged": (lambda *case: (case[0], case[1] * (1 - case[3])), "the image has not"),
            "the other picture": (lambda *case: (case[2], case[1] * (1 - case[3])), "the whole other picture"),
            "a hole": (lambda *case: (case[0] * (1 - case[3])[..., None], case[1] * (1 - case[3])), ""),
            "the image only": (lambda *case: _pixelwise(*case)[0], ""),
            "the two in the other order": (lambda *case: _pixelwise(*case)[::-1], ""),
        },
    ),
}
