"""Layouts, file by file: complete ones have no problem, and of others each problem is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from archive_server import (
    DAVIS_2016,
    FRAME,
    MASK,
    TEST_DEV,
    TRAINVAL,
    coco_annotations,
    coco_images,
    davis_2016,
    davis_test_dev,
    davis_trainval,
    youtube,
)

from tbd_lib.datasets.prepare.layouts import problems
from tbd_lib.datasets.prepare.sources import File, Foldered, Images, Listed

ANNOTATIONS = "annotations/instances_train2017.json"
COCO = Images("train2017", ANNOTATIONS, 3)
TRAIN, VALID = Foldered("train", 3), Foldered("valid", 3)
ALL_FRAMES = Foldered("valid_all_frames", 3, masks=False, at_least="valid")


def lay(folder: Path, files: dict[str, bytes], top: str = "") -> Path:
    """Write files, without their top folder."""
    for name, content in files.items():
        path = folder / name.removeprefix(top)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    return lay(tmp_path, davis_trainval(), "DAVIS/")


@pytest.fixture
def small(tmp_path: Path) -> tuple[Listed, Path]:
    """One video of three frames in DAVIS layout."""
    for number in range(3):
        lay(tmp_path, {f"JPEGImages/480p/dog/{number:05}.jpg": FRAME, f"Annotations/480p/dog/{number:05}.png": MASK})
    lay(tmp_path, {"ImageSets/val.txt": b"dog\n"})
    return Listed({"ImageSets/val.txt": 1}), tmp_path


def test_releases_as_they_are_have_no_problem(davis: Path, tmp_path: Path) -> None:
    assert problems(TRAINVAL.layout, davis) == []
    assert problems(TEST_DEV.layout, lay(tmp_path / "b", davis_test_dev(), "DAVIS/")) == []
    assert problems(DAVIS_2016.layout, lay(tmp_path / "c", davis_2016(), "DAVIS/")) == []
    coco = lay(tmp_path / "d", coco_annotations() | coco_images())
    assert problems(COCO, coco) == problems(File(ANNOTATIONS), coco) == []


def test_nothing_at_all_is_told_in_few_lines(tmp_path: Path) -> None:
    assert len(problems(TRAINVAL.layout, tmp_path)) == 4, "a line per list"
    assert problems(COCO, tmp_path) == [f"{tmp_path}/train2017: found 0 images; expected 3"]
    assert problems(File("a.pth"), tmp_path) == [f"{tmp_path}/a.pth: missing; expected a file"]
    assert len(problems(TRAIN, tmp_path)) == 2


def test_a_list_of_another_length_or_without_names_is_named(davis: Path) -> None:
    (davis / "ImageSets/2017/val.txt").write_text("video-60\nvideo-61\n")
    (davis / "ImageSets/2016/val.txt").write_text("\n")
    found = problems(TRAINVAL.layout, davis)
    assert found[0] == f"{davis}/ImageSets/2017/val.txt: names 2 videos; expected 30"
    assert found[1].startswith(f"{davis}/ImageSets/2016/val.txt: found no videos") and len(found) == 2


def test_every_missing_or_empty_file_of_a_video_is_named(small: tuple[Listed, Path]) -> None:
    layout, folder = small
    frames, masks = folder / "JPEGImages/480p", folder / "Annotations/480p"
    for path in (frames / "dog/00002.jpg", masks / "dog/00000.png"):
        path.unlink()
    lay(frames, {"dog/00001.jpg": b"", "../../Annotations/480p/dog/00002.png": b"", "../../ImageSets/b.txt": b"cat"})
    assert problems(replace(layout, lists={"ImageSets/val.txt": 1, "ImageSets/b.txt": 1}), folder) == [
        f"{frames}/dog/00002.jpg: missing; expected a frame",
        f"{masks}/dog/00000.png: missing; expected a mask",
        f"{frames}/dog/00001.jpg: is empty; expected a frame",
        f"{masks}/dog/00002.png: is empty; expected a mask",
        f"{frames}/cat: holds no frames; expected a video",
    ]


def test_names_that_are_no_numbers_of_five_digits_are_told(small: tuple[Listed, Path]) -> None:
    layout, folder = small
    frames, masks = folder / "JPEGImages/480p/dog", folder / "Annotations/480p/dog"
    lay(frames, {"20220101123456.jpg": FRAME, "00001 (1).jpg": FRAME, str(masks / "3.png"): MASK})
    assert problems(layout, folder) == [
        f"{frames}/00001 (1).jpg: expected a name of five digits",
        f"{frames}/20220101123456.jpg: expected a name of five digits",
        f"{masks}/3.png: expected a name of five digits",
    ]


def test_where_first_masks_are_enough_the_first_is_needed(small: tuple[Listed, Path]) -> None:
    layout, folder = small
    for number in (2, 1, 0):
        assert problems(replace(layout, first_masks_only=True), folder) == []
        (folder / f"Annotations/480p/dog/{number:05}.png").unlink()
    (line,) = problems(replace(layout, first_masks_only=True), folder)
    assert line == f"{folder}/Annotations/480p/dog/00000.png: missing; expected a mask"


def test_images_and_annotations_are_matched_by_name(tmp_path: Path) -> None:
    folder = lay(tmp_path, coco_annotations() | coco_images())
    (folder / "train2017/000000000001.jpg").rename(folder / "train2017/000000000009.jpg")
    (folder / "train2017/000000000002.jpg").write_bytes(b"")
    assert problems(COCO, folder) == [
        f"{folder}/train2017/000000000001.jpg: missing; expected a frame",
        f"{folder}/train2017/000000000002.jpg: is empty; expected a frame",
    ]
    (folder / ANNOTATIONS).unlink()
    assert problems(replace(COCO, count=4), folder)[0] == f"{folder}/train2017: found 3 images; expected 4"


def test_names_of_images_are_read_however_the_json_is_written(tmp_path: Path) -> None:
    folder = lay(tmp_path, coco_images(1))
    for text in (
        json.dumps({"images": [{"file_name": "é.jpg"}]}),
        '{"images": [{"file_name"  :\n "\\u00e9.jpg"}]}',
        json.dumps({"images": [{"file_name": "é.jpg"}]}, ensure_ascii=False, indent=1),
    ):
        lay(folder, {ANNOTATIONS: text.encode()})
        assert problems(replace(COCO, count=1), folder) == [f"{folder}/train2017/é.jpg: missing; expected a frame"]


def test_youtube_vos_as_released_has_no_problem(tmp_path: Path) -> None:
    folder = lay(tmp_path, youtube("train", 3) | youtube("valid", 3, masks=(0,)))
    lay(folder, youtube("valid_all_frames", 3, step=1, frames=20, masks=()))
    assert problems(TRAIN, folder) == problems(VALID, folder) == problems(ALL_FRAMES, folder) == []


def test_what_is_missing_of_youtube_vos_is_named(tmp_path: Path) -> None:
    folder = lay(tmp_path, youtube("train", 3) | youtube("valid", 2, masks=(0,)))
    lay(folder, youtube("valid_all_frames", 3, step=1, frames=10, masks=()))
    video = f"{2:010x}"
    for name in ("JPEGImages/{}/00005.jpg", "JPEGImages/{}/00015.jpg"):
        (folder / "train" / name.format(video)).unlink()
    for path in (folder / "train/Annotations" / f"{1:010x}").iterdir():
        path.unlink()
    for path in (folder / "train/JPEGImages" / f"{0:010x}").iterdir():
        path.unlink()
    assert problems(TRAIN, folder) == [
        f"{folder}/train/JPEGImages/{0:010x}: holds no frames; expected a video",
        f"{folder}/train/Annotations/{1:010x}: holds no masks; expected at least that of an object's first frame",
        f"{folder}/train/JPEGImages/{video}/00005.jpg: missing; expected a frame",
    ]
    assert problems(VALID, folder) == [f"{folder}/valid: found 2 videos; expected 3"]
    lost = [f"{folder}/valid_all_frames/JPEGImages/{n:010x}/{at}.jpg" for n in (0, 1) for at in ("00010", "00015")]
    assert problems(ALL_FRAMES, folder) == [f"{path}: missing; expected a frame" for path in lost]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "meta.json: no JSON (Expecting"),
        ("[]", "meta.json: list indices"),
        ('{"films": {}}', "meta.json: 'videos'; expected the list of videos"),
        ('{"videos": {"lost": {}}}', "JPEGImages/lost: holds no frames; expected a video"),
    ],
)
def test_a_list_of_videos_that_cannot_be_read_or_names_others(tmp_path: Path, text: str, line: str) -> None:
    folder = lay(tmp_path, youtube("train", 3))
    (folder / "train/meta.json").write_text(text)
    (found,) = problems(replace(TRAIN, videos=4 if "lost" in text else 3), folder)
    assert found.startswith(f"{folder}/train/{line}")


def test_real_data_pass(shared: Path) -> None:
    if not (shared / "data" / "COCO").is_dir():
        pytest.skip("real COCO images (../shared/data/COCO) are absent")
    assert problems(replace(COCO, count=228), shared / "data" / "COCO") == []
    assert problems(COCO, shared / "data" / "COCO") == []
    assert problems(Listed({"ImageSets/2016/val.txt": 6}), shared / "data" / "DAVIS") == []
    (line,) = problems(replace(COCO, count=118_287), shared / "data" / "COCO")
    assert line.endswith("train2017: found 228 images; expected 118,287")
