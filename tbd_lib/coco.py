"""COCO images with their instances, as videos of one frame: what the first stage of training learns from."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
from pycocotools.coco import COCO

from tbd_lib.files import InputError
from tbd_lib.shapes import Mask
from tbd_lib.video import Frame, Video, read_image

T = TypeVar("T")
MOST_INSTANCES = 255  # ids of one mask


class _One(Sequence[T]):
    """A sequence of one item, which is read whenever it is asked for."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, position: int) -> T: ...
    @overload
    def __getitem__(self, position: slice) -> list[T]: ...
    def __getitem__(self, position: int | slice) -> T | list[T]:
        if isinstance(position, slice):
            return [self._read() for _ in range(1)[position]]
        range(1)[position]  # raises IndexError beyond the end
        return self._read()


def coco(root: Path | str, split: str = "train2017") -> list[Video]:
    """Images of COCO with at least one instance: ``root/<split>/*.jpg``, ``root/annotations/instances_<split>.json``.

    Crowd regions are left out: they have no single object to follow. Images named by the annotations that are not in
    the folder are an error.

    Raises:
        InputError: no such annotations, or an image that is missing.
    """
    root = Path(root)
    annotations = root / "annotations" / f"instances_{split}.json"
    if not annotations.is_file():
        raise InputError(f"{annotations}: no such file; expected COCO's instance annotations")
    with redirect_stdout(StringIO()):  # pycocotools prints its progress
        index = COCO(str(annotations))
    return list(_with_objects(index, root / split))


def _with_objects(index: COCO, folder: Path) -> Iterator[Video]:
    for image in index.loadImgs(index.getImgIds()):
        path = folder / image["file_name"]
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected every image that the annotations name")
        if index.getAnnIds(image["id"], iscrowd=False):
            frame, mask = partial(_frame, path), partial(_mask, index, image["id"], (image["height"], image["width"]))
            yield Video(path.stem, _One(frame), {}, _One(mask))


def _frame(path: Path) -> Frame:
    return Frame(path.stem, read_image(path))


def _mask(index: COCO, image: int, size: tuple[int, int]) -> Mask:
    """The id mask of an image: from large to small, so that a small instance on top of a large one stays visible."""
    mask = np.zeros(size, np.uint8, order="F")  # as pycocotools lays out what it decodes
    instances = index.loadAnns(index.getAnnIds(image, iscrowd=False))
    for number, instance in enumerate(sorted(instances, key=lambda one: -one["area"])[:MOST_INSTANCES], 1):
        np.maximum(mask, index.annToMask(instance) * np.uint8(number), out=mask)  # numbers rise: the later is on top
    return np.ascontiguousarray(mask)
