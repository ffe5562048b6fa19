"""Exercises of lesson 08: what a few seeds can tell."""

import math

import numpy as np

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def paired_difference(full: np.ndarray, without: np.ndarray) -> tuple[float, float]:
    """The mean of the differences within each seed, and their standard deviation.

    Args:
        full: one score per seed of the whole method, shape (n,) with n of at least 2.
        without: the scores of the same seeds without one idea, shape (n,).

    Returns:
        The mean of ``without - full``, and the estimate of its standard deviation from a sample: divide by n - 1.
    """
    difference = without - full
    mean = difference.mean()
    return float(mean), math.sqrt(((difference - mean) ** 2).sum() / (len(difference) - 1))


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs that move together, some with differences of both signs, and two seeds only."""
    random = np.random.default_rng(8)
    luck = random.normal(0.6, 0.1, 5)
    return [
        (np.array([0.7, 0.5]), np.array([0.72, 0.41])),
        (luck + 0.02, luck + random.normal(0, 0.03, 5)),
    ]


def seeds_needed(threshold: float) -> int:
    """The least number of seeds with which equal signs of all differences are unlikely enough by chance.

    Args:
        threshold: the largest p that counts, above 0 and at most 1.

    Returns:
        The smallest n of at least 1 for which n signs agree by chance, in either direction, with probability
        ``threshold`` or less.
    """
    n = 1
    while 2 / 2**n > threshold:
        n += 1
    return n


EXERCISES = (
    Exercise(
        "The verdicts rest on pairs of equal seed. Write `paired_difference`: the mean of the differences within a "
        "seed, the variant minus the whole method as in equation (1), and their standard deviation as it is estimated "
        "from a sample, with $n - 1$ instead of $n$ below the sum of squares.",
        paired_difference,
        pairs,
        Mistake(
            lambda full, without: (
                float(without.mean() - full.mean()),
                math.sqrt(full.var(ddof=1) + without.var(ddof=1)),
            ),
            "the two spreads were added up as if the seeds had nothing in common; subtract first, seed by seed, "
            "and take the spread of the differences",
        ),
        Mistake(
            lambda full, without: (float((without - full).mean()), float((without - full).std())),
            "the squares were divided by n; an estimate from a sample divides them by n - 1",
        ),
        Mistake(
            lambda full, without: (float(abs(without - full).mean()), float(abs(without - full).std(ddof=1))),
            "keep the sign of each difference: a gain and a loss of equal size cancel",
        ),
        Mistake(
            lambda full, without: (float((full - without).mean()), float((full - without).std(ddof=1))),
            "the sign of the mean is wrong: subtract the whole method from the variant, without - full",
        ),
        Mistake(
            lambda full, without: (float((without - full).mean()), float((without - full).var(ddof=1))),
            "this is the variance; the standard deviation is its root",
        ),
        Mistake(
            lambda full, without: (
                float((without - full).mean()),
                float((without - full).std(ddof=1) / len(full) ** 0.5),
            ),
            "this is the standard error, the uncertainty of the mean; the spread of the differences is asked for",
        ),
        reasoning="Subtracting within each seed first removes what the seed does to both models, such as an easy "
        "start; only then is the spread taken. A sample's own mean lies closer to its values than the true mean does, "
        "so dividing by $n$ gives a spread that is too small, and $n - 1$ makes up for it: by the factor $\\sqrt{n / "
        "(n - 1)}$, which is printed below for three seeds.",
        example="math.sqrt(3 / 2)",
    ),
    Exercise(
        "The differences of three seeds all have the same sign by chance with probability $2/2^3$. Write "
        "`seeds_needed`: what is the least number of seeds with which such an agreement has a probability of the "
        "threshold or less? For the usual 0.05 that is six: five seeds just miss it.",
        seeds_needed,
        lambda: [(0.05,), (0.0625,), (0.5,), (1.0,), (0.001,)],
        Mistake(
            lambda threshold: max(1, math.ceil(-math.log2(threshold))),
            "the signs may agree in either direction, above or below 0, so the probability is twice as large",
        ),
        Mistake(
            lambda threshold: math.floor(1 - math.log2(threshold)) + 1,
            "a p that equals the threshold counts too; look at the comparison in your loop",
        ),
        Mistake(
            lambda threshold: 1 - math.log2(threshold),
            "a number of seeds is whole; take the next whole number",
        ),
        Mistake(
            lambda threshold: math.floor(1 - math.log2(threshold)),
            "the result was rounded down, and with so few seeds p is still above the threshold; round up",
        ),
        Mistake(
            lambda threshold: math.ceil(2 / threshold),
            "each further seed halves the probability, so the number of seeds grows with the logarithm",
        ),
        reasoning="The loop tries one seed after another until $2 / 2^n$ is no longer above the threshold. That "
        "three seeds agree is no rare event: without any effect one comparison in four gives it. **The probabilities "
        "for five and six seeds** are printed below.",
        example='for n in (seeds_needed(0.05) - 1, seeds_needed(0.05)):\n    print(f"{n} seeds: p = {2 / 2**n:.4f}")',
    ),
)
