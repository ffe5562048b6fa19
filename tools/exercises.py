"""Put the exercises into the lessons, and write the notebook of solutions: both from ``tbd_lib.course.exercises``.

    python -m tools.exercises

A lesson holds two cells per exercise, named ``task-NAME`` and ``try-NAME``; this fills them. They stand where the
author of the lesson put them; an exercise without cells is an error.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tbd_lib.course.exercises import LESSONS, Exercise, exercises_of
from tbd_lib.files import write_whole
from tools import publish

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions" / "solutions.ipynb"


def cell_name(exercise: Exercise, kind: str) -> str:
    """The id of one of an exercise's cells; underscores are not for ids."""
    return f"{kind}-{exercise.name.replace('_', '-')}"


def lesson_cells(exercise: Exercise) -> dict[str, str]:
    """The sources of a lesson's cells for an exercise, by cell id."""
    check = f"from tbd_lib.course.exercises import check\n\n\n{exercise.stub}\n\ncheck({exercise.name})"
    return {cell_name(exercise, "task"): f"**Exercise.** {exercise.task.strip()}", cell_name(exercise, "try"): check}


def lesson_path(lesson: str) -> Path:
    """The notebook of a lesson, by its number, or the appendix."""
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    return path


def fill(notebook: NotebookNode, lesson: str) -> None:
    """Put the exercises of a lesson into its cells.

    Raises:
        LookupError: an exercise has no cells there.
    """
    cells = {cell.id: cell for cell in notebook.cells}
    for exercise in exercises_of(lesson):
        for name, source in lesson_cells(exercise).items():
            if name not in cells:
                raise LookupError(f"lesson {lesson} has no cell {name}; expected one for each exercise")
            cells[name].source = source


def solutions() -> NotebookNode:
    """The notebook of all solutions, each run through the checker of its lesson; not run yet."""
    about = "Every exercise of the lessons, solved, explained, and checked as in its lesson."
    cells = [_text("title", f"# Solutions\n\n{about}"), _text("setup-text", ""), _code("setup", "")]
    cells.append(_code("imports", _imports()))
    for lesson in LESSONS:
        title = nbformat.read(lesson_path(lesson), as_version=4).cells[0].source.splitlines()[0].lstrip("# ")
        cells.append(_text(f"lesson-{lesson}", f"## {title}"))
        for exercise in exercises_of(lesson):
            cells.append(_text(cell_name(exercise, "task"), f"**Exercise.** {exercise.task.strip()}"))
            cells.append(_code(cell_name(exercise, "solution"), f"{exercise.source}\n\ncheck({exercise.name})"))
            cells.append(_text(cell_name(exercise, "why"), f"**Why.** {exercise.reasoning}"))
            if exercise.example:
                cells.append(_code(cell_name(exercise, "example"), exercise.example))
    notebook = nbformat.v4.new_notebook(cells=cells)
    publish.fill(notebook, publish.address_set())
    return notebook


def _imports() -> str:
    lines = ["import math", "", "import numpy as np", "import torch", "import torch.nn.functional as F"]
    return "\n".join([*lines, "", "from tbd_lib.course.exercises import check"])


def _text(name: str, source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, id=name)


def _code(name: str, source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, id=name)


def main() -> None:
    """Fill all lessons, and write the solutions anew."""
    for lesson in LESSONS:
        path = lesson_path(lesson)
        notebook = nbformat.read(path, as_version=4)
        fill(notebook, lesson)
        _write(notebook, path)
    SOLUTIONS.parent.mkdir(exist_ok=True)
    _write(solutions(), SOLUTIONS)


def _write(notebook: NotebookNode, path: Path) -> None:
    with write_whole(path) as temporary:
        nbformat.write(notebook, temporary)


if __name__ == "__main__":
    main()
