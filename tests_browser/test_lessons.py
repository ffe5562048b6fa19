"""Lessons in a real browser: they show, they run from top to bottom, and their inspectors answer to the keyboard."""

from pathlib import Path

import pytest
from nbformat import NotebookNode
from playwright.sync_api import expect

from tests.course import PAGES, code_of, outputs_of
from tests_browser.lab import Lab, Look

DRAWN_IN = [path for path in PAGES if "import MaskDrawing" in path.read_text()]
INSPECTORS = [path for path in PAGES if "tbd_lib.course.widgets" in path.read_text() and path not in DRAWN_IN]


def test_every_lesson_that_was_written_round_an_inspector_is_tested():
    assert {path.stem[:2] for path in INSPECTORS} >= {"02", "03", "04", "05"} and len(DRAWN_IN) == 1


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_stored_lesson_shows(lesson: Lab):
    assert lesson.show_all() == []
    assert lesson.inspector_cells() == [], "a picture stands for them: without a kernel they would be empty"


@pytest.mark.parametrize("path", INSPECTORS, ids=lambda path: path.stem)
def test_a_lesson_runs_and_its_inspectors_answer_to_the_keyboard(path: Path, lesson: Lab, screenshots: Path | None):
    ran, first = run(lesson)
    assert first
    changed = [look.description for cell, look in first.items() if look.description not in text_of(ran.cells[cell])]
    assert changed == [], "to be displayed changes nothing"
    for i, cell in enumerate(first):
        inspector = lesson.widget(cell)
        if screenshots:
            inspector.screenshot(path=screenshots / f"{path.stem}-{i}.png")
        before, after = lesson.look(inspector), lesson.move(inspector)
        assert after.description != before.description and after.picture != before.picture
        assert lesson.cut_off(inspector) == []


@pytest.mark.parametrize("path", DRAWN_IN, ids=lambda path: path.stem)
def test_a_lesson_in_which_masks_are_drawn_runs_and_more_can_be_drawn(
    path: Path, lesson: Lab, screenshots: Path | None
):
    run(lesson)
    (cell,) = lesson.inspector_cells()
    drawing = lesson.widget(cell)
    if screenshots:
        drawing.screenshot(path=screenshots / f"{path.stem}.png")
    drawing.get_by_label("Object", exact=True).fill("2")
    drawing.get_by_role("button", name="Clear object 2").click()
    expect(drawing.get_by_role("status")).to_have_text("Object 2 cleared.")
    assert lesson.ask(cell, "print(np.unique(drawing.mask))") == "[0 3]\n"


def run(lesson: Lab) -> tuple[NotebookNode, dict[int, Look]]:
    """Run a lesson, which says what is stored; and how its inspectors looked at first."""
    stored = lesson.notebook()
    ran, first = lesson.run_all()
    assert [error.ename for error in outputs_of(ran) if error.output_type == "error"] == []
    assert texts_of(ran) == texts_of(stored), "what is displayed does not touch what the lesson computes"
    return ran, first


def texts_of(notebook: NotebookNode) -> list[str]:
    return [text_of(cell) for cell in code_of(notebook)]


def text_of(cell: NotebookNode) -> str:
    """All text that a code cell put out."""
    return "".join(
        output.text if output.output_type == "stream" else output.data["text/plain"] for output in cell.outputs
    )
