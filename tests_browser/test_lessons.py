"""Lessons in a real browser: they show, they run from top to bottom, and their inspectors answer to the keyboard."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.course import LESSONS, code_of, outputs_of
from tests_browser.lab import Lab, Look

WITH_INSPECTORS = [Path("/tmp/tinynb/03_tiny.ipynb")]


def test_the_lessons_of_templates_and_distance_are_among_those_tested():
    assert {path.stem[:2] for path in WITH_INSPECTORS} >= {"03", "04"}


@pytest.mark.parametrize("path", WITH_INSPECTORS, ids=lambda path: path.stem)
def test_inspectors_answer_to_the_keyboard(path: Path, lab: Lab, screenshots: Path | None):
    shutil.copy(path, lab.server.root)
    lab.open(path.name)
    assert_nothing_failed(lab.run_all())
    inspectors = lab.inspectors()
    assert inspectors
    for i, inspector in enumerate(inspectors):
        before = lab.look(inspector)
        after = lab.move(inspector)
        if screenshots:
            inspector.screenshot(path=screenshots / f"{path.stem}-{i}.png")
        assert after.caption != before.caption and after.picture != before.picture


def assert_nothing_failed(notebook: NotebookNode) -> None:
    assert [error.ename for error in outputs_of(notebook) if error.output_type == "error"] == []
    assert all(cell.execution_count for cell in code_of(notebook) if cell.source.strip())
