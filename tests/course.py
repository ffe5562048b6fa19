"""What the tests of the notebooks share: where they are, and what is in them."""

import re
from pathlib import Path

from nbformat import NotebookNode

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9]*.ipynb"))
APPENDICES = sorted(FOLDER.glob("appendix_*.ipynb"))
PAGES = [*LESSONS, *APPENDICES]
SOLUTIONS = FOLDER / "solutions" / "solutions.ipynb"
RUN_TIME = re.compile(r"\*\*Run time:\*\* about (\d+) s on two CPU cores")


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_of(notebook) for output in cell.outputs]


def shown_texts(notebook: NotebookNode) -> list[str]:
    """All that a reader sees as text: sources, and text outputs."""
    outputs = [str(output.get("text", "")) for output in outputs_of(notebook)]
    outputs += [
        str(value)
        for output in outputs_of(notebook)
        for kind, value in output.get("data", {}).items()
        if kind.startswith("text/")
    ]
    return [cell.source for cell in notebook.cells] + outputs
