"""What is counted of a piece of work."""

import torch

from benchmarks.limits import cost_of


def test_operations_and_bytes_of_a_product_are_those_by_hand() -> None:
    a, b = torch.rand(10, 20), torch.rand(20, 30)
    assert cost_of(lambda: a @ b) == {"operations": 2 * 10 * 20 * 30, "bytes": 4 * (10 * 20 + 20 * 30 + 10 * 30)}


def test_a_view_moves_nothing_and_a_sum_calculates_nothing_that_is_counted() -> None:
    a = torch.rand(6, 4)
    assert cost_of(lambda: a.T.flatten(0).view(2, 12)[0]) == {"operations": 0, "bytes": 2 * 4 * 24}  # flatten copies
    assert cost_of(lambda: a.view(24)[3:]) == {"operations": 0, "bytes": 0}
    assert cost_of(lambda: a + a) == {"operations": 0, "bytes": 3 * 4 * 24}
