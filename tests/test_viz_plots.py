"""Figures of numbers: they draw the numbers that they are given, and their sentence says the same."""

import numpy as np
import pytest
from figures import drawn
from matplotlib.colors import to_hex

from tbd_lib.course.viz import Described, bars, curves, heat_maps, lines
from tbd_lib.video.overlay import OKABE_ITO

RAMP = np.linspace(0, 1, 5)


@pytest.fixture
def curve() -> Described:
    return curves({"up": np.array([0.25, 0.5, 0.75]), "down": np.array([0.9, 0.1, 0.5])}, "J", first=1, marked=[2])


def test_curves_draw_their_values_from_the_first_frame_on(curve: Described):
    up, down, mark = (np.asarray(line.get_xydata()).tolist() for line in curve.figure.axes[0].lines)
    assert up == [[1, 0.25], [2, 0.5], [3, 0.75]]
    assert down == [[1, 0.9], [2, 0.1], [3, 0.5]]
    assert mark == [[2, 0], [2, 1]]  # from the bottom to the top of the panel
    assert [text.get_text() for text in curve.figure.legends[0].get_texts()] == ["up", "down"]


def test_curves_say_how_they_begin_and_end_their_mean_and_their_least_value(curve: Described):
    assert curve.sentence == (
        "J by frame. up: from 0.25 to 0.75, mean 0.50, least 0.25 at 1; "
        "down: from 0.90 to 0.50, mean 0.50, least 0.10 at 2."
    )
    by_step = curves({"x": np.array([0.9, 0.1])}, "J", along="step")
    assert by_step.sentence == "J by step. x: from 0.90 to 0.10, mean 0.50, least 0.10 at 1."
    assert by_step.figure.axes[0].get_xlabel() == "step" and by_step.figure.axes[0].get_ylabel() == "J"


def test_four_curves_differ_in_colour_and_in_dash_and_a_fifth_is_refused():
    lines = curves(dict.fromkeys("abcd", RAMP), "J").figure.axes[0].lines
    assert len({to_hex(line.get_color()) for line in lines}) == len({line.get_linestyle() for line in lines}) == 4
    with pytest.raises(ValueError):
        curves(dict.fromkeys("abcde", RAMP), "J")


# --- lines


def points(described: Described) -> list[list[list[float]]]:
    """The places through which each line is drawn, marks included."""
    return [np.asarray(line.get_xydata()).tolist() for line in described.figure.axes[0].lines]


def test_lines_draw_every_value_at_its_place_and_say_how_they_run():
    cost = {"plain": np.array([2.0, 8.0, 1234.5]), "shared": np.array([0.5, 0.125, 0.25])}
    described = lines(np.array([1.0, 5.0, 20.0]), cost, "GFLOP", "objects", marked=[10.0])
    plain, shared, mark = points(described)
    assert plain == [[1, 2], [5, 8], [20, 1234.5]] and shared == [[1, 0.5], [5, 0.125], [20, 0.25]]
    assert [place for place, _ in mark] == [10, 10]
    assert described.sentence == (
        "GFLOP by objects. plain: from 2 to 1.23e+03, least 2 at 1, most 1.23e+03; "
        "shared: from 0.5 to 0.25, least 0.125 at 5, most 0.5."
    )
    ax = described.figure.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("objects", "GFLOP", "linear")
    assert [text.get_text() for text in described.figure.legends[0].get_texts()] == ["plain", "shared"]


def test_each_line_may_have_places_of_its_own():
    along = {"a": np.array([0.0, 10.0]), "b": np.array([2.5, 5.0, 7.5])}
    described = lines(along, {"b": np.array([3.0, 1.0, 2.0]), "a": np.array([4.0, 6.0])}, "loss", "step")
    assert points(described) == [[[2.5, 3], [5, 1], [7.5, 2]], [[0, 4], [10, 6]]]
    assert described.sentence == (
        "loss by step. b: from 3 to 2, least 1 at 5, most 3; a: from 4 to 6, least 4 at 0, most 6."
    )


