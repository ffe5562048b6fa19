"""Notebooks: what they must look like to be read, checked and opened anywhere; and the course that they make."""

import ast
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import numpy as np
import pytest
from course import FOLDER, LESSONS, PAGES, REPOSITORY, RUN_TIME, SOLUTIONS, code_of, outputs_of, shown_texts, text_of
from IPython.core.inputtransformer2 import TransformerManager
from links import lost_links
from nbformat import NotebookNode

from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.video.frames import FileFrames, write_image
from tools.publish import Address, address_set, set_up_cells, with_links
from tools.run_notebooks import RESULTS, compared, in_all, rounded

HEADER = (
    r"# \S",
    r"\*\*Step of the method:\*\*",
    r"\*\*After this you can\*\*",
    r"\*\*Prerequisites:\*\*",
    RUN_TIME.pattern,
    r"\*\*Writes:\*\*",
)
LARGEST, LARGEST_TOGETHER = 600_000, 5_500_000  # bytes of a notebook, films included, and of the folder
LONGEST = 60  # seconds that a notebook may take
OF_A_MACHINE = [
    *map(re.escape, {str(REPOSITORY), str(Path.home()), sys.prefix, tempfile.gettempdir()}),
    r"(?<![\w./])/(home|root|tmp|Users|usr|opt|var|mnt|content)/",
    r"\b[A-Z]:\\\\",
    r"\b0x[0-9a-f]{6,}",
    r"\b\d{1,3}(\.\d{1,3}){3}\b",
    r"localhost",
]
SAME = {"allclose", "array_equal", "equal", "isclose"}
ASSERT_SAME = {"assert_close", "assert_allclose", "assert_array_equal"}


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.fixture(params=[*PAGES, SOLUTIONS], ids=lambda path: path.stem)
def stored(request: pytest.FixtureRequest) -> NotebookNode:
    """A lesson, an appendix, or the notebook of solutions."""
    return nbformat.read(request.param, as_version=4)


# --- the course


def test_the_lessons_are_ten_and_numbered_in_order():
    assert [path.name[:3] for path in LESSONS] == [f"{number:02}_" for number in range(10)]


def test_every_notebook_is_a_lesson_or_an_appendix():
    assert sorted(FOLDER.glob("*.ipynb")) == sorted(PAGES) and len(PAGES) > len(LESSONS)


def test_every_output_of_the_course_is_compared(say_at_the_end: Callable[[str], None]):
    counts = [compared(nbformat.read(path, as_version=4)) for path in (*PAGES, SOLUTIONS)]
    outputs, same = (sum(numbers) for numbers in zip(*counts, strict=True))
    say_at_the_end(f"notebooks: {in_all(outputs, same)}")
    assert 0 < outputs == same and all(same > 0 for _, same in counts)


def test_the_course_is_small():
    sizes = {path.stem: path.stat().st_size for path in (*PAGES, SOLUTIONS)}
    assert {name for name, size in sizes.items() if size >= LARGEST} == set()
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.ipynb")) < LARGEST_TOGETHER


def test_run_times_in_headers_are_the_measured_ones_and_short():
    measured = json.loads(RESULTS.read_text())["notebooks"]
    assert set(measured) == {path.stem for path in (*PAGES, SOLUTIONS)}, "`python -m tools.run_notebooks --times`"
    expected = {path.stem: rounded(measured[path.stem]["seconds"]) for path in PAGES}
    headers = {path.stem: nbformat.read(path, as_version=4).cells[0].source for path in PAGES}
    shown = {name: int(found[1]) for name, header in headers.items() if (found := RUN_TIME.search(header))}
    assert shown == expected and max(shown.values()) < LONGEST


# --- as stored


def test_cells_were_run_in_order_and_without_errors(stored: NotebookNode):
    counts = [cell.execution_count for cell in code_of(stored)]
    assert counts == list(range(1, len(counts) + 1))
    assert not [
        output for output in outputs_of(stored) if output.output_type == "error" or output.get("name") == "stderr"
    ]


def test_every_output_is_compared(notebook: NotebookNode):
    producing, same = compared(notebook)
    assert 0 < producing == same


def test_nothing_tells_of_the_machine_it_ran_on(stored: NotebookNode):
    found = [
        match[0] for text in shown_texts(stored) for pattern in OF_A_MACHINE for match in re.finditer(pattern, text)
    ]
    assert not found


def test_metadata_is_the_kernel_and_nothing_else(stored: NotebookNode):
    assert stored.metadata.kernelspec.name == "python3"
    assert set(stored.metadata) == {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in stored.cells)
    nbformat.validate(stored)


def test_no_widget_is_stored_since_its_kernel_is_gone(stored: NotebookNode):
    kinds = {kind for output in outputs_of(stored) for part in ("data", "metadata") for kind in output.get(part, {})}
    assert not [kind for kind in kinds if "widget" in kind]


def test_a_notebook_is_small(path: Path):
    assert path.stat().st_size < LARGEST


def test_every_image_has_a_text_in_its_place(notebook: NotebookNode):
    assert not [text for text in text_of(notebook) if re.search(r"!\[\s*\]|<img(?![^>]*\balt=\"\w)", text)]
    for output in outputs_of(notebook):
        for kind in output.get("data", {}):
            if kind.startswith("image/"):
                alternative = output.metadata.get(kind, {}).get("alt", "")
                assert len(alternative) > 20 and alternative == output.data["text/plain"]


def test_every_picture_is_followed_by_its_visible_sentence(notebook: NotebookNode):
    for cell in code_of(notebook):
        shown = [output.get("data", {}) for output in cell.outputs]
        for picture, caption in pairwise([*shown, {}]):
            if any(kind.startswith("image/") for kind in picture):
                assert "text/markdown" in caption and picture["text/plain"] == caption["text/plain"]


