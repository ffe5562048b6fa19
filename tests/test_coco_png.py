"""PNG masks of COCO: the same as those decoded, whole or not at all, and never those of something else."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures
from small_coco import ANNOTATIONS, region, small_coco, square

from tbd_lib.datasets import coco as module
from tbd_lib.datasets import coco_png
from tbd_lib.datasets.coco import coco, convert_masks, missing_masks
from tbd_lib.datasets.config import INSTANCES, CocoConfig
from tbd_lib.errors import InputError
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import PALETTE, write_mask

FIRST, SECOND = "000000000007", "000000000008"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images with objects, as COCO publishes them."""
    return small_coco(tmp_path, region(4, 8, 9, square(1, 1, 3)))


@pytest.fixture
def folder(root: Path) -> Path:
    """The masks' folder, after a conversion."""
    assert convert_masks(root) == 2
    return root / "masks" / "train2017"


def masks(root: Path, config: CocoConfig = INSTANCES) -> list[Mask]:
    return [mask for video in coco(root, config=config) for mask in video.truth or ()]


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.parametrize("config", [INSTANCES, CocoConfig(crowds=True, min_area=10)])
def test_masks_are_the_same_as_those_decoded_and_decoded_no_more(
    root: Path, config: CocoConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, videos = masks(root, config), coco(root, config=config)
    assert convert_masks(root, config=config) == len(decoded)
    monkeypatch.setattr(module, "COCO", None)
    assert [video.name for video in coco(root, config=config)] == [video.name for video in videos]
    assert all(np.array_equal(a, b) for a, b in zip(decoded, masks(root, config), strict=True))
    before = times(root / "masks") | times(root / "masks/train2017")
    assert convert_masks(root, config=config) == 0 and missing_masks(root, config=config) == []
    assert times(root / "masks") | times(root / "masks/train2017") == before, "a second conversion costs a look"


def test_files_are_named_as_images_and_carry_the_palette(folder: Path) -> None:
    assert sorted(times(folder)) == [f"{FIRST}.png", f"{SECOND}.png"]
    picture = Pictures.open(folder / f"{FIRST}.png")
    assert picture.mode == "P" and picture.getpalette() == PALETTE.ravel().tolist()


def test_an_interrupted_conversion_goes_on_and_is_not_read_before_it_ends(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(path: Path, mask: Mask) -> None:
        if path.stem == SECOND:
            raise KeyboardInterrupt
        write_mask(path, mask)

    with monkeypatch.context() as patch:
        patch.setattr(coco_png, "write_mask", stop)
        with pytest.raises(KeyboardInterrupt):
            convert_masks(root)
    folder = root / "masks" / "train2017"
    before = times(folder)
    assert list(before) == [f"{FIRST}.png"]
    (line,) = missing_masks(root)
    assert line.startswith(f"{folder}.json: found no record of a complete conversion") and len(masks(root)) == 2
    with pytest.raises(InputError, match=r"masks made with crowds False"):
        convert_masks(root, config=CocoConfig(crowds=True))
    assert convert_masks(root) == 1 and missing_masks(root) == []
    assert times(folder)[f"{FIRST}.png"] == before[f"{FIRST}.png"]


@pytest.mark.parametrize("other", [CocoConfig(crowds=True), CocoConfig(min_area=10)])
def test_masks_made_with_another_configuration_are_refused(root: Path, folder: Path, other: CocoConfig) -> None:
    before = times(folder)
    line = f"{folder}.json: masks made with crowds False, min_area 0, .*; expected crowds {other.crowds}, min_area "
    for use in (coco, convert_masks, missing_masks):
        with pytest.raises(InputError, match=rf"{line}{other.min_area}, .* \(or remove this file and {folder}\)"):
            use(root, config=other)
    assert times(folder) == before


def test_masks_made_from_other_annotations_are_refused(root: Path, folder: Path) -> None:
    content = (root / ANNOTATIONS).read_text()
    (root / ANNOTATIONS).write_text(content.replace('"area": 400', '"area": 401'))
    with pytest.raises(InputError, match=r"annotations sha256 \w{64}; expected .* annotations sha256 \w{64}"):
        coco(root)


def test_what_is_missing_or_of_another_size_is_named(root: Path, folder: Path) -> None:
    (folder / f"{SECOND}.png").unlink()
    with pytest.raises(InputError, match=rf"{folder}/{SECOND}\.png: missing; expected the mask of an image"):
        coco(root)
    assert len(missing_masks(root)) == 1 and convert_masks(root) == 1 and len(coco(root)) == 2
    write_mask(folder / f"{FIRST}.png", np.ones((40, 61), np.uint8))
    with pytest.raises(InputError, match=rf"{FIRST}\.png: found a mask of 61x40 pixels, expected 60x40 as its frame"):
        masks(root)
    (root / "train2017" / f"{SECOND}.jpg").unlink()
    with pytest.raises(InputError, match=rf"{SECOND}\.jpg: no such file; expected every image"):
        coco(root)


@pytest.mark.parametrize("content", ["{", "[]", '{"complete": true}', '{"made_from": {}, "complete": 1, "sizes": 3}'])
def test_a_damaged_record_is_one_line(root: Path, folder: Path, content: str) -> None:
    folder.with_suffix(".json").write_text(content)
    with pytest.raises(InputError, match=rf"{folder}\.json: .*expected the record of a conversion"):
        coco(root)


def test_images_that_differ_by_their_suffix_alone_are_refused(root: Path) -> None:
    content = json.loads((root / ANNOTATIONS).read_text())
    content["images"][1]["file_name"] = f"{FIRST}.png"
    (root / ANNOTATIONS).write_text(json.dumps(content))
    (root / "train2017" / f"{SECOND}.jpg").rename(root / "train2017" / f"{FIRST}.png")
    with pytest.raises(InputError, match=rf"{FIRST}\.jpg: found {FIRST}\.png too; expected names without suffix once"):
        convert_masks(root)
    assert not (root / "masks").exists()
