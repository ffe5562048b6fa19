"""COCO images with their instances, as videos of one frame: what the first stage of training learns from."""

from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from tbd_lib.datasets.coco_png import PngMasks, Size
from tbd_lib.datasets.config import INSTANCES, CocoConfig
from tbd_lib.datasets.lazy import Lazy
from tbd_lib.errors import InputError, extra
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video, read_image
from tbd_lib.video.masks import MAX_ID, size_of

with extra("coco"):
    from pycocotools.coco import COCO


def coco(root: Path | str, split: str = "train2017", config: CocoConfig = INSTANCES) -> list[Video]:
    """Images of COCO with at least one object: ``root/<split>/*.jpg``, ``root/annotations/instances_<split>.json``.

    Crowd regions are left out unless ``config`` asks for them: they have no single object to follow. Smaller objects
    lie on top of larger ones; of more than 255 in an image the largest 255 count.

    Masks are decoded when asked for. Where ``convert_masks`` has made PNG files of all of them, those are read: they
    are the same to the pixel, and the annotations need not be parsed.

    Args:
        root: folder of the data set.
        split: name of the images' folder.
        config: which of the annotated regions are objects.

    Raises:
        InputError: no such annotations; an image that they name is missing; a PNG file is missing, or they were made
            from other annotations or with another configuration; when read: an image or a PNG file of another size.
    """
    root = Path(root)
    masks = PngMasks(root, split, _annotations(root, split), config)
    if not masks.complete:
        index = _Index(root, split, config)
        return _videos(root / split, index.sizes, index.mask)
    if left := masks.missing():
        raise InputError(left[0])
    return _videos(root / split, masks.sizes, masks.read)


def convert_masks(root: Path | str, split: str = "train2017", config: CocoConfig = INSTANCES) -> int:
    """Make an id mask ``root/masks/<split>/<image>.png`` of every image with objects; returns how many were new.

    What is there stays: after an interruption it goes on. ``root/masks/<split>.json`` records what the masks were made
    from.

    Args:
        root: folder of the data set.
        split: name of the images' folder.
        config: which of the annotated regions are objects.

    Raises:
        InputError: no such annotations; an image that they name is missing; there are masks already that were made
            from other annotations or with another configuration.
        OSError: no space left, or no right to write.
    """
    root = Path(root)
    masks = PngMasks(root, split, _annotations(root, split), config)
    if not masks.missing():
        return 0
    index = _Index(root, split, config)
    return masks.write(index.sizes, index.mask)


def missing_masks(root: Path | str, split: str = "train2017", config: CocoConfig = INSTANCES) -> list[str]:
    """What ``convert_masks`` has left to do, a line each; nothing if all is done.

    Raises:
        InputError: no such annotations; masks that were made from others or with another configuration.
    """
    root = Path(root)
    return PngMasks(root, split, _annotations(root, split), config).missing()


class _Index:
    """The annotations of a split: sizes of the images with objects, by their file's name, and their masks."""

    def __init__(self, root: Path, split: str, config: CocoConfig) -> None:
        with redirect_stdout(StringIO()):  # pycocotools prints its progress
            self._index = COCO(str(_annotations(root, split)))
        self._objects: dict[str, list[Any]] = {}
        self.sizes: dict[str, Size] = {}
        for image in self._index.loadImgs(self._index.getImgIds()):
            name = image["file_name"]
            _require_file(root / split / name)
            if objects := self._objects_of(image["id"], config):
                self._objects[name], self.sizes[name] = objects, (image["height"], image["width"])

    def mask(self, image: str) -> Mask:
        """The id mask of an image: from large to small, so that a small object on a large one stays visible."""
        mask = np.zeros(self.sizes[image], np.uint8, order="F")  # as pycocotools lays out what it decodes
        for number, region in enumerate(self._objects[image], 1):
            np.maximum(mask, self._index.annToMask(region) * np.uint8(number), out=mask)  # the later number is on top
        return np.ascontiguousarray(mask)

    def _objects_of(self, image: int, config: CocoConfig) -> list[Any]:
        """The regions that are objects, from large to small."""
        regions = self._index.loadAnns(self._index.getAnnIds(image))
        large = [region for region in regions if region["area"] >= config.min_area]
        objects = [region for region in large if config.crowds or not region["iscrowd"]]
        return sorted(objects, key=lambda region: -region["area"])[:MAX_ID]


def _videos(folder: Path, sizes: dict[str, Size], mask: Callable[[str], Mask]) -> list[Video]:
    """A video of one frame per image."""
    for name in sizes:
        _require_file(folder / name)
    return [
        Video(
            Path(name).stem,
            Lazy(1, partial(_frame, folder / name, size)),
            {},
            Lazy(1, partial(_first, mask, name)),
        )
        for name, size in sizes.items()
    ]


def _first(mask: Callable[[str], Mask], image: str, position: int) -> Mask:
    """The mask of a video's only frame."""
    return mask(image)


def _frame(path: Path, size: Size, position: int) -> Frame:
    """A video's only frame."""
    image = read_image(path)
    if image.shape[:2] != size:
        found, expected = size_of(image.shape), size_of(size)
        raise InputError(f"{path}: found an image of {found} pixels, expected {expected} as its annotations say")
    return Frame(path.stem, image)


def _annotations(root: Path, split: str) -> Path:
    path = root / "annotations" / f"instances_{split}.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected COCO's instance annotations")
    return path


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected every image that the annotations name")
