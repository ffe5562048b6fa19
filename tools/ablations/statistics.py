"""What differences to the full model are worth: intervals over seeds and videos together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RESAMPLED = 10_000
LEVEL = 0.95
POWER = 0.8
STANDARD_ERRORS = 2.8  # z of 0.975 plus z of 0.8: the effect that four of five experiments would show

Objects = Mapping[str, Mapping[str, float]]
Videos = Mapping[str, Objects]


@dataclass(frozen=True)
class Effect:
    """A mean paired difference in J&F, its interval, and the smallest that would have been seen in four of five cases.

    The interval is a bootstrap's: seeds and videos are drawn again with replacement, both at once, and the videos'
    objects with them. With so few of either it is somewhat too narrow.
    """

    mean: float
    low: float
    high: float
    smallest: float

    @property
    def shown(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.low > 0 or self.high < 0


def effect(ablated: Sequence[Videos], full: Sequence[Videos], seed: int = 0) -> Effect:
    """The effect of an ablation on a set of videos.

    Args:
        ablated: J and F by video and object, for every seed.
        full: of the full model, of the same seeds in the same order.
        seed: of what is drawn.
    """
    differences, objects = difference_per_video(ablated, full)
    drawn = np.random.default_rng(seed)
    seeds, videos = (drawn.integers(n, size=(RESAMPLED, n)) for n in differences.shape)
    chosen = differences[seeds[:, :, None], videos[:, None, :]].sum(1) / len(ablated)  # draw, video
    means = chosen.sum(1) / objects[videos].sum(1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = differences.sum() / (len(ablated) * objects.sum())
    return Effect(float(mean), float(low), float(high), float(STANDARD_ERRORS * means.std()))


def difference_per_video(
    ablated: Sequence[Videos], full: Sequence[Videos]
) -> tuple[Float[np.ndarray, "s v"], Float[np.ndarray, " v"]]:
    """Differences in J&F summed over the objects of each video, and how many objects each has."""
    names = list(full[0])
    sums = [
        [sum(j_and_f(a[name][i]) - j_and_f(b[name][i]) for i in b[name]) for name in names]
        for a, b in zip(ablated, full, strict=True)
    ]
    return np.array(sums), np.array([len(full[0][name]) for name in names], float)


def j_and_f(score: Mapping[str, float]) -> float:
    """The mean of J and F."""
    return (score["J"] + score["F"]) / 2


def mean_j_and_f(videos: Videos) -> float:
    """Mean over all objects of all videos."""
    return float(np.mean([j_and_f(score) for objects in videos.values() for score in objects.values()]))


def expected_false(verdicts: int) -> float:
    """How many of so many intervals would leave zero out although there were no effects at all."""
    return (1 - LEVEL) * verdicts
