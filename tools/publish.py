"""Write where the project is published into every place that says so.

    python -m tools.publish [--repository https://github.com/OWNER/NAME] [--tag v1.0]

The address and the tag are set in one place, the table ``tool.tbd`` of ``pyproject.toml``. They are empty until
somebody publishes the project: an invented address could be taken by a stranger, whose code readers would then run.
From them this writes the badges, set-up cells and links of the notebooks, ``[project.urls]``, ``CITATION.cff``, and the
marked parts of README and docs. Without arguments it writes what is set already, for instance after a merge. An empty
repository leads back to no address. Running it twice writes the same bytes.
"""

import posixpath
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import tyro
from nbformat import NotebookNode

from tbd_lib.errors import InputError
from tbd_lib.files import write_text
from tools.marked import marked

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- written by `make publish` -->\n"
BRANCH = "main"  # stands for a tag where none is given

SET_UP_TEXT = """
The code below is the same in every lesson. Where the package is missing (on Colab, say), it is installed from \
{source}. PyTorch is asked for one thread, so that you see the numbers that are printed here.
"""
UPLOADED = "the wheel that you have uploaded: the package as one file, which `make wheel` writes"
TAGGED = "the project's repository"

SET_UP = """
{install}

import torch

_ = torch.set_num_threads(1)
"""
FROM_WHEEL = """
from importlib.util import find_spec
from pathlib import Path

if find_spec("tbd_lib") is None:
    wheels = [*Path().glob("tbd_lib-*.whl"), *Path("drive/MyDrive").glob("tbd_lib-*.whl")]
    if not wheels:
        raise FileNotFoundError(
            "tbd_lib-*.whl is missing: upload it beside this notebook (on Colab, by the folder icon at the left),\\n"
            "or put it into MyDrive and mount Drive. Then run this cell again."
        )
    %pip install -q "{max(wheels)}[course]"
"""
FROM_TAG = """
from importlib.util import find_spec

if find_spec("tbd_lib") is None:
    %pip install -q "tbd-lib[course] @ git+{repository}@{tag}"
"""

BADGE = "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]({address})"
COLAB_BY_WHEEL = """
1. `make wheel` writes `dist/tbd_lib-*.whl`: the package in one file, with the weights, the sample, the results that
   lessons read, and the solutions.
2. In Colab, open a lesson of `notebooks/` (File, Upload notebook).
3. Upload the wheel (folder icon at the left). Or put it into MyDrive once, and mount Drive in every session.
4. Run the lesson from the top. Its first cell installs that wheel, and the package from nowhere else.
"""
COLAB_BY_BADGE = """
Every lesson has a badge that opens it in Colab. Its first cell installs the package as it is at `{tag}`:

```bash
pip install "tbd-lib[course] @ git+{repository}@{tag}"
```
"""


@dataclass(frozen=True)
class Address:
    """Where the project is published: a repository on GitHub, and a tag or branch of it; both empty if nowhere."""

    repository: str = ""
    tag: str = ""

    @property
    def files(self) -> str:
        """What the address of every file begins with."""
        return f"{self.repository}/blob/{self.tag}/"

    @property
    def notebooks(self) -> str:
        """What the address of every notebook in Colab begins with."""
        return self.files.replace("https://github.com/", "https://colab.research.google.com/github/")


def checked(repository: str, tag: str) -> Address:
    """An address as people write it.

    Raises:
        InputError: the repository is none on GitHub (Colab opens notebooks from there), the tag cannot be a part of an
            address, or there is a tag without a repository.
    """
    repository = repository.strip().removesuffix("/").removesuffix(".git")
    if not repository:
        if tag:
            raise InputError(f"`tag` {tag!r} without a repository; expected --repository https://github.com/OWNER/NAME")
        return Address()
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", repository, re.ASCII):
        raise InputError(f"`repository` {repository!r}; expected https://github.com/OWNER/NAME")
    if not re.fullmatch(r"\w[\w.-]*", tag or BRANCH, re.ASCII):
        raise InputError(f"`tag` {tag!r}; expected letters, digits, dots and hyphens")
    return Address(repository, tag or BRANCH)


def address_set(root: Path = ROOT) -> Address:
    """What ``pyproject.toml`` says."""
    table = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["tbd"]
    return Address(table["repository"], table["tag"])


# --- notebooks


def set_up_cells(address: Address) -> dict[str, str]:
    """The sources of the cells that all notebooks begin with, by cell id."""
    if address.repository:
        source, install = TAGGED, FROM_TAG.format(repository=address.repository, tag=address.tag)
    else:
        source, install = UPLOADED, FROM_WHEEL
    return {
        "setup-text": SET_UP_TEXT.format(source=source).strip(),
        "setup": SET_UP.format(install=install.strip()).strip(),
    }


def fill(notebook: NotebookNode, address: Address) -> None:
    """Put the set-up cells into a notebook that has cells of their ids."""
    sources = set_up_cells(address)
    for cell in notebook.cells:
        cell.source = sources.get(cell.id, cell.source)