def test_lines_may_have_a_logarithmic_axis_and_say_the_same_numbers():
    values = {"x": np.array([1e-4, 1.0, 1e4])}
    described = lines(RAMP[:3], values, "odds", "p", logarithmic=True)
    assert described.figure.axes[0].get_yscale() == "log"
    assert described.sentence == lines(RAMP[:3], values, "odds", "p").sentence


def test_a_fifth_line_is_refused():
    assert len(lines(RAMP, dict.fromkeys("abcd", RAMP), "x", "y").figure.axes[0].lines) == 4
    with pytest.raises(ValueError):
        lines(RAMP, dict.fromkeys("abcde", RAMP), "x", "y")


# --- bars


def test_bars_are_as_long_as_their_values_from_top_to_bottom():
    described = bars({"full": 0.63, "coarse only": 0.4651}, "J&F")
    ax = described.figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [0.63, 0.4651]  # pyright: ignore[reportAttributeAccessIssue]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["full", "coarse only"]
    assert ax.yaxis_inverted() and ax.get_xlabel() == "J&F"
    assert [text.get_text().strip() for text in ax.texts] == ["0.63", "0.465"]
    assert described.sentence == "J&F: full 0.63, coarse only 0.465."


def test_the_spread_of_a_bar_is_drawn_and_said_where_it_is_known():
    described = bars({"a": 2.0, "b": 3.0}, "ms", spread={"b": (2.5, 4.0)})
    with_spread = [line.get_xydata() for line in described.figure.axes[0].lines]
    assert np.asarray(with_spread).tolist() == [[[2, 0], [2, 0]], [[2.5, 1], [4, 1]]]
    assert [text.get_position() for text in described.figure.axes[0].texts] == [(2, 0), (4, 1)]
    assert described.sentence == "ms: a 2, b 3 (2.5 to 4)."


def test_a_limit_is_a_dashed_line_with_a_name():
    described = bars({"a": 2.0}, "GiB", limit=("a free GPU", 15.0))
    limit = described.figure.axes[0].lines[-1]
    assert np.asarray(limit.get_xdata()).tolist() == [15, 15] and limit.get_linestyle() == "--"
    assert to_hex(limit.get_color()) == OKABE_ITO[5]
    legend = described.figure.axes[0].get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["a free GPU"]
    assert described.sentence == "GiB: a 2, dashed line, a free GPU, at 15."


# --- heat maps


def test_heat_maps_share_one_scale_and_say_where_each_is_greatest():
    maps = {"a": np.array([[0.0, 0.5], [0.25, -1.0]]), "b": np.array([[0.1, 0.2], [4.0, 0.3]])}
    described = heat_maps(maps, "Affinity")
    assert all(np.array_equal(*pair) for pair in zip(drawn(described)[:2], maps.values(), strict=True))
    assert [ax.images[0].get_clim() for ax in described.figure.axes[:2]] == [(-1, 4)] * 2
    assert [ax.get_title() for ax in described.figure.axes[:2]] == ["a", "b"]
    assert described.sentence == (
        "Affinity. a: -1 to 0.5, greatest at row 0, column 1; b: 0.1 to 4, greatest at row 1, column 0."
    )


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 5, 1), (3, 5, 1), (3, 2, 2)])
def test_heat_maps_stand_in_rows_and_no_empty_axes_are_seen(count: int, columns: int, rows: int):
    described = heat_maps({f"{i}": np.eye(2) for i in range(count)}, "x", columns=columns)
    grid = described.figure.axes[0].get_gridspec()
    assert grid is not None and (grid.nrows, grid.ncols) == (rows, min(count, columns))
    places = rows * min(count, columns)
    assert not any(ax.axison for ax in described.figure.axes[count:places])
    assert len(described.figure.axes) == places + 1  # and the scale
    assert described.sentence.count("greatest at row 0, column 0") == count


def test_what_is_nearly_nothing_in_a_heat_map_is_called_nothing():
    sentence = heat_maps({"a": np.array([[1e-7, 0.001234]])}, "x").sentence
    assert sentence == "x. a: 0 to 0.00123, greatest at row 0, column 1."
