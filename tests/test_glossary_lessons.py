"""The lessons and the glossary: every term is defined in bold in its lesson, and used in no text before that."""

import re
from pathlib import Path

import nbformat
import pytest
from course import LESSONS, text_of
from glossary import Term, defines, terms, uses

TERMS = terms()
DOCS = Path(__file__).resolve().parents[1] / "docs"
TEXTS = {path.stem[:2]: text_of(nbformat.read(path, as_version=4)) for path in LESSONS}
EVERYDAY = {"share", "stage", "boundary", "decay", "region"}
"""Words that earlier lessons may use in their everyday sense, which a search cannot tell from the term."""
DIAGRAM = re.compile(r"from tbd_lib\.course\.viz import diagram\n\ndiagram\((?:lit=\([\d, ]+\))?\)")
HEADER = 1  # the first cell names what a lesson will explain


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_defined_in_its_lesson(term: Term):
    assert any(defines(term, text) for text in TEXTS[term.lesson]), f"no **{term.name}** in lesson {term.lesson}"


@pytest.mark.parametrize("term", [term for term in TERMS if term.name not in EVERYDAY], ids=lambda term: term.name)
def test_a_term_is_not_used_before_it_is_defined(term: Term):
    """Neither in an earlier lesson nor in an earlier cell of its own, but for the header."""
    earlier = [(lesson, text) for lesson, texts in TEXTS.items() if lesson < term.lesson for text in texts]
    before = []
    for text in TEXTS[term.lesson][HEADER:]:
        if defines(term, text):
            break
        before.append((term.lesson, text))
    found = [(lesson, text[:60]) for lesson, text in earlier + before if uses(term, text, TERMS)]
    assert found == []


def test_lesson_00_has_the_tracker_in_ten_lines_and_names_its_relatives():
    (lines,) = re.findall(r"^```py\n(.*?)^```", (DOCS / "method.md").read_text(), re.MULTILINE | re.DOTALL)
    text = "\n\n".join(TEXTS["00"])
    assert lines in text
    trackers = ("OSVOS", "FEELVOS", "STM", "CFBI", "STCN", "XMem", "Cutie", "SAM 2", "DAM4SAM", "DiDi")
    assert [name for name in trackers if not re.search(rf"\b{name}\b", text)] == []
    assert "Tackling Background Distraction in Video Object Segmentation" in text


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_opens_with_the_diagram_and_its_steps_lit(path: Path):
    """In its second code cell, after the set-up; only the first lesson shows a tracker at work before the method."""
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    (shown,) = (source for source in code if DIAGRAM.fullmatch(source))
    assert shown == code[1] or path == LESSONS[0]
    header = re.search(r"\*\*Step of the method:\*\* (.*)", cells[0].source)
    lit = {int(step) for step in re.findall(r"\d", shown)}
    named = set()
    for first, last in re.findall(r"\bsteps? (\d)(?: to (\d))?", header[1] if header else ""):
        named |= set(range(int(first), int(last or first) + 1))
    assert named <= lit


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_says_how_long_it_takes_a_student(path: Path):
    found = re.search(r"\*\*Your time:\*\* about (\d+) minutes", nbformat.read(path, as_version=4).cells[0].source)
    assert found and 15 <= int(found[1]) <= 40


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_hands_on_to_the_next(path: Path):
    """All but the last link to the next one in their last cell."""
    following = LESSONS[LESSONS.index(path) + 1 :][:1]
    assert all(lesson.name in TEXTS[path.stem[:2]][-1] for lesson in following)
