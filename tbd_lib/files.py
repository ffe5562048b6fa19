"""Writes that are whole or not at all, and where the bundled data lie."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tbd_lib.errors import InputError


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; it takes the name ``path`` only when the block ends well.

    The data is on disk before the rename, so neither a crash nor Ctrl-C ever leaves a partial file under the final
    name. Parent folders are made.

    Raises:
        OSError: no space left, or no right to write; the temporary file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files private; a result is as open as any other file
        temporary.replace(path)
    except OSError as error:
        if error.filename is None:  # a full disk does not say which file it was
            with suppress(AttributeError):  # some libraries' errors cannot be told
                error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    """Write a result file, whole or not at all.

    Raises:
        OSError: no space left, or no right to write.
    """
    with write_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def _umask() -> int:
    """The process's permission mask (which can only be read by setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def data_folder() -> Path:
    """The bundled data: sample videos, textures and weights.

    In a checkout it is ``data/`` beside the package; an installed wheel carries the same tree inside the package.

    Raises:
        InputError: the package was installed without its data.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "data", package / "data"):
        if (folder / "sample").is_dir():
            return folder
    raise InputError(f"{package}: the bundled data folder is missing; expected {package.parent / 'data'}")


def results_folder() -> Path:
    """The measured figures that README and lessons cite: ``results/`` of a checkout, or the copy in a wheel.

    Raises:
        InputError: the package was installed without them.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "results", package / "results"):
        if (folder / "ablations.json").is_file():
            return folder
    raise InputError(f"{package}: the measured figures are missing; expected {package.parent / 'results'}")


def require_absent(path: Path, overwrite: bool) -> None:
    """Refuse to write over a file that is there already, unless that is wanted.

    Raises:
        InputError: the file exists.
    """
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already; expected a new file (or `overwrite`)")
