"""Exercises of lesson 06: training."""

import math

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def clip_loss(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of a clip.

    Args:
        logits: of background and foreground in every frame after the first, of shape (frames - 1, 2, height, width).
        masks: 1 where the object is, else 0, in every frame, of shape (frames, height, width).

    Returns:
        A single number.
    """
    background, foreground = logits.log_softmax(1).unbind(1)
    return -torch.where(masks[1:] > 0, foreground, background).mean()


def _mean_of_right(values: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    background, foreground = values.unbind(1)
    return torch.where(masks[1:] > 0, foreground, background).mean()


def _clips() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    sizes = ((2, 1, 3), (3, 5, 6), (2, 4, 4))
    return [
        (2 * torch.randn(t - 1, 2, h, w, generator=generator), torch.randint(0, 2, (t, h, w), generator=generator))
        for t, h, w in sizes
    ]


def blind_loss(share: float) -> float:
    """The lowest loss without looking.

    Args:
        share: of the pixels that belong to the object, from 0 to 1.

    Returns:
        The mean cross-entropy per pixel.
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
        "Write the loss of one clip with `log_softmax` instead of `F.cross_entropy`: the mean over all pixels of all "
        "frames that have logits. There is one frame less of logits than of masks: think about which mask belongs to "
        "which logits.",
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
        Mistake(
            lambda logits, masks: -clip_loss(logits, masks),
            "the sign is missing: logarithms of probabilities are negative, and a loss is their negative",
        ),
        Mistake(
            lambda logits, masks: clip_loss(logits, masks) / 2,
            "the mean ran over both regions; only the logarithm of the true region counts, once per pixel",
        ),
        reasoning="The first mask is given, so the logits begin with the second frame: `masks[1:]` belongs to them. "
        "`log_softmax(1)` turns the two logits of each pixel into logarithms of probabilities, `torch.where` picks "
        "that of the region to which the pixel belongs, and the loss is the negative mean.",
    ),
    Exercise(
        "A share of the pixels belongs to the object. What is the lowest mean cross-entropy, with the natural "
        "logarithm, that a model can reach which never looks, and gives every pixel the same probability of being "
        "object? Mind the videos in which there is no object at all, or nothing else.",
        blind_loss,
        lambda: [(0.05,), (0.3,), (0.5,), (0.0,), (1.0,)],
        Mistake(
            lambda share: math.log(2), "this is the loss of probability 1/2; a model can do better by knowing the share"
        ),
        Mistake(
            lambda share: -math.log(1 - share) if share < 1 else math.inf,
            "this counts only one kind of pixel; those of the object cost -log(share), those of the background "
            "-log(1 - share), each as often as it occurs",
        ),
        Mistake(
            lambda share: blind_loss(share) / math.log(2),
            "the result is in bits; cross-entropy in PyTorch uses the natural logarithm",
        ),
        Mistake(
            lambda share: -share * math.log(share) - (1 - share) * math.log(1 - share),
            "log 0 has no value; where the share is 0 or 1 the model is certain and right, and the loss is 0",
        ),
        Mistake(
            lambda share: -blind_loss(share),
            "the sign is missing: logarithms of probabilities are negative, and a loss is their negative",
        ),
        Mistake(
            lambda share: min(share, 1 - share),
            "this is the share of wrong pixels if all are called the commoner region; the cross-entropy is asked for",
        ),
        reasoning="If the model says $q$ everywhere, the mean loss is $-s \\log q - (1 - s) \\log(1 - q)$ with the "
        "share $s$. Its derivative is 0 at $q = s$: the best guess is the share itself, and the loss that is left is "
        "the entropy of the share. With a share of 0 or 1 the model is certain and right, so the loss is 0; the "
        "formula has 0 log 0 there, which Python refuses to compute.",
    ),
    Exercise(
        "A run's clips are numbered from 0 without gaps: the first batch, then the second, and so on. Each process "
        "takes an equal and contiguous part of every batch, process 0 the first. Which numbers does one process take "
        "in one iteration?",
        own_clips,
        lambda: [(1, 1, 2, 8), (0, 0, 1, 4), (5, 0, 2, 8), (3, 2, 4, 16)],
        Mistake(
            lambda iteration, rank, processes, batch: list(
                range(iteration * batch + rank, (iteration + 1) * batch, processes)
            ),
            "the clips were dealt out like cards; each process takes a contiguous part",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: own_clips(iteration, 0, 1, batch // processes),
            "every process gets the same clips, since the rank has no effect",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: own_clips(iteration, 0, 1, batch),
            "each process takes the whole batch; its part is `batch // processes` clips",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: own_clips(iteration * processes + rank, 0, 1, batch),
            "`batch` counts the clips of all processes together; a process takes `batch // processes` of them",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: own_clips(0, rank, processes, batch),
            "every iteration takes the same clips; `iteration` batches come before this one",
        ),
        Mistake(
            lambda iteration, rank, processes, batch: [n + 1 for n in own_clips(iteration, rank, processes, batch)],
            "clips are counted from 0",
        ),
        reasoning="`iteration` whole batches come before this one, and within it `rank` parts of `batch // processes` "
        "clips come before the process's part. The number of processes does not change which clips a batch holds, so "
        "a run on two GPUs trains on the same batches as a run on one.",
    ),
)
