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
from tbd_lib.files import at_home
from tbd_lib.texts import read_json
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video, read_image
from tbd_lib.video.masks import MAX_ID, size_of

with extra("coco"):
    from pycocotools.coco import COCO

EXPECTED = "COCO's instance annotations"
LONGEST = 65_535  # pixels of a side, which JPEG can hold


def coco(root: Path | str, split: str = "train2017", config: CocoConfig = INSTANCES) -> list[Video]:
    """Images of COCO with at least one object: ``root/<split>/*.jpg``, ``root/annotations/instances_<split>.json``.

    Crowd regions are left out unless ``config`` asks for them: they have no single object to follow. Smaller objects
    lie on top of larger ones; of more than 254 in an image the largest 254 count.

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
    root = at_home(root)
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
    root = at_home(root)
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
    root = at_home(root)
    return PngMasks(root, split, _annotations(root, split), config).missing()


class _Index:
    """The annotations of a split: sizes of the images with objects, by their file's name, and their masks."""

    def __init__(self, root: Path, split: str, config: CocoConfig) -> None:
        path = _annotations(root, split)
        self._index = COCO()  # which would read the file itself as this machine writes texts, without a mark
        self._index.dataset = read_json(path, EXPECTED)
        self._objects: dict[str, list[Any]] = {}
        self.sizes: dict[str, Size] = {}
        try:
            with redirect_stdout(StringIO()):  # pycocotools prints its progress
                self._index.createIndex()
            for image in self._index.loadImgs(self._index.getImgIds()):
                if objects := self._objects_of(image["id"], config):
                    name = image["file_name"]
                    self._objects[name], self.sizes[name] = objects, (int(image["height"]), int(image["width"]))
                _require_file(root / split / image["file_name"])
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: {error!r}; expected {EXPECTED}") from error
        self._path = path

    def mask(self, image: str) -> Mask:
        """The id mask of an image: from large to small, so that a small object on a large one stays visible."""
        size = self.sizes[image]
        if not all(0 < side <= LONGEST for side in size):
            raise InputError(f"{self._path}: {image} has {size_of(size)} pixels; expected sides from 1 to {LONGEST:,}")
        mask = np.zeros(size, np.uint8, order="F")  # as pycocotools lays out what it decodes
        for number, region in enumerate(self._objects[image], 1):
            try:
                if not _is_shape(region["segmentation"], size):
                    raise ValueError("no shape in an image of this size")
                np.maximum(mask, self._index.annToMask(region) * np.uint8(number), out=mask)  # the later one is on top
            except (ValueError, TypeError, KeyError, IndexError) as error:
                what = f"region {region['id']} of {image}: {' '.join(str(error).split())}"
                raise InputError(f"{self._path}: {what}; expected {EXPECTED}") from error
        return np.ascontiguousarray(mask)

    def _objects_of(self, image: int, config: CocoConfig) -> list[Any]:
        """The regions that are objects, from large to small."""
        regions = self._index.loadAnns(self._index.getAnnIds(image))
        large = [region for region in regions if region["area"] >= config.min_area]
        objects = [region for region in large if config.crowds or not region["iscrowd"]]
        return sorted(objects, key=lambda region: -region["area"])[:MAX_ID]


def _is_shape(shape: Any, size: Size) -> bool:
    """Whether polygons or run lengths fit an image: pycocotools writes beyond its memory where they do not."""
    match shape:
        case {"size": list(found), "counts": str()}:
            return found == list(size)
        case {"size": list(found), "counts": list(counts)}:
            whole = all(type(count) is int and count >= 0 for count in counts)
            return found == list(size) and whole and sum(counts) == size[0] * size[1]
        case [*parts]:
            even = all(isinstance(part, list) and len(part) >= 4 and len(part) % 2 == 0 for part in parts)
            return bool(parts) and even and all(type(x) in (int, float) and abs(x) <= LONGEST for p in parts for x in p)
    return False


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
        raise InputError(f"{path}: no such file; expected {EXPECTED}")
    return path


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected every image that the annotations name")
