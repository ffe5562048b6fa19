"""What all figures have in common: how they are encoded, displayed and captioned, and who may import them."""

import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import IPython.display
import numpy as np
import pytest
from figures import box, frame
from PIL import Image as Pictures

from tbd_lib.course.viz import Described, curves, given_mask

PACKAGE = Path(__file__).parents[1] / "tbd_lib"
RAMP = np.linspace(0, 1, 5)


@pytest.fixture
def curve() -> Described:
    return curves({"x": RAMP}, "J")


def test_a_figure_is_encoded_as_its_kind_says(curve: Described):
    for described, kind in ((given_mask(frame("a"), box(2, 9, 3, 9)), "JPEG"), (curve, "PNG")):
        picture = Pictures.open(BytesIO(described.content))
        assert picture.format == kind and described.mime == f"image/{kind.lower()}"
        assert picture.width == 1000


@pytest.mark.parametrize("draw", [lambda: given_mask(frame("a"), box(2, 9, 3, 9)), lambda: curves({"x": RAMP}, "J")])
def test_the_same_data_give_the_same_bytes(draw: Callable[[], Described]):
    one, other = draw(), draw()
    assert one.content == other.content == one.content


def test_a_figure_displays_its_picture_and_then_its_sentence(curve: Described, monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    curve._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert repr(curve) == picture["text/plain"] == caption["text/plain"] == metadata["image/png"]["alt"]
    assert picture["image/png"] == curve.content
    assert caption["text/markdown"] == f"*{curve.sentence}*"


def test_a_caption_is_shown_letter_by_letter():
    described = curves({"a_b *c* <d> $e$": np.zeros(2)}, "J")
    caption = described.bundles()[1][0]["text/markdown"]
    assert r"a\_b \*c\* \<d\> \$e\$: from" in str(caption)


def test_importing_the_package_loads_no_figures():
    program = "import sys, tbd_lib; assert not {'matplotlib', 'tbd_lib.course.viz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, check=True)


def test_figures_are_imported_by_nothing_that_computes_and_keep_no_global_state():
    for path in PACKAGE.glob("*.py"):
        imports = [line for line in path.read_text().splitlines() if re.match(r"\s*(from|import) ", line)]
        loaded = {word for line in imports for word in re.findall(r"[\w.]+", line)}
        assert "tbd_lib.course.viz" not in loaded or path.stem in ("widgets", "cli")
        assert not [word for word in loaded if "pyplot" in word or "pylab" in word]
