"""What the tests of COCO share: a data set of two images, and the real one with a place to write beside it."""

import json
from pathlib import Path

import numpy as np

from tbd_lib.video.frames import write_image

ANNOTATIONS = Path("annotations", "instances_train2017.json")


def square(left: int, top: int, side: int) -> list[list[float]]:
    right, bottom = left + side, top + side
    return [[left, top, right, top, right, bottom, left, bottom]]


def region(number: int, image: int, area: float, segmentation: object, crowd: int = 0) -> dict[str, object]:
    facts = {"id": number, "image_id": image, "category_id": 1, "iscrowd": crowd, "area": area}
    return facts | {"segmentation": segmentation}


def small_coco(root: Path, *more: dict[str, object]) -> Path:
    """Image 7: a large object, a small one on top of it, and a crowd that fills it; image 8 has what ``more`` tells."""
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "width": 60, "height": 40} for i in (7, 8)]
    regions = [
        region(1, 7, 25, square(12, 12, 5)),
        region(2, 7, 400, square(5, 5, 20)),
        region(3, 7, 2400, {"size": [40, 60], "counts": [0, 2400]}, crowd=1),
        *more,
    ]
    (root / "annotations").mkdir(parents=True)
    content = {"images": images, "annotations": regions, "categories": [{"id": 1, "name": "thing"}]}
    (root / ANNOTATIONS).write_text(json.dumps(content))
    for image in images:
        write_image(root / "train2017" / str(image["file_name"]), np.zeros((40, 60, 3), np.uint8))
    return root


def linked(real: Path, root: Path) -> Path:
    """The same data set in a folder of its own, where masks can be written."""
    root.mkdir(parents=True)
    for name in ("annotations", "train2017"):
        (root / name).symlink_to((real / name).resolve())
    return root
