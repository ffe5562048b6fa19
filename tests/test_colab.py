"""Colab: the set-up cell installs the package beside what a machine there has, and moves or writes nothing."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from dependencies import CORE, PROJECT, of_extra
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.publish import Address, set_up_cells

INSTALLED = [Requirement(text) for text in [*CORE, *of_extra("course")]]
PYTHON = "3.13"
VERSIONS = Path(__file__).parent / "colab" / "versions.txt"
COLAB = dict(line.split("==") for line in VERSIONS.read_text().splitlines() if not line.startswith("#"))
WHEEL, OLDER = "tbd_lib-0.2.0-py3-none-any.whl", "tbd_lib-0.1.0-py3-none-any.whl"
NOWHERE, SOMEWHERE = Address(), Address("https://github.com/-nobody-/tbd", "v1.0")
CASES: dict[str, tuple[Address, bool, list[str]]] = {  # where it is published, whether it is missing, files there
    "installed": (NOWHERE, False, [WHEEL]),
    "nothing there": (NOWHERE, True, ["tbd_lib-0.2.0.tar.gz", "deep/er/" + WHEEL]),
    "uploaded": (NOWHERE, True, [OLDER, WHEEL]),
    "in Drive": (NOWHERE, True, ["drive/MyDrive/" + WHEEL]),
    "both": (NOWHERE, True, ["drive/MyDrive/" + WHEEL, OLDER]),
    "published": (SOMEWHERE, True, [WHEEL]),
    "published and installed": (SOMEWHERE, False, []),
}
PROGRAM = """
import json, os, sys, types
from importlib.metadata import version
from IPython.core.interactiveshell import InteractiveShell

sys.modules["google.colab"] = types.ModuleType("google.colab")
versions = lambda: [version(name) for name in ("torch", "torchvision", "numpy")]
shell, asked, before, did = InteractiveShell.instance(), [], versions(), {}
shell.register_magic_function(asked.append, "line", "pip")
for name, (source, missing) in json.loads(sys.argv[1]).items():
    os.chdir(name)
    if missing:
        sys.modules["tbd_lib"] = None
    error = shell.run_cell(source).error_in_exec
    sys.modules.pop("tbd_lib", None)
    os.chdir("..")
    message = error and f"{type(error).__name__}: {error}"
    did[name] = {"asked": asked[:], "error": message, "moved": before != versions()}
    asked.clear()
print(json.dumps(did))
"""


@pytest.fixture(scope="module")
def did(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What the set-up cell does in a folder of its own for each case, in a fresh IPython that notes calls of pip."""
    content = tmp_path_factory.mktemp("content")
    sources: dict[str, tuple[str, bool]] = {}
    for name, (address, missing, files) in CASES.items():
        sources[name] = set_up_cells(address)["setup"], missing
        for file in [content / name / "lesson.ipynb", *(content / name / file for file in files)]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    before = sorted(content.rglob("*"))
    environment = {**os.environ, "HOME": str(content.parent), "IPYTHONDIR": str(content.parent / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(sources)],
        cwd=content,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(content.rglob("*")) == before, "the cell writes nothing"
    return json.loads(done.stdout.splitlines()[-1])


def test_the_package_comes_from_the_uploaded_wheel_or_from_the_tag_and_from_nowhere_else(did: dict[str, dict]):
    tag = '"tbd-lib[course] @ git+https://github.com/-nobody-/tbd@v1.0"'
    assert {name: case["asked"] for name, case in did.items()} == {
        "installed": [],
        "nothing there": [],
        "uploaded": [f'install -q "{WHEEL}[course]"'],
        "in Drive": [f'install -q "drive/MyDrive/{WHEEL}[course]"'],
        "both": [f'install -q "{OLDER}[course]"'],
        "published": [f"install -q {tag}"],
        "published and installed": [],
    }
    assert not any(case["moved"] for case in did.values())


def test_without_a_wheel_two_lines_say_what_to_do(did: dict[str, dict]):
    errors = {name: case["error"] for name, case in did.items() if case["error"]}
    assert list(errors) == ["nothing there"]
    first, second = errors["nothing there"].splitlines()
    assert re.match(r"FileNotFoundError: tbd_lib-\*\.whl is missing: upload it", first)
    assert "mount Drive" in second and second.endswith("run this cell again.")


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
