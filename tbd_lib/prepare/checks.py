"""Is a fetched file the right one? Sizes and hashes: those of the table, or those recorded at the first time."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from tbd_lib.files import InputError, write_json
from tbd_lib.prepare.sources import Source
from tbd_lib.prepare.unpack import require_whole

CHUNK = 2**20  # bytes
DIGITS = 64  # of a whole sha256
STARTS = {  # the first bytes of a file of its kind; a page that says "quota exceeded" has others
    ".zip": (b"PK",),
    ".pth": (b"PK", b"\x80"),  # torch's zip files, and pickles of old
    ".gz": (b"\x1f\x8b",),
    ".tgz": (b"\x1f\x8b",),
}


@dataclass(frozen=True)
class Fact:
    """What is known of a file; None for what is not."""

    size: int | None  # bytes
    sha256: str | None


class Lock:
    """Facts recorded of files whose hash the table does not know, in a JSON file that people can read and edit.

    Raises:
        InputError: the file is there and cannot be read as such.
    """

    def __init__(self, path: Path):
        self.path = path
        self._facts: dict[str, Fact] = {}
        if path.is_file():
            try:
                content = json.loads(path.read_text())
                self._facts = {key: Fact(int(fact["size"]), str(fact["sha256"])) for key, fact in content.items()}
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InputError(f"{path}: {error}; expected the sizes and hashes that tbd recorded") from error

    def known(self, source: Source) -> Fact:
        """Size and whole hash: the table's, else the recorded ones."""
        if source.sha256 is not None and len(source.sha256) == DIGITS:
            return Fact(source.size, source.sha256)
        recorded = self._facts.get(self._key(source), Fact(None, None))
        return Fact(source.size or recorded.size, recorded.sha256)

    def record(self, source: Source, fact: Fact) -> None:
        """Keep what a file is, so that it stays so."""
        self._facts[self._key(source)] = fact
        write_json(self.path, {key: vars(one) for key, one in sorted(self._facts.items())})

    @staticmethod
    def _key(source: Source) -> str:
        return f"{source.folder}/{source.file}"


def require_right(path: Path, source: Source, lock: Lock) -> None:
    """Check a file's size, kind, wholeness and hash; what nobody knew of it is recorded.

    Raises:
        InputError: the file is another one.
    """
    known, size = lock.known(source), path.stat().st_size
    if known.size is not None and path.suffix == Path(source.file).suffix and size != known.size:
        raise InputError(f"{path}: found {size:,} bytes; expected {known.size:,}")
    _require_kind(path, source)
    found = sha256_of(path)
    expected = known.sha256 or source.sha256 or ""
    if not found.startswith(expected):
        place = "" if source.sha256 else f" (recorded in {lock.path}; remove it there if the file was published anew)"
        raise InputError(f"{path}: found sha256 {found}; expected {expected}{place}")
    if known.sha256 is None:
        lock.record(source, Fact(size, found))


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hexadecimal; with a progress bar where that takes a while."""
    digest, size = hashlib.sha256(), path.stat().st_size
    with (
        path.open("rb") as file,
        tqdm(
            total=size, desc=f"checking {path.name}", unit="B", unit_scale=True, disable=size < 256 * CHUNK
        ) as progress,
    ):
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            progress.update(len(chunk))
    return digest.hexdigest()


def _require_kind(path: Path, source: Source) -> None:
    kind = Path(source.file).suffix if path.suffix == ".part" else path.suffix
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith(STARTS.get(kind, (b"",))):
        raise InputError(f"{path}: begins with {start!r}; expected a {kind} file")
    if source.keep:
        require_whole(path)
