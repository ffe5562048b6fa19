"""Training a head on stored features, and what is kept of it: its curve, its weights, its scores per video."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from tbd_lib.evaluation.metrics import ObjectScore
from tbd_lib.method.model import TBD, Features, autocast
from tbd_lib.training.config import SMALL_STAGE, change
from tbd_lib.training.objective import Objective
from tbd_lib.training.train import context_share, make_optimiser, set_rates
from tools.ablations.pool import Pool
from tools.ablations.test_sets import Encoded
from tools.ablations.variants import CURVE, Variant

PRECISION = "bfloat16"
RECIPE = change(
    SMALL_STAGE,
    data={"batch": 4},
    run={"iterations": CURVE[-1], "precision": PRECISION},
)


def train(
    variant: Variant, model: TBD, seed: int, pool: Pool, stops: Sequence[int]
) -> Iterator[tuple[int, list[dict[str, float]]]]:
    """Train a head in place, to the last of ``stops``; stops after each, with the log since the stop before."""
    recipe = change(RECIPE, run={"iterations": stops[-1]})
    objective, log = Objective(model), []
    optimiser = make_optimiser(recipe, objective)
    for iteration, (clips, versions) in enumerate(draws(len(pool), variant.swap, seed, stops[-1])):
        objective.train()  # at a stop the model is scored, in inference mode
        set_rates(recipe, optimiser, iteration)
        levels, masks = pool.batch(clips, versions)
        with autocast(model.device, PRECISION):
            frames = [Features(s4, s8, s16, model.key_head(s16)) for s4, s8, s16 in levels]
            loss, iou = objective.of_features(frames, masks, context_share(recipe, iteration))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.optimiser.clip_gradient or torch.inf)
        optimiser.step()
        log.append({"loss": loss.item(), "iou": iou.item()})
        if iteration + 1 in stops:
            yield iteration + 1, log
            log = []


def draws(clips: int, swap: float, seed: int, iterations: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Which clips stand in each batch, and which of them pasted over: of one seed the same clips in every variant."""
    order, paste = (np.random.default_rng([seed, part]) for part in range(2))
    batch, waiting = RECIPE.data.batch, np.empty(0, np.int64)
    for _ in range(iterations):
        if len(waiting) < batch:
            waiting = np.concatenate([waiting, order.permutation(clips)])
        chosen, waiting = waiting[:batch], waiting[batch:]
        yield chosen, (paste.random(batch) < swap).astype(np.int64)


def scores(model: TBD, videos: Sequence[Encoded]) -> dict[str, dict[str, dict[str, float]]]:
    """J and F of every object, by video and id."""
    return {entry.video.name: numbers(entry.score(model)) for entry in videos}


def numbers(objects: Mapping[int, ObjectScore]) -> dict[str, dict[str, float]]:
    """Means over the frames, for JSON."""
    return {
        str(i): {"J": round(score.j_statistics.mean, 5), "F": round(score.f_statistics.mean, 5)}
        for i, score in objects.items()
    }
