"""A roofline draws the two roofs and says which one each part is under."""

import numpy as np
import pytest

from tbd_lib.course.viz.cost import roofline


def test_parts_are_bound_by_memory_left_of_the_ridge_and_by_arithmetic_right_of_it() -> None:
    described = roofline({"product": 40.0, "maximum": 0.25}, peak=100e9, bandwidth=10e9)
    assert repr(described) == (
        "Roof of 100 billion operations and 10 billion bytes per second, ridge at 10 operations per byte. "
        "maximum: 0.25 operations per byte, bound by memory; product: 40 operations per byte, bound by arithmetic."
    )
    roof, _, maximum, product = (np.asarray(line.get_xydata()) for line in described.figure.axes[0].lines)
    np.testing.assert_allclose(roof[:, 1], np.minimum(100, 10 * roof[:, 0]))
    assert maximum.tolist() == [[0.25, 2.5]] and product.tolist() == [[40, 100]]


def test_nothing_can_be_drawn_at_zero() -> None:
    with pytest.raises(ValueError, match="expected all above 0"):
        roofline({"nothing": 0.0}, peak=1e9, bandwidth=1e9)
