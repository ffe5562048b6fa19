"""Archives become folders, safely: nothing outside of the folder, no links, no flood, and no file half written."""

import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, runtime_checkable

from tqdm.auto import tqdm

from tbd_lib.errors import InputError

CHUNK = 2**20  # bytes
UNSOUND = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,  # a way of compressing that Python does not know
)


@runtime_checkable
class Stream(Protocol):
    """What archives give to read from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


@dataclass(frozen=True)
class Entry:
    """A file in an archive."""

    name: str
    size: int  # bytes, unpacked, as the archive states it
    crc: int | None  # a tar file has none
    open: Callable[[], Stream]


@dataclass(frozen=True)
class Limits:
    """How much an archive may become."""

    most_bytes: int
    most_files: int


def unpack(archive: Path, folder: Path, keep: tuple[str, ...], limits: Limits) -> int:
    """Unpack a zip or tar file below a folder, and return how many files were written.

    Folders of the archive above the first that ``keep`` names are dropped (``DAVIS/JPEGImages`` becomes
    ``JPEGImages``), and so is all that ``keep`` does not name. A file that is there with the right size and CRC is
    left alone (of a tar file: with the right size), any other is written anew, whole or not at all.

    Args:
        archive: The zip or tar file.
        folder: Where to unpack to; made if missing.
        keep: Files and folders to unpack.
        limits: What a real archive of its kind stays below.

    Raises:
        InputError: an archive that is not whole, that holds links or names that lead out of the folder, that is larger
            than its limits or than the space that is free, or whose content is not what its index states. Of the
            first kinds nothing is unpacked.
        OSError: no space left, or no right to write.
    """
    with _opened(archive) as entries:
        wanted = _wanted(archive, entries, keep)
        _require_within(archive, wanted, limits)
        files = {folder / name: entry for name, entry in wanted.items()}
        todo = {
            path: entry
            for path, entry in tqdm(files.items(), desc=f"looking at {folder.name}", unit="file", leave=False)
            if not _is_there(path, entry)
        }
        require_space(folder, sum(entry.size for entry in todo.values()), archive.name)
        for path, entry in tqdm(todo.items(), desc=f"unpacking {archive.name}", unit="file", disable=not todo):
            _write(path, entry, archive)
        return len(todo)


def require_whole(archive: Path) -> None:
    """Read an archive's index.

    Raises:
        InputError: not a whole archive, or one with links or names that lead out of a folder.
    """
    with _opened(archive):
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
    """The files of an archive, all of them safe; what goes wrong while it is open becomes one line."""
    try:
        if _starts_as_zip(path):
            with zipfile.ZipFile(path) as file:
                yield _zip_entries(path, file)
        else:
            with tarfile.open(path) as file:
                yield _tar_entries(path, file)
    except UNSOUND as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: {reason}; expected a whole zip or tar file") from error


def _starts_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _zip_entries(path: Path, file: zipfile.ZipFile) -> list[Entry]:
    entries = []
    for info in file.infolist():
        _require_inside(path, info.filename)
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was made without
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"{path}: {info.filename!r} is a link or a device; expected files")
        if info.flag_bits & 1:
            raise InputError(f"{path}: {info.filename!r} is encrypted; expected files that can be read")
        if not info.is_dir():
            entries.append(Entry(info.filename, info.file_size, info.CRC, lambda info=info: file.open(info)))
    return entries


def _tar_entries(path: Path, file: tarfile.TarFile) -> list[Entry]:
    entries = []
    for info in file:
        _require_inside(path, info.name)
        if not (info.isreg() or info.isdir()):
            raise InputError(f"{path}: {info.name!r} is a link or a device; expected files")
        if info.isreg():
            entries.append(Entry(info.name, info.size, None, lambda info=info: _member(file, info)))
    return entries


def _member(file: tarfile.TarFile, info: tarfile.TarInfo) -> Stream:
    stream = file.extractfile(info)
    assert stream is not None, "only files are asked for"
    return stream


def _require_inside(archive: Path, name: str) -> None:
    """Refuse names that could lead out of the folder, on any system."""
    parts = PurePosixPath(name).parts
    drive = ":" in parts[0] if parts else False
    if drive or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise InputError(f"{archive}: holds the name {name!r}; expected names below the folder")


def _wanted(archive: Path, entries: list[Entry], keep: tuple[str, ...]) -> Mapping[str, Entry]:
    """What to unpack, by its name below the folder."""
    tops, wanted = {name.split("/")[0] for name in keep}, {}
    for entry in entries:
        parts = PurePosixPath(entry.name).parts
        start = next((at for at, part in enumerate(parts) if part in tops), None)
        if start is None or any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        name = "/".join(parts[start:])
        if any(name == one or name.startswith(f"{one}/") for one in keep):
            wanted[name] = entry
    if not wanted:
        raise InputError(f"{archive}: found none of {', '.join(keep)}; expected the archive as released")
    return wanted


def _require_within(archive: Path, wanted: Mapping[str, Entry], limits: Limits) -> None:
    size = sum(entry.size for entry in wanted.values())
    if size > limits.most_bytes:
        raise InputError(f"{archive}: would become {size:,} bytes; expected at most {limits.most_bytes:,}")
    if len(wanted) > limits.most_files:
        raise InputError(f"{archive}: holds {len(wanted):,} files; expected at most {limits.most_files:,}")


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


def _write(path: Path, entry: Entry, archive: Path) -> None:
    """Stream a file to a temporary name, and give it its own when it is whole.

    There are too many files to wait for the disk after each. What a crash could leave is an empty file, which the
    layout's check finds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with closing(entry.open()) as stream, temporary.open("wb") as file:
            _copy(stream, file, entry, archive)
        temporary.replace(path)
    except OSError as error:
        if error.filename is None:  # a full disk does not say which file it was
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _copy(stream: Stream, file: IO[bytes], entry: Entry, archive: Path) -> None:
    """Copy, and stop where there is more than the archive's index states."""
    written = 0
    while chunk := stream.read(CHUNK):
        written += len(chunk)
        if written > entry.size:
            break
        file.write(chunk)
    if written != entry.size:
        raise InputError(f"{archive}: {entry.name!r} is not as large as stated; expected {entry.size:,} bytes")
