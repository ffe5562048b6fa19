"""The diagram of the method: it says in words what it lights, its words fit, and the stored copy is the same."""

import re
from pathlib import Path
from xml.etree import ElementTree

import IPython.display
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tbd_lib.course.viz import Described, diagram
from tbd_lib.course.viz.described import Encoded
from tbd_lib.course.viz.diagrams import STEPS

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
METHOD = (ROOT / "docs" / "method.md").read_text()


def drawn(lit: tuple[int, ...] = ()) -> ElementTree.Element:
    return ElementTree.fromstring(str(diagram(lit).content))


def test_the_steps_are_those_of_the_method_page():
    headings = re.findall(r"^\*\*(\d)\. ([\w ]+?)\.?\*\*", METHOD, re.MULTILINE)
    assert [(int(number), name) for number, name in headings] == [(step, STEPS[step].name) for step in range(1, 9)]


def test_the_alternative_text_lists_all_steps_and_says_which_are_lit():
    lit = diagram((7, 3, 3))
    assert lit.sentence == "The method, step by step; lit: 3 Masks on the grid, 7 Update."
    assert repr(lit) == lit.alternative and lit.alternative.startswith(lit.sentence)
    assert [f"{number} {step.name}: {step.what}." in lit.alternative for number, step in STEPS.items()] == [True] * 8
    assert "lit" not in diagram().alternative.split()


def test_a_lit_step_is_another_shape_and_heavier_besides_its_colour():
    def of(root: ElementTree.Element) -> tuple[int, set[str | None]]:
        return len(root.findall(f"{SVG}circle")), {e.text for e in root.iter(f"{SVG}text") if e.get("font-weight")}

    (rounds, bold), (rounds_lit, bold_lit) = of(drawn()), of(drawn((4, 8)))
    assert (rounds, rounds_lit) == (8, 6)
    assert bold_lit - bold == {"Match", "New objects"}
    weights = {e.get("stroke-width") for e in drawn((4,)).iter(f"{SVG}rect")} - {
        e.get("stroke-width") for e in drawn().iter(f"{SVG}rect")
    }
    assert weights == {"3"}


def test_all_steps_lit_leave_none_in_outline():
    assert drawn(tuple(range(1, 9))).findall(f"{SVG}circle") == []


@pytest.mark.parametrize("step", [0, 9])
def test_a_step_that_is_not_there_is_refused(step: int):
    with pytest.raises(ValueError, match=rf"steps \[{step}\] to light; expected numbers from 1 to 8"):
        diagram((1, step))


def test_the_picture_stands_alone_and_can_be_read_twice_on_a_page():
    text = str(diagram((1,)).content)
    assert not re.search(r"<style|<script|<use|\bid=|\bclass=|href|url\(", text)
    assert diagram((1,)).content == text


def test_words_stay_inside_the_picture_and_clear_of_each_other():
    """In DejaVu Sans, which is wider than the fonts that come first."""
    root = drawn(tuple(range(1, 9)))
    width, height = (float(root.get(side, 0)) for side in ("width", "height"))
    boxes = []
    for element in root.iter(f"{SVG}text"):
        font = FontProperties(family="DejaVu Sans", weight=element.get("font-weight") or "normal")
        size, x, y = (float(element.get(name, 0)) for name in ("font-size", "x", "y"))
        length = TextPath((0, 0), element.text or "", size=size, prop=font).get_extents().width
        left = x - {"start": 0, "middle": length / 2, "end": length}[element.get("text-anchor", "middle")]
        boxes.append((element.text, left, y - 0.72 * size, left + length, y))
    assert [
        text for text, left, top, right, bottom in boxes if left < 0 or top < 0 or right > width or bottom > height
    ] == []
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert [
        (a[0], b[0]) for a, b in pairs if a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
    ] == []  # fmt: skip


def test_the_stored_diagram_is_that_of_the_code_and_shown():
    assert (ROOT / "docs" / "method.svg").read_text() == diagram().content, "`python -m tools.make_pictures`"
    pages = ((ROOT / "docs" / name).read_text() for name in ("method.md", "course.md"))
    assert all(re.search(r"!\[[^\]]{40,}\]\(method\.svg\)", page) for page in pages)


def test_it_displays_itself_as_pixels_with_a_short_caption_and_a_long_alternative(monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    lit = diagram((5,))
    lit._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert set(picture) == {"image/png", "text/plain"} and picture["text/plain"] == lit.alternative
    assert metadata == {"image/png": {"alt": lit.alternative}}
    assert caption == {"text/markdown": f"*{lit.sentence}*", "text/plain": lit.alternative}
    assert isinstance(lit, Encoded) and not isinstance(lit, Described)
