"""YouTube-VOS: what is given, what is seen, what is asked for, and which videos lists choose."""

from pathlib import Path

import numpy as np
import pytest

from tbd_lib.datasets.youtube_vos import training_lists, youtube_vos, youtube_vos_benchmark
from tbd_lib.errors import InputError
from tbd_lib.video.frames import FolderFrames, Video, write_image
from tbd_lib.video.masks import ids_of, write_mask

ROWS, COLUMNS = 40, 24  # upright, as phones film


def mask_of(*ids: int) -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    for place, i in enumerate(ids):
        mask[4 * place : 4 * place + 4, 3:20] = i
    return mask


def add_frames(folder: Path, numbers: range) -> None:
    for number in numbers:
        write_image(folder / f"{number:05}.jpg", np.full((ROWS, COLUMNS, 3), 5 * number, np.uint8))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Video ``0a1b``: objects 2 and 7 at the beginning, 5 at frame 10, whose mask shows 7 again."""
    add_frames(tmp_path / "valid/JPEGImages/0a1b", range(0, 20, 5))
    write_mask(tmp_path / "valid/Annotations/0a1b/00000.png", mask_of(2, 7))
    write_mask(tmp_path / "valid/Annotations/0a1b/00010.png", mask_of(7, 5))
    return tmp_path


def test_each_object_is_given_once_where_it_appears(root: Path):
    (video,) = youtube_vos_benchmark(root)
    assert video.name == "0a1b" and video.truth is None and video.wanted is None
    assert {at: ids_of(mask) for at, mask in video.given.items()} == {0: [2, 7], 2: [5]}
    assert len(video.given) == 2


def test_what_file_managers_leave_is_no_video(root: Path):
    add_frames(root / "valid_all_frames/JPEGImages/0a1b", range(18))
    for folder in ("valid/JPEGImages", "valid/Annotations", "valid_all_frames/JPEGImages", "valid/JPEGImages/0a1b"):
        for name in (".ipynb_checkpoints", "__MACOSX", ".Trash-0"):
            add_frames(root / folder / name, range(1))
        (root / folder / "Thumbs.db").touch()
    (root / "valid/JPEGImages/0a1b/._00000.jpg").touch()
    (video,) = youtube_vos_benchmark(root)
    assert video.name == "0a1b" and video.wanted == {0, 5, 10, 15}
    (root / "valid").rename(root / "train")
    assert [video.name for video in youtube_vos(root)] == ["0a1b"]


def test_all_frames_are_seen_and_the_fifths_asked_for(root: Path):
    add_frames(root / "valid_all_frames/JPEGImages/0a1b", range(18))
    (video,) = youtube_vos_benchmark(root)
    assert isinstance(video.frames, FolderFrames) and len(video.frames) == 18
    assert video.wanted == {0, 5, 10, 15}
    assert {at: ids_of(mask) for at, mask in video.given.items()} == {0: [2, 7], 10: [5]}


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".jpeg", ".webp"])
def test_masks_are_asked_for_whatever_kind_of_pictures_the_frames_are(root: Path, suffix: str):
    add_frames(root / "valid_all_frames/JPEGImages/0a1b", range(18))
    for path in [*root.glob("valid*/JPEGImages/0a1b/[!.]*.jpg")]:
        path.rename(path.with_suffix(suffix))
    (video,) = youtube_vos_benchmark(root)
    assert video.wanted == {0, 5, 10, 15}
    for path in (root / "valid/JPEGImages/0a1b").glob("[!.]*"):
        path.unlink()
    with pytest.raises(InputError, match="valid/JPEGImages/0a1b: found no frames, expected those in which masks are"):
        youtube_vos_benchmark(root)


def test_what_is_missing_is_named(root: Path):
    with pytest.raises(InputError, match=r"test/JPEGImages: no such folder, expected YouTube-VOS"):
        youtube_vos_benchmark(root, "test")
    add_frames(root / "valid_all_frames/JPEGImages/0a1b", range(12))
    with pytest.raises(InputError, match=r"0a1b: found no frame 00015, but a mask is given or asked for"):
        youtube_vos_benchmark(root)
    for path in (root / "valid/Annotations/0a1b").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"0a1b: found no masks, expected one where the first object appears"):
        youtube_vos_benchmark(root)


def test_bad_masks_are_named_when_read(root: Path):
    write_mask(root / "valid/Annotations/0a1b/00010.png", np.zeros((5, 5), np.uint8))
    (video,) = youtube_vos_benchmark(root)
    with pytest.raises(InputError, match=r"00010\.png: found a mask of 5x5 pixels, expected 24x40"):
        list(video.given)
    write_mask(root / "valid/Annotations/0a1b/00000.png", mask_of())
    (video,) = youtube_vos_benchmark(root)
    with pytest.raises(InputError, match=r"00000\.png: found background"):
        list(video.given)


def test_training_videos_are_their_annotated_frames_with_every_object_given_once(tmp_path: Path):
    add_frames(tmp_path / "train/JPEGImages/0a1b", range(0, 20, 5))
    for number, ids in ((0, (1,)), (5, (1, 4)), (10, (4,))):
        write_mask(tmp_path / f"train/Annotations/0a1b/{number:05}.png", mask_of(*ids))
    (video,) = youtube_vos(tmp_path)
    assert [frame.name for frame in video.frames] == ["00000", "00005", "00010"]
    assert video.truth is not None and [ids_of(mask) for mask in video.truth] == [[1], [1, 4], [4]]
    assert {at: ids_of(mask) for at, mask in video.given.items()} == {0: [1], 1: [4]}


def test_what_is_missing_of_the_training_videos_is_named(tmp_path: Path):
    def refused(line: str) -> None:
        with pytest.raises(InputError, match=line):
            youtube_vos(tmp_path)

    refused(r"train/JPEGImages: no such folder, expected YouTube-VOS 2018 or 2019 as released")
    add_frames(tmp_path / "train/JPEGImages/0a1b", range(1))
    (tmp_path / "train/Annotations").mkdir()
    refused(r"Annotations: found no videos, expected a folder of masks per video")
    (tmp_path / "train/Annotations/0a1b").mkdir()
    refused(r"0a1b: found no masks, expected masks of the frames")
    write_mask(tmp_path / "train/Annotations/0a1b/00005.png", mask_of(1))
    refused(r"00005.png: a mask without a frame")


VIDEOS = [Video(name, [], {}) for name in "abcde"]


def divided(root: Path, **lists: str) -> tuple[str, str]:
    """Names of the videos to learn from and of those that validate, as lists divide them."""
    (root / "ImageSets").mkdir()
    for name, names in lists.items():
        (root / "ImageSets" / f"{name}.txt").write_text("\n".join(names))
    train, validation = training_lists(root, VIDEOS)
    return "".join(video.name for video in train), "".join(video.name for video in validation)


@pytest.mark.parametrize(
    ("lists", "parts"),
    [
        ({}, ("abcde", "")),
        ({"train": "ca", "val": "db"}, ("ca", "db")),
        ({"val": "db"}, ("ace", "db")),
        ({"train": "ca"}, ("ca", "")),
        ({"train_joakim": "ab", "val_joakim": "e"}, ("ab", "e")),
        ({"train": "abcde", "train_joakim": "abc", "val_joakim": "de"}, ("abc", "de")),
        ({"train_joakim": "abc"}, ("abc", "")),
        ({"train": "abcde", "val_joakim": "e"}, ("abcd", "e")),
        ({"train": "ab", "val": "c", "train_joakim": "abc", "val_joakim": "de"}, ("ab", "c")),
    ],
    ids=lambda value: "-".join(value),
)
def test_lists_divide_the_training_videos(tmp_path: Path, lists: dict[str, str], parts: tuple[str, str]):
    assert divided(tmp_path, **lists) == parts


@pytest.mark.parametrize(
    ("lists", "line"),
    [
        ({"val": "ax"}, r"ImageSets/val\.txt: names x; expected videos of the training data \(5\)"),
        ({"train": "ax", "val": "b"}, r"ImageSets/train\.txt: names x; expected videos of the training data"),
        ({"train": "ab", "val": "bc"}, r"val\.txt: names b, as .*train\.txt does; expected each video in one of them"),
        ({"val": "edcba"}, r"val\.txt: names every video; expected videos that are left to learn from"),
        ({"train": "ab", "val": ""}, r"val\.txt: found no videos"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_lists_that_cannot_be_are_refused(tmp_path: Path, lists: dict[str, str], line: str):
    with pytest.raises(InputError, match=line):
        divided(tmp_path, **lists)
