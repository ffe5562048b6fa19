"""Paths as people write them, writes that are whole or not at all, and where the bundled data lie."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from tbd_lib.errors import InputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None

StrPath = str | os.PathLike[str]
"""A path as people write it."""

JSON_BEGINS, PNG_BEGINS, ZIP_BEGINS = b"{", b"\x89PNG", b"PK"
"""The first bytes of results of each kind."""

DRIVE = Path("/content/drive")
"""Where Colab mounts Google Drive."""

STRAY = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir"}
"""What file managers leave in folders, in lower case, besides hidden files."""


def at_home(path: StrPath, name: str = "path") -> Path:
    """The path, with the home folder in the place of ``~`` or ``~user`` at its beginning, as a shell reads it.

    Where there is no such user it stays as it is: a file may be named ``~notes``. ``name`` is the argument's, for the
    error.

    Raises:
        InputError: it is no path.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        found = "None" if path is None else type(path).__name__
        raise InputError(f"`{name}` is {found}; expected a path, as text or as a Path")
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise InputError(f"`{name}` {os.fspath(path)!r}: expected a path")
    return Path(os.path.expanduser(path))  # noqa: PTH111 (pathlib's raises an error for an unknown user)


def require_mounted(path: Path) -> Path:
    """The path, unless it lies on Google Drive and that is not mounted: the folder would be made on Colab's own disk.

    Raises:
        InputError: Drive is not mounted.
    """
    if DRIVE in path.absolute().parents and not DRIVE.is_mount():
        raise InputError(
            f"{path}: Google Drive is not mounted, and what is written there would be lost with the session; expected "
            f"`drive.mount('{DRIVE}')` first"
        )
    return path


class Notes(Protocol):
    """Takes down which files are written (``tbd_lib.records``)."""

    def note(self, path: Path) -> None:
        """A file is about to appear."""
        ...


RECORDING: list[Notes] = []
"""Who takes down what ``write_whole`` writes now, in whatever thread."""


