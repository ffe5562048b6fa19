"""What a tracked video is saved as: besides id PNGs, forms that other programs read.

All are made from frames and the id masks that were written, one frame at a time, so that memory does not grow with the
video (but for a WebP's compressed pictures). Each file appears under its name when it is whole, and only then.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from operator import length_hint
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from PIL import Image as Pictures
from tqdm.auto import tqdm

from tbd_lib.errors import InputError, extra, named
from tbd_lib.files import write_whole
from tbd_lib.video.arrays import Mask
from tbd_lib.video.films import lost_sound
from tbd_lib.video.frames import FileFrames, FolderFrames, Frame, Video
from tbd_lib.video.masks import ids_of, read_mask, require_size
from tbd_lib.video.overlay import OverlayWriter, overlay

Kind = Literal["mp4", "webp", "objects", "coco", "npz", "cutouts"]
Write = Callable[[Frame, Mask], None]
PLACES: Mapping[Kind, str] = {
    "mp4": "overlay.mp4",
    "webp": "overlay.webp",
    "objects": "objects",
    "coco": "coco.json",
    "npz": "masks.npz",
    "cutouts": "cutouts",
}
NAMED = 5  # pictures left out, at most


def write_outputs(video: Video, masks: Path, out: Path, kinds: Sequence[Kind], fps: float) -> dict[Kind, Path]:
    """Write a video's masks in other forms.

    ========  ====================================================================================
    mp4       ``overlay.mp4``, the masks drawn over the frames, with a film's times, pixel aspect and sound
    webp      ``overlay.webp``, the same as an animated picture, which is silent
    objects   ``objects/<id>/<frame>.png``, one black and white PNG per object and frame
    coco      ``coco.json``, images and annotations with run lengths, as the COCO tools read them
    npz       ``masks.npz``, one ``uint8`` array of ids per frame, under the frame's name
    cutouts   ``cutouts/<id>/<frame>.png``, the object's pixels on a transparent ground
    ========  ====================================================================================

    Args:
        video: frames, in order.
        masks: folder of id PNGs, one per frame and named as it.
        out: folder for the results.
        kinds: which of the forms.
        fps: frames per second of the films.

    Returns:
        Where each of them lies.

    Raises:
        InputError: a mask is missing or has not its frame's size.
        OSError: no space left, or no right to write.
    """
    places: dict[Kind, Path] = {kind: out / PLACES[kind] for kind in kinds}
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(kind, place, fps, video)) for kind, place in places.items()]
        for frame in tqdm(video.frames, desc="outputs", total=length_hint(video.frames) or None, unit="frame"):
            path = masks / f"{frame.name}.png"
            mask = require_size(read_mask(path), frame.image.shape, path)
            for write in writers:
                write(frame, mask)
    return places


def missing_from_outputs(video: Video, out: Path, kinds: Sequence[Kind]) -> list[str]:
    """What the results will not contain, a line each: pictures that are no frames, and sound that a film cannot hold.

    Args:
        video: a folder of frames or a film; of any other nothing is known.
        out: as for ``write_outputs``.
        kinds: as for ``write_outputs``.
    """
    lines = []
    if isinstance(video.frames, FolderFrames) and (names := video.frames.left_out):
        found = f"{len(names)} picture{'s' * (len(names) > 1)} left out, of another name or size than the frames"
        lines.append(f"{video.frames.folder}: {found}: {named(names, NAMED)}")
    if isinstance(video.frames, FileFrames):
        path = video.frames.path
        for place in (out / PLACES[kind] for kind in kinds if kind in ("mp4", "webp")):
            if codec := lost_sound(path, place.suffix):
                lines.append(f"{path}: its sound ({codec}) is not in {place}, as {place.suffix} cannot hold it")
    return lines


def require_no_outputs(out: Path, kinds: Sequence[Kind]) -> None:
    """Refuse to write over results that are there already.

    Raises:
        InputError: the place of a form is taken.
    """
    for kind in kinds:
        if (out / PLACES[kind]).exists():
            raise InputError(f"{out / PLACES[kind]}: exists already; expected a new place (or `overwrite`)")


@contextmanager
def _writer(kind: Kind, place: Path, fps: float, video: Video) -> Iterator[Write]:
    """The function that takes one frame after another."""
    match kind:
        case "mp4" | "webp":
            film = video.frames if isinstance(video.frames, FileFrames) else None
            sound = film.path if film and not lost_sound(film.path, place.suffix) else None
            with OverlayWriter(place, fps, film.aspect if film else 1, sound) as writer:
                yield lambda frame, mask: writer.write(overlay(frame.image, mask), frame.time, frame.duration)
        case "coco":
            paths = video.frames.paths if isinstance(video.frames, FolderFrames) else []
            with write_whole(place) as temporary, temporary.open("w") as file:
                yield from _coco(file, {path.stem: path.name for path in paths})
        case "npz":
            with write_whole(place) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as arrays:
                yield lambda frame, mask: _write_array(arrays, frame.name, mask)
        case "objects":
            yield lambda frame, mask: _write_pictures(place, frame, mask, _black_and_white)
        case "cutouts":
            yield lambda frame, mask: _write_pictures(place, frame, mask, _cut_out)


def _coco(file: IO[str], files: Mapping[str, str]) -> Iterator[Write]:
    """Write images and annotations in the form of COCO's instances, while they come.

    Object ids are both ``category_id`` and ``track_id``; run lengths are compressed, boxes are x, y, width, height.
    ``file_name`` is the frame's file, by its name in ``files``; a frame of a film, which has none, keeps its name.
    """
    images: list[dict[str, object]] = []
    categories: dict[int, dict[str, object]] = {}
    numbers = count(1)

    def write(frame: Frame, mask: Mask) -> None:
        height, width = mask.shape
        name = files.get(frame.name, frame.name)
        images.append({"id": len(images) + 1, "file_name": name, "height": height, "width": width})
        for i in ids_of(mask):
            categories[i] = {"id": i, "name": f"object {i}"}
            number = next(numbers)
            annotation = {"id": number, "image_id": len(images), "category_id": i, "track_id": i, "iscrowd": 0}
            file.write((",\n" if number > 1 else "\n") + json.dumps(annotation | _run_lengths(mask == i)))

    file.write('{"annotations": [')
    yield write
    listed = [categories[i] for i in sorted(categories)]
    file.write(f'],\n"images": {json.dumps(images)},\n"categories": {json.dumps(listed)}}}\n')


def _run_lengths(inside: np.ndarray) -> dict[str, object]:
    """Segmentation, area and box of an object."""
    with extra("coco"):
        from pycocotools import mask as run_lengths

    code: Any = run_lengths.encode(np.asfortranarray(inside, np.uint8))
    size, counts = [int(side) for side in code["size"]], code["counts"].decode()
    box = [float(side) for side in run_lengths.toBbox(code)]
    return {"segmentation": {"size": size, "counts": counts}, "area": int(run_lengths.area(code)), "bbox": box}


def _write_array(arrays: ZipFile, name: str, mask: Mask) -> None:
    """A frame of an npz file, which is a zip of npy files."""
    with arrays.open(f"{name}.npy", "w") as file:
        np.lib.format.write_array(file, mask, allow_pickle=False)


def _write_pictures(place: Path, frame: Frame, mask: Mask, draw: Callable[[Frame, Mask], np.ndarray]) -> None:
    """A picture of every object in a frame."""
    for i in ids_of(mask):
        with write_whole(place / f"{i}" / f"{frame.name}.png") as temporary:
            Pictures.fromarray(draw(frame, np.where(mask == i, 255, 0).astype(np.uint8))).save(temporary, "PNG")


def _black_and_white(frame: Frame, alpha: Mask) -> np.ndarray:
    return alpha


def _cut_out(frame: Frame, alpha: Mask) -> np.ndarray:
    return np.dstack([frame.image * (alpha > 0)[..., None], alpha])


def require_libraries(kinds: Sequence[Kind]) -> None:
    """Refuse forms whose library is not installed: before a video is tracked, not after.

    Raises:
        MissingExtraError: one of them is not.
    """
    if {"mp4", "webp"} & set(kinds):
        with extra("video"):
            import av  # noqa: F401
            import scipy  # noqa: F401
    if "coco" in kinds:
        with extra("coco"):
            import pycocotools  # noqa: F401
