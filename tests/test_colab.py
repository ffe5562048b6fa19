"""Colab: the set-up cell installs the package beside what a machine there has, and moves or writes nothing."""

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import nbformat
from course import LESSONS, code_of
from dependencies import CORE, PROJECT, of_extra
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

INSTALLED = [Requirement(text) for text in [*CORE, *of_extra("course")]]
PYTHON = "3.13"
COLAB: dict[str, str] = {  # what Colab's machines had in August 2026
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "numpy": "2.1.0",
    "ipywidgets": "7.7.1",
    "ipython": "7.34.0",
}
PROGRAM = """
import json, sys, types
from importlib.metadata import version
from IPython.core.interactiveshell import InteractiveShell

source, missing = json.loads(sys.argv[1])
sys.modules["google.colab"] = types.ModuleType("google.colab")
if missing:
    sys.modules["tbd_lib"] = None
versions = lambda: [version(name) for name in ("torch", "torchvision", "numpy")]
shell, asked, before = InteractiveShell.instance(), [], versions()
shell.register_magic_function(asked.append, "line", "pip")
shell.run_cell(source).raise_error()
print(json.dumps({"asked": asked, "moved": before != versions(), "there": "tbd_lib" in shell.user_ns}))
"""


def run_set_up(folder: Path, missing: bool) -> dict:
    """Run the cell that all lessons share in a fresh IPython in an empty folder; what it did."""
    source = code_of(nbformat.read(LESSONS[0], as_version=4))[0].source
    (empty := folder / "content").mkdir()
    environment = {**os.environ, "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([source, missing])],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout) | {"written": [path.name for path in empty.iterdir()]}


def test_where_the_package_is_nothing_is_installed_moved_or_written(tmp_path: Path):
    did = run_set_up(tmp_path, missing=False)
    assert did["asked"] == [] and not did["moved"] and did["written"] == []
    assert did["there"]


def test_where_the_package_is_missing_pip_is_asked_for_the_repository_and_nothing_else(tmp_path: Path):
    did = run_set_up(tmp_path, missing=True)
    assert did["asked"] == [f'install -q "tbd-lib[course] @ git+{PROJECT["urls"]["Repository"]}"']
    assert not did["moved"] and did["written"] == []


def test_python_of_colab_is_supported():
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(PYTHON)


def test_what_colab_has_is_new_enough_so_that_pip_leaves_it():
    asked = {package.name: package.specifier for package in INSTALLED}
    assert not [name for name, version in COLAB.items() if name in asked and not asked[name].contains(version)]
    assert set(COLAB) - set(asked) == {"ipython"}


def test_what_is_installed_there_asks_for_lower_bounds_only_and_for_nothing_that_colab_cannot_show():
    assert {spec.operator for package in INSTALLED for spec in package.specifier} == {">="}
    assert not {package.name for package in INSTALLED} & {"ipympl", "jupyterlab", "notebook", "ipykernel", "ipython"}
    assert not [package for package in INSTALLED if package.url or package.extras]


def brought_along(names: list[str], there: set[str]) -> dict[str, list[Requirement]]:
    """What pip would install for some packages, with what each in turn asks for on Colab's Python.

    As far as the releases that are installed here tell: pip may take newer ones there.
    """
    found: dict[str, list[Requirement]] = {}
    left = list(names)
    while left:
        name = canonicalize_name(left.pop())
        if name not in found and name not in there:
            found[name] = asks_for(name)
            left += [package.name for package in found[name]]
    return found


def asks_for(name: str) -> list[Requirement]:
    try:
        asked = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:  # for another Python or system than this
        return []
    return [
        package
        for package in asked
        if package.marker is None or package.marker.evaluate({"python_version": PYTHON, "extra": ""})
    ]


def test_nothing_that_comes_along_asks_for_another_release_than_colab_has():
    along = brought_along([package.name for package in INSTALLED], there=set(COLAB))
    assert {"scipy", "jaxtyping", "tyro"} <= set(along)
    wanted = [
        (package, f"{name} wants {package}")
        for name, asked in along.items()
        for package in asked
        if package.name in COLAB
    ]
    assert len(wanted) >= 3, "numpy, for one, is asked for by many"
    assert not [wish for package, wish in wanted if not package.specifier.contains(COLAB[package.name])]
