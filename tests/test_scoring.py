"""Folders of masks: the list says what is scored; what is missing or surplus is named."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_masks import square

from tbd_lib.errors import InputError
from tbd_lib.evaluation.scoring import score
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import write_mask


def write_video(folder: Path, masks: list[Mask]) -> None:
    for position, mask in enumerate(masks):
        write_mask(folder / f"{position:05d}.png", mask)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions and truth of the videos `a` and `b`."""
    for name in "ab":
        write_video(tmp_path / "truth" / name, [square(left) for left in (0, 10, 20, 30)])
    write_video(tmp_path / "found" / "a", [square(left) for left in (0, 10, 20, 30)])
    write_video(tmp_path / "found" / "b", [square(left) for left in (0, 0, 20, 30)])
    return tmp_path / "found", tmp_path / "truth"


@pytest.fixture
def root(folders: tuple[Path, Path], tmp_path: Path) -> Path:
    """The root of a data set in DAVIS layout whose lists hold `b`, or `b` and `a`; it has masks of `c` too."""
    root = tmp_path / "DAVIS"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    write_video(folders[1] / "c", [square(left) for left in (0, 10, 20, 30)])
    folders[1].rename(root / "Annotations" / "480p")
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text("b\na\n")
    (root / "ImageSets" / "2017" / "one.txt").write_text("b\n")
    return root


def test_every_video_of_the_truth_is_scored(folders: tuple[Path, Path]) -> None:
    report = score(*folders)
    assert [video.name for video in report.videos] == ["a", "b"]
    assert [video.scored for video in report.videos] == [("00001", "00002")] * 2
    assert report.available == 2
    assert report.selection is not None and report.selection.listing == str(folders[1])
    assert report.videos[0].objects[1].j.tolist() == [1, 1]
    assert report.videos[1].objects[1].j.tolist() == pytest.approx([1 / 3, 1])
    assert report.overall.j.mean == pytest.approx((1 + 2 / 3) / 2)
    assert "2 of 2 videos" in report.table()


def test_the_list_of_a_davis_root_decides(folders: tuple[Path, Path], root: Path) -> None:
    write_video(folders[0] / "c", [square(0)] * 4)
    write_video(folders[0] / "zz", [square(0)] * 4)
    whole, one = score(folders[0], root), score(folders[0], root, split="one")
    assert [video.name for video in whole.videos] == ["b", "a"]
    assert [video.name for video in one.videos] == ["b"] and one.available == 1
    assert whole.selection is not None and one.selection is not None
    assert whole.selection.surplus_videos == ("c", "zz") and one.selection.surplus_videos == ("a", "c", "zz")
    listing = root / "ImageSets/2017/val.txt"
    assert whole.remarks() == [f"not in {listing}, left out: c, zz"]
    found = whole.as_json()["selection"]
    assert found == {
        "list": str(listing),
        "missing_videos": [],
        "missing_videos_count_as_0": False,
        "surplus_videos": ["c", "zz"],
        "surplus_frames": {},
    }


@pytest.mark.parametrize("empty", [True, False])
def test_a_listed_video_without_predictions_is_an_error_or_counts_as_0(
    folders: tuple[Path, Path], root: Path, empty: bool
) -> None:
    shutil.rmtree(folders[0] / "b")
    if empty:
        (folders[0] / "b").mkdir()
    listing = root / "ImageSets/2017/val.txt"
    refused((folders[0], root), folders[0] / "b", f"{listing} lists the video.*`missing` zero")
    report = score(folders[0], root, missing="zero")
    assert [video.name for video in report.videos] == ["b", "a"]
    assert report.videos[0].objects[1].j.tolist() == report.videos[0].objects[1].f.tolist() == [0, 0]
    assert report.overall.j.mean == 0.5
    assert report.selection is not None and report.selection.missing == ("b",)
    assert report.remarks() == ["without predictions, scored 0: b"]


