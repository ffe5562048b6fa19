"""Answers to the exercises of lesson 06."""

import math
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F

from answers import Answers


def _picked(logits, masks):
    return logits.log_softmax(1).gather(1, masks[1:, None])


def _entropy(share, log=math.log):
    return sum(-p * log(p) for p in (share, 1 - share) if p > 0)


def _part(iteration, rank, processes, batch):
    return range(iteration * batch, (iteration + 1) * batch)[rank * batch // processes :][: batch // processes]


ANSWERS = {
    "clip_loss": Answers(
        right={
            "cross_entropy": lambda logits, masks: F.cross_entropy(logits, masks[1:]),
            "a float": lambda logits, masks: float(-_picked(logits, masks).mean()),
            "the difference of the logits": lambda logits, masks: np.mean(
                np.log1p(np.exp((logits[:, 0] - logits[:, 1]).numpy() * (2 * masks[1:].numpy() - 1)))
            ),
        },
        wrong={
            "one mask off": (lambda logits, masks: F.cross_entropy(logits, masks[:-1]), "one frame off"),
            "swapped": (lambda logits, masks: F.cross_entropy(logits, 1 - masks[1:]), "are swapped"),
            "log of the mean": (
                lambda logits, masks: -_picked(logits, masks).exp().mean().log(),
                "before the logarithm",
            ),
            "softmax over pixels": (
                lambda logits, masks: -logits.log_softmax(-1).gather(1, masks[1:, None]).mean(),
                "ran over pixels",
            ),
            "the sum": (lambda logits, masks: F.cross_entropy(logits, masks[1:], reduction="sum"), "sum over all"),
            "the sign": (lambda logits, masks: _picked(logits, masks).mean(), "the sign is missing"),
            "mean over regions too": (
                lambda logits, masks: (
                    F.binary_cross_entropy(logits.softmax(1), F.one_hot(masks[1:], 2).movedim(-1, 1).float()) / 2
                ),
                "ran over both regions",
            ),
            "a loss per frame": (lambda logits, masks: -_picked(logits, masks).mean((1, 2, 3)), ""),
            "all masks": (lambda logits, masks: F.cross_entropy(logits, masks), ""),
        },
    ),
    "blind_loss": Answers(
        right={
            "a sum over what occurs": _entropy,
            "xlogy": lambda share: -sum(torch.xlogy(p, p) for p in torch.tensor([share, 1 - share])),
            "a single precision number": lambda share: np.float32(_entropy(share)),
        },
        wrong={
            "one half": (lambda share: -math.log(0.5), "the loss of probability 1/2"),
            "background only": (lambda share: -np.log1p(-share), "only one kind of pixel"),
            "bits": (lambda share: _entropy(share, math.log2), "in bits"),
            "log 0": (lambda share: -share * math.log(share) - (1 - share) * math.log(1 - share), "log 0 has no"),
            "the sign": (lambda share: -_entropy(share), "the sign is missing"),
            "wrong pixels": (lambda share: 0.5 - abs(0.5 - share), "wrong pixels"),
            "a text": (lambda share: f"{_entropy(share):.4f}", ""),
            "two numbers": (lambda share: (share, _entropy(share)), ""),
        },
    ),
    "own_clips": Answers(
        right={
            "a range": _part,
            "a tuple": lambda *case: tuple(_part(*case)),
            "NumPy": lambda iteration, rank, processes, batch: np.arange((iteration + 1) * batch).reshape(
                -1, processes, batch // processes
            )[iteration, rank],
            "an iterator of fractions": lambda *case: map(Fraction, _part(*case)),
        },
        wrong={
            "dealt out": (
                lambda i, rank, n, batch: list(range(i * batch, (i + 1) * batch))[rank::n],
                "like cards",
            ),
            "no rank": (lambda i, rank, n, batch: range(i * (batch // n), (i + 1) * (batch // n)), "same clips"),
            "the whole batch": (lambda i, rank, n, batch: range(i * batch, (i + 1) * batch), "the whole batch"),
            "a batch each": (
                lambda i, rank, n, batch: range((i * n + rank) * batch, (i * n + rank + 1) * batch),
                "all processes together",
            ),
            "no iteration": (lambda i, rank, n, batch: _part(0, rank, n, batch), "every iteration"),
            "from 1": (lambda *case: [number + 1 for number in _part(*case)], "counted from 0"),
            "descending": (lambda *case: _part(*case)[::-1], ""),
            "a set": (lambda *case: set(_part(*case)), ""),
            "begin and end": (lambda *case: (_part(*case)[0], _part(*case)[-1]), ""),
        },
    ),
}
