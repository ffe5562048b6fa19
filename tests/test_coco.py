"""COCO annotations become id masks."""

import json
from pathlib import Path

import numpy as np
import pytest

from tbd_lib.coco import coco
from tbd_lib.files import InputError
from tbd_lib.video import write_image


def square(left: int, top: int, side: int) -> list[list[float]]:
    right, bottom = left + side, top + side
    return [[left, top, right, top, right, bottom, left, bottom]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images: one with a large object, a small one on top of it and a crowd; one without objects."""
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "width": 60, "height": 40} for i in (7, 8)]
    objects = [
        {"id": 1, "image_id": 7, "category_id": 1, "iscrowd": 0, "area": 25, "segmentation": square(12, 12, 5)},
        {"id": 2, "image_id": 7, "category_id": 1, "iscrowd": 0, "area": 400, "segmentation": square(5, 5, 20)},
        {"id": 3, "image_id": 7, "category_id": 1, "iscrowd": 1, "area": 9,
         "segmentation": {"size": [40, 60], "counts": [0, 2400]}},
    ]  # fmt: skip
    (tmp_path / "annotations").mkdir()
    content = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "thing"}]}
    (tmp_path / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
    for image in images:
        write_image(tmp_path / "train2017" / image["file_name"], np.zeros((40, 60, 3), np.uint8))
    return tmp_path


def test_small_objects_lie_on_top_of_large_ones_and_crowds_are_left_out(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    (video,) = coco(root)
    assert video.truth is not None
    (frame,), (mask,) = video.frames, video.truth
    assert (video.name, frame.name, frame.image.shape) == ("000000000007", "000000000007", (40, 60, 3))
    assert mask[14, 14] == 2 and mask[7, 7] == 1 and mask[35, 50] == 0
    assert (mask == 2).sum() == 25 and (mask > 0).sum() == 400
    assert capsys.readouterr().out == ""  # pycocotools prints; the library does not


def test_missing_annotations_and_images_are_named(root: Path) -> None:
    with pytest.raises(InputError, match=r"instances_val2017.json: no such file"):
        coco(root, "val2017")
    (root / "train2017" / "000000000008.jpg").unlink()
    with pytest.raises(InputError, match=r"000000000008.jpg: no such file"):
        coco(root)


def test_real_images_have_all_their_instances(shared: Path) -> None:
    videos = coco(shared / "data" / "COCO")
    assert len(videos) == 223  # of 228 images, five have no instance
    index = json.loads((shared / "data" / "COCO" / "annotations" / "instances_train2017.json").read_text())
    count = {}
    for one in index["annotations"]:
        count[one["image_id"]] = count.get(one["image_id"], 0) + 1
    for video in videos[:20]:
        assert video.truth is not None
        (frame,), (mask,) = video.frames, video.truth
        assert mask.shape == frame.image.shape[:2]
        assert 0 < mask.max() <= count[int(video.name)]