def test_only_some_videos_of_the_list_can_be_scored(folders: tuple[Path, Path], root: Path) -> None:
    write_video(folders[0] / "c", [square(0)] * 4)
    report = score(folders[0], root, videos=["a"])
    assert [video.name for video in report.videos] == ["a"]
    assert report.remarks() == [f"not in {root / 'ImageSets/2017/val.txt'}, left out: c"]
    with pytest.raises(InputError, match="does not list the video c"):
        score(folders[0], root, videos=["c"])


def test_a_split_that_is_not_there_is_named(folders: tuple[Path, Path], root: Path) -> None:
    refused((folders[0], root), root / "ImageSets/2017/test.txt", "there are one, val", split="test")
    refused((folders[0], root), root / "ImageSets/2016/val.txt", "one of 2017", joined=True, split="val")
    refused((folders[0], root / "Annotations/480p"), root / "Annotations/480p", "has no lists", split="val")
    (root / "ImageSets/2017/val.txt").write_text("a\nnowhere\n")
    refused((folders[0], root), root / "Annotations/480p/nowhere", "val.txt lists the video")


def test_a_root_without_lists_is_scored_by_its_folders(folders: tuple[Path, Path], root: Path) -> None:
    shutil.rmtree(root / "ImageSets")
    report = score(folders[0], root, missing="zero")
    assert [video.name for video in report.videos] == ["a", "b", "c"]
    assert report.selection is not None and report.selection.listing == str(root / "Annotations/480p")


def test_without_a_list_what_both_folders_have_is_scored_and_the_rest_is_named(
    folders: tuple[Path, Path], root: Path
) -> None:
    """A root that has lists of another year is such a folder too."""
    shutil.rmtree(folders[0] / "b")
    report = score(folders[0], root, joined=True)
    assert [video.name for video in report.videos] == ["a"] and report.available == 3
    lists, masks = root / "ImageSets", root / "Annotations/480p"
    assert report.remarks() == [
        f"{lists}: has no list val of 2016, scored are videos of {masks}",
        "without predictions, left out: b, c",
    ]
    assert "1 of 3 videos" in report.table()
    shutil.rmtree(folders[0] / "a")
    (folders[0] / "zz").mkdir()
    refused((folders[0], root), folders[0] / "a", "has the video; expected masks", joined=True)


@pytest.mark.parametrize("gone", ["00000.png", "00003.png"])
def test_frames_that_are_never_scored_need_not_be_there_nor_whole(folders: tuple[Path, Path], gone: str) -> None:
    expected = score(*folders).videos[1].objects[1]
    (folders[0] / "b" / gone).write_bytes(b"broken")
    assert score(*folders).videos[1].objects[1].f.tolist() == expected.f.tolist()
    (folders[0] / "b" / gone).unlink()
    assert score(*folders).videos[1].objects[1].j.tolist() == expected.j.tolist()


def test_sparse_truth_scores_the_annotated_frames_but_the_first_and_the_last(tmp_path: Path) -> None:
    for number in range(8, 21):  # names as programs write them that do not pad
        write_mask(tmp_path / "found" / "a" / f"{number}.png", square(number if number % 3 else 0))
    for number in (8, 11, 14, 17):
        write_mask(tmp_path / "truth" / "a" / f"{number}.png", square(number))
    (video,) = (report := score(tmp_path / "found", tmp_path / "truth")).videos
    assert video.scored == ("11", "14") and video.frames == 4
    assert video.objects[1].j.tolist() == [1, 1]
    assert report.remarks() == [
        "frames without a true mask, left out: a/9.png, a/10.png, a/12.png, a/13.png, a/15.png, a/16.png, a/18.png, "
        "a/19.png, a/20.png"
    ]


