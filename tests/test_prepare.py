"""``tbd prepare`` as a user runs it, against a server on this machine that serves archives in the real layouts."""

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from archive_server import (
    DAVIS_2016,
    FRAME,
    MASK,
    TEST_DEV,
    TRAINVAL,
    Server,
    coco_annotations,
    coco_images,
    davis_2016,
    davis_test_dev,
    davis_trainval,
    few_images,
    gone,
    offered,
    running,
    youtube,
    zipped,
)
from small_coco import small_coco
from test_unpack import tarred

from tbd_lib.cli.main import main
from tbd_lib.datasets.coco import coco
from tbd_lib.datasets.prepare import download
from tbd_lib.datasets.prepare.file_lock import LOCK
from tbd_lib.datasets.prepare.places import find_imagenet, find_weights, home
from tbd_lib.datasets.prepare.sources import SOURCES, Foldered, Source
from tbd_lib.datasets.videos import davis
from tbd_lib.errors import InputError
from tbd_lib.training import stages
from tbd_lib.video.masks import ids_of, read_mask

ARCHIVE = zipped(davis_trainval())
WEIGHTS = zipped({"archive/data.pkl": b"tensors"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("TBD_HOME", raising=False)
    with running() as server:
        yield server


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch):
    """Puts another source into the table."""

    def put(name: str, part: str, source: Source) -> None:
        monkeypatch.setitem(SOURCES[name], part, source)  # type: ignore[arg-type]

    return put


@pytest.fixture
def served(server: Server, table) -> Server:
    """A server that has DAVIS-2017, and a table that says so."""
    table("davis", "trainval", offered(TRAINVAL, ARCHIVE, server.serve("a.zip", ARCHIVE)))
    return server


def files(root: Path) -> dict[str, int]:
    """Every file below a folder, with the time of its last change."""
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def run(root: Path, *arguments: str) -> int:
    return main(["prepare", *arguments, "--root", str(root)])


def last_line(capsys: pytest.CaptureFixture) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_from_nothing_to_davis(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis") == 0
    said = capsys.readouterr().out.splitlines()
    terms, complete = said.index(TRAINVAL.notice), said.index(f"{TRAINVAL.title}: complete in {tmp_path / 'DAVIS'}")
    assert terms < complete and "unpacked 366 files" in said[terms + 1]
    assert f"TBD_HOME={tmp_path} tbd evaluate --data {tmp_path}/DAVIS --weights published-davis" in said[-1]
    assert len(served.log) == 1 and not (tmp_path / "tbd-lock.json").exists()
    for split, year, count in (("train", 2017, 60), ("val", 2017, 30), ("train", 2016, 30), ("val", 2016, 20)):
        videos = davis(tmp_path / "DAVIS", split, year)
        assert len(videos) == count and ids_of(videos[0].given[0]) == [1]
        assert videos[0].truth is not None and np.array_equal(videos[0].truth[1], videos[0].given[0])
    expected = {name.removeprefix("DAVIS/") for name in davis_trainval() if name.startswith("DAVIS/")}
    assert set(files(tmp_path / "DAVIS")) == expected


def test_a_second_run_does_nothing(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis") == 0
    before, requests = files(tmp_path), len(served.log)
    capsys.readouterr()
    assert run(tmp_path, "davis") == 0
    assert files(tmp_path) == before and len(served.log) == requests
    assert capsys.readouterr().out.startswith(f"{TRAINVAL.title}: complete in ")
    shutil.rmtree(tmp_path / "downloads")
    assert run(tmp_path, "davis") == 0 and len(served.log) == requests, "the archive is needed no more"


def test_parts_of_davis_lie_side_by_side(served: Server, table, tmp_path: Path) -> None:
    for part, source, content in (("test-dev", TEST_DEV, davis_test_dev()), ("2016", DAVIS_2016, davis_2016())):
        archive = zipped(content)
        table("davis", part, offered(source, archive, served.serve(f"{part}.zip", archive), known=False))
    assert run(tmp_path, "davis", "--parts", "trainval", "test-dev", "2016") == 0
    assert (tmp_path / "DAVIS/README.md").read_bytes() == b"terms", "of the first part"
    (first, *_) = davis(tmp_path / "DAVIS", "test-dev")
    assert first.truth is None and list(first.given) == [0]
    assert len(davis(tmp_path / "DAVIS-2016", "val", 2016)) == 20
    assert not (tmp_path / "DAVIS-2016/JPEGImages/1080p").exists()
    requests = len(served.log)
    assert run(tmp_path, "davis", "--parts", "trainval", "test-dev", "2016") == 0 and len(served.log) == requests


def test_runs_at_the_same_time_fetch_and_unpack_once(served: Server, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        ends = [pool.submit(run, tmp_path, "davis") for _ in range(3)]
    assert [end.result() for end in ends] == [0, 0, 0]
    assert len(served.log) == 1 and len(davis(tmp_path / "DAVIS")) == 30


def test_what_is_complete_needs_no_right_to_write(served: Server, tmp_path: Path) -> None:
    assert run(tmp_path, "davis") == 0
    (tmp_path / LOCK).unlink()
    before = files(tmp_path)
    assert run(tmp_path, "davis") == 0 and files(tmp_path) == before


def test_damage_is_repaired_from_the_archive(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis") == 0
    before = files(tmp_path)
    frame, mask = (tmp_path / "DAVIS" / name for name in (
        "JPEGImages/480p/video-07/00001.jpg", "Annotations/480p/video-70/00000.png"
    ))  # fmt: skip
    frame.unlink()
    mask.write_bytes(b"")
    capsys.readouterr()
    assert run(tmp_path, "davis") == 0
    said = capsys.readouterr().out
    assert f"2 missing or wrong, first: {frame}: missing; expected a frame" in said and "unpacked 2 files" in said
    assert frame.read_bytes() == FRAME and mask.read_bytes() == MASK and len(served.log) == 1
    changed = {name for name, time in files(tmp_path).items() if before[name] != time}
    assert changed == {str(path.relative_to(tmp_path)) for path in (frame, mask)}


def test_damage_is_repaired_by_fetching_again_if_the_archive_is_gone(served: Server, tmp_path: Path) -> None:
    assert run(tmp_path, "davis") == 0
    shutil.rmtree(tmp_path / "downloads")
    frame = tmp_path / "DAVIS/JPEGImages/480p/video-07/00001.jpg"
    frame.unlink()
    assert run(tmp_path, "davis") == 0
    assert frame.is_file() and len(served.log) == 2


@pytest.mark.parametrize("own", [False, True], ids=["folder of data sets", "the data set's own folder"])
def test_what_the_user_has_already_is_verified_and_not_fetched(served: Server, tmp_path: Path, own: bool) -> None:
    assert run(tmp_path / "first", "davis") == 0
    served.log.clear()
    (tmp_path / "first/DAVIS").rename(tmp_path / "DAVIS")
    before = files(tmp_path)
    assert run(tmp_path / "DAVIS" if own else tmp_path, "davis") == 0
    assert not served.log and files(tmp_path) == before


def test_check_only_looks(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis", "--check") == 2
    listed = capsys.readouterr()
    assert f"{tmp_path}/DAVIS/ImageSets/2017/val.txt: missing; expected the names of 30 videos" in listed.out
    assert listed.err == f"tbd: {tmp_path}: found 4 problems (listed above); expected davis to be complete\n"
    assert not served.log and files(tmp_path) == {}
    assert run(tmp_path, "davis") == 0
    served.log.clear()
    for path in (tmp_path / "DAVIS/JPEGImages/480p").glob("video-0*/00001.jpg"):
        path.unlink()
    (tmp_path / "DAVIS/JPEGImages/480p/video-33/00000.jpg").unlink()
    capsys.readouterr()
    before = files(tmp_path)
    assert run(tmp_path, "davis", "--check") == 2
    listed = capsys.readouterr()
    assert len(listed.out.splitlines()) == 11 and "found 11 problems" in listed.err
    assert not served.log and files(tmp_path) == before


def test_long_lists_of_problems_are_cut(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis") == 0
    shutil.rmtree(tmp_path / "DAVIS/Annotations")
    capsys.readouterr()
    assert run(tmp_path, "davis", "--check") == 2
    listed = capsys.readouterr()
    assert len(listed.out.splitlines()) == 20 and "found 180 problems (20 of them listed above)" in listed.err


def test_a_file_fetched_by_hand_is_taken(served: Server, tmp_path: Path) -> None:
    path = tmp_path / "downloads/DAVIS" / TRAINVAL.file
    path.parent.mkdir(parents=True)
    path.write_bytes(ARCHIVE)
    assert run(tmp_path, "davis") == 0
    assert not served.log and len(davis(tmp_path / "DAVIS")) == 30


def test_a_wrong_file_fetched_by_hand_is_named_and_stays(
    served: Server, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "downloads/DAVIS" / TRAINVAL.file
    path.parent.mkdir(parents=True)
    for content, words in (
        (ARCHIVE[:1000], f"found 1,000 bytes; expected {len(ARCHIVE):,}"),
        (ARCHIVE[:-1] + b"?", "found sha256 "),
    ):
        path.write_bytes(content)
        assert run(tmp_path, "davis") == 2
        line = last_line(capsys)
        assert str(path) in line and words in line and line.endswith("Remove the file and run the same command again")
        assert path.read_bytes() == content and not served.log and not (tmp_path / "DAVIS").exists()


def test_where_every_server_is_gone_the_way_by_hand_is_told(
    server: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table("davis", "trainval", offered(TRAINVAL, ARCHIVE, gone(), server.url("nothing.zip")))
    assert run(tmp_path, "davis") == 2
    line = last_line(capsys)
    path = tmp_path / "downloads/DAVIS" / TRAINVAL.file
    assert line.startswith(f"tbd: {path}: could not be fetched (") and "HTTP 404" in line
    assert f"By hand: fetch it from {TRAINVAL.page}, put it there, and run the same command again" in line
    path.write_bytes(ARCHIVE)
    assert run(tmp_path, "davis") == 0


def test_ctrl_c_keeps_what_came_and_the_next_run_goes_on(
    served: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    write = download._write

    def stop(file, chunk: bytes, part: Path) -> None:
        write(file, chunk, part)
        if file.tell() > len(ARCHIVE) // 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download, "CHUNK", 4096)
        patch.setattr(download, "_write", stop)
        assert run(tmp_path, "davis") == 130
    part = tmp_path / "downloads/DAVIS" / f"{TRAINVAL.file}.part"
    kept = part.stat().st_size
    assert len(ARCHIVE) // 2 < kept < len(ARCHIVE)
    served.log.clear()
    assert run(tmp_path, "davis") == 0
    assert [(asked.range, asked.sent) for asked in served.log] == [(f"bytes={kept}-", len(ARCHIVE) - kept)]
    assert [path.name for path in part.parent.iterdir()] == [TRAINVAL.file]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({**davis_trainval(), "DAVIS/ImageSets/../../../../evil.txt": b"evil"}, "expected names below the folder"),
        ({"DAVIS/JPEGImages/480p/link": b"/etc"}, "is a link or a device"),
        ({"DAVIS/README.md": bytes(3 * 10**6)}, "would become 3,000,000 bytes; expected at most 1,000,000"),
        ({"holiday.jpg": b"sand"}, "found none of JPEGImages/480p"),
    ],
    ids=["path traversal", "link", "bomb", "another archive"],
)
def test_unsafe_archives_leave_nothing_behind(
    server: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture, content: dict[str, bytes], words: str
) -> None:
    archive = zipped(content, links=["DAVIS/JPEGImages/480p/link"])
    source = replace(TRAINVAL, most_bytes=10**6)
    table("davis", "trainval", offered(source, archive, server.serve("a.zip", archive), known=False))
    assert run(tmp_path / "root", "davis") == 2
    assert words in last_line(capsys)
    unpacked = {name for name in files(tmp_path) if "downloads" not in name}
    assert unpacked <= {"root/tbd-lock.json", f"root/{LOCK}"}


def test_a_full_disk_is_one_line(served: Server, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert run(tmp_path, "davis") == 2
    assert f"found 1,000 bytes free; expected {len(ARCHIVE):,} for {TRAINVAL.file}" in last_line(capsys)


def test_a_file_published_anew_is_refused_until_the_record_is_removed(
    server: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table("davis", "trainval", offered(TRAINVAL, b"", server.serve("a.zip", ARCHIVE), known=False))
    assert run(tmp_path, "davis") == 0
    shutil.rmtree(tmp_path / "DAVIS")
    shutil.rmtree(tmp_path / "downloads")
    server.serve("a.zip", zipped({**davis_trainval(), "DAVIS/README.md": b"new terms"}))
    assert run(tmp_path, "davis") == 2
    assert f"as {tmp_path}/tbd-lock.json records; if the file was published anew, remove it there" in last_line(capsys)
    (tmp_path / "tbd-lock.json").unlink()
    assert run(tmp_path, "davis") == 0 and (tmp_path / "DAVIS/README.md").read_bytes() == b"new terms"


def test_a_damaged_record_is_one_line(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "tbd-lock.json").write_text("{")
    assert run(tmp_path, "davis") == 2
    assert "tbd-lock.json" in last_line(capsys) and not served.log


def test_coco_comes_in_two_archives_and_each_only_if_needed(server: Server, table, tmp_path: Path) -> None:
    for part, content in (("annotations", coco_annotations()), ("images", coco_images())):
        archive = zipped(content)
        source = offered(SOURCES["coco"][part], archive, server.serve(f"{part}.zip", archive))
        table("coco", part, few_images(source) if part == "images" else source)
    assert run(tmp_path, "coco") == 0
    assert set(files(tmp_path / "COCO")) == {"annotations/instances_train2017.json", *coco_images()}
    assert coco(tmp_path / "COCO") == [], "images, none of them with instances"
    server.log.clear()
    shutil.rmtree(tmp_path / "downloads")
    (tmp_path / "COCO/train2017/000000000001.jpg").unlink()
    assert run(tmp_path, "coco") == 0
    assert [asked.path for asked in server.log] == ["/images.zip"]


def test_masks_of_coco_become_png_files_once(
    server: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for part, count in (("annotations", 3), ("images", 2)):
        source = offered(SOURCES["coco"][part], b"", gone())
        table("coco", part, few_images(source, count) if part == "images" else source)
    assert run(tmp_path, "coco", "--png") == 2
    assert "found 2 problems (listed above); expected coco to be complete" in last_line(capsys)
    (tmp_path / LOCK).unlink()
    root = small_coco(tmp_path / "COCO")
    record, mask = root / "masks/train2017.json", root / "masks/train2017/000000000007.png"
    assert run(tmp_path, "coco", "--png", "--check") == 2
    assert f"{record}: found no record of a complete conversion" in last_line(capsys)
    assert not (root / "masks").exists() and not (tmp_path / LOCK).exists()
    assert run(tmp_path, "coco", "--png", "--crowds", "--min-area", "100") == 0
    said = capsys.readouterr().out
    assert f"COCO 2017, masks: complete in {root / 'masks'}, 1 of them new" in said and "tbd train coco" in said
    assert ids_of(read_mask(mask)) == [1, 2], "the crowd and the large object"
    before = files(root)
    assert run(tmp_path, "coco", "--png", "--crowds", "--min-area", "100") == 0 and files(root) == before
    assert run(tmp_path, "coco", "--png") == 2
    assert "masks made with crowds True, min_area 100" in last_line(capsys) and files(root) == before
    mask.unlink()
    assert run(tmp_path, "coco", "--png", "--crowds", "--min-area", "100", "--check") == 2
    assert f"{mask}: missing; expected the mask of an image" in last_line(capsys)


def test_youtube_vos_says_what_to_fetch_and_where_to_put_it(
    server: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for part, source in SOURCES["youtube-vos-2019"].items():
        assert isinstance(source.layout, Foldered)
        table("youtube-vos-2019", part, replace(source, layout=replace(source.layout, videos=4)))
    downloads = tmp_path / "downloads/YouTube-VOS-2019"
    assert run(tmp_path, "youtube-vos", "--year", "2019") == 2
    said = capsys.readouterr().out
    for name in ("train.zip", "valid.zip", "valid_all_frames.zip"):
        assert f"{downloads / name}: missing; expected the file from https://youtube-vos.org" in said
    downloads.mkdir(parents=True)
    (downloads / "train.zip").write_bytes(zipped(youtube("train", 4)))
    (downloads / "valid.tar.gz").write_bytes(tarred(youtube("valid", 4, masks=(0,)), "w:gz"))
    all_frames = youtube("valid_all_frames", 4, step=1, frames=20, masks=())
    bare = {name.removeprefix("valid_all_frames/"): content for name, content in all_frames.items()}
    (downloads / "valid_all_frames.zip").write_bytes(zipped(bare))
    assert run(tmp_path, "youtube-vos", "--year", "2019") == 0
    assert set(files(tmp_path / "YouTube-VOS-2019")) == {
        *youtube("train", 4), *youtube("valid", 4, masks=(0,)), *all_frames
    }  # fmt: skip
    before = files(tmp_path)
    assert run(tmp_path, "youtube-vos", "--year", "2019") == 0 and files(tmp_path) == before
    (tmp_path / "YouTube-VOS-2019/valid/meta.json").unlink()
    assert run(tmp_path, "youtube-vos", "--year", "2019", "--parts", "valid") == 0, "repaired from the tar file"
    (downloads / "train.zip").write_bytes(zipped(youtube("train", 5)))
    (tmp_path / "YouTube-VOS-2019/train/meta.json").unlink()
    assert run(tmp_path, "youtube-vos", "--year", "2019") == 2
    assert "published anew" in last_line(capsys), "it is not the file that was recorded"


def test_parts_that_cannot_be_had_do_not_stop_the_others(
    served: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table("davis", "test-dev", offered(TEST_DEV, b"", gone()))
    assert run(tmp_path, "davis", "--parts", "test-dev", "trainval") == 2
    said = capsys.readouterr()
    assert f"{TRAINVAL.title}: complete in" in said.out and TEST_DEV.file in said.err


def test_an_empty_choice_of_parts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis", "--parts") == 2
    assert last_line(capsys) == "tbd: --parts: found none; expected at least one"


@pytest.fixture
def weights(server: Server, table) -> Server:
    for part in ("davis", "ytvos"):
        url = server.serve(f"{part}.pth", WEIGHTS)
        table("weights", part, offered(SOURCES["weights"][part], WEIGHTS, url, known=False))
    imagenet = b"\x80\x02 a pickle of old"
    digits = hashlib.sha256(imagenet).hexdigest()[:8]
    source = offered(SOURCES["weights"]["densenet121"], imagenet, server.serve("d.pth", imagenet), known=False)
    table("weights", "densenet121", replace(source, sha256=digits))
    return server


def test_published_weights_are_fetched_after_their_terms_are_said(
    weights: Server, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    assert main(["prepare", "weights"]) == 0
    said = capsys.readouterr().out
    assert said.index("non-commercial research only") < said.index("TBD, published weights (davis): complete")
    assert "next, for instance: tbd evaluate" in said, "no folder to name where the home is used"
    assert find_weights(Path("published-davis")) == tmp_path / "weights/TBD_davis.pth"
    assert find_imagenet() == tmp_path / "weights/densenet121-a639ec97.pth"
    before = files(tmp_path)
    weights.log.clear()
    assert main(["prepare", "weights"]) == 0 and not weights.log and files(tmp_path) == before


def test_weights_that_changed_are_refused(weights: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "weights", "--parts", "ytvos", "densenet121") == 0
    (tmp_path / "weights/TBD_ytvos.pth").write_bytes(WEIGHTS[:-1] + b"?")
    assert run(tmp_path, "weights", "--parts", "ytvos") == 2
    assert "found sha256" in last_line(capsys)
    (tmp_path / "tbd-lock.json").unlink()
    (tmp_path / "weights/densenet121-a639ec97.pth").write_bytes(b"\x80\x02 another")
    assert run(tmp_path, "weights", "--parts", "densenet121") == 2
    assert "found sha256" in last_line(capsys), "by the first digits alone"


def test_weights_put_there_by_hand_are_taken_and_recorded(weights: Server, tmp_path: Path) -> None:
    path = tmp_path / "weights/TBD_davis.pth"
    path.parent.mkdir()
    path.write_bytes(WEIGHTS)
    assert run(tmp_path, "weights", "--parts", "davis", "--check") == 0
    assert not (tmp_path / "tbd-lock.json").exists(), "to look is not to write"
    assert run(tmp_path, "weights", "--parts", "davis") == 0
    assert (tmp_path / "tbd-lock.json").is_file() and not weights.log


@pytest.mark.parametrize("command", ["evaluate", "track", "demo", "train"])
def test_commands_find_published_weights_or_say_how_to_get_them(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    for name in ("ImageSets/2017", "JPEGImages/480p/dog", "Annotations/480p/dog"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data/ImageSets/2017/val.txt").write_text("dog")
    frame, mask = tmp_path / "data/JPEGImages/480p/dog/00000.jpg", tmp_path / "data/Annotations/480p/dog/00000.png"
    frame.write_bytes(FRAME)
    mask.write_bytes(MASK)
    arguments = {
        "evaluate": ["--data", str(tmp_path / "data"), "--weights"],
        "track": [str(frame.parent), "--mask", str(mask), "--out", str(tmp_path / "out"), "--weights"],
        "demo": ["--out", str(tmp_path / "out"), "--weights"],
        "train": ["sample", "--out", str(tmp_path / "out"), "--init"],
    }[command]
    assert main([command, *arguments, "published-davis"]) == 2
    line = last_line(capsys)
    path = tmp_path / "weights" / "TBD_davis.pth"
    assert line.startswith(f"tbd: published-davis: found no {path}; expected the published weights (run `tbd prepare")
    path.parent.mkdir()
    path.write_bytes(b"weights")
    assert main([command, *arguments, "published-davis"]) == 2
    assert f"tbd: {path}: " in last_line(capsys), "the file was found and read"


def test_training_takes_the_imagenet_weights_that_were_prepared(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    path = tmp_path / "weights" / SOURCES["weights"]["densenet121"].file
    path.parent.mkdir()
    path.write_bytes(b"weights")
    asked: list[Path | None] = []

    def stop(stage: object, init: Path | None, encoder_weights: Path | None) -> None:
        asked.append(encoder_weights)
        raise InputError("enough")

    monkeypatch.setattr(stages, "stage_model", stop)
    assert main(["train", "sample", "--out", str(tmp_path / "out")]) == 2
    assert main(["train", "sample", "--out", str(tmp_path / "out"), "--encoder-weights", "mine.pth"]) == 2
    path.unlink()
    assert main(["train", "sample", "--out", str(tmp_path / "out")]) == 2
    assert asked == [path, Path("mine.pth"), None]


def test_other_weights_are_left_as_they_are(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    assert find_weights(Path("mine.safetensors")) == Path("mine.safetensors")
    monkeypatch.chdir(tmp_path)
    Path("published-davis").write_bytes(b"a file of that name")
    assert find_weights(Path("published-davis")) == Path("published-davis")


def test_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TBD_HOME", raising=False)
    assert home() == tmp_path / ".cache/tbd"
    monkeypatch.setenv("TBD_HOME", "~/data")
    assert home() == tmp_path / "data"
