"""The diagram of the method: it says in words what it lights, its words fit, and the stored copy is the same."""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import IPython.display
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tbd_lib.course.viz import diagram
from tbd_lib.course.viz.diagrams import STEPS
from tools.make_pictures import write_drawing

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
METHOD = (ROOT / "docs" / "method.md").read_text()


def drawn(lit: tuple[int, ...] = ()) -> Axes:
    (axes,) = diagram(lit).figure.axes
    return axes


def shapes(path: Path) -> list[tuple[str | None, ...]]:
    """Of a drawing in SVG every path with its style, every text with its place."""
    found = [element for element in ElementTree.parse(path).iter() if element.tag in (f"{SVG}path", f"{SVG}text")]
    return [(e.get("d"), e.get("style")) if e.get("d") else (e.text, e.get("x"), e.get("y")) for e in found]


def test_the_steps_are_those_of_the_method_page():
    headings = re.findall(r"^\*\*(\d)\. ([\w ]+?)\.?\*\*", METHOD, re.MULTILINE)
    assert [(int(number), name) for number, name in headings] == [(step, STEPS[step].name) for step in range(1, 9)]


def test_the_alternative_text_lists_all_steps_and_says_which_are_lit():
    lit = diagram((7, 3, 3))
    assert lit.caption == "The method, step by step; lit: 3 Masks on the grid, 7 Update."
    assert repr(lit) == lit.sentence and lit.sentence.startswith(lit.caption)
    assert [f"{number} {step.name}: {step.what}." in lit.sentence for number, step in STEPS.items()] == [True] * 8
    assert "lit" not in diagram().sentence.split()


def test_a_lit_step_is_another_shape_and_heavier_besides_its_colour():
    def of(axes: Axes) -> tuple[int, set[str], set[float]]:
        bold = {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"}
        return rounds(axes), bold, {patch.get_linewidth() for patch in axes.patches}

    (circles, bold, weights), (circles_lit, bold_lit, weights_lit) = of(drawn()), of(drawn((4, 8)))
    assert (circles, circles_lit) == (8, 6)
    assert bold_lit - bold == {"Match", "New objects"} and weights_lit - weights == {3}


def rounds(axes: Axes) -> int:
    return sum(isinstance(patch, Circle) for patch in axes.patches)


def test_all_steps_lit_leave_none_in_outline():
    assert rounds(drawn(tuple(range(1, 9)))) == 0


def test_a_lit_step_changes_the_pixels_of_its_box_alone():
    canvases = [FigureCanvasAgg(diagram(steps).figure) for steps in ((), (4,))]
    plain, lit = (np.asarray((canvas.draw(), canvas.buffer_rgba())[1]) for canvas in canvases)
    rows, columns = np.nonzero((plain != lit).any(2))
    assert 140 < rows.min() < 150 and 350 < rows.max() < 360 and columns.min() > 240 and columns.max() < 395


@pytest.mark.parametrize("step", [0, 9])
def test_a_step_that_is_not_there_is_refused(step: int):
    with pytest.raises(ValueError, match=rf"steps \[{step}\] to light; expected numbers from 1 to 8"):
        diagram((1, step))


def letters(text: Text) -> Bbox:
    """From its baseline to the height of its capitals."""
    (_, baseline), box = text.get_transform().transform(text.get_position()), text.get_window_extent()
    height = FontProperties(size=text.get_fontsize()).get_size_in_points()
    return Bbox.from_extents(box.x0, baseline, box.x1, baseline + 0.72 * height)


def test_words_stay_inside_the_picture_and_clear_of_each_other():
    axes = drawn(tuple(range(1, 9)))
    inner = axes.bbox.padded(-1)
    boxes = [(text.get_text(), letters(text)) for text in axes.texts]
    assert [words for words, box in boxes if not (inner.contains(*box.min) and inner.contains(*box.max))] == []
    assert [(a, b) for (a, box), (b, other) in combinations(boxes, 2) if box.overlaps(other)] == []


def test_the_stored_diagram_is_that_of_the_code_and_shown(tmp_path: Path):
    fresh = tmp_path / "method.svg"
    write_drawing(diagram(), fresh)
    assert shapes(fresh) == shapes(ROOT / "docs" / "method.svg"), "`python -m tools.make_pictures`"
    once = fresh.read_bytes()
    write_drawing(diagram(), fresh)
    assert fresh.read_bytes() == once and f">{STEPS[4].name}</text>" in once.decode()
    pages = ((ROOT / "docs" / name).read_text() for name in ("method.md", "course.md"))
    assert all(re.search(r"!\[[^\]]{40,}\]\(method\.svg\)", page) for page in pages)


def test_it_displays_itself_as_pixels_with_a_short_caption_and_a_long_alternative(monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    lit = diagram((5,))
    lit._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert set(picture) == {"image/png", "text/plain"} and picture["text/plain"] == lit.sentence
    assert metadata == {"image/png": {"alt": lit.sentence}}
    assert caption == {"text/markdown": f"*{lit.caption}*", "text/plain": lit.sentence}
