"""Colours that stay apart for everybody: objects, lines and scores as seen with each kind of colour blindness.

Seeing is simulated with the matrices of Machado, Oliveira and Fernandes (2009, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE TVCG 15(6), severity 1), applied to linear RGB. Differences are distances
in CIELAB, where one notices about 2 side by side.
"""

from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from matplotlib.colors import Colormap, to_rgb

from tbd_lib.course.viz import heat_maps, score_maps
from tbd_lib.course.viz.page import LINES
from tbd_lib.video.overlay import OKABE_ITO

VISION = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""From linear sRGB; the rows' sums are its white, D65."""
APART = 15.0
"""CIELAB distance that every two colours keep. The closest of Okabe and Ito's seven are 16.1 apart: sky blue and bluish
green, with tritanopia. Red and green of common palettes come as near as 7."""


def seen(colours: np.ndarray, vision: str) -> np.ndarray:
    """CIELAB coordinates (n, 3) of sRGB colours (n, 3) in [0, 1], as seen with a kind of vision."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(VISION[vision]).T, 0, 1)
    ratio = linear @ XYZ.T / XYZ.sum(1)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def least_distance(colours: tuple[str, ...], vision: str) -> float:
    """Distance of the two colours that are closest."""
    places = seen(np.array([to_rgb(colour) for colour in colours]), vision)
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(places, 2))


def lightness_rises(scale: Colormap, vision: str) -> bool:
    """Whether each colour of a scale is lighter than the one before."""
    return bool((np.diff(seen(scale(np.arange(scale.N))[:, :3], vision)[:, 0]) > 0).all())


def test_lab_of_known_colours():
    known = {
        "#ffffff": (100, 0, 0),
        "#000000": (0, 0, 0),
        "#ff0000": (53.24, 80.09, 67.20),
        "#0000ff": (32.30, 79.19, -107.86),
    }
    found = seen(np.array([to_rgb(colour) for colour in known]), "normal")
    np.testing.assert_allclose(found, list(known.values()), atol=0.02)


@pytest.mark.parametrize("vision", VISION)
def test_greys_are_seen_as_they_are(vision: str):
    greys = np.repeat(np.linspace(0, 1, 5)[:, None], 3, axis=1)
    np.testing.assert_allclose(seen(greys, vision), seen(greys, "normal"), atol=0.01)


@pytest.mark.parametrize("vision", VISION)
def test_colours_of_objects_and_of_lines_stay_apart(vision: str):
    assert len(OKABE_ITO) == 7 and least_distance(OKABE_ITO, vision) >= APART
    assert least_distance(tuple(colour for colour, _ in LINES), vision) >= APART


def test_lines_stay_apart_without_colour_by_their_dashes():
    assert len({dash for _, dash in LINES}) == len(LINES) == 4


def test_a_red_and_a_green_that_many_palettes_have_would_not_pass():
    assert least_distance(("#d62728", "#2ca02c"), "normal") > 100
    assert least_distance(("#d62728", "#2ca02c"), "deuteranopia") < APART / 2


@pytest.fixture(scope="module")
def scales() -> list[Colormap]:
    """Those with which scores and matrices are drawn."""
    image, mask = np.zeros((16, 32, 3), np.uint8), np.zeros((16, 32), np.uint8)
    mask[3:9, 3:9] = 1
    maps = score_maps(image, mask, {"a": torch.tensor([[0.2, 0.7]])}), heat_maps({"a": np.eye(2)}, "x")
    return [
        image.get_cmap()
        for drawn in maps
        for ax in drawn.figure.axes
        for image in ax.images
        if np.asarray(image.get_array()).ndim == 2
    ]


@pytest.mark.parametrize("vision", VISION)
def test_a_higher_score_is_lighter_in_every_vision(scales: list[Colormap], vision: str):
    assert len(scales) == 2 and all(lightness_rises(scale, vision) for scale in scales)
    assert not lightness_rises(colormaps["jet"], vision) and not lightness_rises(colormaps["RdYlGn"], vision)
