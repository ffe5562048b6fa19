"""Files from the network: whole or not at all, from the first address that gives the right one.

gdown fetches them, from Google Drive as from anywhere: it asks for the rest of what an interrupted run left, tries
again where a connection breaks, and answers the question that Google Drive has before it gives a large file. (pooch
can do neither of the first two.) It does not know whether old and new bytes are of the same version of a file, nor
whether the file is the right one: that is checked here, and only what is right takes the file's name.
"""

import hashlib
import os
from pathlib import Path
from textwrap import shorten

from tqdm.auto import tqdm

from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.datasets.prepare.unpack import CHUNK, require_space, require_whole
from tbd_lib.errors import InputError, extra
from tbd_lib.files import is_web_page

RETRIES = 3  # at an address, where the connection breaks
TIMEOUT = 30.0  # seconds without a byte
UNCHECKED = ".unchecked"  # ends the name of a file that is fetched; gdown's parts of it end in 8 characters and .part
PICKLE = b"\x80"  # begins weights in torch's old form; the newer one is a zip file


class _UselessError(Exception):
    """This address does not give the file; the message says why. Another one may."""


class _WrongError(_UselessError):
    """What came is of no use: another file, or a rest that does not fit to the part that is there."""


def fetch(source: Source, path: Path) -> None:
    """Fetch a file from the first of its addresses that gives the right one.

    What an earlier, interrupted run fetched is not fetched again, from whichever address it came. If the whole turns
    out to be wrong, it is fetched once more from the beginning. A wrong file is removed, an incomplete one stays.

    Raises:
        InputError: no address gives it (the line says how to fetch it by hand), or too little space.
        OSError: no space left, or no right to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in source.urls:
        try:
            _fetch_from(url, path, source)
            return
        except _UselessError as error:
            reasons.append(f"{url}: {error}")
    kept = sum(part.stat().st_size for part in _parts(path))
    goes_on = f", {kept:,} bytes are kept and the next run goes on from there" if kept else ""
    raise InputError(
        f"{path}: could not be fetched ({'; '.join(reasons)}){goes_on}; expected one address to give it. "
        f"By hand: fetch it from {source.page}, put it there, and run the same command again"
    )


def require_right(path: Path, source: Source) -> None:
    """Check a file's size and hash; where no hash is known, that it is a whole archive or looks like weights.

    Raises:
        InputError: the file is another one, or damaged.
    """
    if is_web_page(path):
        raise InputError(
            f"{path}: found a web page; expected the file itself (where many people fetch it, Google Drive sends a "
            "page until the next day)"
        )
    name, size = path.name.removesuffix(UNCHECKED), path.stat().st_size
    known = name == source.file  # else the same content in another kind of archive
    if known and source.size not in (None, size):
        raise InputError(f"{path}: found {size:,} bytes; expected {source.size:,}")
    if known and source.sha256 is not None:
        found = sha256_of(path)
        if not found.startswith(source.sha256):
            raise InputError(f"{path}: found sha256 {found}; expected {source.sha256}")
        return
    with path.open("rb") as file:
        is_pickle = file.read(1) == PICKLE
    if source.keep or not is_pickle:
        require_whole(path)


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hexadecimal, with a progress bar."""
    digest, size = hashlib.sha256(), path.stat().st_size
    with (
        path.open("rb") as file,
        tqdm(desc=f"checking {path.name}", total=size, unit="B", unit_scale=True, leave=False) as progress,
    ):
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            progress.update(len(chunk))
    return digest.hexdigest()


def _fetch_from(url: str, path: Path, source: Source) -> None:
    """Fetch and check; where no rest comes that fits to an older part, from the beginning.

    That part is given up only once the right file is there: what came in place of its rest may have been a page of the
    local network, and another address may still give the rest.
    """
    unchecked, older = (path.with_name(f"{path.name}{UNCHECKED}{end}") for end in ("", ".older"))
    before = {part: part.stat().st_size for part in _parts(path) if part != older}
    try:
        _fetch_once(url, unchecked, source)
    except _WrongError:
        for part in set(before) & set(_parts(path)):
            part.replace(older)
        try:
            if not before:
                raise
            _fetch_once(url, unchecked, source)
        except _WrongError:
            for part in set(_parts(path)) - {older}:
                part.unlink()
            if before and older.exists():
                part, size = next(iter(before.items()))
                os.truncate(older.replace(part), size)  # without what came now
            raise
    unchecked.replace(path)
    for part in _parts(path):
        part.unlink()


def _fetch_once(url: str, unchecked: Path, source: Source) -> None:
    if not unchecked.exists():
        _transfer(url, unchecked, source)
    try:
        require_right(unchecked, source)
    except InputError as error:
        unchecked.unlink()
        raise _WrongError(str(error).removeprefix(f"{unchecked}: ")) from error


def _transfer(url: str, unchecked: Path, source: Source) -> None:
    """Get all bytes."""
    with extra("prepare"):
        import gdown

    with tqdm(desc=source.file, unit="B", unit_scale=True) as progress:

        def follow(got: int, size: int | None) -> None:
            if progress.total is None and size is not None:
                _require_size(size, source)
                require_space(unchecked.parent, size - got, source.file)
            if got > 1e9 * source.most_gigabytes:
                raise _WrongError(f"sends more than {1e9 * source.most_gigabytes:,.0f} bytes")
            progress.total = size
            progress.update(got - progress.n)

        try:
            gdown.download(
                url, str(unchecked), quiet=True, resume=True, progress=follow, timeout=TIMEOUT, retries=RETRIES
            )
        except (_UselessError, InputError):
            raise
        except Exception as error:  # requests and gdown raise many kinds
            if isinstance(error, OSError) and error.errno is not None:  # of the disk; those of requests have no number
                error.filename = error.filename or str(unchecked)
                raise
            reason = shorten(str(error) or type(error).__name__, 300, placeholder=" ...")
            raise (_WrongError if "byte range" in reason else _UselessError)(reason) from error


def _require_size(size: int, source: Source) -> None:
    if source.size not in (None, size):
        raise _WrongError(f"offers {size:,} bytes; expected {source.size:,}")


def _parts(path: Path) -> list[Path]:
    """What was fetched of a file and is not yet known to be right: all of it, or gdown's part."""
    return list(path.parent.glob(f"{path.name}{UNCHECKED}*"))
