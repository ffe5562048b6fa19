"""The wheel that readers upload: small, and lessons find in it all that they read, in a folder without a repository."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest
from course import REPOSITORY, SOLUTIONS

LARGEST = 15_000_000  # bytes
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
LOOK = """
import json
import tbd_lib
from tbd_lib.cli.main import main
from tbd_lib.files import data_folder, results_folder, solutions_notebook

assert main(["solutions"]) == 0
print(json.dumps([str(place) for place in (tbd_lib.__file__, data_folder(), results_folder(), solutions_notebook())]))
"""


def files_of(folder: Path) -> set[str]:
    left_out = {"__pycache__", ".ipynb_checkpoints"}
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not left_out & set(path.parts)
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline from a copy of what belongs to it."""
    if int(version("setuptools").partition(".")[0]) < 77:
        pytest.skip("building a wheel needs setuptools 77 or newer")
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    for name in ("tbd_lib", "data", "results", "notebooks/solutions"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=copy, check=True, capture_output=True)
    (built,) = out.iterdir()
    return built


def test_a_wheel_is_small_and_named_as_the_set_up_cell_looks_for_it(wheel: Path):
    assert wheel.stat().st_size < LARGEST and wheel.match("tbd_lib-*.whl")


def test_a_wheel_holds_code_data_results_and_solutions_and_nothing_else(wheel: Path):
    found = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {f"tbd_lib/{name}" for name in files_of(REPOSITORY / "tbd_lib")}
    expected |= {f"tbd_lib/data/{name}" for name in files_of(REPOSITORY / "data")}
    expected |= {f"tbd_lib/results/{name}" for name in files_of(REPOSITORY / "results")}
    assert found == expected | {"tbd_lib/solutions/solutions.ipynb"}


def test_from_a_wheel_in_an_empty_folder_everything_is_found_in_the_wheel(wheel: Path, tmp_path: Path):
    (empty := tmp_path / "empty").mkdir()
    ZipFile(wheel).extractall(tmp_path / "installed")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", LOOK]
    done = subprocess.run(command, cwd=empty, env=environment, check=True, capture_output=True, text=True)
    places = [Path(place) for place in json.loads(done.stdout.splitlines()[-1])]
    assert all(place.is_relative_to(tmp_path / "installed" / "tbd_lib") for place in places)
    assert files_of(empty) == {"solutions/solutions.ipynb"}
    assert (empty / "solutions" / "solutions.ipynb").read_bytes() == SOLUTIONS.read_bytes()
