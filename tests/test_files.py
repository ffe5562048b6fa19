"""Writes are whole or not at all."""

import json
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tbd_lib import files
from tbd_lib.errors import InputError
from tbd_lib.files import (
    at_home,
    data_folder,
    is_stray,
    require_mounted,
    require_writable,
    results_folder,
    solutions_notebook,
    write_whole,
    write_whole_folder,
)
from tbd_lib.records import Record, recording
from tbd_lib.texts import read_json, read_lines

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


def write(path: Path, text: str = "result") -> Path:
    with write_whole(path) as temporary:
        temporary.write_text(text)
    return path


def test_the_file_appears_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.txt"
    with write_whole(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.suffix == ".txt" and temporary.parent == path.parent
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(error), write_whole(path) as temporary:
        temporary.write_text("new")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_taken_over_and_what_another_writes_is_not(tmp_path: Path) -> None:
    path, left = tmp_path / "a.png", tmp_path / ".a.part.png"
    left.write_text("half of something longer")
    with write_whole(path) as first:
        assert first == left and first.read_text() == ""
        first.write_text("first")
        with write_whole(path) as second:
            assert second != first and second.suffix == ".png"
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".a.part.png").symlink_to(tmp_path / "mine")
    with write_whole(tmp_path / "a.png") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "mine").read_text() == "mine" and (tmp_path / "a.png").read_text() == "new"


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path, error: BaseException | None) -> None:
    folder, left = tmp_path / "graphs", tmp_path / ".graphs.part"
    for old in (folder, left / "deep"):
        old.mkdir(parents=True)
        (old / "old.onnx").write_text("old")
    with suppress(KeyboardInterrupt, OSError), write_whole_folder(folder) as temporary:
        assert temporary == left and not list(temporary.iterdir())
        (temporary / "new.onnx").write_text("new")
        if error is not None:
            raise error
    assert [path.name for path in folder.iterdir()] == ["old.onnx" if error else "new.onnx"]
    assert list(tmp_path.iterdir()) == [folder]


def test_errors_name_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    for where in (None, tmp_path / ".a.part.txt"):
        expected = rf"No space left on device: '{tmp_path}/a.txt'$"
        with pytest.raises(OSError, match=expected), write_whole(tmp_path / "a.txt"):
            raise OSError(28, "No space left on device", where and str(where))


def modes(*paths: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_results_are_as_readable_as_any_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the process's permission mask is never set, not even for a moment: other threads would make files then."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("umask was set"))
    other, result, folder = tmp_path / "other", tmp_path / "result", tmp_path / "graphs"
    other.write_text("")
    (tmp_path / "folder").mkdir()
    for _ in range(2):  # the second in the place of the first
        with write_whole_folder(folder), write_whole_folder(folder):
            pass
        assert modes(folder) == modes(tmp_path / "folder")
        with write_whole(result):
            write(result)
            assert modes(result) == modes(other)
        assert modes(result) == modes(other)


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, rename = tmp_path / "graphs", Path.rename
    folder.mkdir()
    (folder / "old.onnx").write_text("old")

    def fail(path: Path, target: Path) -> Path:
        if path.name == ".graphs.part":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"), write_whole_folder(folder):
        pass
    assert everything(tmp_path) == ["graphs", "graphs/old.onnx"]


def test_a_folder_where_a_file_stands_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), write_whole(tmp_path / "file" / "result"):
        pass


def test_data_and_results_are_where_they_are_looked_for() -> None:
    assert {"sample", "textures", "weights"} <= {path.name for path in data_folder().iterdir()}
    assert {"ablations.json", "bench_cpu.json", "notebooks.json"} <= {path.name for path in results_folder().iterdir()}
    assert solutions_notebook().is_file()


