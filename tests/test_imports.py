"""The house: imports point one way, and the package's front door is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tbd_lib"


def test_imports_point_one_way() -> None:
    """The contract in pyproject.toml: each room imports from those below it only, ``method`` from no other."""
    contract = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([contract, "--no-cache"], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_importing_the_package_is_light() -> None:
    """No torch, no figures, no widgets until something that needs them is used."""
    code = "import sys, tbd_lib; print(sorted({'torch', 'matplotlib', 'ipywidgets', 'scipy'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_folder_of_pictures_is_tracked_without_what_it_does_not_need(tmp_path: Path) -> None:
    """PyAV, SciPy and torchvision take 200 MB together."""
    code = f"""
import sys
from tbd_lib.cli.main import main
assert main(["track", "data/sample/JPEGImages/480p/leaving", "--box", "10", "10", "60", "60",
             "--short-side", "32", "--save", "--out", {str(tmp_path / "out")!r}]) == 0
print(sorted({{"av", "scipy", "torchvision", "matplotlib", "ipywidgets"}} & set(sys.modules)))
"""
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=PACKAGE.parent)
    assert printed.splitlines()[-1] == "[]"


def test_every_public_name_exists() -> None:
    import tbd_lib

    for name in tbd_lib.__all__:
        assert getattr(tbd_lib, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = tbd_lib.nonsense


def test_type_checkers_see_the_public_names() -> None:
    import tbd_lib

    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert sorted(seen) == tbd_lib.__all__
    assert all(getattr(tbd_lib, name) is getattr(sys.modules[str(home)], name) for name, home in seen.items())
