"""Archives become folders, safely: nothing outside of the folder, no links, no flood, and no file half written.

The libraries that unpack (pooch, ``shutil``) write every file anew, straight under its name. Here a file that is there
already and right stays, so that a data set is repaired from its archive and an interrupted run goes on.
"""

import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm.auto import tqdm

from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.errors import InputError

CHUNK = 2**20  # bytes
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,  # a way of compressing that Python does not know
)


@dataclass(frozen=True)
class Entry:
    """A file in an archive."""

    name: str
    size: int  # bytes, unpacked, as the archive states it
    crc: int | None  # a tar file has none
    open: Callable[[], Any]  # gives a stream of its content


def unpack(archive: Path, folder: Path, source: Source) -> int:
    """Unpack what a source keeps of its archive, a zip or tar file, and return how many files were written.

    Folders of the archive above the first that ``source.keep`` names are dropped (``DAVIS/JPEGImages`` becomes
    ``JPEGImages``), and so is all that it does not name. A file that is there with the right size and CRC is left alone
    (of a tar file: with the right size), any other is written anew, whole or not at all.

    Args:
        archive: the zip or tar file.
        folder: where to unpack to; made if missing.
        source: which files to keep, and what the archive must stay below.

    Raises:
        InputError: a damaged archive, whose whole files stay unpacked; one with links or with names that lead out of
            the folder, one larger than its limits or than the space that is free, of which nothing is unpacked.
        OSError: no space left, or no right to write.
    """
    with _opened(archive) as entries:
        kept = _kept(archive, entries, source.keep)
        _require_within_limits(archive, list(kept.values()), source)
        looking = tqdm(kept.items(), desc=f"looking at {folder.name}", unit="file", leave=False)
        left = {folder / name: entry for name, entry in looking if not _is_there(folder / name, entry)}
        require_space(folder, sum(entry.size for entry in left.values()), archive.name)
        for path, entry in tqdm(left.items(), desc=f"unpacking {archive.name}", unit="file", disable=not left):
            _write(path, entry)
        return len(left)


def require_whole(archive: Path) -> None:
    """Read all of an archive; the CRC of every file in a zip has to be right.

    Raises:
        InputError: not a whole archive, or one with links or names that lead out of a folder.
    """
    with _opened(archive) as entries:
        for entry in tqdm(entries, desc=f"checking {archive.name}", unit="file", leave=False):
            with closing(_opened_entry(entry)) as stream:
                while stream.read(CHUNK):
                    pass


def require_space(folder: Path, size: int, name: str) -> None:
    """Refuse to begin what cannot end well.

    Raises:
        InputError: fewer bytes are free than needed.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < size:
        raise InputError(f"{folder}: found {free:,} bytes free; expected {size:,} for {name}")


@contextmanager
def _opened(path: Path) -> Iterator[list[Entry]]:
    """The files of an archive, all of them safe; damage that shows while it is open becomes one line."""
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    try:
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                yield _zip_entries(path, archive)
        else:
            with tarfile.open(path) as archive:
                yield _tar_entries(path, archive)
    except DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {reason}; expected a whole zip or tar file") from error


def _zip_entries(path: Path, archive: zipfile.ZipFile) -> list[Entry]:
    entries = []
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was made without
        _require_safe(path, info.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
        if info.flag_bits & 1:
            raise InputError(f"{path}: {info.filename!r} is encrypted; expected files that can be read")
        if not info.is_dir():
            entries.append(Entry(info.filename, info.file_size, info.CRC, partial(archive.open, info)))
    return entries


def _tar_entries(path: Path, archive: tarfile.TarFile) -> list[Entry]:
    entries = []
    for info in archive:
        _require_safe(path, info.name, info.isreg() or info.isdir())
        if info.isreg():
            entries.append(Entry(info.name, info.size, None, partial(archive.extractfile, info)))
    return entries


def _require_safe(archive: Path, name: str, plain: bool) -> None:
    """Refuse links, devices and names that could lead out of the folder, on any system.

    Python's own filter for tar files lets links pass that stay inside, and zip files have none.
    """
    parts = PurePosixPath(name).parts
    drive = ":" in parts[0] if parts else False
    if drive or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise InputError(f"{archive}: holds the name {name!r}; expected names below the folder")
    if not plain:
        raise InputError(f"{archive}: {name!r} is a link or a device; expected files")


def _kept(archive: Path, entries: list[Entry], keep: tuple[str, ...]) -> dict[str, Entry]:
    """What to unpack, by its name below the folder."""
    tops, kept = {name.split("/")[0] for name in keep}, {}
    for entry in entries:
        parts = PurePosixPath(entry.name).parts
        start = next((at for at, part in enumerate(parts) if part in tops), None)
        if start is None or any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        name = "/".join(parts[start:])
        if any(name == wanted or name.startswith(f"{wanted}/") for wanted in keep):
            kept[name] = entry
    if not kept:
        raise InputError(f"{archive}: found none of {', '.join(keep)}; expected the archive as released")
    return kept


def _require_within_limits(archive: Path, entries: list[Entry], source: Source) -> None:
    size, most = sum(entry.size for entry in entries), round(1e9 * source.most_gigabytes)
    if size > most:
        raise InputError(f"{archive}: would become {size:,} bytes; expected at most {most:,}")
    if len(entries) > source.most_files:
        raise InputError(f"{archive}: holds {len(entries):,} files; expected at most {source.most_files:,}")


def _is_there(path: Path, entry: Entry) -> bool:
    if not path.is_file() or path.stat().st_size != entry.size:
        return False
    if entry.crc is None:
        return True
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc == entry.crc


def _opened_entry(entry: Entry) -> Any:
    """A stream of a file's content, which may be said to lie before the archive's beginning."""
    try:
        return entry.open()
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise zipfile.BadZipFile(f"{entry.name!r}: {error}") from error


def _write(path: Path, entry: Entry) -> None:
    """Write a file under a temporary name, which it changes for its own when it is whole.

    There are too many files to wait for the disk after each. What a crash could leave is an empty file, which the
    layout's check finds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with closing(_opened_entry(entry)) as stream, temporary.open("wb") as file:
            shutil.copyfileobj(stream, file, CHUNK)  # both kinds of stream end at the stated size
        if temporary.stat().st_size != entry.size:
            raise zipfile.BadZipFile(f"{entry.name!r} is not as large as stated")
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say which file it was
        raise
    finally:
        temporary.unlink(missing_ok=True)
