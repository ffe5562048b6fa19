"""Exercises of lesson 06: training."""

import math

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def clip_loss(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of a clip.

    Args:
        logits: of background and foreground in every frame after the first, of shape (frames - 1, 2, height, width).
        masks: 1 where the object is, else 0, in every frame, of shape (frames, height, width).
    """
    background, foreground = logits.log_softmax(1).unbind(1)
    return -torch.where(masks[1:] > 0, foreground, background).mean()


def _mean_of_right(values: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    background, foreground = values.unbind(1)
    return torch.where(masks[1:] > 0, foreground, background).mean()


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


def own_clips(iteration: int, rank: int, processes: int, batch: int) -> list:
    """Numbers of a process's clips, ascending.

    Args:
        iteration: counted from 0.
        rank: of the process, counted from 0.
        processes: how many there are; they divide the batch without a rest.
        batch: clips of one iteration, over all processes.
    """
    per_process = batch // processes
    begin = iteration * batch + rank * per_process
    return list(range(begin, begin + per_process))


EXERCISES = (
    Exercise(
        "Write the loss of one clip with `log_softmax` instead of `F.cross_entropy`. There is one frame less of logits "
        "than of masks: think about which mask belongs to which logits.",
        clip_loss,
        _clips,
        Mistake(
            lambda logits, masks: clip_loss(logits, torch.cat([masks[:1], masks[:-1]])),
            "the masks are one frame off; the first logits belong to the second mask",
        ),
        Mistake(
            lambda logits, masks: clip_loss(logits.flip(1), masks),
            "the regions are swapped; background comes first in dimension 1",
        ),
        Mistake(
            lambda logits, masks: -_mean_of_right(logits.softmax(1), masks).log(),
            "the mean was taken before the logarithm; take it of the logarithms",
        ),
        Mistake(
            lambda logits, masks: -_mean_of_right(logits.log_softmax(-1), masks),
            "the softmax ran over pixels; it belongs to the two regions, dimension 1",
        ),
        Mistake(
            lambda logits, masks: clip_loss(logits, masks) * masks[1:].numel(),
            "this is the sum over all pixels; the mean is asked for",
        ),
    ),
    Exercise(
        "A share of the pixels belongs to the object. What is the lowest mean cross-entropy that a model can reach "
        "which never looks, and gives every pixel the same probability? Mind the videos in which there is no object at "
        "all, or nothing else.",
        blind_loss,
        lambda: [(0.05,), (0.3,), (0.5,), (0.0,), (1.0,)],
        Mistake(
            lambda share: math.log(2), "this is the loss of probability 1/2; a model can do better by knowing the share"
        ),
        Mistake(
            lambda share: -math.log(1 - share) if share < 1 else math.inf,
            "the model may call a pixel object with probability `share`, and pays for both regions",
        ),
        Mistake(
            lambda share: blind_loss(share) / math.log(2),
            "the result is in bits; cross-entropy in PyTorch uses the natural logarithm",
        ),
    ),
    Exercise(
        "A run's clips are numbered from 0 without gaps: the first batch, then the second, and so on. Each process "
        "takes an equal, connected part of every batch. Which numbers does one process take in one iteration?",
        own_clips,
        lambda: [(0, 0, 1, 4), (0, 1, 2, 8), (5, 0, 2, 8), (3, 2, 4, 16)],
        Mistake(
            lambda iteration, rank, processes, batch: list(
                range(iteration * batch + rank, (iteration + 1) * batch, processes)
            ),
            "the clips were dealt out like cards; each process takes a connected part",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: own_clips(iteration, 0, 1, batch // processes),
            "every process gets the same clips, since the rank has no part in it",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: own_clips(iteration, 0, 1, batch),
            "each process takes the whole batch; its part is `batch // processes` clips",
        ),
    ),
)
