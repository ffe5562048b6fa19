"""Where prepared things lie: a root with a folder per data set, the weights, and the archives they came from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tbd_lib.datasets.prepare.sources import SOURCES, Source
from tbd_lib.errors import InputError
from tbd_lib.files import at_home, require_mounted

HOME_VARIABLE = "TBD_HOME"
PUBLISHED: Mapping[str, Source] = {f"published-{name}": SOURCES["weights"][name] for name in ("davis", "ytvos")}
"""Names that stand for weights files wherever a command takes one."""
OTHER_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")  # in which an archive fetched by hand may come


def home() -> Path:
    """The usual root: ``$TBD_HOME``, else ``~/.cache/tbd``.

    Raises:
        InputError: it is on a Google Drive that is not mounted.
    """
    named = os.environ.get(HOME_VARIABLE)
    return require_mounted(at_home(named)) if named else Path.home() / ".cache" / "tbd"


@dataclass(frozen=True)
class Place:
    """A root and what lies where in it."""

    root: Path

    def folder(self, source: Source) -> Path:
        """The data set's folder: ``<root>/<its name>``, or the root itself where that holds the data set already."""
        holds_it = any((self.root / mark).exists() for mark in source.marks)
        return self.root if holds_it else self.root / source.folder

    def file(self, source: Source) -> Path:
        """Where the file is fetched to; an archive put there by hand may be a zip or a tar file."""
        if not source.keep:
            return self.folder(source) / source.file
        path = self.root / "downloads" / source.folder / source.file
        others = [path.with_suffix(suffix) for suffix in OTHER_ARCHIVES]
        return next((other for other in others if other.is_file()), path)


def find_weights(weights: Path) -> Path:
    """The file that ``published-davis`` or ``published-ytvos`` stands for; any other path as it is.

    Raises:
        InputError: it was not fetched yet; the line says how to.
    """
    source = PUBLISHED.get(str(weights))
    if source is None or weights.exists():
        return weights
    path = Place(home()).file(source)
    if not path.is_file():
        how = f"run `tbd prepare weights`; if that had --root DIR, set {HOME_VARIABLE}=DIR"
        raise InputError(f"{weights}: found no {path}; expected the published weights ({how})")
    return path


def find_imagenet() -> Path | None:
    """DenseNet-121's ImageNet weights, if they were prepared."""
    path = Place(home()).file(SOURCES["weights"]["densenet121"])
    return path if path.is_file() else None