def is_stray(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or one that a file manager or notebook program left behind."""
    return name.startswith(".") or name.lower() in STRAY


def is_web_page(path: Path) -> bool:
    """Whether a file is a page for people (HTML), as servers send one in the place of the file that was asked for.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html"))


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; it takes the name ``path`` only when the block ends well.

    The data is on disk before the rename, so neither a crash nor Ctrl-C ever leaves a partial file under the final
    name. A process that is killed leaves the hidden file ``.<stem>.part<suffix>``, which the next one that writes
    ``path`` takes over (on Windows a file of another name each time, which stays). Parent folders are made.

    Raises:
        OSError: no space left, or no right to write; the temporary file is removed.
    """
    path = at_home(path)
    with _temporary(path) as temporary:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        for record in RECORDING:
            record.note(path)
        temporary.replace(path)


@contextmanager
def write_whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the place of ``path`` when the block ends well, as ``write_whole`` does.

    Raises:
        OSError: no space left, or no right to write; the temporary folder is removed.
    """
    path = at_home(path)
    with _temporary(path, folder=True) as temporary:
        yield temporary
        before = path.with_name(f".{path.name}.old")  # no half of it is ever left under the name
        shutil.rmtree(before, ignore_errors=True)
        if path.exists():
            path.rename(before)
        try:
            temporary.rename(path)
        except OSError:
            if before.exists() and not path.exists():
                before.rename(path)
            raise
        shutil.rmtree(before, ignore_errors=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file that people know in errors of the file system, which may name a temporary one or none."""
    try:
        yield
    except OSError as error:
        if error.filename is None or ".part" in str(error.filename):
            with suppress(AttributeError):  # some libraries' errors cannot be told
                error.filename = str(path)
        raise


@contextmanager
def _temporary(path: Path, folder: bool = False) -> Iterator[Path]:
    """A hidden temporary file or folder beside ``path``: the usual one, or a new one while another process holds that.

    It is removed if the block fails, and errors name ``path``. Parent folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        temporary = path.with_name(f".{path.name}.part" if folder else f".{path.stem}.part{path.suffix}")
        handle = _lock(temporary, folder)
        if handle is None:
            temporary = _unique(path, folder)
        try:
            if folder:
                for left in temporary.iterdir():
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield temporary
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True) if folder else temporary.unlink(missing_ok=True)
            raise
        finally:
            if handle is not None:
                os.close(handle)


def _unique(path: Path, folder: bool) -> Path:
    """A new file or folder beside ``path``, of a name that nobody else has."""
    made = path.with_name(f".{path.stem}.part-{uuid4().hex[:8]}{path.suffix}")
    made.mkdir() if folder else made.touch(exist_ok=False)
    return made


def _lock(path: Path, folder: bool) -> int | None:
    """Make a file or folder, or take one that a killed process left; None where another holds it, or on Windows."""
    if fcntl is None:
        return None
    try:
        if folder:
            path.mkdir(exist_ok=True)
        how = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT
        handle = os.open(path, how | os.O_NOFOLLOW, 0o666)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system gives it back when a process ends, however
        if os.path.samestat(os.fstat(handle), path.lstat()):  # and not one that has just got its final name
            if not folder:
                os.ftruncate(handle, 0)
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def write_text(path: Path, text: str) -> None:
    """Write a file of text in UTF-8, whole or not at all.

    Raises:
        OSError: no space left, or no right to write.
    """
    with write_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write a result file, whole or not at all.

    Raises:
        OSError: no space left, or no right to write.
    """
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_copy(path: Path, source: Path) -> None:
    """Write what another file holds, whole or not at all.

    Raises:
        OSError: as ``write_json``; the other file cannot be read.
    """
    with write_whole(path) as temporary:
        shutil.copyfile(source, temporary)


def data_folder() -> Path:
    """The bundled data: sample videos, textures and weights.

    Raises:
        InputError: the package was installed without its data.
    """
    return _bundled("data", "data/sample").parent


def results_folder() -> Path:
    """The measured figures that README and lessons cite.

    Raises:
        InputError: the package was installed without them.
    """
    return _bundled("results", "results/ablations.json").parent


def solutions_notebook() -> Path:
    """The solutions of all exercises.

    Raises:
        InputError: the package was installed without them.
    """
    return _bundled("solutions", "solutions/solutions.ipynb", checkout="notebooks")


def _bundled(what: str, path: str, checkout: str = "") -> Path:
    """A file or folder that comes with the package.

    An installed wheel carries it inside the package. In a checkout it stands beside the package, in the folder
    ``checkout``. The package itself is searched first: beside it, other programs' folders may be installed.
    """
    package = Path(__file__).resolve().parent
    for folder in (package, package.parent / checkout):
        if (folder / path).exists():
            return folder / path
    raise InputError(f"{package}: the bundled {what} are missing; expected {package.parent / checkout / path}")


def require_absent(path: Path, overwrite: bool, begins: bytes) -> None:
    """Refuse to write over a file that is there already, unless that is wanted and it is one of the same kind.

    Args:
        path: need not be there.
        overwrite: a file of this kind may be replaced, and an empty one.
        begins: the first bytes of every file of this kind.

    Raises:
        InputError: the file exists.
        OSError: it cannot be read.
    """
    path = at_home(path)
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already; expected a new file (or `overwrite`)")
    if path.is_file():
        with path.open("rb") as file:
            found = file.read(len(begins))
        if found and found != begins:
            raise InputError(f"{path}: is no earlier result, for it begins with {found!r}; expected another file")


def require_writable(path: Path) -> None:
    """Refuse a place where no file can be written: before the work whose result it shall hold, not after.

    Raises:
        InputError: there is something of this name that is no file, a parent is no folder or cannot be written to.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is there and is no file; expected a file, or a new name")
    folder = path.parent
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{path.stem}-", suffix=path.suffix):
            pass
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({folder}: {error.strerror}); expected a place that can"
        ) from error
