"""Where the project is published: set in one place, written into all that name it, and nowhere else."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

import nbformat
import pytest
import tyro
from links import relative_links
from nbformat import NotebookNode

from tbd_lib.errors import InputError
from tools import publish as tool
from tools.publish import Address, address_set, checked, publish, with_badge, with_links

ROOT = Path(__file__).parents[1]
NOBODY = "https://github.com/-nobody-/tbd"  # nobody can have a name that begins with a hyphen
MADE_UP = Address(NOBODY, "v1.0")
COLAB = "https://colab.research.google.com/github/-nobody-/tbd/blob/v1.0/notebooks"
FOLDERS = (
    ".ci",
    ".github",
    "benchmarks",
    "docs",
    "notebooks",
    "results",
    "site",
    "tbd_lib",
    "tests",
    "tests_browser",
    "tools",
)
HOSTS = r"github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co|colab\.research\.google\.com/github"
HOSTED = re.compile(rf"(?:{HOSTS})/([\w.-]+/[\w.-]+)")
PLACEHOLDERS = {"OWNER/NAME", "-nobody-/tbd"}

Snapshot = dict[str, bytes]


def files_of(root: Path) -> Iterator[Path]:
    """All files of the project but for data; caches, environments and builds do not belong to it."""
    yield from (path for path in root.iterdir() if path.is_file())
    for folder in FOLDERS:
        yield from (path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@dataclass(frozen=True)
class Trees:
    """What a copy of the project held, file by file, as it was published again and again."""

    changed_by_what_is_set: list[str]
    nowhere: Snapshot
    published: Snapshot
    changed: list[str]  # the files that the program says it changed on the way there
    changed_again: list[str]
    moved: Snapshot  # published at another tag
    back: Snapshot


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    root = tmp_path_factory.mktemp("project")
    for path in files_of(ROOT):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)

    def snapshot() -> Snapshot:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files_of(root)}

    changed_by_what_is_set = publish(address_set(root), root)
    publish(Address(), root)
    nowhere = snapshot()
    changed = publish(MADE_UP, root)
    published = snapshot()
    changed_again = publish(MADE_UP, root)
    publish(Address(NOBODY, "v1.1"), root)
    moved = snapshot()
    publish(Address(), root)
    return Trees(changed_by_what_is_set, nowhere, published, changed, changed_again, moved, snapshot())


def test_all_places_are_as_what_is_set_says(trees: Trees):
    assert trees.changed_by_what_is_set == [], "`make publish` writes them"


def test_no_address_is_named_anywhere_but_the_one_that_is_set():
    data = (path for path in (ROOT / "data").rglob("*") if path.suffix in (".md", ".json", ".txt"))
    texts = [path.read_bytes().decode(errors="ignore") for path in (*files_of(ROOT), *data)]
    named = {name.removesuffix(".git") for text in texts for name in HOSTED.findall(text)} - PLACEHOLDERS
    assert named == set(filter(None, [address_set().repository.removeprefix("https://github.com/")]))


def test_published_nowhere_no_address_is_named(trees: Trees):
    for name, content in trees.nowhere.items():
        assert name.startswith("tests/") or b"-nobody-" not in content, name
        assert not name.endswith((".ipynb", ".md")) or b"colab-badge" not in content, name


LINES = {  # lines that go and come, without empty ones
    "pyproject.toml": (
        ['repository = ""', 'tag = ""'],
        ["[project.urls]", f'Repository = "{NOBODY}"', f'repository = "{NOBODY}"', 'tag = "v1.0"'],
    ),
    "CITATION.cff": ([], [f"repository-code: {NOBODY}"]),
    "README.md": ([], [tool.BADGE.format(address=f"{COLAB}/00_quickstart.ipynb")]),
    "docs/install.md": (
        [line for line in tool.COLAB_BY_WHEEL.splitlines() if line],
        [line for line in tool.COLAB_BY_BADGE.format(repository=NOBODY, tag="v1.0").splitlines() if line],
    ),
}


def lines_that_differ(before: bytes, after: bytes, mark: str) -> list[str]:
    lines = ndiff(before.decode().splitlines(), after.decode().splitlines())
    return [line[2:] for line in lines if line.startswith(mark) and line[2:]]


def cells_that_differ(before: bytes, after: bytes) -> set[str]:
    """By id, of two notebooks that are the same in all else."""
    first, second = (nbformat.reads(content.decode(), as_version=4) for content in (before, after))
    ids = {cell.id for cell, other in zip(first.cells, second.cells, strict=True) if cell.source != other.source}
    for cell in [*first.cells, *second.cells]:
        cell.source = ""
    assert first == second
    return ids


def cells_with_links(notebook: NotebookNode) -> set[str]:
    return {cell.id for cell in notebook.cells if cell.cell_type == "markdown" and relative_links(cell.source)}


def test_exactly_these_places_change(trees: Trees):
    changed = {name for name in trees.nowhere if trees.nowhere[name] != trees.published[name]}
    notebooks = {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").rglob("[!.]*.ipynb")}
    notebooks = {name for name in notebooks if ".ipynb_checkpoints" not in name}
    assert set(trees.nowhere) == set(trees.published) and len(notebooks) > 10
    assert changed == {*LINES, *notebooks} == set(trees.changed)
    for name, (gone, come) in LINES.items():
        before, after = trees.nowhere[name], trees.published[name]
        assert sorted(lines_that_differ(before, after, "- ")) == sorted(gone), name
        assert sorted(lines_that_differ(before, after, "+ ")) == sorted(come), name
    for name in notebooks:
        expected = {"setup-text", "setup"} | ({"header"} if "solutions" not in name else set())
        expected |= cells_with_links(nbformat.reads(trees.nowhere[name].decode(), as_version=4))
        assert cells_that_differ(trees.nowhere[name], trees.published[name]) == expected, name


def test_published_every_lesson_has_its_badge_and_links_that_work_away_from_the_repository(trees: Trees):
    for name, content in trees.published.items():
        if not re.fullmatch(r"notebooks/\w+\.ipynb", name):
            continue
        notebook = nbformat.reads(content.decode(), as_version=4)
        badge = f"(https://colab.research.google.com/github/-nobody-/tbd/blob/v1.0/{name})"
        assert notebook.cells[0].source.splitlines()[2].endswith(badge)
        assert cells_with_links(notebook) == set()


def test_publishing_again_changes_nothing_and_at_another_tag_leaves_nothing_of_the_first(trees: Trees):
    assert trees.changed_again == []
    changed = [name for name in trees.moved if trees.moved[name] != trees.nowhere[name]]
    assert set(changed) == set(trees.changed)
    for name in set(changed) - {"CITATION.cff"}:
        assert trees.moved[name].count(b"v1.0") == trees.nowhere[name].count(b"v1.0"), name
        assert trees.moved[name].count(b"v1.1") > trees.nowhere[name].count(b"v1.1"), name


def test_the_way_back_leads_to_the_same_bytes(trees: Trees):
    assert trees.back == trees.nowhere


# --- parts


@pytest.mark.parametrize("repository", [NOBODY, f"{NOBODY}/", f"{NOBODY}.git", f" {NOBODY}"])
def test_an_address_is_taken_as_people_copy_it(repository: str):
    assert checked(repository, "v1.0") == MADE_UP
    assert checked(repository, "") == Address(NOBODY, "main") and checked("", "") == Address()


@pytest.mark.parametrize(
    ("repository", "tag", "message"),
    [
        ("github.com/-nobody-/tbd", "", "expected https://github.com/OWNER/NAME"),
        ("http://github.com/-nobody-/tbd", "", "expected https://github.com/OWNER/NAME"),
        ("https://github.com/-nobody-", "", "expected https://github.com/OWNER/NAME"),
        (f"{NOBODY}/tree/main", "", "expected https://github.com/OWNER/NAME"),
        ("https://example.org/-nobody-/tbd", "", "expected https://github.com/OWNER/NAME"),
        (f'{NOBODY}"', "", "expected https://github.com/OWNER/NAME"),
        (NOBODY, "a/b", "expected letters, digits, dots and hyphens"),
        (NOBODY, "v1 0", "expected letters, digits, dots and hyphens"),
        (NOBODY, "-v1", "expected letters, digits, dots and hyphens"),
        ("", "v1.0", "without a repository"),
    ],
)
def test_what_is_no_address_is_refused(repository: str, tag: str, message: str):
    with pytest.raises(InputError, match=message):
        checked(repository, tag)


def test_links_to_notebooks_lead_to_colab_and_others_to_the_repository():
    path = ROOT / "notebooks" / "05_tracker.ipynb"
    relative = "[a](00_quickstart.ipynb) [b](../docs/course.md#references) [c](solutions/solutions.ipynb)"
    kept = "[d](https://example.org) [e](#f) `g[h](i)` $j[k](l)$"
    absolute = with_links(f"{relative} {kept}", path, ROOT, Address(), MADE_UP)
    assert absolute == (
        f"[a]({COLAB}/00_quickstart.ipynb) [b]({NOBODY}/blob/v1.0/docs/course.md#references) "
        f"[c]({COLAB}/solutions/solutions.ipynb) {kept}"
    )
    assert with_links(absolute, path, ROOT, MADE_UP, Address()) == f"{relative} {kept}"


def test_a_badge_stands_below_the_title_once():
    header = "# A\n\n**Step of the method:** 1.\n\n**Writes:** nothing."
    with_it = with_badge(header, "a.ipynb", MADE_UP)
    title, badge, rest = with_it.split("\n\n", 2)
    assert (title, rest) == tuple(header.split("\n\n", 1)) and badge.endswith(f"({COLAB}/a.ipynb)")
    assert with_badge(with_it, "a.ipynb", MADE_UP) == with_it and with_badge(with_it, "a.ipynb", Address()) == header


@pytest.mark.parametrize(
    ("before", "arguments", "after"),
    [
        (Address(), [], Address()),
        (MADE_UP, [], MADE_UP),
        (Address(), ["--repository", NOBODY], Address(NOBODY, "main")),
        (Address(), ["--repository", NOBODY, "--tag", "v1.0"], MADE_UP),
        (MADE_UP, ["--tag", "v1.1"], Address(NOBODY, "v1.1")),
        (MADE_UP, ["--repository", ""], Address()),
    ],
)
def test_what_is_left_out_stays_as_it_is_set(
    before: Address, arguments: list[str], after: Address, monkeypatch: pytest.MonkeyPatch
):
    wrote: list[Address] = []
    monkeypatch.setattr(tool, "address_set", lambda: before)
    monkeypatch.setattr(tool, "publish", lambda address: wrote.append(address) or [])
    tyro.cli(tool.main, args=arguments)
    assert wrote == [after]


def test_a_tag_of_nothing_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tool, "address_set", Address)
    with pytest.raises(SystemExit, match=r"publish: `tag` 'v1\.0' without a repository"):
        tool.main(tag="v1.0")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ([], ""),
        ([f"REPOSITORY={NOBODY}", "TAG=v1.0"], f"--repository '{NOBODY}' --tag 'v1.0'"),
        (["REPOSITORY="], "--repository ''"),
    ],
)
def test_make_hands_on_what_stands_on_its_command_line_and_not_the_environment(variables: list[str], options: str):
    environment = {"PATH": "/usr/bin:/bin", "TAG": "v9", "REPOSITORY": "https://example.org"}
    command = ["make", "--dry-run", "publish", *variables]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    (line,) = (line for line in done.stdout.splitlines() if "tools.publish" in line)
    assert line.partition("tools.publish")[2].strip() == options
