"""The tool that runs notebooks: what it stores, counts, measures, and leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tools import exercises, publish, run_notebooks
from tools.run_notebooks import compared, in_all, main, rounded, set_run_time, tidy

INSPECTOR = """
from IPython.display import display
from ipywidgets import FloatText, Label

picture = {"image/jpeg": "/9j/4AA=", "text/plain": "cell 3 of 7"}
view = {"application/vnd.jupyter.widget-view+json": {"model_id": Label().model_id, "version_major": 2}}
display({**view, **picture}, raw=True, metadata={"image/jpeg": {"alt": "cell 3 of 7"}})
display({"text/markdown": "*cell 3 of 7*", "text/plain": "cell 3 of 7"}, raw=True)
FloatText(2.5)
""".strip()


def write_notebook(path: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}, "authors": []}), path)
    return path


def test_running_stores_outputs_without_traces_and_again_the_same(tmp_path: Path, capsys: pytest.CaptureFixture):
    threads = "import os, tbd_lib\nos.environ['OMP_NUM_THREADS'] + os.getcwd()[:0]"
    path = write_notebook(tmp_path / "a.ipynb", "print('a')\nprint('b')", "x = 1", threads, INSPECTOR)
    main((path,))
    notebook, first = nbformat.read(path, as_version=4), path.read_bytes()
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4]
    assert notebook.cells[0].outputs[0].text == "a\nb\n" and len(notebook.cells[0].outputs) == 1
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'1'"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("a.ipynb: 3 of 3 outputs compared, ")
    assert printed[-1] == "3 of 3 outputs compared in all (100 %)"
    main((path,))
    assert path.read_bytes() == first


def nbval(path: Path) -> str:
    """What the notebook's comparison says at its end."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", path]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1]


def test_an_inspector_is_stored_without_its_view_and_compared_by_what_it_says(tmp_path: Path):
    path = write_notebook(tmp_path / "a.ipynb", INSPECTOR)
    main((path,))
    notebook = nbformat.read(path, as_version=4)
    picture, caption, field = (output.data for output in notebook.cells[0].outputs)
    assert set(picture) == {"image/jpeg", "text/plain"} and picture["image/jpeg"] == "/9j/4AA="
    assert set(caption) == {"text/markdown", "text/plain"}
    assert dict(field) == {"text/plain": "FloatText(value=2.5)"} and "widgets" not in notebook.metadata
    assert nbval(path).startswith("1 passed")
    path.write_text(path.read_text().replace('"cell 3 of 7"', '"cell 4 of 7"'))
    assert nbval(path).startswith("1 failed")


def test_tidying_removes_views_and_state_and_keeps_the_rest_of_the_bundle():
    view, state = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"
    bundle = {view: {"model_id": "1"}, state: {}, "image/png": "A", "text/plain": "a dog"}
    output = nbformat.v4.new_output("display_data", bundle, metadata={view: {}, "image/png": {"alt": "a dog"}})
    cell = nbformat.v4.new_code_cell("x", outputs=[output], metadata={"tags": ["t"], "collapsed": True})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("a"), cell], metadata={"widgets": {}})
    tidy(notebook)
    assert dict(output.data) == {"image/png": "A", "text/plain": "a dog"}
    assert output.metadata == {"image/png": {"alt": "a dog"}}
    assert cell.metadata == {"tags": ["t"]} and "widgets" not in notebook.metadata


def test_a_notebook_that_fails_stays_as_it_was(tmp_path: Path):
    path = write_notebook(tmp_path / "b.ipynb", "print('a')", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"(?s)b\.ipynb.*ZeroDivisionError"):
        main((path,))
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
def test_only_outputs_whose_text_nbval_sees_count_as_compared(cell: dict, counted: tuple[int, int]):
    made = {"cell_type": "code", "source": "", "metadata": {}} | cell
    assert compared(nbformat.from_dict({"cells": [made]})) == counted