# --- as written


def test_the_header_has_its_parts_in_order(notebook: NotebookNode):
    places = [re.search(part, notebook.cells[0].source) for part in HEADER]
    assert all(places)
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts) and starts[0] == 0


def test_cells_are_short_and_explained(notebook: NotebookNode):
    lines = [len(cell.source.splitlines()) for cell in code_of(notebook)]
    assert max(lines) <= 25 and median([0, *lines[1:]]) <= 8, "the set-up, the same everywhere, counts as short"
    assert 1.3 <= len(text_of(notebook)) / len(lines) <= 1.8


def test_no_line_ends_in_a_semicolon(notebook: NotebookNode):
    assert not [cell.source for cell in code_of(notebook) if re.search(r";\s*$", cell.source, re.MULTILINE)]


def test_there_is_a_prediction_and_something_broken_whose_outcome_is_asserted(notebook: NotebookNode):
    assert any("**Predict first.**" in text for text in text_of(notebook))
    broken = next(i for i, cell in enumerate(notebook.cells) if "Break it" in cell.source)
    assert any(re.search(r"^assert ", cell.source, re.MULTILINE) for cell in notebook.cells[broken:])


def test_it_ends_with_what_was_learned_three_questions_and_the_way_on(notebook: NotebookNode):
    learned, questions, way_on = (cell.source for cell in notebook.cells[-3:])
    assert learned.startswith("## What you have seen")
    assert len(re.findall(r"^\*\*\d\.\*\* .*\?$", questions, re.MULTILINE)) == 3
    assert len(re.findall(r"<details><summary>Answer</summary>\n\n.+?\n\n</details>", questions, re.DOTALL)) == 3
    assert way_on.startswith("## Where to go next")


def headings_of(notebook: NotebookNode) -> list[int]:
    """Levels of the headings, in their order; a comment in a block of code is none."""
    text = re.sub(r"^```.*?^```", "", "\n\n".join(text_of(notebook)), flags=re.MULTILINE | re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


def in_order(levels: list[int]) -> bool:
    """One title, first, and no level skipped on the way down."""
    return levels.count(1) == 1 and levels[0] == 1 and all(lower <= upper + 1 for upper, lower in pairwise(levels))


def test_headings_are_one_title_and_no_level_is_skipped(stored: NotebookNode):
    assert in_order(headings_of(stored))
    assert in_order([1, 2, 3, 3, 2]) and not any(map(in_order, ([2, 1], [1, 3], [1, 2, 1], [2])))


def test_links_lead_to_files_that_are_there(path: Path, notebook: NotebookNode):
    """Those to where the project is published lead to the files from which that was published."""
    text = "\n".join(text_of(notebook))
    text = with_links(text, path, REPOSITORY, before=address_set(), after=Address())
    assert lost_links(text, path) == []


def test_lessons_show_no_picture_of_a_file_for_on_colab_it_is_not_there(notebook: NotebookNode):
    text = "\n".join(text_of(notebook))
    assert not re.findall(r"!\[[^\]]*\]\((?!https:)", text) + re.findall(r"(?:src|href)=\"(?!https:)", text)


def compares(source: str) -> bool:
    """Whether code asserts that two results are the same."""
    nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
    asserted = [inner for node in nodes if isinstance(node, ast.Assert) for inner in ast.walk(node)]
    equal = any(isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) for node in asserted)
    return equal or bool(names_called(asserted) & SAME) or bool(names_called(nodes) & ASSERT_SAME)


def names_called(nodes: Iterable[ast.AST]) -> set[str]:
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    return {getattr(function, "attr", getattr(function, "id", "")) for function in called}


def test_what_counts_as_a_comparison():
    asserted = ("assert (a == b).all()", "torch.testing.assert_close(a, b)", "assert torch.equal(a, b)")
    assert all(map(compares, asserted)) and not any(map(compares, ("assert a < b", "a == b", "torch.equal(a, b)")))


@pytest.mark.parametrize("path", PAGES[1:], ids=lambda path: path.stem, indirect=True)  # 00 looks from the outside
def test_a_plain_form_is_asserted_to_equal_the_library(notebook: NotebookNode):
    broken = next(i for i, cell in enumerate(notebook.cells) if "Break it" in cell.source)
    assert any(cell.cell_type == "code" and compares(cell.source) for cell in notebook.cells[:broken])


# --- the set-up cell


def test_the_first_code_cell_is_the_set_up_that_all_share_and_it_says_nothing(stored: NotebookNode):
    first = code_of(stored)[0]
    assert first.id == "setup" and first.source == set_up_cells(address_set())["setup"] and first.outputs == []


# --- the quickstart


def test_the_cell_for_a_video_of_ones_own_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cells = code_of(nbformat.read(REPOSITORY / "notebooks" / "00_quickstart.ipynb", as_version=4))
    choose, write = (cell.source for cell in cells if "MY_VIDEO" in cell.source)
    for i in range(3):
        write_image(tmp_path / "mine" / f"{i}.png", np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    imports = [line for cell in cells for line in cell.source.splitlines() if re.match("from|import", line)]
    names: dict[str, Any] = {"model": build_model(SMALL).eval(), "display": lambda widget: None}
    exec("\n".join(imports), names)
    exec(choose.replace("MY_VIDEO = None", "MY_VIDEO = 'mine'"), names)
    names["drawing"].shapes = [{"object": 1, "kind": "box", "corners": [[20, 10], [50, 30]]}]
    exec(write, names)
    written = [frame.image.shape for frame in FileFrames(tmp_path / "mine_tracked.mp4")]
    assert written == [(48, 64, 3)] * 3
