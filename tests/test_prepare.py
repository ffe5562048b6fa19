"""``tbd prepare`` as a user runs it, against a server on this machine that serves archives in the real layouts."""

import errno
import hashlib
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO

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
    youtube,
    zipped,
)
from small_coco import small_coco
from test_unpack import tarred
from torchvision.models import DenseNet121_Weights

from tbd_lib.cli.main import main
from tbd_lib.datasets.coco import coco
from tbd_lib.datasets.davis import davis
from tbd_lib.datasets.prepare.file_lock import LOCK
from tbd_lib.datasets.prepare.places import find_imagenet, find_weights, home
from tbd_lib.datasets.prepare.sources import SOURCES, Foldered, Source
from tbd_lib.errors import InputError
from tbd_lib.method.encoder import DenseNet121
from tbd_lib.training.stages import load_imagenet
from tbd_lib.video.masks import ids_of, read_mask

ARCHIVE = zipped(davis_trainval())
WEIGHTS = zipped({"archive/data.pkl": b"tensors"})


@pytest.fixture
def server(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("TBD_HOME", raising=False)
    return server


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
    printed = capsys.readouterr().out.splitlines()
    terms, complete = (
        printed.index(TRAINVAL.notice),
        printed.index(f"{TRAINVAL.title}: complete in {tmp_path / 'DAVIS'}"),
    )
    assert terms < complete and "unpacked 366 files" in printed[terms + 1]
    assert f"TBD_HOME={tmp_path} tbd evaluate --data {tmp_path}/DAVIS --weights published-davis" in printed[-1]
    assert len(served.log) == 1
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
    (tmp_path / LOCK).unlink()
    before = files(tmp_path)
    assert run(tmp_path, "davis") == 0 and len(served.log) == requests, "the archive is needed no more"
    assert files(tmp_path) == before, "not even the lock is written"


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
    printed = capsys.readouterr().out
    assert f"2 missing or wrong, first: {frame}: missing; expected a frame" in printed and "unpacked 2 files" in printed
    assert frame.read_bytes() == FRAME and mask.read_bytes() == MASK and len(served.log) == 1
    changed = {name for name, time in files(tmp_path).items() if before[name] != time}
    assert changed == {str(path.relative_to(tmp_path)) for path in (frame, mask)}
    shutil.rmtree(tmp_path / "downloads")
    frame.unlink()
    assert run(tmp_path, "davis") == 0
    assert frame.is_file() and len(served.log) == 2, "without its archive it is fetched again"


@pytest.mark.parametrize("root", [".", "DAVIS"], ids=["folder of data sets", "the data set's own folder"])
def test_what_the_user_has_already_is_verified_and_not_fetched(served: Server, tmp_path: Path, root: str) -> None:
    assert run(tmp_path / "first", "davis") == 0
    served.log.clear()
    (tmp_path / "first/DAVIS").rename(tmp_path / "DAVIS")
    before = files(tmp_path)
    assert run(tmp_path / root, "davis") == 0
    assert not served.log and files(tmp_path) == before


def test_check_only_looks_and_cuts_long_lists(served: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "davis", "--check") == 2
    printed = capsys.readouterr()
    assert f"{tmp_path}/DAVIS/ImageSets/2017/val.txt: missing; expected the names of 30 videos" in printed.out
    assert printed.err == f"tbd: {tmp_path}: found 4 problems (listed above); expected davis to be complete\n"
    assert not served.log and files(tmp_path) == {}
    assert run(tmp_path, "davis") == 0
    served.log.clear()
    shutil.rmtree(tmp_path / "DAVIS/Annotations")
    before = files(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, "davis", "--check") == 2
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 20 and "found 180 problems (20 of them listed above)" in printed.err
    assert not served.log and files(tmp_path) == before


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
    printed = capsys.readouterr().out
    assert f"COCO 2017, masks: complete in {root / 'masks'}, 1 of them new" in printed and "tbd train coco" in printed
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
    printed = capsys.readouterr().out
    for name in ("train.zip", "valid.zip", "valid_all_frames.zip"):
        assert f"{downloads / name}: missing; expected the file from https://youtube-vos.org" in printed
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
    (downloads / "train.zip").write_bytes(zipped(youtube("train", 4))[:-50])
    (tmp_path / "YouTube-VOS-2019/train/meta.json").unlink()
    assert run(tmp_path, "youtube-vos", "--year", "2019") == 2
    assert "expected a whole zip or tar file. Remove the file and run the same command again" in last_line(capsys)


def test_parts_that_cannot_be_had_do_not_stop_the_others(
    served: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table("davis", "test-dev", offered(TEST_DEV, b"", gone()))
    assert run(tmp_path, "davis", "--parts", "test-dev", "trainval") == 2
    printed = capsys.readouterr()
    assert f"{TRAINVAL.title}: complete in" in printed.out and TEST_DEV.file in printed.err


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


def test_published_weights_are_fetched_after_their_terms_are_shown(
    weights: Server, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    assert main(["prepare", "weights"]) == 0
    printed = capsys.readouterr().out
    assert printed.index("non-commercial research only") < printed.index("TBD, published weights (davis): complete")
    assert "next, for instance: tbd evaluate" in printed, "no folder to name where the home is used"
    assert find_weights(Path("published-davis")) == tmp_path / "weights/TBD_davis.pth"
    assert find_imagenet() == tmp_path / "weights/densenet121-a639ec97.pth"
    before = files(tmp_path)
    weights.log.clear()
    assert main(["prepare", "weights"]) == 0 and not weights.log and files(tmp_path) == before


def test_weights_that_were_damaged_are_refused(weights: Server, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path, "weights", "--parts", "ytvos", "densenet121") == 0
    damaged = WEIGHTS.replace(WEIGHTS[45:50], bytes(5))
    for part, name, content, words in (
        ("ytvos", "TBD_ytvos.pth", damaged, "expected a whole zip"),
        ("densenet121", "densenet121-a639ec97.pth", b"\x80\x02 another", "found sha256"),  # by its first digits alone
    ):
        (tmp_path / "weights" / name).write_bytes(content)
        assert run(tmp_path, "weights", "--parts", part) == 2
        assert words in last_line(capsys)


def test_weights_put_there_by_hand_are_taken(weights: Server, tmp_path: Path) -> None:
    path = tmp_path / "weights/TBD_davis.pth"
    path.parent.mkdir()
    path.write_bytes(WEIGHTS)
    assert run(tmp_path, "weights", "--parts", "davis") == 0 and not weights.log


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
    monkeypatch.setattr(DenseNet121_Weights, "get_state_dict", lambda *_, **__: {})
    encoder = DenseNet121()
    for given, taken in ((None, path), (Path("mine.pth"), Path("mine.pth"))):
        with pytest.raises(InputError, match=f"^{re.escape(str(taken))}: "):
            load_imagenet(encoder, given)
    path.unlink()
    with pytest.raises(InputError, match=r"^https://download"):
        load_imagenet(encoder)


def test_a_page_in_the_place_of_the_weights_says_what_to_do_and_leaves_nothing(
    server: Server, table, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source, page = SOURCES["weights"]["davis"], b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>"
    table("weights", "davis", offered(source, page, server.serve("w.pth", page), known=False))
    path = tmp_path / "weights" / source.file
    assert run(tmp_path, "weights", "--parts", "davis") == 2
    line = last_line(capsys)
    assert "found a web page; expected the file itself" in line and f"By hand: fetch it from {source.page}, put" in line
    assert not [file for file in files(tmp_path) if "pth" in file]
    path.write_bytes(page)  # as a browser may have saved it
    assert run(tmp_path, "weights", "--parts", "davis") == 2
    assert last_line(capsys).endswith("Remove the file and run the same command again")


def test_a_disk_that_fills_up_while_unpacking_costs_nothing_but_time(
    served: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    written, copy = [], shutil.copyfileobj

    def fill(stream: IO[bytes], file: IO[bytes], size: int) -> None:
        written.append(file)
        if len(written) > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(stream, file, size)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", fill)
        assert run(tmp_path, "davis") == 2
    line = last_line(capsys)
    assert "No space left on device" in line and line.endswith("make room, and run the same command again")
    before = files(tmp_path / "DAVIS")
    assert len(before) == 100
    assert run(tmp_path, "davis") == 0 and len(served.log) == 1, "the archive is not fetched again"
    assert before.items() <= files(tmp_path / "DAVIS").items(), "what was unpacked stays as it was"


def test_other_weights_are_left_as_they_are(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("published-davis").write_bytes(b"a file of that name")
    for name in ("mine.safetensors", "published-davis"):
        assert find_weights(Path(name)) == Path(name)


def test_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TBD_HOME", raising=False)
    assert home() == tmp_path / ".cache/tbd"
    monkeypatch.setenv("TBD_HOME", "~/data")
    assert home() == tmp_path / "data"
