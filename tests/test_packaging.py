"""The list of dependencies stands once, and everything else agrees with it."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dependencies import CORE, EXTRAS, PROJECT, PYPROJECT, everything, name_of, of_extra, of_group

ROOT = Path(__file__).parents[1]


def test_conda_installs_what_pip_installs() -> None:
    text = (ROOT / "environment.yml").read_text()
    assert "- -e .[all]" in text
    assert f"- python{PROJECT['requires-python']}" in text


def test_versions_are_never_capped() -> None:
    """An upper bound on torch can pick a build with which torchvision cannot be imported."""
    assert not [requirement for requirement in everything() if re.search(r"[<~!]|==", requirement)]


def test_every_extra_is_among_all() -> None:
    assert {requirement for name in EXTRAS for requirement in of_extra(name)} == set(of_extra("all"))


def test_the_floor_is_the_lower_bound_of_all_that_the_library_and_its_tests_need() -> None:
    needed = [*CORE, *of_extra("course"), *of_extra("onnx"), *of_group("test")]
    lines = (ROOT / "tests" / "floor.txt").read_text().splitlines()
    found = [line for line in lines if not line.startswith("#")]
    assert sorted(found) == sorted(requirement.replace(">=", "==") for requirement in needed)


def test_it_is_said_why_for_every_dependency_and_every_extra() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    first_column = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("|"))
    names = {name_of(requirement) for requirement in everything()} | {f"`{extra}`" for extra in EXTRAS}
    assert not [name for name in names if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", first_column)]


def test_workflows_and_pages_call_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    files = [
        *(ROOT / ".github" / "workflows").glob("*.yml"),
        ROOT / ".ci" / "run",
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*"),
    ]
    texts = [path.read_text() for path in files if path.suffix in ("", ".yml", ".md")]
    called = {name for text in texts for name in re.findall(r"(?:^|`|run: )make ([a-z-]+)", text, re.MULTILINE)}
    in_turn = {name for text in texts for names in re.findall(r"target: \[(.*)\]", text) for name in names.split(", ")}
    assert {"check", "lint", "test-browser", "mutations"} <= called | in_turn <= targets


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("there", [False, True])
def test_make_refuses_an_old_python_before_it_installs_anything(there: bool, tmp_path: Path) -> None:
    recent = PROJECT["requires-python"].removeprefix(">=")
    old = (3, int(recent.split(".")[1]) - 1, 12)
    python = tmp_path / ".venv/bin/python" if there else tmp_path / "python3"
    python.parent.mkdir(exist_ok=True, parents=True)
    program = f"import sys; sys.version_info = {old}; exec(sys.argv[1])"
    called = f'echo "$@" >> {shlex.quote(str(tmp_path / "called"))}'
    python.write_text(
        f'#!/bin/sh\nif [ "$1" = -c ]; then exec {shlex.quote(sys.executable)} -c "{program}" "$2"; fi\n{called}\n'
    )
    python.chmod(0o755)
    values = [f"PYTHON={python}", f"VENV={tmp_path / '.venv'}", f"FLOOR={tmp_path / '.venv/bin'}"]
    for target in ("demo", "test-floor"):
        done = subprocess.run(["make", target, *values], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2
        assert f"Python {old[0]}.{old[1]}: expected {recent} or newer; rm -rf {tmp_path / '.venv'}, then" in done.stderr
    assert not (tmp_path / "called").exists()


def test_every_folder_of_the_package_is_shipped() -> None:
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "tbd_lib").rglob("__init__.py")
    }  # fmt: skip
    beside = {"tbd_lib.data", "tbd_lib.results", "tbd_lib.solutions"}
    assert folders | beside == set(PYPROJECT["tool"]["setuptools"]["packages"])


def test_every_file_beside_the_code_is_shipped() -> None:
    """Scripts and styles of widgets, say."""
    shipped = PYPROJECT["tool"]["setuptools"]["package-data"]
    for path in (ROOT / "tbd_lib").rglob("*.*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            patterns = shipped.get(".".join(path.parent.relative_to(ROOT).parts), [])
            assert any(path.match(pattern) for pattern in patterns), path


def test_bundled_data_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in (ROOT / "data").rglob("*") if path.is_file()}
    weights = sum(size for path, size in sizes.items() if "weights" in path.parts)
    assert weights < 8e6
    assert sum(sizes.values()) < 16e6
