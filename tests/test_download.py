"""Files from a server that breaks off, forgets, lies or is gone: whole or not at all, and no byte in vain."""

import random
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gdown
import pytest
from archive_server import TEST_DEV, Server, gone, offered, zipped

from tbd_lib.datasets.prepare import download
from tbd_lib.datasets.prepare.download import fetch
from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.errors import InputError


def archive(seed: int, size: int = 2_000_000) -> bytes:
    return zipped({"DAVIS/noise": random.Random(seed).randbytes(size)})


CONTENT = archive(0)
HALF = len(CONTENT) // 2
KEPT = 2**19  # bytes of those: gdown writes whole chunks
QUOTA = b"""<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p class="uc-error-caption">Sorry, you can&#39;t view or download this file at this time.</p>
<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p></body></html>"""
WRONG = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "DAVIS" / TEST_DEV.file


def there(path: Path) -> list[Path]:
    """The files in a downloads folder."""
    return list(path.parent.iterdir())


def interrupted(source: Source, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A run that ends with Ctrl-C when the first bytes are there; how many those are."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(download, "require_space", stop)
        fetch(source, path)
    (part,) = there(path)
    assert 0 < part.stat().st_size < len(CONTENT)
    return part.stat().st_size


def refused(source: Source, path: Path) -> str:
    with pytest.raises(InputError) as caught:
        fetch(source, path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message and "By hand: fetch it from" in message
    assert not path.exists()
    return message


def require_fetched(path: Path, content: bytes = CONTENT) -> None:
    assert path.read_bytes() == content and there(path) == [path]


@pytest.mark.parametrize("known", [True, False], ids=["known hash", "unknown hash"])
@pytest.mark.parametrize("tells_size", [True, False])
def test_a_file_comes_whole(server: Server, path: Path, known: bool, tells_size: bool) -> None:
    fetch(offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT, tells_size=tells_size), known=known), path)
    require_fetched(path)
    assert len(server.log) == 1


def test_a_connection_that_breaks_goes_on_where_it_was(server: Server, path: Path, monkeypatch) -> None:
    monkeypatch.setattr(download, "RETRIES", 2)
    fetch(offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT, breaks=[HALF, 100])), path)
    require_fetched(path)
    assert [asked.start for asked in server.log] == [0, KEPT, KEPT]


@pytest.mark.parametrize("known", [True, False], ids=["known hash", "unknown hash"])
def test_the_next_run_goes_on_after_ctrl_c(server: Server, path: Path, monkeypatch, known: bool) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), known=known)
    kept = interrupted(source, path, monkeypatch)
    fetch(source, path)
    require_fetched(path)
    assert server.log[-1].start == kept and server.log[-1].sent == len(CONTENT) - kept


def test_a_run_stopped_before_the_check_asks_for_nothing(server: Server, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.with_name(path.name + download.UNCHECKED).write_bytes(CONTENT)
    fetch(offered(TEST_DEV, CONTENT, server.url("a.zip")), path)
    require_fetched(path)
    assert not server.log


@pytest.mark.parametrize("known", [True, False], ids=["known hash", "unknown hash"])
@pytest.mark.parametrize("size", [2_100_000, 1_900_000, 1000], ids=["longer", "shorter", "shorter than the part"])
def test_another_version_is_not_joined_to_the_old_one(
    server: Server, path: Path, monkeypatch, known: bool, size: int
) -> None:
    newer = archive(1, size)
    url = server.serve("a.zip", CONTENT)
    interrupted(offered(TEST_DEV, CONTENT, url, known=False), path, monkeypatch)
    server.serve("a.zip", newer)
    fetch(offered(TEST_DEV, newer, url, known=known), path)
    require_fetched(path, newer)


@pytest.mark.parametrize("behaviour", [{"ignores_range": True}, {"shifts_range": 7}])
def test_a_server_that_gives_another_range_than_asked_for_is_read_from_the_start(
    server: Server, path: Path, monkeypatch, behaviour: dict[str, object]
) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT, **behaviour))
    interrupted(source, path, monkeypatch)
    fetch(source, path)
    require_fetched(path)
    assert server.log[-1].sent == len(CONTENT)


@pytest.mark.parametrize("page", [b"<html>log in first</html>", bytes(3_000_000)])
def test_a_page_in_place_of_the_rest_does_not_cost_the_part(server: Server, path: Path, monkeypatch, page) -> None:
    urls = server.serve("a.zip", CONTENT), server.serve("b.zip", page)
    kept = interrupted(offered(TEST_DEV, CONTENT, *urls), path, monkeypatch)
    server.serve("a.zip", page, ignores_range=True)
    assert f"{kept:,} bytes are kept" in refused(offered(TEST_DEV, CONTENT, *urls), path)
    server.serve("b.zip", CONTENT)
    fetch(offered(TEST_DEV, CONTENT, *urls), path)
    require_fetched(path)
    assert server.log[-1].start == kept


