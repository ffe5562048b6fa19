"""Notebooks: what they must look like to be read, checked and opened anywhere; and the tool that runs them."""

import importlib.util
import re
import sys
import tempfile
import tomllib
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import ModuleType

import nbformat
import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from tbd_lib.config import SMALL
from tbd_lib.masks import write_mask
from tbd_lib.model import build_model
from tbd_lib.video import FileFrames, write_image

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
HEADER = (
    r"# \S",
    r"\[!\[Open In Colab\]",
    r"\*\*Step of the method:\*\*",
    r"\*\*After this you can\*\*",
    r"\*\*Prerequisites:\*\*",
    r"\*\*Run time:\*\* [^\n]*\d[^\n]* CPU",
    r"\*\*Writes:\*\*",
)
LARGEST = 600_000  # bytes of a notebook
OF_A_MACHINE = [
    *map(re.escape, {str(REPOSITORY), str(Path.home()), sys.prefix, tempfile.gettempdir()}),
    r"(?<![\w./])/(home|root|tmp|Users|usr|opt|var|mnt|content)/",
    r"\b[A-Z]:\\\\",
    r"\b0x[0-9a-f]{6,}",
    r"\b\d{1,3}(\.\d{1,3}){3}\b",
    r"localhost",
]


def repository_address() -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return project["urls"]["Repository"]


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """The tool, which is a program and no package."""
    spec = importlib.util.spec_from_file_location("run_notebooks", REPOSITORY / "tools" / "run_notebooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_of(notebook) for output in cell.outputs]


def said(notebook: NotebookNode) -> list[str]:
    """All that a reader sees as text: sources, and text outputs."""
    outputs = [str(output.get("text", "")) for output in outputs_of(notebook)]
    outputs += [
        str(value)
        for output in outputs_of(notebook)
        for kind, value in output.get("data", {}).items()
        if kind.startswith("text/")
    ]
    return [cell.source for cell in notebook.cells] + outputs


def set_up_of(notebook: NotebookNode) -> str:
    return code_of(notebook)[0].source


def test_there_are_notebooks():
    assert NOTEBOOKS, "otherwise the tests below check nothing"


# --- as stored


def test_cells_were_run_in_order_and_without_errors(notebook: NotebookNode):
    counts = [cell.execution_count for cell in code_of(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert not [
        output for output in outputs_of(notebook) if output.output_type == "error" or output.get("name") == "stderr"
    ]


def test_every_output_is_compared(notebook: NotebookNode, runner: ModuleType, path: Path):
    producing, compared = runner.compared(notebook)
    print(f"{path.name}: {compared} of {producing} cells that put something out are compared by nbval")
    assert 0 < producing == compared


def test_nothing_tells_of_the_machine_it_ran_on(notebook: NotebookNode):
    found = [match[0] for text in said(notebook) for pattern in OF_A_MACHINE for match in re.finditer(pattern, text)]
    assert not found


def test_metadata_is_the_kernel_and_nothing_else(notebook: NotebookNode):
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    nbformat.validate(notebook)


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
                assert "text/markdown" in caption and caption["text/plain"] == picture["text/plain"]


# --- as written


def test_the_header_has_its_parts_in_order(notebook: NotebookNode):
    places = [re.search(part, notebook.cells[0].source) for part in HEADER]
    assert all(places)
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts) and starts[0] == 0


def test_cells_are_short_and_explained(notebook: NotebookNode):
    lines = [len(cell.source.splitlines()) for cell in code_of(notebook)]
    assert max(lines) <= 25 and median(lines) <= 8
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


# --- the address and the set-up cell


def test_all_notebooks_share_one_set_up_cell():
    assert len({set_up_of(nbformat.read(path, as_version=4)) for path in NOTEBOOKS}) == 1


def test_addresses_are_those_of_the_project(notebook: NotebookNode, path: Path):
    address = repository_address()
    assert address.startswith("https://github.com/")
    name = address.removeprefix("https://github.com/")
    links = re.findall(r"https?://[^\s)\"'>]+", "\n".join(said(notebook)))
    ours = [link for link in links if "github" in link]
    badge = f"https://colab.research.google.com/github/{name}/blob/main/notebooks/{path.name}"
    assert set(ours) == {address, badge}


def run_set_up(source: str) -> list[str]:
    """Run the cell; what it asks of pip."""
    asked = []

    class Shell:
        def run_line_magic(self, name: str, line: str) -> None:
            asked.append(f"{name} {line}")

    exec(TransformerManager().transform_cell(source), {"get_ipython": Shell})
    return asked


def test_the_set_up_cell_installs_only_what_is_missing(notebook: NotebookNode, monkeypatch: pytest.MonkeyPatch):
    assert run_set_up(set_up_of(notebook)) == []
    monkeypatch.setitem(sys.modules, "tbd_lib", None)  # as if it were not installed
    assert run_set_up(set_up_of(notebook)) == [f'pip install -q "tbd-lib @ git+{repository_address()}"']


# --- the quickstart


def test_the_cell_for_a_video_of_ones_own_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cells = code_of(nbformat.read(REPOSITORY / "notebooks" / "00_quickstart.ipynb", as_version=4))
    own = next(cell.source for cell in cells if "MY_VIDEO = None" in cell.source)
    for i in range(3):
        write_image(tmp_path / "mine" / f"{i}.png", np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8))
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 20:50] = 1
    write_mask(tmp_path / "mask.png", mask)
    monkeypatch.chdir(tmp_path)
    imports = [line for cell in cells for line in cell.source.splitlines() if re.match("from|import", line)]
    names: dict[str, object] = {"model": build_model(SMALL).eval()}
    exec("\n".join(imports), names)
    exec(own.replace("MY_VIDEO = None", "MY_VIDEO = 'mine'").replace("MY_MASK = None", "MY_MASK = 'mask.png'"), names)
    written = [frame.image.shape for frame in FileFrames(tmp_path / "mine_tracked.mp4")]
    assert written == [(48, 64, 3)] * 3