def test_all_means_all():
    assert in_all(300, 299) == "299 of 300 outputs compared in all (99 %)"
    assert in_all(300, 300) == "300 of 300 outputs compared in all (100 %)"
    assert in_all(0, 0) == "0 of 0 outputs compared in all (0 %)"


# --- run times


def lesson(header: str) -> NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(header, id="header")])


@pytest.mark.parametrize(("seconds", "shown"), [(0.1, 5), (19.9, 20), (20.0, 20), (20.1, 25)])
def test_run_times_are_rounded_up_to_five_seconds(seconds: float, shown: int):
    assert rounded(seconds) == shown


def test_only_the_number_in_the_header_changes():
    notebook = lesson(
        "# A\n\nIn about 9 s.\n\n**Run time:** about 20 s on two CPU cores, 3 s on a GPU.\n\n**Writes:** x."
    )
    set_run_time(notebook, 31.2)
    assert notebook.cells[0].source == (
        "# A\n\nIn about 9 s.\n\n**Run time:** about 35 s on two CPU cores, 3 s on a GPU.\n\n**Writes:** x."
    )


@pytest.fixture
def small_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A lesson and the solutions, in place of the real ones; the result file goes beside them."""
    cells = [
        nbformat.v4.new_markdown_cell("# A\n\n**Run time:** about 55 s on two CPU cores. No GPU.", id="header"),
        nbformat.v4.new_code_cell("print('a')", id="code"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "00_a.ipynb")
    paths = [tmp_path / "00_a.ipynb", write_notebook(tmp_path / "solutions.ipynb", "print('b')", "x = 1")]
    monkeypatch.setattr(run_notebooks, "course", lambda: paths)
    monkeypatch.setattr(run_notebooks, "RESULTS", tmp_path / "results" / "notebooks.json")
    return paths


def test_times_go_into_headers_and_into_a_result_file(small_course: list[Path], tmp_path: Path):
    main(times=True)
    content = json.loads((tmp_path / "results" / "notebooks.json").read_text())
    assert set(content) == {"provenance", "threads", "cores", "notebooks"}
    assert list(content["notebooks"]) == ["00_a", "solutions"]
    row = content["notebooks"]["00_a"]
    assert 0 < row["seconds"] < 55 and {name: row[name] for name in ("kilobytes", "outputs", "compared")} == {
        "kilobytes": round(small_course[0].stat().st_size / 1000),
        "outputs": 1,
        "compared": 1,
    }
    header = nbformat.read(small_course[0], as_version=4).cells[0].source
    assert header == f"# A\n\n**Run time:** about {rounded(row['seconds'])} s on two CPU cores. No GPU."


def test_without_times_headers_and_results_stay(small_course: list[Path], tmp_path: Path):
    main()
    assert "about 55 s" in nbformat.read(small_course[0], as_version=4).cells[0].source
    assert not (tmp_path / "results").exists()


def test_times_of_some_notebooks_are_refused(small_course: list[Path]):
    before = small_course[0].read_bytes()
    with pytest.raises(SystemExit, match="--times measures all notebooks in one run; expected no names"):
        main((small_course[0],), times=True)
    assert small_course[0].read_bytes() == before


def test_a_course_is_the_lessons_with_their_exercises_and_then_the_solutions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    filled = []
    monkeypatch.setattr(exercises, "main", lambda: filled.append("exercises"))
    monkeypatch.setattr(publish, "publish", lambda address: filled.append("address"))
    monkeypatch.setattr(run_notebooks, "NOTEBOOKS", tmp_path)
    for name in ("01_b.ipynb", "00_a.ipynb", "notes.md"):
        (tmp_path / name).touch()
    assert run_notebooks.course() == [tmp_path / "00_a.ipynb", tmp_path / "01_b.ipynb", exercises.SOLUTIONS]
    assert filled == ["exercises", "address"]
