"""Properties of keys, affinities and matches."""

import pytest
import torch
import torch.nn.functional as F

from tbd_lib.method.matching import KeyHead, affinity, best_match, full_precision, grid_mask, prototype_match


def unit_keys(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=1)


def test_keys_have_length_one() -> None:
    key = KeyHead(6, 5)(torch.randn(2, 6, 3, 4))
    torch.testing.assert_close(key.square().sum(1), torch.ones(2, 3, 4))


def test_affinity_is_the_cosine_of_every_pair() -> None:
    query, template = unit_keys(1, 5, 2, 3), unit_keys(1, 5, 2, 3)
    product = affinity(query, template)
    for q in range(6):
        for p in range(6):
            expected = query[0, :, q // 3, q % 3] @ template[0, :, p // 3, p % 3]
            torch.testing.assert_close(product[0, q, p], expected)


def test_best_match_equals_the_definition() -> None:
    """``max_p mask[r, p] * product[q, p]``, the product before the maximum."""
    product = torch.randn(2, 6, 6, dtype=torch.float64)
    mask = torch.rand(2, 3, 2, 2, 3, dtype=torch.float64)
    expected = torch.einsum("bqp,borp->borqp", product, mask.flatten(3)).amax(-1).unflatten(-1, (2, 3))
    torch.testing.assert_close(best_match(product, mask), expected, rtol=0, atol=0)


def test_a_position_outside_the_region_scores_zero() -> None:
    product = -torch.rand(1, 4, 4, dtype=torch.float64) - 0.1
    mask = torch.ones(1, 1, 2, 2, 2, dtype=torch.float64)
    assert (best_match(product, mask) < 0).all()
    mask[..., 0, 0] = 0
    assert (best_match(product, mask) == 0).all()


def test_prototype_match_is_one_cosine_per_place() -> None:
    query, prototypes = unit_keys(2, 5, 2, 3), torch.randn(2, 4, 2, 5, dtype=torch.float64)
    scores = prototype_match(query, prototypes)
    assert scores.shape == (2, 4, 2, 2, 3)
    torch.testing.assert_close(scores[1, 3, 0, 1, 2], query[1, :, 1, 2] @ prototypes[1, 3, 0])


def test_grid_mask_is_the_share_of_each_cell() -> None:
    regions = torch.zeros(1, 1, 2, 32, 32)
    regions[0, 0, 1, :16, :4] = 1
    mask = grid_mask(regions, 16)
    assert mask.shape == (1, 1, 2, 2, 2)
    assert mask[0, 0, 1].tolist() == [[0.25, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_types_become_float32_and_float64_stays(half: torch.dtype) -> None:
    assert full_precision(torch.ones(1, dtype=half)).dtype == torch.float32
    assert full_precision(torch.ones(1, dtype=torch.float64)).dtype == torch.float64