def test_a_mirror_goes_on_where_another_stopped(server: Server, path: Path) -> None:
    urls = server.serve("a.zip", CONTENT, breaks=[HALF]), server.serve("b.zip", CONTENT)
    fetch(offered(TEST_DEV, CONTENT, *urls), path)
    require_fetched(path)
    assert (server.log[-1].path, server.log[-1].start) == ("/b.zip", KEPT)


@pytest.mark.parametrize("first", [{"status": 404}, {"status": 503}, {"content": CONTENT[::-1]}, {"content": WRONG}])
def test_a_mirror_is_asked_where_the_first_address_fails(server: Server, path: Path, first: dict) -> None:
    urls = server.serve("a.zip", **{"content": CONTENT, **first}), server.serve("b.zip", CONTENT)
    fetch(offered(TEST_DEV, CONTENT, *urls), path)
    require_fetched(path)


def test_servers_that_are_gone_leave_a_clear_line_and_what_came(server: Server, path: Path) -> None:
    urls = gone(), server.url("nothing.zip"), server.serve("a.zip", CONTENT, breaks=[HALF])
    message = refused(offered(TEST_DEV, CONTENT, *urls), path)
    assert "refused" in message and "404" in message and f"received {KEPT} bytes" in message
    assert f"{KEPT:,} bytes are kept and the next run goes on" in message and TEST_DEV.page in message
    fetch(offered(TEST_DEV, CONTENT, urls[-1]), path)
    require_fetched(path)
    assert server.log[-1].start == KEPT


@pytest.mark.parametrize(
    ("content", "known", "words"),
    [
        (WRONG, True, "found sha256"),
        (CONTENT + b"more", True, f"offers {len(CONTENT) + 4:,} bytes; expected {len(CONTENT):,}"),
        (CONTENT[:HALF], False, "expected a whole zip or tar file"),
        (CONTENT[:HALF] + bytes([CONTENT[HALF] ^ 1]) + CONTENT[HALF + 1 :], False, "Bad CRC-32"),
        (QUOTA, False, "found a web page; expected the file itself"),
        (b"Service unavailable", False, "expected a whole zip or tar file"),
    ],
    ids=["another hash", "another size", "truncated", "a byte changed", "a page in its place", "a text in its place"],
)
def test_a_wrong_file_is_refused_and_leaves_nothing(
    server: Server, path: Path, content: bytes, known: bool, words: str
) -> None:
    assert words in refused(offered(TEST_DEV, CONTENT, server.serve("a.zip", content), known=known), path)
    assert there(path) == [] and len(server.log) == 1


def test_a_flood_is_stopped(server: Server, path: Path) -> None:
    url = server.serve("a.zip", CONTENT, tells_size=False)
    source = replace(offered(TEST_DEV, CONTENT, url, known=False), most_gigabytes=2e-6)
    assert "sends more than 2,000 bytes" in refused(source, path) and there(path) == []


def test_a_full_disk_is_noticed_before(server: Server, path: Path, monkeypatch) -> None:
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), server.serve("b.zip", CONTENT))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=rf"found 1,000 bytes free; expected [\d,]+ for {TEST_DEV.file}"):
        fetch(source, path)
    assert len(server.log) == 1, "a mirror has no more space to give"


def test_a_disk_that_fills_up_keeps_the_part_and_is_named(server: Server, path: Path) -> None:
    resource = pytest.importorskip("resource")  # limits of file sizes are a POSIX thing
    source = offered(TEST_DEV, CONTENT, server.serve("a.zip", CONTENT), server.serve("b.zip", CONTENT))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            fetch(source, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(path) in caught.value.filename and not path.exists()
    fetch(source, path)
    require_fetched(path)
    assert server.log[-1].start > 0


def test_what_google_drive_refuses_becomes_one_line(path: Path, monkeypatch) -> None:
    def many_users(*_: object, **__: object) -> None:
        raise gdown.exceptions.FileURLRetrievalError("Too many users\n\thave viewed it")

    monkeypatch.setattr(gdown, "download", many_users)
    assert "Too many users have viewed it" in refused(offered(TEST_DEV, b"", TEST_DEV.urls[-1], known=False), path)
