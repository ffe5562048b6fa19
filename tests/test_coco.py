"""COCO annotations become id masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from small_coco import ANNOTATIONS, linked, region, small_coco, square

from tbd_lib.datasets import coco as module
from tbd_lib.datasets.coco import coco, convert_masks
from tbd_lib.datasets.config import INSTANCES
from tbd_lib.errors import InputError
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Video, write_image

WITH_CROWDS = replace(INSTANCES, crowds=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_coco(tmp_path)


def mask_of(video: Video) -> Mask:
    assert video.truth is not None
    (mask,) = video.truth
    return mask


def test_small_objects_lie_on_top_of_large_ones_and_crowds_are_left_out(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    (video,) = coco(root)
    (frame,), mask = video.frames, mask_of(video)
    assert (video.name, frame.name, frame.image.shape) == ("000000000007", "000000000007", (40, 60, 3))
    assert mask[14, 14] == 2 and mask[7, 7] == 1 and mask[35, 50] == 0
    assert (mask == 2).sum() == 25 and (mask > 0).sum() == 400
    assert capsys.readouterr().out == ""  # pycocotools prints; the library does not


def test_a_crowd_is_one_object_where_that_is_wanted(tmp_path: Path) -> None:
    crowd = region(4, 8, 600, {"size": [40, 60], "counts": [0, 600, 1800]}, crowd=1)
    root = small_coco(tmp_path, crowd)
    assert [video.name for video in coco(root)] == ["000000000007"]
    first, second = coco(root, config=WITH_CROWDS)
    assert np.bincount(mask_of(first).ravel()).tolist() == [0, 2000, 375, 25]
    assert np.bincount(mask_of(second).ravel()).tolist() == [1800, 600]


def test_regions_below_the_smallest_area_are_background_or_what_they_lie_on(root: Path) -> None:
    (video,) = coco(root, config=replace(INSTANCES, min_area=25))
    assert mask_of(video).max() == 2
    (video,) = coco(root, config=replace(INSTANCES, min_area=26))
    assert np.bincount(mask_of(video).ravel()).tolist() == [2000, 400]
    assert coco(root, config=replace(INSTANCES, min_area=401)) == []


def test_of_more_than_254_the_largest_count(tmp_path: Path) -> None:
    many = [region(10 + i, 8, 4 + i, square(2 * (i % 30), 2 * (i // 30), 2)) for i in range(260)]
    _, video = coco(small_coco(tmp_path, *many))
    ids, expected = mask_of(video), np.zeros((40, 60), int)
    for i in range(6, 260):  # the largest is 1
        expected[2 * (i // 30) : 2 * (i // 30) + 2, 2 * (i % 30) : 2 * (i % 30) + 2] = 260 - i
    assert np.array_equal(ids, expected)


def test_missing_annotations_and_images_are_named(root: Path) -> None:
    with pytest.raises(InputError, match=r"instances_val2017.json: no such file"):
        coco(root, "val2017")
    (root / "train2017" / "000000000008.jpg").unlink()
    with pytest.raises(InputError, match=r"000000000008.jpg: no such file"):
        coco(root)


def test_an_image_of_another_size_is_named_when_it_is_read(root: Path) -> None:
    write_image(root / "train2017" / "000000000007.jpg", np.zeros((40, 61, 3), np.uint8))
    (video,) = coco(root)
    with pytest.raises(InputError, match=r"07\.jpg: found an image of 61x40 pixels, expected 60x40 as its annotations"):
        list(video.frames)


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    if not (shared / "data" / "COCO").is_dir():
        pytest.skip("real COCO images (../shared/data/COCO) are absent")
    return shared / "data" / "COCO"


def require_every_instance(videos: list[Video], index: COCO) -> None:
    """Each id is where pycocotools has its instance, but for what lies on top; sizes are the images'."""
    expected = {image["file_name"].removesuffix(".jpg"): image for image in index.dataset["images"]}
    with_objects = [name for name, image in expected.items() if index.getAnnIds(image["id"], iscrowd=False)]
    assert [video.name for video in videos] == with_objects and len(with_objects) == 223
    seen = 0
    for video in videos:
        image, mask, (frame,) = expected[video.name], mask_of(video), video.frames
        regions = index.loadAnns(index.getAnnIds(image["id"], iscrowd=False))
        by_area = sorted(regions, key=lambda region: region["area"], reverse=True)
        instances = [index.annToMask(region) > 0 for region in by_area]
        assert mask.shape == frame.image.shape[:2] == (image["height"], image["width"])
        covered = np.zeros(mask.shape, bool)
        for number, instance in reversed(list(enumerate(instances, 1))):
            assert np.array_equal(mask == number, instance & ~covered), f"{video.name}, instance {number}"
            covered |= instance
        assert np.array_equal(mask > 0, covered)
        seen += len(instances)
    assert seen == len(index.dataset["annotations"]) == 1771


def test_every_instance_of_the_real_images_is_where_pycocotools_has_it(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded on the fly, and read from PNG files."""
    index = COCO(str(real / ANNOTATIONS))
    require_every_instance(coco(real), index)
    root = linked(real, tmp_path / "COCO")
    assert convert_masks(root) == 223
    monkeypatch.setattr(module, "COCO", None)  # nothing is decoded any more
    require_every_instance(coco(root), index)
