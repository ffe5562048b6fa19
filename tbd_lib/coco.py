"""COCO images with their instances, as videos of one frame: what the first stage of training learns from."""

from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO

from tbd_lib.files import InputError
from tbd_lib.shapes import Mask
from tbd_lib.video import Frame, Video, read_image

MOST_INSTANCES = 255  # ids of one mask


class _Instances(Sequence[Mask]):
    """The id mask of one image, drawn when it is asked for."""

    def __init__(self, index: COCO, image: dict[str, int]) -> None:
        self.index, self.image = index, image

    def __len__(self) -> int:
        return 1

    def __getitem__(self, position: int) -> Mask:
        """Instances numbered from large to small, so that a small one on top of a large one stays visible."""
        range(1)[position]
        known = self.index.loadAnns(self.index.getAnnIds(self.image["id"], iscrowd=False))
        mask = np.zeros((self.image["height"], self.image["width"]), np.uint8)
        largest_first = sorted(known, key=lambda one: -one["area"])
        for number, one in enumerate(largest_first[:MOST_INSTANCES], 1):
            mask[self.index.annToMask(one) > 0] = number
        return mask


class _Picture(Sequence[Frame]):
    """One image as the frames of a video."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 1

    def __getitem__(self, position: int) -> Frame:
        range(1)[position]
        return Frame(self.path.stem, read_image(self.path))


def coco(root: Path, split: str = "train2017") -> list[Video]:
    """Images of COCO with at least one instance: ``root/<split>/*.jpg``, ``root/annotations/instances_<split>.json``.

    Crowd regions are left out: they have no single object to follow. Images named by the annotations that are not in
    the folder are an error.

    Raises:
        InputError: no such annotations, or an image that is missing.
    """
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
            yield Video(path.stem, _Picture(path), {}, _Instances(index, image))
