"""Folders of masks: what is scored, and what is refused with the file's name."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tbd_lib.errors import InputError
from tbd_lib.evaluation.scoring import score
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import write_mask


def square(left: int, i: int = 1) -> Mask:
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[5:25, left : left + 20] = i
    return mask


def write_video(folder: Path, masks: list[Mask]) -> None:
    for position, mask in enumerate(masks):
        write_mask(folder / f"{position:05d}.png", mask)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions and truth of the videos `a` and `b`; the truth also has `c`."""
    for name in "abc":
        write_video(tmp_path / "truth" / name, [square(left) for left in (0, 10, 20, 30)])
    write_video(tmp_path / "found" / "a", [square(left) for left in (0, 10, 20, 30)])
    write_video(tmp_path / "found" / "b", [square(left) for left in (0, 0, 20, 30)])
    return tmp_path / "found", tmp_path / "truth"


def test_every_folder_of_predictions_is_scored(folders: tuple[Path, Path]) -> None:
    report = score(*folders)
    assert [video.name for video in report.videos] == ["a", "b"]
    assert report.available == 3
    assert report.videos[0].objects[1].j.tolist() == [1, 1]
    assert report.videos[1].objects[1].j.tolist() == pytest.approx([1 / 3, 1])
    assert report.overall.j.mean == pytest.approx((1 + 2 / 3) / 2)
    assert "2 of 3 videos" in report.table()


def test_many_processes_find_the_same_and_pass_on_what_is_wrong(folders: tuple[Path, Path]) -> None:
    alone, together = (score(*folders, workers=workers) for workers in (1, 2))
    for video, same in zip(alone.videos, together.videos, strict=True):
        assert (video.name, video.frames) == (same.name, same.frames)
        np.testing.assert_array_equal(video.objects[1].f, same.objects[1].f)
    write_mask(folders[0] / "b" / "00001.png", np.zeros((4, 6), np.uint8))
    with pytest.raises(InputError, match=r"00001.png: found a mask of 6x4 pixels"):
        score(*folders, workers=2)


def test_truth_may_be_a_davis_root(folders: tuple[Path, Path], tmp_path: Path) -> None:
    root = tmp_path / "DAVIS"
    (root / "Annotations").mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    folders[1].rename(root / "Annotations" / "480p")
    assert score(folders[0], root).available == 3


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
    (found / ".cache").mkdir()
    (found / "scores.json").write_text("{}")
    (found / "a" / ".00000-cut-off.png").write_bytes(b"")
    assert len(score(*folders).videos) == 2


def refused(folders: tuple[Path, Path], file: Path, reason: str) -> None:
    with pytest.raises(InputError, match=f"{re.escape(str(file))}.*{reason}") as error:
        score(*folders)
    assert "\n" not in str(error.value)


def test_what_only_one_side_has_is_refused(folders: tuple[Path, Path]) -> None:
    found, truth = folders
    (found / "b" / "00003.png").unlink()
    refused(folders, found / "b" / "00003.png", "expected a predicted mask for each true one")
    write_mask(found / "b" / "00003.png", square(0))
    write_mask(found / "b" / "00004.png", square(0))
    refused(folders, truth / "b" / "00004.png", "no such file")
    (found / "b" / "00004.png").unlink()
    write_mask(found / "d" / "00000.png", square(0))
    refused(folders, truth / "d" / "00000.png", "no such file")


def test_other_sizes_are_refused(folders: tuple[Path, Path]) -> None:
    file = folders[0] / "b" / "00002.png"
    write_mask(file, square(0)[1:])
    refused(folders, file, "60x39 pixels, expected 60x40")


def test_folders_without_videos_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    refused((tmp_path / "nowhere", folders[1]), tmp_path / "nowhere", "no folders")
    refused((folders[0], folders[1] / "a"), folders[1] / "a", "no folders")
    (folders[0] / "empty").mkdir()
    write_video(folders[1] / "empty", [])
    (folders[1] / "empty").mkdir(exist_ok=True)
    with pytest.raises(InputError, match="empty: found no frames"):
        score(*folders)


def test_scoring_does_not_wait_for_pytorch() -> None:
    subprocess.run(
        [sys.executable, "-c", "import sys, tbd_lib.evaluation.scoring; assert 'torch' not in sys.modules"], check=True
    )
