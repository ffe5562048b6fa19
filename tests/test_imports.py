"""The house: imports point one way, and the package's front door is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tbd_lib"

BASE = {"shapes", "files", "config"}
MODEL = {"compiled", "encoder", "folding", "matching", "distance", "templates", "decoder", "model"}
COCO = {"coco", "coco_png"}
DATA = {"masks", "video", "overlay", "drawn", "datasets", "youtube", "scenery", "synthetic", "augment", "clips", *COCO}
ALLOWED = {
    # what each group of modules may import from the package, besides its own group
    "base": (BASE, set()),
    "model": (MODEL, BASE),
    "data": (DATA, BASE),
    "tracker": ({"beside", "geometry", "log_odds", "tracker", "both_ways"}, BASE | MODEL | {"masks", "video"}),
    "export": ({"export"}, BASE | {"masks", "scoring", "video"}),
    "outputs": ({"outputs"}, BASE | {"masks", "overlay", "video"}),
    "prepare": ({"prepare"}, BASE | {"coco", "datasets"}),
    "checkpoint": ({"checkpoint"}, BASE | {"model"}),
    "scores": ({"metrics", "provenance", "published", "report", "scoring"}, BASE | {"masks", "video"}),
    "evaluate": (
        {"evaluate"},
        BASE | MODEL | {"beside", "masks", "video", "metrics", "provenance", "report", "scoring", "tracker"},
    ),
    "allocator": ({"allocator"}, set()),
    "viz": ({"viz"}, BASE | MODEL | {"geometry", "masks", "video", "overlay", "metrics", "tracker"}),
    "widgets": (
        {"widgets"},
        BASE
        | MODEL
        | {"augment", "clips", "drawn", "geometry", "masks", "metrics", "overlay", "tracker", "video", "viz"},
    ),
    "objective": ({"imitation", "objective"}, BASE | {"model", "encoder"}),
    "runs": ({"parallel", "runs"}, BASE | {"model", "checkpoint", "provenance"}),
    "train": (
        {"train"},
        BASE
        | {"model", "encoder", "video", "clips", "augment", "checkpoint", "evaluate"}
        | {"objective", "imitation", "parallel", "runs"},
    ),
    "stages": ({"stages"}, BASE | {"model", "encoder", "video", "clips", "coco", "datasets", "youtube", "checkpoint"}),
}
FRONT = {"__init__", "__main__", "cli", "commands", "exercises"}  # may import everything
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    """``tracker`` for ``tracker.py``; ``scenery`` for all that lies in that folder."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path) -> set[str]:
    """The package's modules that a module imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tbd_lib"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("tbd_lib.")}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(module: Path) -> None:
    name = name_of(module)
    if name in FRONT:
        return
    groups = [(own, others) for own, others in ALLOWED.values() if name in own]
    assert len(groups) == 1, f"{name} belongs to no group: say where in tests/test_imports.py"
    own, others = groups[0]
    assert imports_of(module) <= own | others


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_stay_small(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 300


def test_importing_the_package_is_light() -> None:
    """No torch, no figures, no widgets until something that needs them is used."""
    code = "import sys, tbd_lib; print(sorted({'torch', 'matplotlib', 'ipywidgets', 'scipy'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_folder_of_pictures_is_tracked_without_what_it_does_not_need(tmp_path: Path) -> None:
    """PyAV, SciPy and torchvision take 200 MB together."""
    code = f"""
import sys
from tbd_lib.cli import main
assert main(["track", "data/sample/JPEGImages/480p/leaving", "--box", "10", "10", "60", "60",
             "--short-side", "32", "--save", "--out", {str(tmp_path / "out")!r}]) == 0
print(sorted({{"av", "scipy", "torchvision", "matplotlib", "ipywidgets"}} & set(sys.modules)))
"""
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=PACKAGE.parent)
    assert said.splitlines()[-1] == "[]"


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
