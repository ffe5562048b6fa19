"""Files from the network: whole or not at all, from the first address that gives the right one.

While a file is fetched it is called ``<name>.part``; beside it ``<name>.part.json`` says where it comes from and which
version of it (HTTP's ETag or Last-Modified), so that a later run can ask for the rest of the same.
"""

import json
import re
import time
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from textwrap import shorten
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm.auto import tqdm

from tbd_lib.datasets.prepare.checks import CHUNK, DIGITS, PART, Lock, require_right
from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.datasets.prepare.unpack import require_space
from tbd_lib.errors import InputError, extra
from tbd_lib.files import write_json

TRIES = 3  # in a row at one address, without a new byte
PAUSE = 1.0  # seconds before the second try; longer before each further one
TIMEOUT = 30.0  # seconds without a byte
DRIVE = "https://drive.google.com/"


class _UselessError(Exception):
    """This address does not give the file; the message says why. Another one may."""


class _BrokenOffError(_UselessError):
    """The connection failed; the same address may go on."""


@dataclass(frozen=True)
class _Origin:
    """Where the bytes of a part come from."""

    url: str
    version: str | None  # what If-Range takes; None if the server does not tell
    size: int | None  # bytes of the whole file


def fetch(source: Source, path: Path, lock: Lock) -> None:
    """Fetch a file from the first of its addresses that gives the right one.

    Bytes that an earlier, interrupted run fetched are not fetched again. The file is checked (see ``require_right``)
    before it takes its name. A part that turns out to be wrong is removed; one that is not complete stays.

    Raises:
        InputError: no address gives it (the line says how to fetch it by hand), or too little space.
        OSError: no space left, or no right to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part, reasons = path.with_name(path.name + PART), []
    for url in source.urls:
        try:
            _fetch_from(url, part, source, lock)
        except _UselessError as error:
            reasons.append(f"{url}: {error}")
        else:
            part.replace(path)
            _origin_file(part).unlink(missing_ok=True)
            return
    raise InputError(
        f"{path}: could not be fetched ({'; '.join(reasons)}){_kept(part)}; expected one address to give it. "
        f"By hand: fetch it from {source.page}, put it there, and run the same command again"
    )


def _fetch_from(url: str, part: Path, source: Source, lock: Lock) -> None:
    """Fetch and check; what was wrong after going on from an older part is fetched once more, from the beginning."""
    for goes_on in (part.exists(), False):
        _transfer(url, part, source, lock)
        try:
            require_right(part, source, lock)
        except InputError as error:
            _discard(part)
            if not goes_on:
                raise _UselessError(str(error).removeprefix(f"{part}: ")) from error
        else:
            return


def _transfer(url: str, part: Path, source: Source, lock: Lock) -> None:
    """Get all bytes, trying again where the connection fails."""
    if url.startswith(DRIVE):
        _from_drive(url, part)
        return
    failures, furthest = 0, _size(part)
    while True:
        try:
            _request(url, part, source, lock)
            return
        except _BrokenOffError:
            failures = 0 if _size(part) > furthest else failures + 1
            if failures == TRIES:
                raise
        furthest = max(furthest, _size(part))
        time.sleep(PAUSE * max(1, failures))


def _request(url: str, part: Path, source: Source, lock: Lock) -> None:
    """One request: for the rest where there is a part that it can go on from, else for all."""
    origin, start = _resumable(url, part, source)
    expected = lock.known(source, part.name.removesuffix(PART)).size
    if start and start == (expected or origin.size):
        return  # all bytes are there: the run was interrupted before they were checked
    with _open(url, start, origin, part) as response:
        if response.status != 206:  # 206: the rest; else the server begins anew
            start = 0
        found = _origin(url, response, start)
        _require_same(response, start, origin, found, part)
        if expected is not None and found.size not in (None, expected):
            raise _UselessError(f"offers {found.size:,} bytes; expected {expected:,}{lock.hint(source)}")
        require_space(part.parent, (found.size or 0) - start, source.file)
        write_json(_origin_file(part), asdict(found))
        _append(response, part, start, found.size, source.most_bytes)


def _resumable(url: str, part: Path, source: Source) -> tuple[_Origin, int]:
    """Where the part comes from, and the number of its bytes, if the rest can be asked for at this address.

    That is so if the address told a version, or if the whole file's hash is known and will decide.
    """
    nothing = _Origin(url, None, None)
    if not part.is_file():
        return nothing, 0
    try:
        origin = _Origin(**json.loads(_origin_file(part).read_text()))
    except (OSError, ValueError, TypeError):
        origin = nothing
    if origin.url == url and origin.version is not None:
        return origin, part.stat().st_size
    decides = source.sha256 is not None and len(source.sha256) == DIGITS
    return nothing, part.stat().st_size if decides else 0


def _open(url: str, start: int, origin: _Origin, part: Path) -> HTTPResponse:
    headers = {"User-Agent": "tbd-lib", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if origin.version is not None:
            headers["If-Range"] = origin.version
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416:
            _discard(part)
            raise _BrokenOffError(f"has no more than the {start:,} bytes that are there") from error
        kind = _BrokenOffError if error.code == 429 or error.code >= 500 else _UselessError
        raise kind(f"HTTP {error.code} {error.reason}") from error
    except URLError as error:
        raise _BrokenOffError(str(error.reason)) from error
    except (OSError, HTTPException) as error:
        raise _BrokenOffError(str(error) or type(error).__name__) from error


def _origin(url: str, response: HTTPResponse, start: int) -> _Origin:
    """What a response says of the file."""
    tag, length = response.headers.get("ETag", ""), response.headers.get("Content-Length")
    version = tag if tag.startswith('"') else response.headers.get("Last-Modified")  # a weak tag does not do
    return _Origin(url, version, None if length is None else start + int(length))


def _require_same(response: HTTPResponse, start: int, origin: _Origin, found: _Origin, part: Path) -> None:
    """Refuse a rest that does not begin where the part ends, or that is of another version of the file."""
    if response.status != 206:
        return
    span = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if span is None or int(span[1]) != start or origin.version not in (None, found.version):
        _discard(part)
        raise _BrokenOffError("the file changed while it was fetched")


def _append(response: HTTPResponse, part: Path, start: int, size: int | None, most: int) -> None:
    """Write what comes after the part's first ``start`` bytes; what was written stays, however this ends."""
    name = part.name.removesuffix(PART)
    with (
        part.open("r+b" if part.exists() else "wb") as file,
        tqdm(total=size, initial=start, desc=name, unit="B", unit_scale=True) as progress,
    ):
        file.truncate(start)
        file.seek(start)
        while file.tell() <= most and (chunk := _read(response)):
            _write(file, chunk, part)
            progress.update(len(chunk))
        got = file.tell()
    if got > most:
        _discard(part)
        raise _UselessError(f"sends more than {most:,} bytes; expected {name}")
    if size is not None and got < size:
        raise _BrokenOffError(f"broke off after {got:,} of {size:,} bytes")


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)
    except (OSError, HTTPException) as error:
        raise _BrokenOffError(str(error) or type(error).__name__) from error


def _write(file: IO[bytes], chunk: bytes, part: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:  # a full disk does not say which file it was
        error.filename = error.filename or str(part)
        raise


def _from_drive(url: str, part: Path) -> None:
    """Fetch from Google Drive, which asks before it gives large files; gdown answers, and goes on by itself."""
    with extra("prepare"):
        import gdown

    path = part.with_name(f"{part.name}-drive")
    try:
        found = gdown.download(url, str(path), quiet=False, resume=True)
    except Exception as error:  # requests and gdown raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _UselessError(shorten(reason, 300, placeholder=" ...")) from error
    if found is None or not path.is_file():
        raise _UselessError("Google Drive gave no file")
    path.replace(part)
    _origin_file(part).unlink(missing_ok=True)


def _origin_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _origin_file(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _kept(part: Path) -> str:
    return f", {_size(part):,} bytes are kept and the next run goes on from there" if _size(part) else ""
