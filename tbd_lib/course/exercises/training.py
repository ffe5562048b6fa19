"""Exercises of lesson 06: training."""

import math

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake

LOSS_TASK = """
Write the loss of one clip with `log_softmax` instead of `F.cross_entropy`. There is one frame less of logits than of
masks: think about which mask belongs to which logits.
"""

BLIND_TASK = """
A share of the pixels belongs to the object. What is the lowest mean cross-entropy that a model can reach which never
looks, and gives every pixel the same probability? Mind the videos in which there is no object at all, or nothing else.
"""

CLIPS_TASK = """
A run's clips are numbered from 0 without gaps: the first batch, then the second, and so on. Each process takes an
equal, connected part of every batch. Which numbers does one process take in one iteration?
"""


def clip_loss(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of a clip.

    Args:
        logits: of background and foreground in every frame after the first, of shape (frames - 1, 2, height, width).
        masks: 1 where the object is, else 0, in every frame, of shape (frames, height, width).
    """
    background, foreground = logits.log_softmax(1).unbind(1)
    return -torch.where(masks[1:] > 0, foreground, background).mean()


def _frame_before(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return clip_loss(logits, torch.cat([masks[:1], masks[:-1]]))


def _regions_swapped(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return clip_loss(logits.flip(1), masks)


def _probabilities_averaged(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    background, foreground = logits.softmax(1).unbind(1)
    return -torch.where(masks[1:] > 0, foreground, background).mean().log()


def _softmax_over_pixels(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    background, foreground = logits.log_softmax(-1).unbind(1)
    return -torch.where(masks[1:] > 0, foreground, background).mean()


def _summed(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return clip_loss(logits, masks) * masks[1:].numel()


def _clips() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    sizes = ((3, 5, 6), (2, 4, 4))
    return [
        (2 * torch.randn(t - 1, 2, h, w, generator=generator), torch.randint(0, 2, (t, h, w), generator=generator))
        for t, h, w in sizes
    ]


def blind_loss(share: float) -> float:
    """The lowest loss without looking.

    Args:
        share: of the pixels that belong to the object, from 0 to 1.
    """
    if share in (0.0, 1.0):
        return 0.0
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


def _one_half(share: float) -> float:
    return math.log(2)


def _all_background(share: float) -> float:
    return -math.log(1 - share) if share < 1 else math.inf


def _in_bits(share: float) -> float:
    return blind_loss(share) / math.log(2)


def own_clips(iteration: int, rank: int, processes: int, batch: int) -> list:
    """Numbers of a process's clips, ascending.

    Args:
        iteration: counted from 0.
        rank: of the process, counted from 0.
        processes: how many there are; they divide the batch without a rest.
        batch: clips of one iteration, over all processes.
    """
    own = batch // processes
    begin = iteration * batch + rank * own
    return list(range(begin, begin + own))


def _every_other(iteration: int, rank: int, processes: int, batch: int) -> list:
    return list(range(iteration * batch + rank, (iteration + 1) * batch, processes))


def _own_counter(iteration: int, rank: int, processes: int, batch: int) -> list:
    return own_clips(iteration, 0, 1, batch // processes)


def _all_of_them(iteration: int, rank: int, processes: int, batch: int) -> list:
    return own_clips(iteration, 0, 1, batch)


EXERCISES = (
    Exercise(
        lesson="06",
        task=LOSS_TASK,
        solution=clip_loss,
        cases=_clips,
        mistakes=(
            Mistake(_frame_before, "the masks are one frame off; the first logits belong to the second mask"),
            Mistake(_regions_swapped, "the regions are swapped; background comes first in dimension 1"),
            Mistake(_probabilities_averaged, "the mean was taken before the logarithm; take it of the logarithms"),
            Mistake(_softmax_over_pixels, "the softmax ran over pixels; it belongs to the two regions, dimension 1"),
            Mistake(_summed, "this is the sum over all pixels; the mean is asked for"),
        ),
    ),
    Exercise(
        lesson="06",
        task=BLIND_TASK,
        solution=blind_loss,
        cases=lambda: [(0.05,), (0.3,), (0.5,), (0.0,), (1.0,)],
        mistakes=(
            Mistake(_one_half, "this is the loss of probability 1/2; a model can do better by knowing the share"),
            Mistake(
                _all_background, "the model may call a pixel object with probability `share`, and pays for both regions"
            ),
            Mistake(_in_bits, "the result is in bits; cross-entropy in PyTorch uses the natural logarithm"),
        ),
    ),
    Exercise(
        lesson="06",
        task=CLIPS_TASK,
        solution=own_clips,
        cases=lambda: [(0, 0, 1, 4), (0, 1, 2, 8), (5, 0, 2, 8), (3, 2, 4, 16)],
        mistakes=(
            Mistake(_every_other, "the clips were dealt out like cards; each process takes a connected part"),
            Mistake(_own_counter, "every process gets the same clips, since the rank has no part in it"),
            Mistake(_all_of_them, "each process takes the whole batch; its part is `batch // processes` clips"),
        ),
    ),
)
