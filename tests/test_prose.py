"""Numbers in prose: each is borne out by the notebook it stands in, and the search finds those that are not."""

from pathlib import Path

import nbformat
import pytest
from course import PAGES
from nbformat import NotebookNode

from tools import prose
from tools.prose import EXEMPT, exempt_of, main, statements, unexplained

METHOD = "crops of 384x384\n\n| short | keeps 0.27 |\n"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A description of the method and a result file, in place of the real ones."""
    (tmp_path / "method.md").write_text(METHOD)
    (tmp_path / "scores.json").write_text('{"full": {"mean": 0.6301, "count": 7310}}')
    (tmp_path / "ablations.json").write_text('{"mean": 0.6301}')
    (tmp_path / "other.json").write_text('{"mean": 0.9111}')
    monkeypatch.setattr(prose, "METHOD", tmp_path / "method.md")
    monkeypatch.setattr(prose, "RESULTS", tmp_path)
    return tmp_path


def made(text: str, code: str = "", *outputs: NotebookNode) -> NotebookNode:
    cells = [
        nbformat.v4.new_markdown_cell(text, id="text"),
        nbformat.v4.new_code_cell(code, id="code", outputs=list(outputs)),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def printed(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stdout", text=text)


OUTPUT = printed("J 0.8064, share 45.2 %, 1,842,482 weights, 1984 frames, 0.0123 s, 3,145,728 bytes")


@pytest.mark.parametrize(
    "text",
    [
        "J is 0.81, or 0.806",
        "0.452 of the frame, 45 %, 45.2%, $45\\,\\%$ or 45 per cent",
        "1,842,482 weights: $1{,}842{,}482$, $1\\,842\\,482$, 1.8 M, 1.84 million, about 1,800,000",
        "1984 frames, about 2,000 frames",
        "12.3 ms, and 3.0 MiB",
        "99 frames, 3x3, 1/2, equation (12)",
    ],
)
def test_a_number_is_borne_out_at_the_precision_shown(places: Path, text: str):
    assert unexplained(made(text, "", OUTPUT)) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("J is 0.80", "0.80"),
        ("J is 0.8065.", "0.8065"),
        ("J is 81.0 %, not 80.6 %", "81.0 %"),
        ("in 46% of all", "46%"),
        ("2,000 frames", "2,000"),
        ("about 1,900 frames", "1,900"),
        ("about 2,000,000 weights", "2,000,000"),
        ("1.9 M weights", "1.9 M"),
        ("12.4 ms", "12.4 ms"),
        ("480p", "480"),
        ("384x854", "854"),
        ("1e-6", "1e-6"),
        ("**0.77**", "0.77"),
        ("| a | 0.66 |", "0.66"),
        ("$$x = 0.123$$", "0.123"),
        ("64 thousand", "64 thousand"),
        ("<b>0.33</b>", "0.33"),
        ("[0.34](https://example.org)", "0.34"),
        ("2012 weights", "2012"),
    ],
)
def test_a_number_that_nothing_bears_out_is_named_with_its_cell(places: Path, text: str, shown: str):
    assert unexplained(made(text, "", OUTPUT)) == [("text", shown)]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 0.1234\n```",
        "~~~\n0.1234\n~~~",
        "`0.1234` and ``a `0.1234` b``",
        "[here](https://example.org/0.1234), https://example.org/300 <img src='0.1234'>",
        "**Run time:** about 120 s on two CPU cores.",
        "$$a = b \\qquad (101)$$ or $$a \\tag{102}$$",
        "DenseNet-121, DAVIS-2016, COCO-2017, YouTube-VOS 2018, ECCV 2022, H.264, bfloat16, arXiv 2207.06953",
        "on 2026-11-22, in 2022, Python 3.11, release 0.10.2",
        "(Okabe and Ito, 2008), Perazzi et al. (2016), Cho et al., 2022.",
    ],
)
def test_what_states_nothing_needs_no_support(places: Path, text: str):
    assert unexplained(made(text)) == []


@pytest.mark.parametrize(
    "output",
    [
        printed("0.8064"),
        nbformat.v4.new_output("display_data", {"image/png": "", "text/plain": "J 0.806"}),
        nbformat.v4.new_output("execute_result", {"text/plain": "(0.8064, 1)"}),
    ],
)
def test_all_text_outputs_bear_out(places: Path, output: NotebookNode):
    assert unexplained(made("J is 0.81", "", output)) == []


def test_code_bears_out_but_its_comments_do_not(places: Path):
    assert unexplained(made("1,000 steps at 1e-4, 0.5", "steps, rate = 1_000, 1e-4\nprint('0.5')")) == []
    assert unexplained(made("J is 0.77", "x = 1  # gave 0.77")) == [("text", "0.77")]
    assert unexplained(made("J is 0.77", "%pip install x\nx = 0.77\n'''")) == []  # what Python cannot read counts whole


def test_the_method_bears_out_and_so_do_results_that_are_read(places: Path):
    assert unexplained(made("384 pixels, keeps 0.27")) == []
    assert unexplained(made("J 0.63 and 7,310", "read(results_folder() / 'scores.json')")) == []
    assert unexplained(made("J 0.63 and 0.91", "read('other.json')")) == [("text", "0.63")]
    assert unexplained(made("J is 0.63", "read('ablations.json')")) == [("text", "0.63")]  # any number is there


def test_a_picture_bears_nothing_out(places: Path):
    picture = nbformat.v4.new_output("display_data", {"image/svg+xml": "0.77", "text/plain": "a dog"})
    assert unexplained(made("J is 0.77", "", picture)) == [("text", "0.77")]


def test_a_number_can_be_exempt_in_one_cell_only(places: Path):
    notebook = made("0.77 and 0.78")
    assert unexplained(notebook, [("text", "0.77"), ("other", "0.78")]) == [("text", "0.78")]


def test_the_program_says_what_it_found_and_fails(places: Path, capsys: pytest.CaptureFixture):
    path = places / "a.ipynb"
    nbformat.write(made("J is 0.77"), path)
    with pytest.raises(SystemExit, match="1"):
        main((path,))
    assert capsys.readouterr().out.startswith("a.ipynb, cell text: 0.77 occurs in no code")
    nbformat.write(made("J is 7"), path)
    with pytest.raises(SystemExit, match="0"):
        main((path,))


# --- the lessons


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_number_in_a_lesson_is_borne_out(path: Path):
    notebook = nbformat.read(path, as_version=4)
    assert unexplained(notebook, exempt_of(path.stem)) == []


def test_the_lessons_state_numbers_and_what_is_exempt_is_there():
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in PAGES}
    texts = [cell.source for notebook in notebooks.values() for cell in notebook.cells if cell.cell_type == "markdown"]
    assert sum(len(statements(text)) for text in texts) > len(PAGES)
    for (name, cell_id), exempt in EXEMPT.items():
        (text,) = (cell.source for cell in notebooks[name].cells if cell.id == cell_id)
        assert exempt <= {number.shown for number in statements(text)}
