"""Archives of all kinds, good and evil: what is wanted lies in the folder, and nothing lies outside of it."""

import io
import os
import shutil
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from archive_server import TRAINVAL, zipped

from tbd_lib.datasets.prepare.unpack import require_whole, unpack
from tbd_lib.errors import InputError

SOURCE = replace(TRAINVAL, keep=("JPEGImages/480p", "ImageSets"), most_gigabytes=1e-3, most_files=100)
FILES = {
    "DAVIS/JPEGImages/480p/bear/00000.jpg": b"first" * 100,
    "DAVIS/JPEGImages/480p/bear/00001.jpg": b"second" * 100,
    "DAVIS/JPEGImages/1080p/bear/00000.jpg": b"too large",
    "DAVIS/ImageSets/2017/val.txt": b"bear\n",
    "DAVIS/README.md": b"read me",
    "__MACOSX/DAVIS/ImageSets/2017/._val.txt": b"junk",
}
WANTED = {"JPEGImages/480p/bear/00000.jpg", "JPEGImages/480p/bear/00001.jpg", "ImageSets/2017/val.txt"}


def there(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def tarred(files: dict[str, bytes], mode: str, extra: tarfile.TarInfo | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        archive.addfile(_folder("./"))
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if extra is not None:
            archive.addfile(extra)
    return buffer.getvalue()


def _folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def save(tmp_path: Path, content: bytes, name: str = "archive.zip") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refused(archive: Path, words: str) -> None:
    """Nothing is unpacked, inside or outside of the folder, and one line names the archive."""
    folder = archive.parent / "inner" / "out"
    before = there(archive.parent)
    with pytest.raises(InputError) as caught:
        unpack(archive, folder, SOURCE)
    message = str(caught.value)
    assert words in message and str(archive) in message and "expected" in message and "\n" not in message
    assert there(archive.parent) == before


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_what_is_kept_lies_below_the_folder(tmp_path: Path, kind: str) -> None:
    content = zipped(FILES) if kind == ".zip" else tarred(FILES, "w:gz" if kind == ".tar.gz" else "w")
    archive = save(tmp_path, content, f"archive{kind}")
    out = tmp_path / "out"
    assert unpack(archive, out, SOURCE) == 3
    assert there(out) == WANTED
    assert all((out / name).read_bytes() == FILES[f"DAVIS/{name}"] for name in WANTED)
    assert unpack(archive, out, SOURCE) == 0
    bare = {name.removeprefix("DAVIS/"): content for name, content in FILES.items()}
    assert unpack(save(tmp_path, zipped(bare)), tmp_path / "bare", SOURCE) == 3 and there(tmp_path / "bare") == WANTED


def test_what_is_there_and_right_is_left_alone(tmp_path: Path) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"
    unpack(archive, out, SOURCE)
    whole, flipped, short, gone = (out / name for name in (*sorted(WANTED), "JPEGImages/480p/bear/00001.jpg"))
    stamp = whole.stat().st_mtime_ns
    flipped.write_bytes(b"First" * 100)  # the same size
    short.write_bytes(b"")
    (out / "ImageSets" / "2017" / "mine.txt").write_text("dog\n")
    gone.unlink()
    assert unpack(archive, out, SOURCE) == 2
    assert there(out) == {*WANTED, "ImageSets/2017/mine.txt"}, "what the user put there stays"
    assert flipped.read_bytes() == b"first" * 100 and short.read_bytes() == b"second" * 100
    assert whole.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    "name",
    [
        "../../ImageSets/evil.txt",
        "DAVIS/ImageSets/../../../evil.txt",
        "/tmp/ImageSets/evil.txt",
        "ImageSets\\..\\..\\evil.txt",
        "C:/ImageSets/evil.txt",
    ],
)
@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    files = {**FILES, name: b"evil"}
    archive = save(tmp_path, zipped(files) if kind == ".zip" else tarred(files, "w"), f"archive{kind}")
    refused(archive, "expected names below the folder")
    with pytest.raises(InputError, match="expected names below the folder"):
        require_whole(archive)


def test_links_are_refused(tmp_path: Path) -> None:
    link = "DAVIS/JPEGImages/480p/bear/link.jpg"
    refused(save(tmp_path, zipped({**FILES, link: b"/etc/passwd"}, links=[link])), "is a link or a device")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        info = tarfile.TarInfo(link)
        info.type, info.linkname = kind, "/etc/passwd"
        refused(save(tmp_path, tarred(FILES, "w", info), "archive.tar"), "is a link or a device")


def test_a_flood_of_bytes_or_files_is_refused(tmp_path: Path) -> None:
    flood = {**FILES, "DAVIS/JPEGImages/480p/bear/00002.jpg": bytes(2_000_000)}
    archive = save(tmp_path, zipped(flood))
    assert archive.stat().st_size < 10_000
    refused(archive, "would become 2,001,105 bytes; expected at most 1,000,000")
    many = {f"DAVIS/ImageSets/{number}.txt": b"" for number in range(101)}
    refused(save(tmp_path, zipped(many)), "holds 101 files; expected at most 100")


@pytest.mark.parametrize("stated", [10, 3_000_000], ids=["less than it holds", "more than it holds"])
def test_a_flood_that_states_another_size_is_stopped(tmp_path: Path, stated: int) -> None:
    """The size in the index is a lie: no more than it states is written, and that does not take its name."""
    name, flood = "DAVIS/ImageSets/flood.txt", bytes(2_000_000)
    content = bytearray(zipped({name: flood}))
    at = content.index(struct.pack("<I", len(flood)), content.index(b"PK\x01\x02"))
    content[at : at + 4] = struct.pack("<I", stated)
    archive, out = save(tmp_path, bytes(content)), tmp_path / "out"
    with pytest.raises(InputError, match=r"archive\.zip: .*; expected") as caught:
        unpack(archive, out, replace(SOURCE, most_gigabytes=0.01))
    assert "\n" not in str(caught.value) and there(out) == set()


def test_a_short_file_is_written_anew_from_a_tar_file(tmp_path: Path) -> None:
    archive, out = save(tmp_path, tarred(FILES, "w"), "archive.tar"), tmp_path / "out"
    unpack(archive, out, SOURCE)
    (out / "ImageSets/2017/val.txt").write_bytes(b"be")
    assert unpack(archive, out, SOURCE) == 1
    assert (out / "ImageSets/2017/val.txt").read_bytes() == b"bear\n"


def test_damage_inside_is_named_and_what_was_whole_stays(tmp_path: Path) -> None:
    content = bytearray(zipped(FILES))
    at = content.index(b"00001.jpg") + len("00001.jpg") + 4
    content[at] ^= 0xFF
    archive, out = save(tmp_path, bytes(content)), tmp_path / "out"
    with pytest.raises(InputError, match=r"archive\.zip: .*; expected a whole zip or tar file"):
        unpack(archive, out, SOURCE)
    assert there(out) == {"JPEGImages/480p/bear/00000.jpg"}


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_truncated_archives_are_refused(tmp_path: Path, kind: str) -> None:
    files = {**FILES, "DAVIS/ImageSets/noise.txt": os.urandom(20_000)}
    content = zipped(files) if kind == ".zip" else tarred(files, "w:gz" if kind == ".tar.gz" else "w")
    archive = save(tmp_path, content[: len(content) // 2], f"archive{kind}")
    refused(archive, "expected a whole zip or tar file")
    with pytest.raises(InputError, match="expected a whole zip or tar file"):
        require_whole(archive)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected a whole zip or tar file"),
        (b"no archive at all", "expected a whole zip or tar file"),
        (b"PK", "expected a whole zip or tar file"),
        (zipped({"holiday/beach.jpg": b"sand"}), "found none of JPEGImages/480p, ImageSets"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    refused(save(tmp_path, content), words)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"DAVIS/ImageSets/secret.txt": b"secret"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refused(save(tmp_path, bytes(content)), "is encrypted")


def test_a_full_disk_is_noticed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500))
    with pytest.raises(InputError, match=r"out: found 500 bytes free; expected 1,105 for archive\.zip"):
        unpack(archive, out, SOURCE)
    assert not out.exists()


def broken_off(archive: Path, out: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> BaseException:
    """Unpacking ends with this error while the second file is written."""
    copy, calls = shutil.copyfileobj, []

    def fail(*arguments: Any) -> None:
        calls.append(1)
        copy(*arguments)
        if len(calls) == 2:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", fail)
        with pytest.raises(type(error)) as caught:
            unpack(archive, out, SOURCE)
    return caught.value


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_breaking_off_leaves_whole_files_and_the_next_run_goes_on(tmp_path: Path, monkeypatch, error) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"
    raised = broken_off(archive, out, error, monkeypatch)
    assert there(out) == {"JPEGImages/480p/bear/00000.jpg"}
    if isinstance(raised, OSError):
        assert raised.filename == str(out / "JPEGImages/480p/bear/00001.jpg")
    assert unpack(archive, out, SOURCE) == 2


def test_zip64_and_stored_files_work(tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file,
        file.open("ImageSets/a.txt", "w", force_zip64=True) as member,
    ):
        member.write(b"text")
    assert unpack(archive, tmp_path / "out", SOURCE) == 1