def test_all_files_are_looked_at_before_the_first_is_scored(folders: tuple[Path, Path], monkeypatch) -> None:
    monkeypatch.setattr("tbd_lib.evaluation.scoring.score_video", lambda *_: pytest.fail("scored"))
    file = folders[0] / "b" / "00002.png"
    file.write_bytes(b"no picture")
    refused(folders, file, "not a picture")
    write_mask(file, square(0)[1:])
    refused(folders, file, "60x39 pixels, expected 60x40")
    file.unlink()
    refused(folders, file, "expected a predicted mask for each true one")
    write_mask(file, square(0))
    write_mask(folders[1] / "a" / "00003.png", square(0)[1:])
    refused(folders, folders[1] / "a" / "00003.png", "60x39 pixels, expected 60x40")
    for name in ("00002", "00003"):
        (folders[1] / "a" / f"{name}.png").unlink()
    refused(folders, folders[1] / "a", "found 2 true masks, expected at least 3")


def test_many_processes_find_the_same_and_pass_on_what_is_wrong(folders: tuple[Path, Path]) -> None:
    alone, together = (score(*folders, workers=workers) for workers in (1, 2))
    for video, same in zip(alone.videos, together.videos, strict=True):
        assert (video.name, video.frames) == (same.name, same.frames)
        np.testing.assert_array_equal(video.objects[1].f, same.objects[1].f)
    write_mask(folders[0] / "b" / "00001.png", np.zeros((4, 6), np.uint8))
    with pytest.raises(InputError, match=r"00001.png: found a mask of 6x4 pixels"):
        score(*folders, workers=2)


def test_a_plain_script_can_score_many_frames(tmp_path: Path) -> None:
    """One without a guard, which every process that is started would run again."""
    for name in "ab":
        write_video(tmp_path / "truth" / name, [square(0)[:16, :16]] * 202)
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from tbd_lib.evaluation.scoring import score\n"
        "truth = Path(__file__).parent / 'truth'\n"
        "print(score(truth, truth).overall.j_and_f)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.stdout == "1.0\n", done.stderr


def test_joined_objects_and_black_and_white_truth(tmp_path: Path) -> None:
    two = square(0) + square(30, 2)
    write_video(tmp_path / "found" / "a", [two] * 3)
    write_video(tmp_path / "truth" / "a", [(two > 0).astype(np.uint8) * np.uint8(255)] * 3)
    report = score(tmp_path / "found", tmp_path / "truth", joined=True)
    assert report.joined
    assert report.videos[0].objects[1].j.tolist() == [1]


def test_frames_go_by_number(tmp_path: Path) -> None:
    truth = [square(left) for left in range(12)]
    for side in ("found", "truth"):
        for position, mask in enumerate(truth):
            wrong = side == "found" and position in (0, 11)  # not scored, unless 2 is taken to come after 11
            write_mask(tmp_path / side / "a" / f"{position}.png", mask * np.uint8(not wrong))
    assert score(tmp_path / "found", tmp_path / "truth").overall.j.mean == 1


def test_hidden_files_and_folders_are_no_masks(folders: tuple[Path, Path]) -> None:
    found, _ = folders
    for stray in (".cache", ".ipynb_checkpoints", "__MACOSX"):
        (found / stray).mkdir()
        (folders[1] / stray).mkdir()
    (found / "scores.json").write_text("{}")
    (found / "a" / ".00000-cut-off.png").write_bytes(b"")
    assert len((report := score(*folders)).videos) == 2 and report.remarks() == []


def refused(folders: tuple[Path, Path], file: Path, reason: str, **options: Any) -> None:
    with pytest.raises(InputError, match=f"{re.escape(str(file))}.*{reason}") as error:
        score(*folders, **options)
    assert "\n" not in str(error.value)


def test_folders_without_videos_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    refused((tmp_path / "nowhere", folders[1]), tmp_path / "nowhere", "no folders")
    refused((folders[0], folders[1] / "a"), folders[1] / "a", "no folders")
    (folders[0] / "empty").mkdir()
    write_video(folders[1] / "empty", [])
    (folders[1] / "empty").mkdir(exist_ok=True)
    with pytest.raises(InputError, match="empty: found no true masks, expected at least 3"):
        score(*folders)


def test_scoring_does_not_wait_for_pytorch() -> None:
    subprocess.run(
        [sys.executable, "-c", "import sys, tbd_lib.evaluation.scoring; assert 'torch' not in sys.modules"], check=True
    )
