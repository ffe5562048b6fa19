"""Figures of numbers: they draw the numbers that they are given, and their sentence says the same."""

from collections.abc import Callable

import numpy as np
import pytest
from figures import drawn
from matplotlib.colors import to_hex

from tbd_lib.course.viz import Described, bars, curves, heat_maps, lines
from tbd_lib.course.viz.ablations import learning_curves

RAMP = np.linspace(0, 1, 5)
FEW = [0.5, 1.0]


def points(described: Described) -> list[list[list[float]]]:
    """The places through which each line is drawn, marks included."""
    return [np.asarray(line.get_xydata()).tolist() for line in described.figure.axes[0].lines]


def names(described: Described) -> list[str]:
    return [text.get_text() for text in described.figure.legends[0].get_texts()]


def test_curves_draw_their_values_from_the_first_frame_on_and_say_how_they_run():
    values = {"up": np.array([0.25, 0.5, 0.75]), "down": np.array([0.9, 0.1, 0.5])}
    described = curves(values, "J", along="step", first=1, marked=[2])
    assert points(described) == [
        [[1, 0.25], [2, 0.5], [3, 0.75]],
        [[1, 0.9], [2, 0.1], [3, 0.5]],
        [[2, 0], [2, 1]],  # the mark, from the bottom to the top of the panel
    ]
    ax = described.figure.axes[0]
    assert names(described) == ["up", "down"] and (ax.get_xlabel(), ax.get_ylabel()) == ("step", "J")
    assert described.sentence == (
        "J by step. up: from 0.25 to 0.75, mean 0.50, least 0.25 at 1; "
        "down: from 0.90 to 0.50, mean 0.50, least 0.10 at 2."
    )


@pytest.mark.parametrize(
    "along", [np.array([1.0, 5.0, 20.0]), {"shared": np.array([2.5, 5.0, 7.5]), "plain": RAMP[:3]}]
)
def test_lines_draw_every_value_at_its_place(along: np.ndarray | dict[str, np.ndarray]):
    cost = {"plain": np.array([2.0, 8.0, 1234.5]), "shared": np.array([0.5, 0.125, 0.25])}
    described = lines(along, cost, "GFLOP", "objects", marked=[10.0])
    *drawn_lines, mark = points(described)
    for line, (name, values) in zip(drawn_lines, cost.items(), strict=True):
        places = along[name] if isinstance(along, dict) else along
        assert line == np.stack([places, values], 1).tolist()
    assert [place for place, _ in mark] == [10, 10] and names(described) == ["plain", "shared"]
    assert (described.figure.axes[0].get_xlabel(), described.figure.axes[0].get_ylabel()) == ("objects", "GFLOP")


def test_lines_say_how_they_run():
    cost = {"plain": np.array([2.0, 8.0, 1234.5]), "shared": np.array([0.5, 0.125, 0.25])}
    assert lines(np.array([1.0, 5.0, 20.0]), cost, "GFLOP", "objects").sentence == (
        "GFLOP by objects. plain: from 2 to 1.23e+03, least 2 at 1, most 1.23e+03; "
        "shared: from 0.5 to 0.25, least 0.125 at 5, most 0.5."
    )


@pytest.mark.parametrize(
    "draw",
    [
        lambda names: curves(dict.fromkeys(names, RAMP), "J"),
        lambda names: lines(RAMP, dict.fromkeys(names, RAMP), "x", "y"),
        lambda names: learning_curves({"a set": dict.fromkeys(names, FEW)}, range(len(FEW)), "J"),
    ],
)
def test_four_lines_differ_in_colour_and_in_dash_and_a_fifth_is_refused(draw: Callable[[str], Described]):
    four = draw("abcd").figure.axes[0].lines
    assert len({to_hex(line.get_color()) for line in four}) == len({line.get_linestyle() for line in four}) == 4
    with pytest.raises(ValueError, match="5 lines; expected at most 4"):
        draw("abcde")


def test_bars_are_as_long_as_their_values_from_top_to_bottom():
    described = bars({"full": 0.63, "coarse only": 0.4651}, "J&F")
    ax = described.figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [0.63, 0.4651]  # pyright: ignore[reportAttributeAccessIssue]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["full", "coarse only"]
    assert ax.yaxis_inverted() and ax.get_xlabel() == "J&F"
    assert [text.get_text().strip() for text in ax.texts] == ["0.63", "0.465"]
    assert described.sentence == "J&F: full 0.63, coarse only 0.465."


def test_the_spread_of_a_bar_is_drawn_and_named_where_it_is_known_and_the_value_stands_inside():
    described = bars({"a": 2.0, "b": 3.0}, "ms", spread={"b": (2.5, 4.0)})
    assert points(described) == [[[2, 0], [2, 0]], [[2.5, 1], [4, 1]]]
    assert [text.get_position() for text in described.figure.axes[0].texts] == [(2, 0), (0, 1)]
    assert described.sentence == "ms: a 2, b 3 (2.5 to 4)."


def test_heat_maps_share_one_scale_and_say_where_each_is_greatest():
    maps = {"a": np.array([[0.0, 0.5], [0.25, -1.0]]), "b": np.array([[1e-7, 0.2], [4.0, 0.3]])}
    described = heat_maps(maps, "Affinity")
    assert all(np.array_equal(*pair) for pair in zip(drawn(described)[:2], maps.values(), strict=True))
    assert [ax.images[0].get_clim() for ax in described.figure.axes[:2]] == [(-1, 4)] * 2
    assert [ax.get_title() for ax in described.figure.axes[:2]] == ["a", "b"]
    assert described.sentence == (  # what is nearly nothing is called 0
        "Affinity. a: -1 to 0.5, greatest at row 0, column 1; b: 0 to 4, greatest at row 1, column 0."
    )
