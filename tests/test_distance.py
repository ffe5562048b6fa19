"""Properties of the distance score."""

import numpy as np
import pytest
import torch
from golden import golden, reference_model

from tbd_lib.method.distance import DistanceScorer, squared_distances


def pairs_by_loops(scorer: DistanceScorer, h: int, w: int) -> torch.Tensor:
    """The textbook form: the network at the distance of every pair of positions."""
    places = [(y, x) for y in range(h) for x in range(w)]
    rows = [[np.hypot(a[0] - b[0], a[1] - b[1]) for b in places] for a in places]
    weight = scorer.out.weight
    return torch.stack([scorer(torch.tensor(row, dtype=weight.dtype)) for row in rows])


@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 7), (4, 3), (5, 6)])
def test_pairs_equal_the_network_at_every_pair(h: int, w: int) -> None:
    scorer = DistanceScorer(4).double()
    torch.testing.assert_close(scorer.pairs(h, w), pairs_by_loops(scorer, h, w), rtol=0, atol=1e-14)


def test_distances_are_euclidean_in_cells() -> None:
    distances = squared_distances(4, 6).sqrt()
    assert distances[0, 0] == 0
    assert distances[0, 6 * 3 + 4] == 5  # three rows and four columns apart
    assert torch.equal(distances, distances.T)


def test_gradient_equals_that_of_the_pairs() -> None:
    """Gathering from a table sends each pair's gradient to the weights, as evaluating every pair does."""
    scorer = DistanceScorer(4).double()
    weights = torch.randn(12, 12, dtype=torch.float64)
    names = [name for name, _ in scorer.named_parameters()]
    ours = torch.autograd.grad((scorer.pairs(3, 4) * weights).sum(), list(scorer.parameters()))
    plain = torch.autograd.grad((pairs_by_loops(scorer, 3, 4) * weights).sum(), list(scorer.parameters()))
    for name, a, b in zip(names, ours, plain, strict=True):
        torch.testing.assert_close(a, b, msg=name)


def test_scores_equal_the_authors() -> None:
    ours = reference_model().distance(torch.arange(61, dtype=torch.float64))
    np.testing.assert_allclose(ours.detach().numpy(), golden()["dsf_0_to_60"], rtol=1e-9)


def test_a_new_score_falls_with_the_distance() -> None:
    with torch.no_grad():
        scores = DistanceScorer(4)(torch.arange(20.0))
    assert (scores.diff() < 0).all()
    assert scores[0] > 0.85 and 0.4 < scores[5] < 0.5 and scores[11] < 0.01
