"""The list of dependencies stands once, and everything else agrees with it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[ ]", requirement)[0] for requirement in requirements} - {"tbd-lib"}


def everything() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"]
    return PROJECT["project"]["dependencies"] + [one for extra in extras.values() for one in extra]


def test_conda_installs_what_pip_installs() -> None:
    text = (ROOT / "environment.yml").read_text()
    assert "- -e .[dev]" in text
    assert f"- python{PROJECT['project']['requires-python']}" in text


def test_versions_are_never_capped() -> None:
    """An upper bound on torch can pick a build with which torchvision cannot be imported."""
    assert not [one for one in everything() if re.search(r"[<~!]|==", one)]


def test_the_floor_is_the_lower_bound_of_all_that_the_library_and_its_tests_need() -> None:
    needed = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"]
    lines = (ROOT / "tests" / "floor.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [one.replace(">=", "==") for one in needed]


def test_the_readme_says_why_for_every_dependency() -> None:
    readme = (ROOT / "README.md").read_text()
    table = readme[readme.index("## Dependencies") : readme.index("## The original / here")]
    first_column = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    missing = [name for name in names(everything()) if not re.search(rf"\b{re.escape(name)}\b", first_column)]
    assert not missing


def test_every_folder_of_the_package_is_shipped() -> None:
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "tbd_lib").rglob("__init__.py")
    }  # fmt: skip
    assert folders | {"tbd_lib.data", "tbd_lib.results"} == set(PROJECT["tool"]["setuptools"]["packages"])


def test_every_file_beside_the_code_is_shipped() -> None:
    """Scripts and styles of widgets, say."""
    shipped = PROJECT["tool"]["setuptools"]["package-data"]
    for path in (ROOT / "tbd_lib").rglob("*.*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            patterns = shipped.get(".".join(path.parent.relative_to(ROOT).parts), [])
            assert any(path.match(pattern) for pattern in patterns), path


def test_bundled_data_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in (ROOT / "data").rglob("*") if path.is_file()}
    weights = sum(size for path, size in sizes.items() if "weights" in path.parts)
    assert weights < 8e6
    assert sum(sizes.values()) - weights < 6e6
