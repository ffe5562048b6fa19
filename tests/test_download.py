"""Files from a server that breaks off, forgets, lies or is gone: whole or not at all, and no byte twice."""

import json
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest
from archive_server import TEST_DEV, Server, gone, offered, running, zipped

from tbd_lib.datasets.prepare import download
from tbd_lib.datasets.prepare.checks import Lock
from tbd_lib.datasets.prepare.download import fetch
from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.errors import InputError

CONTENT = zipped({f"DAVIS/{number}": bytes([number]) * 5000 for number in range(200)})
HALF = len(CONTENT) // 2
DRIVE = "https://drive.google.com/uc?id=abc"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "DAVIS" / TEST_DEV.file


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return Lock(tmp_path / "tbd-lock.json")


def left_over(path: Path) -> list[str]:
    """Names of the files in a downloads folder."""
    return sorted(one.name for one in path.parent.iterdir())


def interrupted(source: Source, path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A run that ends with Ctrl-C when about so many bytes are there."""
    write = download._write

    def stop(file: IO[bytes], chunk: bytes, part: Path) -> None:
        write(file, chunk, part)
        if file.tell() >= after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(download, "CHUNK", 4096)
        patch.setattr(download, "_write", stop)
        fetch(source, path, lock)


def refused(source: Source, path: Path, lock: Lock) -> str:
    with pytest.raises(InputError) as caught:
        fetch(source, path, lock)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message and "By hand: fetch it from" in message
    assert not path.exists()
    return message


def test_a_file_comes_whole(server: Server, path: Path, lock: Lock) -> None:
    fetch(offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT)), path, lock)
    assert path.read_bytes() == CONTENT and left_over(path) == [path.name]
    assert len(server.log) == 1 and not lock.path.exists(), "a hash that the table knows need not be recorded"


def test_a_connection_that_breaks_goes_on_where_it_was(server: Server, path: Path, lock: Lock) -> None:
    url = server.serve("a.zip", CONTENT, breaks=[HALF, 100, 0, 0])
    fetch(offered(TEST_DEV, CONTENT, url, known=False), path, lock)
    assert path.read_bytes() == CONTENT
    assert server.sent == len(CONTENT), "no byte was sent twice"
    first, second, *_ = server.log
    assert (first.range, second.range) == (None, f"bytes={HALF}-")
    assert (first.if_range, second.if_range) == (None, '"first"'), "the rest of the same version is asked for"


@pytest.mark.parametrize("known", [True, False], ids=["known hash", "unknown hash"])
def test_the_next_run_goes_on_after_ctrl_c(server: Server, path: Path, lock: Lock, monkeypatch, known: bool) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), known=known)
    interrupted(source, path, lock, monkeypatch, HALF)
    part = path.with_name(f"{path.name}.part")
    kept = part.stat().st_size
    assert HALF <= kept < len(CONTENT) and not path.exists()
    server.log.clear()
    fetch(source, path, lock)
    assert path.read_bytes() == CONTENT and left_over(path) == [path.name]
    assert server.sent == len(CONTENT) - kept and len(server.log) == 1


def test_a_run_stopped_before_the_check_asks_for_nothing(server: Server, path: Path, lock: Lock, monkeypatch) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), known=False)
    interrupted(source, path, lock, monkeypatch, len(CONTENT))
    server.log.clear()
    fetch(source, path, lock)
    assert path.read_bytes() == CONTENT and not server.log


def test_a_server_that_ignores_ranges_begins_anew(server: Server, path: Path, lock: Lock) -> None:
    url = server.serve("a.zip", CONTENT, breaks=[HALF], ignores_range=True)
    fetch(offered(TEST_DEV, CONTENT, url), path, lock)
    assert path.read_bytes() == CONTENT
    assert [asked.sent for asked in server.log] == [HALF, len(CONTENT)]


@pytest.mark.parametrize("count", [210, 20], ids=["longer", "shorter than the part"])
@pytest.mark.parametrize("honest", [True, False], ids=["If-Range kept", "If-Range ignored"])
def test_another_version_is_not_joined_to_the_old_one(
    server: Server, path: Path, lock: Lock, monkeypatch, honest: bool, count: int
) -> None:
    source = offered(TEST_DEV, b"", server.serve("a.zip", CONTENT), known=False)
    interrupted(source, path, lock, monkeypatch, HALF)
    newer = zipped({f"DAVIS/{number}": bytes([number + 1]) * 5000 for number in range(count)})
    server.serve("a.zip", newer, etag='"second"', ignores_if_range=not honest)
    fetch(source, path, lock)
    assert path.read_bytes() == newer


def test_without_a_version_and_a_hash_the_file_is_fetched_anew(
    server: Server, path: Path, lock: Lock, monkeypatch
) -> None:
    for tag in (None, 'W/"weak"'):
        source = offered(TEST_DEV, b"", server.serve("a.zip", CONTENT, etag=tag), known=False)
        interrupted(source, path, lock, monkeypatch, HALF)
        server.log.clear()
        fetch(source, path, lock)
        assert path.read_bytes() == CONTENT and [asked.range for asked in server.log] == [None]
        path.unlink()


def test_a_date_is_a_version_too(server: Server, path: Path, lock: Lock) -> None:
    date = "Tue, 02 Jan 2024 03:04:05 GMT"
    url = server.serve("a.zip", CONTENT, etag='W/"weak"', modified=date, breaks=[HALF])
    fetch(offered(TEST_DEV, CONTENT, url, known=False), path, lock)
    assert server.sent == len(CONTENT)


def test_a_mirror_goes_on_where_another_stopped_if_the_hash_is_known(server: Server, path: Path, lock: Lock) -> None:
    urls = server.serve("a.zip", CONTENT, breaks=[HALF, 0, 0, 0]), server.serve("b.zip", CONTENT, etag='"other"')
    fetch(offered(TEST_DEV, CONTENT, *urls), path, lock)
    assert path.read_bytes() == CONTENT
    assert server.sent == len(CONTENT) and server.log[-1].range == f"bytes={HALF}-"


def test_a_mirror_with_another_rest_is_found_out_and_read_from_the_start(
    server: Server, path: Path, lock: Lock, monkeypatch
) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", bytes(len(CONTENT))), server.serve("b.zip", CONTENT))
    interrupted(source, path, lock, monkeypatch, HALF)
    del server.files["/a.zip"]
    fetch(source, path, lock)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_mirror_is_asked_where_the_first_address_fails(server: Server, path: Path, lock: Lock, status: int) -> None:
    urls = server.serve("a.zip", CONTENT, status=status), server.serve("b.zip", CONTENT)
    fetch(offered(TEST_DEV, CONTENT, *urls), path, lock)
    assert path.read_bytes() == CONTENT
    tries = len([asked for asked in server.log if asked.path == "/a.zip"])
    assert tries == (1 if status < 500 else download.TRIES), "only what may pass is tried again"


def test_a_server_that_is_gone_leaves_a_clear_line(server: Server, path: Path, lock: Lock) -> None:
    urls = gone(), server.url("nothing.zip"), server.serve("a.zip", CONTENT, breaks=[HALF, 0, 0, 0])
    message = refused(offered(TEST_DEV, CONTENT, *urls), path, lock)
    assert "refused" in message and "HTTP 404" in message
    assert f"broke off after {HALF:,} of {len(CONTENT):,} bytes" in message
    assert f"{HALF:,} bytes are kept" in message and TEST_DEV.page in message
    server.files["/a.zip"].breaks.clear()
    server.log.clear()
    fetch(offered(TEST_DEV, CONTENT, urls[-1]), path, lock)
    assert path.read_bytes() == CONTENT and server.sent == len(CONTENT) - HALF


def test_a_wrong_hash_is_refused_and_leaves_nothing(server: Server, path: Path, lock: Lock) -> None:
    other = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    url = server.serve("a.zip", other)
    assert "sha256" in refused(offered(TEST_DEV, CONTENT, url), path, lock)
    assert left_over(path) == []


def test_a_wrong_file_is_passed_over_for_a_mirror(server: Server, path: Path, lock: Lock) -> None:
    urls = server.serve("a.zip", CONTENT[::-1]), server.serve("b.zip", CONTENT)
    fetch(offered(TEST_DEV, CONTENT, *urls), path, lock)
    assert path.read_bytes() == CONTENT and left_over(path) == [path.name]


def test_a_wrong_size_is_refused_before_any_byte_is_read(server: Server, path: Path, lock: Lock) -> None:
    url = server.serve("a.zip", CONTENT + b"more")
    message = refused(offered(TEST_DEV, CONTENT, url), path, lock)
    assert f"offers {len(CONTENT) + 4:,} bytes; expected {len(CONTENT):,}" in message and left_over(path) == []


@pytest.mark.parametrize("claims", [len(CONTENT) + 10, HALF], ids=["more than it has", "less than it has"])
def test_a_server_that_lies_about_the_size(server: Server, path: Path, lock: Lock, claims: int) -> None:
    url = server.serve("a.zip", CONTENT, claims=claims)
    source = offered(TEST_DEV, CONTENT, url, known=False)
    message = refused(source, path, lock)
    assert ("no more than" if claims > HALF else "expected a whole zip") in message


def test_a_server_that_tells_no_size(server: Server, path: Path, lock: Lock) -> None:
    url = server.serve("a.zip", CONTENT, tells_size=False)
    fetch(offered(TEST_DEV, CONTENT, url), path, lock)
    assert path.read_bytes() == CONTENT


def test_a_flood_is_stopped(server: Server, path: Path, lock: Lock, monkeypatch) -> None:
    monkeypatch.setattr(download, "CHUNK", 1024)
    url = server.serve("a.zip", CONTENT, tells_size=False)
    source = replace(offered(TEST_DEV, CONTENT, url, known=False), most_bytes=2000)
    assert "sends more than 2,000 bytes" in refused(source, path, lock) and left_over(path) == []


def test_a_rest_that_begins_elsewhere_is_not_taken(server: Server, path: Path, lock: Lock) -> None:
    url = server.serve("a.zip", CONTENT, breaks=[HALF], shifts_range=7)
    fetch(offered(TEST_DEV, CONTENT, url, known=False), path, lock)
    assert path.read_bytes() == CONTENT and server.log[-1].range is None


def test_a_part_longer_than_the_file_is_fetched_anew(server: Server, path: Path, lock: Lock) -> None:
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part").write_bytes(CONTENT + b"more")
    fetch(offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT)), path, lock)
    assert path.read_bytes() == CONTENT and [asked.status for asked in server.log] == [416, 200]


@pytest.mark.parametrize("text", ["", "[]", '{"url": 3}', "{"])
def test_a_damaged_note_beside_the_part_is_no_obstacle(server: Server, path: Path, lock: Lock, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part").write_bytes(b"rubbish")
    path.with_name(f"{path.name}.part.json").write_text(text)
    fetch(offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), known=False), path, lock)
    assert path.read_bytes() == CONTENT


def test_a_full_disk_is_noticed_before(server: Server, path: Path, lock: Lock, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), server.serve("b.zip", CONTENT))
    with pytest.raises(InputError, match=rf"found 1,000 bytes free; expected {len(CONTENT):,} for {TEST_DEV.file}"):
        fetch(source, path, lock)
    assert left_over(path) == [] and len(server.log) == 1, "a mirror has no more space to give"


def test_a_disk_that_fills_up_keeps_the_part_and_is_named(server: Server, path: Path, lock: Lock, monkeypatch) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), server.serve("b.zip", CONTENT))

    write, full = download._write, Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full, the device that is always full")

    def fill(file: IO[bytes], chunk: bytes, part: Path) -> None:
        with full.open("wb", buffering=0) as device:
            write(device if file.tell() >= HALF else file, chunk, part)

    with monkeypatch.context() as patch:
        patch.setattr(download, "CHUNK", 4096)
        patch.setattr(download, "_write", fill)
        with pytest.raises(OSError, match="No space left") as caught:
            fetch(source, path, lock)
    part = path.with_name(f"{path.name}.part")
    assert caught.value.filename == str(part) and part.stat().st_size >= HALF and not path.exists()
    server.log.clear()
    fetch(source, path, lock)
    assert path.read_bytes() == CONTENT and server.sent <= len(CONTENT) - HALF


def test_an_unknown_hash_is_recorded_and_held_to(server: Server, path: Path, lock: Lock) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), known=False)
    fetch(source, path, lock)
    recorded = json.loads(lock.path.read_text())
    assert recorded[f"DAVIS/{TEST_DEV.file}"]["size"] == len(CONTENT)
    path.unlink()
    server.serve("a.zip", zipped({"DAVIS/1": b"another"}), tells_size=False)
    message = refused(source, path, Lock(lock.path))
    assert str(lock.path) in message and "if the file was published anew, remove it there" in message
    server.serve("a.zip", zipped({"DAVIS/1": b"another"}))
    assert "offers" in refused(source, path, Lock(lock.path))
    assert json.loads(lock.path.read_text()) == recorded


def test_a_truncated_archive_is_refused_and_not_recorded(server: Server, path: Path, lock: Lock) -> None:
    source = offered(TEST_DEV, b"", server.serve("a.zip", CONTENT[:HALF]), known=False)
    assert "expected a whole zip or tar file" in refused(source, path, lock)
    assert left_over(path) == [] and not lock.path.exists()


def test_a_page_in_place_of_the_file_is_refused_and_not_recorded(server: Server, path: Path, lock: Lock) -> None:
    source = offered(TEST_DEV, b"", server.serve("a.zip", b"<html>quota exceeded</html>"), known=False)
    assert "begins with b'<html>qu'; expected a .zip file" in refused(source, path, lock)
    assert left_over(path) == [] and not lock.path.exists()


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Google Drive: answers in turn; bytes, or an error to raise."""
    answers: list[object] = []

    def download_(url: str, output: str, quiet: bool, resume: bool) -> str | None:
        assert url == DRIVE and resume and not quiet
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        if not isinstance(answer, bytes):
            return None
        Path(output).write_bytes(answer)
        return output

    monkeypatch.setitem(sys.modules, "gdown", SimpleNamespace(download=download_))
    return answers


def test_google_drive_is_a_mirror(server: Server, path: Path, lock: Lock, drive: list[object]) -> None:
    drive.append(CONTENT)
    url = server.serve("a.zip", CONTENT, breaks=[HALF, 0, 0, 0])
    fetch(offered(TEST_DEV, CONTENT, url, DRIVE, known=False), path, lock)
    assert path.read_bytes() == CONTENT and left_over(path) == [path.name]


def test_the_real_gdown_goes_on_too(server: Server, path: Path, lock: Lock, monkeypatch) -> None:
    """gdown itself, with this server in the place of Google's."""
    monkeypatch.setattr(download, "DRIVE", server.address)
    monkeypatch.setenv("HOME", str(path.parents[2]))
    large = zipped({"DAVIS/noise": random.Random(0).randbytes(3_000_000)})
    source = offered(TEST_DEV, large, server.serve("uc", large, breaks=[2_000_000]))
    refused(source, path, lock)
    fetch(source, path, lock)
    assert path.read_bytes() == large and left_over(path) == [path.name]
    asked = server.log[-1].range
    assert asked is not None and 1_000_000 < int(asked.removeprefix("bytes=").removesuffix("-")) <= 2_000_000


def test_what_google_drive_refuses_becomes_one_line(path: Path, lock: Lock, drive: list[object]) -> None:
    source = offered(TEST_DEV, CONTENT, DRIVE, known=False)
    drive += [RuntimeError("Too many users\nhave viewed it"), None, b"<html>sorry</html>", KeyboardInterrupt()]
    assert "Too many users have viewed it" in refused(source, path, lock)
    assert "gave no file" in refused(source, path, lock)
    assert "begins with b'<html>so'" in refused(source, path, lock)
    with pytest.raises(KeyboardInterrupt):
        fetch(source, path, lock)
    assert left_over(path) == [] and not lock.path.exists()


def test_a_damaged_lock_is_named(lock: Lock) -> None:
    for text in ("{", "[1]", '{"a": {"size": "x"}}', '{"a": 1}'):
        lock.path.write_text(text)
        with pytest.raises(InputError, match=r"tbd-lock\.json: .*; expected the sizes and hashes") as caught:
            Lock(lock.path)
        assert "\n" not in str(caught.value)