# --- what runs wrote


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_what_a_run_wrote_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "out/masks").mkdir(parents=True)
    for mine in ("out/note.txt", "out/masks/mine.png", "beside.png"):
        (tmp_path / mine).write_text("mine")
    with recording(tmp_path / "out"):
        for name in ("out/masks/0.png", "out/objects/1/0 \xe9\n.png", "out/film.mp4", "elsewhere.png"):
            write(tmp_path / name)
    write(tmp_path / "out/later.png")
    record = Record(tmp_path / "out")
    assert {path.name for path in record.files()} == {"0.png", "0 \xe9\n.png", "film.mp4"}
    record.clear()
    assert everything(tmp_path / "out") == ["later.png", "masks", "masks/mine.png", "note.txt"]
    assert (tmp_path / "beside.png").exists() and (tmp_path / "elsewhere.png").exists()


def test_of_earlier_runs_only_what_lies_in_the_way_is_removed(tmp_path: Path) -> None:
    for video in ("a", "b", "c"):
        with recording(tmp_path):
            write(tmp_path / video / "0.png")
    record = Record(tmp_path)
    record.clear([tmp_path / "a"])
    assert everything(tmp_path) == [".tbd-written", "b", "b/0.png"]
    record.clear()
    assert everything(tmp_path) == []


def test_a_file_is_on_record_before_it_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        seen.append(not target.exists() and "0.png" in Record(tmp_path).path.read_text())
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    with recording(tmp_path):
        write(tmp_path / "0.png")
    assert seen == [True]


def test_a_record_that_was_cut_off_or_lies_removes_nothing_outside(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "inside").mkdir(parents=True)
    for name in ("precious.png", "out/inside/0.png"):
        write(tmp_path / name)
    (out / "link").symlink_to(tmp_path)
    lies = ["../precious.png", "link/precious.png", str(tmp_path / "precious.png"), "inside", "", ".", "..", "a\0b"]
    lines = ['{"run": 3}', *map(json.dumps, lies), '"inside/0.png"', "7", "no json", '{"video": 1}', '"ins']
    (out / ".tbd-written").write_text("\n".join(lines))
    assert Record(out).unfinished is None and Record(out).videos == {}
    with recording(out, goes_on=True):
        write(out / "1.png")
    Record(out).clear([out])
    assert everything(out) == ["link"] and (tmp_path / "precious.png").exists()