def with_badge(header: str, name: str, address: Address) -> str:
    """The first cell of a lesson, with a badge after its title if there is an address."""
    header = re.sub(r"^\[!\[Open In Colab\].*\n+", "", header, flags=re.MULTILINE)
    badge = BADGE.format(address=f"{address.notebooks}notebooks/{name}")
    return header.replace("\n\n", f"\n\n{badge}\n\n", 1) if address.repository else header


def with_links(text: str, path: Path, root: Path, before: Address, after: Address) -> str:
    """A text whose links to files of the repository lead to where it is published, or, if nowhere, to the files.

    Args:
        text: with relative links, or with those to ``before``.
        path: of the notebook that it stands in.
        root: of the repository.
        before: where links lead now.
        after: where they shall lead. Notebooks open in Colab; whatever else, on GitHub.
    """
    folder = path.parent.relative_to(root).as_posix()

    def absolute(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[0]))
        file = root / target.partition("#")[0]
        start = after.notebooks if file.suffix == ".ipynb" else after.files
        return start + target if file.is_file() else link[0]  # in code and formulas, say, "](" begins no link

    if before.repository:
        starts = "|".join(map(re.escape, (before.notebooks, before.files)))
        text = re.sub(rf"(?<=\]\()(?:{starts})([^)\s]+)", lambda link: posixpath.relpath(link[1], folder), text)
    return re.sub(r"(?<=\]\()(?![a-z]+:|#)[^)\s]+", absolute, text) if after.repository else text


def publish_notebook(path: Path, root: Path, before: Address, after: Address) -> str:
    """The text of a notebook's file, with the badge, the set-up cells and the links of an address."""
    notebook = nbformat.read(path, as_version=4)
    fill(notebook, after)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, path, root, before, after)
        if cell.id == "header":
            cell.source = with_badge(cell.source, path.name, after)
    return nbformat.writes(notebook) + "\n"


# --- other files


def project_file(text: str, address: Address) -> str:
    """``pyproject.toml``: the setting, and the address that a package index shows."""
    for name, value in (("repository", address.repository), ("tag", address.tag)):
        text = re.sub(rf'(?<=\n)(\[tool\.tbd\][^\[]*?\n{name} = )"[^"]*"', rf'\g<1>"{value}"', text)
    text = re.sub(r"\[project\.urls\]\n(?:.+\n)*\n", "", text)
    urls = f'[project.urls]\nRepository = "{address.repository}"\n\n' if address.repository else ""
    return text.replace("[project.scripts]\n", f"{urls}[project.scripts]\n")


def citation(text: str, address: Address) -> str:
    """``CITATION.cff``."""
    text = re.sub(r"^repository-code: .*\n", "", text, flags=re.MULTILINE)
    line = f"repository-code: {address.repository}\n" if address.repository else ""
    return text.replace("license: MIT\n", f"license: MIT\n{line}")


def readme(text: str, address: Address) -> str:
    """``README.md``: a badge that opens the first lesson."""
    badge = BADGE.format(address=f"{address.notebooks}notebooks/00_quickstart.ipynb")
    return marked(text, MARK, badge if address.repository else "")


def installing(text: str, address: Address) -> str:
    """``docs/install.md``: how a lesson gets the package on Colab."""
    way = COLAB_BY_BADGE.format(**vars(address)) if address.repository else COLAB_BY_WHEEL
    return marked(text, MARK, way)


FILES: dict[str, Callable[[str, Address], str]] = {
    "pyproject.toml": project_file,
    "CITATION.cff": citation,
    "README.md": readme,
    "docs/install.md": installing,
}


def publish(address: Address, root: Path = ROOT) -> list[str]:
    """Write an address into all places.

    Args:
        address: checked.
        root: of the repository.

    Returns:
        The files that changed, from the root.
    """
    before = address_set(root)
    texts = {name: write((root / name).read_text(encoding="utf-8"), address) for name, write in FILES.items()}
    for path in (*root.glob("notebooks/*.ipynb"), *root.glob("notebooks/solutions/*.ipynb")):
        texts[path.relative_to(root).as_posix()] = publish_notebook(path, root, before, address)
    changed = [name for name, text in texts.items() if (root / name).read_text(encoding="utf-8") != text]
    for name in sorted(changed, key="pyproject.toml".__eq__):  # the setting last: what stops before begins anew
        write_text(root / name, texts[name])
    return sorted(changed)


def main(repository: str | None = None, tag: str | None = None) -> None:
    """Write where the project is published into every place that says so, and name the files that change.

    Args:
        repository: https://github.com/OWNER/NAME; empty for nowhere; what is set already if left out.
        tag: A tag or a branch; main if left out beside a repository.
    """
    now = address_set()
    if repository is None:
        repository, tag = now.repository, now.tag if tag is None else tag
    try:
        address = checked(repository, tag or "")
    except InputError as error:
        raise SystemExit(f"publish: {error}") from None
    for name in publish(address):
        print(name)
    print(f"published at {address.repository}, {address.tag}" if address.repository else "published nowhere")


if __name__ == "__main__":
    tyro.cli(main)
