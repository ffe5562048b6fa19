"""Is a fetched file the right one? Sizes and hashes: those of the table, or those recorded at the first time."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.datasets.prepare.unpack import require_whole
from tbd_lib.errors import InputError
from tbd_lib.files import write_json

CHUNK = 2**20  # bytes
PART = ".part"  # ends the name of a file that is being fetched
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

    Args:
        path: The JSON file; made when there is something to record.
        only_look: Record nothing.

    Raises:
        InputError: the file is there and cannot be read as such.
    """

    def __init__(self, path: Path, only_look: bool = False):
        self.path = path
        self.unrecorded = False  # whether there was something to record, but it should only look
        self._only_look = only_look
        self._facts: dict[str, Fact] = {}
        if path.is_file():
            try:
                content = json.loads(path.read_text())
                self._facts = {key: Fact(int(fact["size"]), str(fact["sha256"])) for key, fact in content.items()}
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InputError(f"{path}: {error}; expected the sizes and hashes that tbd recorded") from error

    def known(self, source: Source, name: str) -> Fact:
        """Size and whole hash of a source's file of this name: the table's, else the recorded ones."""
        recorded = self._facts.get(f"{source.folder}/{name}", Fact(None, None))
        if name != source.file:  # the same content in another kind of archive
            return recorded
        whole = source.sha256 if source.sha256 is not None and len(source.sha256) == DIGITS else None
        return Fact(source.size or recorded.size, whole or recorded.sha256)

    def record(self, source: Source, name: str, fact: Fact) -> None:
        """Keep what a file is, so that it stays so."""
        self._facts[f"{source.folder}/{name}"] = fact
        self.unrecorded = self._only_look
        if not self._only_look:
            write_json(self.path, {key: vars(one) for key, one in sorted(self._facts.items())})

    def hint(self, source: Source) -> str:
        """What to do if it is the record that is out of date."""
        return "" if source.size else f" (as {self.path} records; if the file was published anew, remove it there)"


def require_right(path: Path, source: Source, lock: Lock) -> None:
    """Check a file's size, kind, wholeness and hash; what nobody knew of it is recorded.

    ``path`` may end in ``.part``, which is not of the name.

    Raises:
        InputError: the file is another one.
    """
    name, size = path.name.removesuffix(PART), path.stat().st_size
    known = lock.known(source, name)
    if known.size is not None and size != known.size:
        raise InputError(f"{path}: found {size:,} bytes; expected {known.size:,}{lock.hint(source)}")
    _require_kind(path, Path(name).suffix, bool(source.keep))
    found = sha256_of(path)
    for expected in filter(None, (known.sha256, source.sha256 if name == source.file else None)):
        if not found.startswith(expected):
            raise InputError(f"{path}: found sha256 {found}; expected {expected}{lock.hint(source)}")
    if known.sha256 is None:
        lock.record(source, name, Fact(size, found))


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


def _require_kind(path: Path, kind: str, archive: bool) -> None:
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith(STARTS.get(kind, (b"",))):
        raise InputError(f"{path}: begins with {start!r}; expected a {kind} file")
    if archive:
        require_whole(path)