def test_a_run_is_known_by_its_facts_until_it_is_finished(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert record.unfinished is None
    with pytest.raises(KeyboardInterrupt), recording(tmp_path, {"weights": "w"}) as run:
        write(tmp_path / "a" / "0.png")
        run.finish_video("a", "hash")
        raise KeyboardInterrupt
    assert record.unfinished == {"weights": "w"} and record.videos == {"a": "hash"}
    with recording(tmp_path, {"weights": "w"}, goes_on=True) as run:
        write(tmp_path / "b" / "0.png")
        run.finish_video("b", "other")
        assert record.videos == {"a": "hash", "b": "other"}
        run.finish()
    assert record.unfinished is None
    with recording(tmp_path):
        write(tmp_path / "c" / "0.png")
    assert record.unfinished is None and record.videos == {}


def test_what_no_run_wrote_is_not_replaced_and_what_is_not_on_record_does_not_stay(tmp_path: Path) -> None:
    record, old = Record(tmp_path), write(tmp_path / "1.png")
    record.require_replaceable([old], {"0.png", "1.png"}, record.files())
    with pytest.raises(InputError, match=r"1\.png: would stay among the new results"):
        record.require_replaceable([old], {"0.png"}, record.files())
    with recording(tmp_path):
        write(tmp_path / "0.png")
    present = [tmp_path / "0.png", old]
    record.require_replaceable(present, {"0.png"}, record.files())
    with pytest.raises(InputError, match=r"1\.png: was not written by a run"):
        record.require_replaceable(present, {"0.png", "1.png"}, record.files())


def test_places_that_cannot_be_written_to_are_known_beforehand(tmp_path: Path) -> None:
    write(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for place in ("new/deep/scores.json", "file", "folder/scores.json"):
        require_writable(tmp_path / place)
    assert everything(tmp_path) == ["dangling", "file", "folder"]  # nothing is left behind
    for place in ("file/scores.json", "file/deep/scores.json", "dangling/scores.json", "folder", "x" * 250 + ".json"):
        with pytest.raises(InputError, match="expected a") as error:
            require_writable(tmp_path / place)
        assert str(tmp_path / place) in str(error.value) and "\n" not in str(error.value)
    if sys.platform == "linux":
        for place in ("/proc/scores.json", "/proc/new/scores.json", "/dev/null"):
            with pytest.raises(InputError, match=place):
                require_writable(Path(place))


def test_a_tilde_is_the_home_folder_as_in_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert at_home("~") == at_home(Path("~")) == tmp_path
    assert at_home("~/a/~") == tmp_path / "a/~"
    assert at_home("~root/a") == Path("~root/a").expanduser() != Path("~root/a")
    for path in ("~nobody-of-that-name/a", "a/~/b", "a~", "/~"):
        assert at_home(path) == Path(path)
    with write_whole(Path("~/new/result")) as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "new/result").read_text() == "whole"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_read_in_every_form(tmp_path: Path, encoding: str, end: str) -> None:
    text = end.join([" my clip\t", "", "  ", "\xa0bär ", "#1", "c\x0cd\u2028e"]) + end
    (tmp_path / "list").write_bytes(text.encode(encoding))
    assert read_lines(tmp_path / "list") == ["my clip", "bär", "#1", "c\x0cd\u2028e"]


def test_lines_of_joined_files_have_no_marks_and_the_end_of_dos_is_no_line(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes("\ufeffa\r\n\ufeffb\r\n\x1a".encode())
    assert read_lines(tmp_path / "list") == ["a", "b"]
    (tmp_path / "list").write_bytes(b"")
    assert read_lines(tmp_path / "list") == []


def test_bytes_that_are_no_text_are_those_of_a_file_name(tmp_path: Path) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "list").write_bytes(mark + b"caf\xe9\n\xff\x85\n")
        assert [name.encode(errors="surrogateescape") for name in read_lines(tmp_path / "list")] == [
            b"caf\xe9",
            b"\xff\x85",
        ]


@pytest.mark.parametrize("content", [b"\xff\xfea\0b", b"\xfe\xff\xd8\0\0a", b"\xff\xfe\0\0aaaa", b"a\0b\0c"])
def test_a_text_that_is_not_what_its_mark_promises_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(InputError, match=r"list: found bytes that are no utf-(16|32)") as caught:
        read_lines(tmp_path / "list")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_read_in_every_form(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes('{"é": [1]}'.encode(encoding))
    assert read_json(tmp_path / "a.json", "scores") == {"é": [1]}


@pytest.mark.parametrize("content", [b"", b"{", b'"\xff"', b"[" * 100_000, b"\xff\xfe{", b"1" * 5000, b"\0"])
def test_what_is_no_json_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json: no JSON \(.*\); expected scores$") as caught:
        read_json(tmp_path / "a.json", "scores")
    assert "\n" not in str(caught.value)


def test_what_file_managers_leave_is_known() -> None:
    for name in (".ipynb_checkpoints", "__MACOSX", "Thumbs.db", "desktop.ini", "._00000.jpg", ".DS_Store"):
        assert is_stray(name)
    assert not any(map(is_stray, ("bear", "_a", "00000.jpg", "MACOSX", "desktop")))


def test_a_drive_that_is_not_mounted_is_no_place_to_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder would be made on Colab's own disk, and be lost with the session."""
    monkeypatch.setattr(files, "DRIVE", tmp_path / "drive")
    path = tmp_path / "drive" / "MyDrive" / "tbd"
    with pytest.raises(
        InputError, match=r"tbd: Google Drive is not mounted, .*expected `drive.mount\('.*drive'\)` first"
    ):
        require_mounted(path)
    assert require_mounted(tmp_path / "other") == tmp_path / "other"
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path / "drive")
    assert require_mounted(path) == path
