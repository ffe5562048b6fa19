"""Archives of all kinds, good and evil: what is wanted lies in the folder, and nothing lies outside of it."""

import io
import os
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from archive_server import zipped

from tbd_lib.datasets.prepare import unpack as module
from tbd_lib.datasets.prepare.unpack import Limits, require_whole, unpack
from tbd_lib.errors import InputError

KEEP = ("JPEGImages/480p", "ImageSets")
LIMITS = Limits(10**6, 100)
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


def refused(archive: Path, words: str, limits: Limits = LIMITS) -> None:
    """Nothing is unpacked, inside or outside of the folder, and one line names the archive."""
    folder = archive.parent / "inner" / "out"
    before = there(archive.parent)
    with pytest.raises(InputError) as caught:
        unpack(archive, folder, KEEP, limits)
    message = str(caught.value)
    assert words in message and str(archive) in message and "expected" in message and "\n" not in message
    assert there(archive.parent) == before


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_what_is_kept_lies_below_the_folder(tmp_path: Path, kind: str) -> None:
    content = zipped(FILES) if kind == ".zip" else tarred(FILES, "w:gz" if kind == ".tar.gz" else "w")
    archive = save(tmp_path, content, f"archive{kind}")
    out = tmp_path / "out"
    assert unpack(archive, out, KEEP, LIMITS) == 3
    assert there(out) == WANTED
    assert all((out / name).read_bytes() == FILES[f"DAVIS/{name}"] for name in WANTED)
    assert unpack(archive, out, KEEP, LIMITS) == 0


def test_an_archive_without_a_top_folder_gives_the_same(tmp_path: Path) -> None:
    bare = {name.removeprefix("DAVIS/"): content for name, content in FILES.items()}
    assert unpack(save(tmp_path, zipped(bare)), tmp_path / "out", KEEP, LIMITS) == 3
    assert there(tmp_path / "out") == WANTED


def test_what_is_there_and_right_is_left_alone(tmp_path: Path) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"
    unpack(archive, out, KEEP, LIMITS)
    whole, flipped, short, gone = (out / name for name in (*sorted(WANTED), "JPEGImages/480p/bear/00001.jpg"))
    stamp = whole.stat().st_mtime_ns
    flipped.write_bytes(b"First" * 100)  # the same size
    short.write_bytes(b"")
    own = out / "ImageSets" / "2017" / "mine.txt"
    own.write_text("dog\n")
    gone.unlink()
    assert unpack(archive, out, KEEP, LIMITS) == 2
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
        unpack(archive, out, KEEP, Limits(10**7, 10))
    assert "\n" not in str(caught.value) and there(out) == set()


def test_more_bytes_than_stated_are_never_written(tmp_path: Path) -> None:
    """The plain copy, for archives whose reader would not notice."""
    flood = io.BytesIO(bytes(10**7))
    read = []

    class Stream(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            read.append(size)
            return flood.read(size)

    entry = module.Entry("flood", 10, None, Stream)
    with pytest.raises(InputError, match="not as large as stated; expected 10 bytes"):
        module._write(tmp_path / "flood", entry, tmp_path / "archive.tar")
    assert there(tmp_path) == set() and len(read) == 1


def test_a_short_file_is_written_anew_from_a_tar_file(tmp_path: Path) -> None:
    archive, out = save(tmp_path, tarred(FILES, "w"), "archive.tar"), tmp_path / "out"
    unpack(archive, out, KEEP, LIMITS)
    (out / "ImageSets/2017/val.txt").write_bytes(b"be")
    assert unpack(archive, out, KEEP, LIMITS) == 1
    assert (out / "ImageSets/2017/val.txt").read_bytes() == b"bear\n"


def test_damage_inside_is_named_and_what_was_whole_stays(tmp_path: Path) -> None:
    content = bytearray(zipped(FILES))
    at = content.index(b"00001.jpg") + len("00001.jpg") + 4
    content[at] ^= 0xFF
    archive, out = save(tmp_path, bytes(content)), tmp_path / "out"
    with pytest.raises(InputError, match=r"archive\.zip: .*; expected a whole zip or tar file"):
        unpack(archive, out, KEEP, LIMITS)
    assert there(out) == {"JPEGImages/480p/bear/00000.jpg"}


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_truncated_archives_are_refused(tmp_path: Path, kind: str) -> None:
    files = {**FILES, "DAVIS/ImageSets/noise.txt": os.urandom(20_000)}
    content = zipped(files) if kind == ".zip" else tarred(files, "w:gz" if kind == ".tar.gz" else "w")
    archive = save(tmp_path, content[: len(content) // 2], f"archive{kind}")
    refused(archive, "expected a whole zip or tar file")
    with pytest.raises(InputError, match="expected a whole zip or tar file"):
        require_whole(archive)


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    refused(save(tmp_path, content), "expected a whole zip or tar file")


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"DAVIS/ImageSets/secret.txt": b"secret"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refused(save(tmp_path, bytes(content)), "is encrypted")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    refused(save(tmp_path, zipped({"holiday/beach.jpg": b"sand"})), "found none of JPEGImages/480p, ImageSets")


def test_a_full_disk_is_noticed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500))
    with pytest.raises(InputError, match=r"out: found 500 bytes free; expected 1,105 for archive\.zip"):
        unpack(archive, out, KEEP, LIMITS)
    assert not out.exists()


def test_a_disk_that_fills_up_leaves_whole_files_and_can_go_on(tmp_path: Path, monkeypatch) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"
    copy, calls = module._copy, []

    def fill(*arguments: object) -> None:
        calls.append(1)
        copy(*arguments)  # type: ignore[arg-type]
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_copy", fill)
        with pytest.raises(OSError, match="No space left") as caught:
            unpack(archive, out, KEEP, LIMITS)
    assert caught.value.filename == str(out / "JPEGImages/480p/bear/00001.jpg")
    assert there(out) == {"JPEGImages/480p/bear/00000.jpg"}
    assert unpack(archive, out, KEEP, LIMITS) == 2


def test_ctrl_c_leaves_whole_files(tmp_path: Path, monkeypatch) -> None:
    archive, out = save(tmp_path, zipped(FILES)), tmp_path / "out"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_copy", stop)
        unpack(archive, out, KEEP, LIMITS)
    assert there(out) == set()
    assert unpack(archive, out, KEEP, LIMITS) == 3


def test_zip64_and_stored_files_work(tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file,
        file.open("ImageSets/a.txt", "w", force_zip64=True) as one,
    ):
        one.write(b"text")
    assert unpack(archive, tmp_path / "out", KEEP, LIMITS) == 1
