"""What all figures have in common: how they are encoded, displayed and captioned, and when they are loaded."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import IPython.display
import numpy as np
import pytest
from figures import box, frame
from PIL import Image as Pictures

from tbd_lib.course.viz import Described, curves, given_mask

DRAW = {
    "PNG": lambda: curves({"x": np.linspace(0, 1, 5)}, "J"),
    "JPEG": lambda: given_mask(frame("a"), box(2, 9, 3, 9)),
}


@pytest.mark.parametrize("kind", DRAW)
def test_a_figure_is_encoded_as_its_kind_says_and_always_to_the_same_bytes(kind: str):
    described = DRAW[kind]()
    picture = Pictures.open(BytesIO(described.content))
    assert picture.format == kind and described.mime == f"image/{kind.lower()}" and picture.width == 1000
    assert described.content == DRAW[kind]().content


def test_a_figure_displays_its_picture_and_then_its_sentence_letter_by_letter(monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    described: Described = curves({"a_b *c* <d> $e$": np.zeros(2)}, "J")
    described._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert repr(described) == picture["text/plain"] == caption["text/plain"] == metadata["image/png"]["alt"]
    assert repr(described).startswith("J by frame. a_b *c* <d> $e$: from 0.00")
    assert picture["image/png"] == described.content
    assert caption["text/markdown"].startswith(r"*J by frame. a\_b \*c\* \<d\> \$e\$: from")


def test_importing_the_package_loads_no_figures():
    program = "import sys, tbd_lib; assert not {'matplotlib', 'tbd_lib.course.viz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=True)


def test_figures_keep_no_global_state():
    program = "import sys, tbd_lib.course.widgets, tbd_lib.course.viz; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=True)
