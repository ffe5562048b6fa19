"""Without the extras a tracker works, and whatever needs one says which."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dependencies import EXTRAS, name_of, of_extra

from tbd_lib.errors import MissingExtraError, extra

ROOT = Path(__file__).parents[1]
CORE_HAS = {"filelock"}  # PyTorch brings it along
HIDE = """
import sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {hidden!r} else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
"""
FOLDER = ["track", "data/sample/JPEGImages/480p/leaving", "--box", "10", "10", "60", "60", "--short-side", "32"]


def run(code: str, hidden: set[str]) -> subprocess.CompletedProcess[str]:
    """Run a program in which some libraries are not installed."""
    program = HIDE.format(hidden=hidden) + code
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_core_alone_tracks_evaluates_and_trains(tmp_path: Path) -> None:
    """All that has no reason to need an extra can be imported, and a folder of pictures is tracked."""
    hidden = {name_of(requirement) for requirement in of_extra("all")} - CORE_HAS
    code = f"""
import importlib, pkgutil, tbd_lib
for room in ("method", "tracking", "video", "datasets", "evaluation", "training", "cli"):
    package = importlib.import_module(f"tbd_lib.{{room}}")
    for module in pkgutil.walk_packages(package.__path__, f"tbd_lib.{{room}}."):
        if not module.name.startswith(("tbd_lib.datasets.coco", "tbd_lib.datasets.prepare.download")):
            importlib.import_module(module.name)
for name in tbd_lib.__all__:
    getattr(tbd_lib, name)
from tbd_lib.cli.main import main
assert main({[*FOLDER, "--save", "npz", "objects", "--out", str(tmp_path / "out")]!r}) == 0
"""
    answer = run(code, hidden)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "out" / "masks.npz").is_file()


def libraries(tree: ast.AST) -> Iterator[str]:
    """The packages that are imported in a piece of code, but for what only type checkers read."""
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        yield from (name for part in tree.orelse for name in libraries(part))
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in tree.names)
    if isinstance(tree, ast.ImportFrom) and tree.module and not tree.level:
        yield tree.module.partition(".")[0]
    for part in ast.iter_child_nodes(tree):
        yield from libraries(part)


def guarded(tree: ast.AST) -> set[tuple[str, str]]:
    """Extra and library of the imports that stand in ``with extra(...)``."""
    return {
        (str(call.args[0].value), library)
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and isinstance(call := block.items[0].context_expr, ast.Call)
        if isinstance(call.func, ast.Name) and call.func.id == "extra"
        if isinstance(call.args[0], ast.Constant)
        for library in libraries(block)
    }


def test_every_module_names_the_extra_of_what_it_imports() -> None:
    """Itself, or the package that it is in, which is imported first."""
    optional = {name_of(requirement) for requirement in of_extra("all")}
    brings = {(name, name_of(requirement)) for name in EXTRAS for requirement in of_extra(name)}
    missing = []
    for path in (ROOT / "tbd_lib").rglob("*.py"):
        tree = ast.parse(path.read_text())
        package = ast.parse((path.parent / "__init__.py").read_text())
        named = {library for name, library in guarded(tree) | guarded(package) if (name, library) in brings}
        missing += [f"{path.name}: {library}" for library in optional & set(libraries(tree)) - named]
    assert not missing


@pytest.mark.parametrize(
    ("hidden", "name", "code"),
    [
        ("av", "video", "from tbd_lib.video.frames import FileFrames as read; read(Path('film.mp4'))"),
        ("av", "video", "from tbd_lib.video.overlay import OverlayWriter as film; film(Path('a.mp4'), 24).__enter__()"),
        ("scipy", "video", "from tbd_lib.video.overlay import overlay; overlay(zeros((9, 9), uint8), eye(9) > 0)"),
        ("pycocotools", "coco", "from tbd_lib.datasets.coco import coco"),
        ("filelock", "prepare", "import tbd_lib.datasets.prepare.file_lock"),
        ("matplotlib", "course", "from tbd_lib.course.viz import curves"),
        ("ipywidgets", "course", "from tbd_lib.course.widgets import draw_on"),
        ("anywidget", "course", "from tbd_lib.course.widgets import draw_on"),
    ],
)  # fmt: skip
def test_what_needs_a_library_says_which_extra_brings_it(hidden: str, name: str, code: str) -> None:
    assert hidden in {name_of(requirement) for requirement in of_extra(name)}
    answer = run(f"from pathlib import Path\nfrom numpy import eye, uint8, zeros\n{code}", {hidden})
    last = answer.stderr.splitlines()[-1]
    assert last == (
        f"tbd_lib.errors.MissingExtraError: the library {hidden} is not installed; "
        f"expected the extra {name!r}: pip install 'tbd-lib[{name}]'"
    )


@pytest.mark.parametrize(
    ("hidden", "name", "arguments"),
    [
        ("av", "video", FOLDER),
        ("pycocotools", "coco", [*FOLDER, "--save", "coco"]),
        ("scipy", "video", ["demo"]),
    ],
    ids=str,
)
def test_the_command_line_says_so_before_it_tracks(
    tmp_path: Path, hidden: str, name: str, arguments: list[str]
) -> None:
    out = tmp_path / "out"
    command = [*arguments, "--out", str(out)]
    answer = run(f"from tbd_lib.cli.main import main\nraise SystemExit(main({command!r}))", {hidden})
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"tbd: the library {hidden} is not installed; expected the extra {name!r}")
    assert not out.exists()


def test_other_errors_of_an_import_stay_what_they_are() -> None:
    assert "video" in EXTRAS
    with pytest.raises(ImportError, match="cannot import name") as caught, extra("video"):
        from pathlib import nonsense  # type: ignore[attr-defined]  # noqa: F401
    assert not isinstance(caught.value, MissingExtraError)
