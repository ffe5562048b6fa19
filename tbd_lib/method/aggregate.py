"""From each object's probability to one distribution over background and all objects (step 6)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

MOST_LOG_ODDS = math.log((1 - 1e-7) / 1e-7)  # a probability is kept 1e-7 away from 0 and 1 before odds are taken


def aggregate(prob: Float[Tensor, "o H W"]) -> Float[Tensor, "o+1 H W"]:
    """Each object's probability becomes one distribution over background and all objects (step 6).

    Odds ``p / (1 - p)`` of every object, and of the background with the least of the objects' ``1 - p``, normalised to
    sum to one. Even a single object is sharpened, to ``p^2 / (p^2 + (1 - p)^2)``.
    """
    return aggregate_log_odds(prob.logit())


def aggregate_log_odds(log_odds: Float[Tensor, "o H W"]) -> Float[Tensor, "o+1 H W"]:
    """``aggregate`` from the logarithm of every object's odds: a softmax.

    That is the difference of its two logits. Odds reach 1e7, and float32 holds only a few of the probabilities that
    near 1, which would make ties where objects compete; their logarithms keep every digit.
    """
    background = -log_odds.amax(0, keepdim=True)
    return torch.cat([background, log_odds]).clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS).softmax(0)