# --- the tool


def write_notebook(path: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}, "authors": []}), path)


def test_running_stores_outputs_without_traces_and_again_the_same(tmp_path: Path, runner: ModuleType, capsys):
    path = tmp_path / "a.ipynb"
    write_notebook(
        path, "print('a')\nprint('b')", "x = 1", "import os, tbd_lib\nos.environ['OMP_NUM_THREADS'] + os.getcwd()[:0]"
    )
    runner.main([str(path)])
    notebook, first = nbformat.read(path, as_version=4), path.read_bytes()
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[0].outputs[0].text == "a\nb\n" and len(notebook.cells[0].outputs) == 1
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'1'"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert capsys.readouterr().out.startswith("a.ipynb: 2 of 2 outputs compared, ")
    runner.main([str(path)])
    assert path.read_bytes() == first


def test_a_notebook_that_fails_stays_as_it_was(tmp_path: Path, runner: ModuleType):
    path = tmp_path / "b.ipynb"
    write_notebook(path, "print('a')", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"(?s)b\.ipynb.*ZeroDivisionError"):
        runner.main([str(path)])
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("cell", "counted"),
    [
        ({"outputs": [{"text": "a"}]}, (1, 1)),
        ({"outputs": []}, (0, 0)),
        ({"outputs": [{"data": {"image/png": "", "text/plain": "a dog"}}]}, (1, 1)),
        ({"outputs": [{"text": "a"}, {"data": {"image/png": ""}}]}, (1, 0)),
        ({"outputs": [{"text": "a"}], "source": "# NBVAL_IGNORE_OUTPUT"}, (1, 0)),
        ({"outputs": [{"text": "a"}], "metadata": {"tags": ["nbval-skip"]}}, (1, 0)),
    ],
)
def test_only_outputs_whose_text_nbval_sees_count_as_compared(runner: ModuleType, cell: dict, counted: tuple[int, int]):
    made = {"cell_type": "code", "source": "", "metadata": {}} | cell
    assert runner.compared(nbformat.from_dict({"cells": [made]})) == counted
