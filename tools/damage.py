"""Damage files of every kind that is read, at random, and read them: each is read, or refused in one line.

Whatever a number of damage does follows from the seed and the number alone. Files are read in a process of its own, so
that one which hangs or crashes is seen; the next number then goes on in another.
"""

import io
import json
import multiprocessing
import os
import re
import resource
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image as Pictures

from tbd_lib.datasets.coco import coco
from tbd_lib.datasets.davis import davis
from tbd_lib.datasets.prepare.layouts import problems
from tbd_lib.datasets.prepare.sources import SOURCES, Foldered
from tbd_lib.datasets.prepare.unpack import unpack
from tbd_lib.errors import InputError
from tbd_lib.evaluation.published import compare
from tbd_lib.files import results_folder
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.training.checkpoint import load_checkpoint, save_weights
from tbd_lib.video.frames import frames_of, read_image, write_image
from tbd_lib.video.masks import read_mask, write_mask
from tbd_lib.video.overlay import OverlayWriter

SECONDS = 20.0  # within which a file is read or refused, on a busy machine too
MEMORY = 16 * 2**30  # bytes of address space for the process that reads
SIZE = (24, 32)
VALUE = re.compile(rb'-?\d[\d.eE+-]*|"[^"\\]*"')  # a number or a text of JSON
OTHERS = (
    b"null",
    b"-1",
    b"0",
    b"1e400",
    b"NaN",
    b"99999999999",
    b'"x"',
    b'"../x"',
    b'"\\u0000"',
    b"[]",
    b"{}",
    b"[[]]",
    b"0.5",
)


@dataclass(frozen=True)
class Kind:
    """Files of a kind, whole, and the function that reads one."""

    read: Callable[[Path], object]
    files: Mapping[str, bytes]  # by name


@dataclass
class Outcome:
    """How many damaged files were read and refused, by kind, and what should not have happened."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """The content with bytes changed, cut off, put in or moved, a senseless beginning, or other JSON values."""
    data, size = bytearray(content), len(content)
    values = [found.span() for found in VALUE.finditer(content)] if content.startswith(b"{") else []
    match random.integers(8 if values else 6):
        case 0:
            for place in random.integers(size, size=random.integers(1, 9)):
                data[place] ^= 1 << int(random.integers(8))
        case 1:
            del data[random.integers(size) :]
        case 2:
            place = int(random.integers(size + 1))
            data[place:place] = random.bytes(int(random.integers(1, 64)))
        case 3:
            begin, place, length = (int(part) for part in random.integers(size, size=3))
            data[place:place] = data[begin : begin + length]
        case 4:
            length = int(random.integers(1, min(64, size) + 1))
            data[:length] = random.bytes(length)
        case 5:
            place, length = (int(part) for part in random.integers(size, size=2))
            data[place : place + length] = bytes([int(random.choice([0, 255]))]) * len(data[place : place + length])
        case _:
            begin, end = values[random.integers(len(values))]
            data[begin:end] = OTHERS[random.integers(len(OTHERS))]
    return bytes(data)


def damage(numbers: Iterable[int], seed: int = 0) -> Iterator[tuple[int, str, str]]:
    """Damage a file by each number and read it: the number, the kind, and what came of it.

    That is ``"read"``, ``"refused"``, or what should not have happened.
    """
    context, left = multiprocessing.get_context("forkserver"), list(numbers)
    context.set_forkserver_preload(["tools.damage"])
    while left:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, tuple(left), seed))
        process.start()
        theirs.close()
        kind = "?"
        try:
            while left:
                if not ours.poll(SECONDS * (10 if kind == "?" else 1)):  # the first waits for all files to be made
                    raise TimeoutError(f"took longer than {SECONDS:g} s")
                kind = ours.recv()
                if not ours.poll(SECONDS):
                    raise TimeoutError(f"took longer than {SECONDS:g} s")
                yield left.pop(0), kind, ours.recv()
        except (EOFError, ConnectionError, TimeoutError) as error:
            process.kill()
            process.join()
            what = str(error) if isinstance(error, TimeoutError) else f"the process ended with {process.exitcode}"
            yield left.pop(0), kind, what
        ours.close()
        process.join()


def outcome(found: Iterable[tuple[int, str, str]]) -> Outcome:
    """The sum of what came of damaged files."""
    total = Outcome()
    for number, kind, what in found:
        if what in ("read", "refused"):
            (total.read if what == "read" else total.refused)[kind] += 1
        else:
            total.faults.append(f"number {number}, {kind}: {what}")
    return total


def _work(pipe: Connection, numbers: tuple[int, ...], seed: int) -> None:
    """In the new process: damage and read, and say what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with open(os.devnull, "w") as nobody:  # noqa: PTH123 (readers show their progress, and libraries complain)
        os.dup2(nobody.fileno(), 2)
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch:
        kinds = make_kinds(Path(scratch))
        names = list(kinds)
        for number in numbers:
            random = np.random.default_rng([seed, number])
            name = names[number % len(names)]
            pipe.send(name)
            pipe.send(_outcome(kinds[name], Path(scratch) / "damaged", random))


def _outcome(kind: Kind, folder: Path, random: np.random.Generator) -> str:
    folder.mkdir(exist_ok=True)
    name = str(random.choice(list(kind.files)))
    path = folder / name
    path.write_bytes(damaged(kind.files[name], random))
    try:
        kind.read(path)
    except InputError as error:
        return "refused" if len(str(error).splitlines()) == 1 else f"several lines: {error}"
    except BaseException as error:  # whatever it is, it should have been an InputError
        return f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        path.unlink()
    return "read"


def make_kinds(scratch: Path) -> dict[str, Kind]:
    """Whole files of every kind, and their readers."""
    root = _data_set(scratch / "data")
    scored = (results_folder() / "davis2016_six.json").read_bytes()
    with TemporaryDirectory() as folder:
        made = Path(folder)
        films = {name: _film(made / name) for name in ("film.mp4", "film.webp")}
        films["film.gif"] = _saved("GIF", "P")
        weights = _weights(made)
    names = {"val.txt": b"a\r\nb\nmy clip/\n", "wide.txt": "a\r\nb\r\n".encode("utf-16")}
    names["2016.txt"] = b"/JPEGImages/480p/a/00000.jpg /Annotations/480p/a/00000.png\n" * 3
    archives = {"a.zip": _zip(), "a.tar": _tar("w"), "a.tgz": _tar("w:gz")}
    return {
        "masks": Kind(read_mask, {f"{mode.replace(';', '')}.png": _saved("PNG", mode) for mode in MODES}),
        "frames": Kind(
            read_image, {f"{kind}.jpg": _saved(kind, "RGB") for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP")}
        ),
        "films": Kind(lambda path: sum(1 for _ in frames_of(path)), films),
        "lists": Kind(lambda path: _read_list(path, root), names),
        "results": Kind(lambda path: compare([path]), {"scores.json": scored}),
        "annotations": Kind(lambda path: _read_annotations(path, scratch / "coco"), {"coco.json": _annotations()}),
        "indices": Kind(lambda path: _read_meta(path, scratch / "youtube"), {"meta.json": b'{"videos": {"a": {}}}'}),
        "archives": Kind(lambda path: _unpack(path, scratch), archives),
        "weights": Kind(load_checkpoint, weights),
    }


MODES = ("1", "L", "P", "LA", "RGB", "RGBA", "I;16")


def _saved(kind: str, mode: str) -> bytes:
    """A picture of a few objects, as bytes of a file."""
    ids = np.zeros(SIZE, np.uint8)
    ids[4:10, 5:20], ids[12:20, 8:30] = 1, 2
    picture = Pictures.fromarray(ids)
    if mode == "P":
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    elif mode == "I;16":
        picture = Pictures.fromarray(ids.astype(np.uint16))
    elif mode != "L":
        picture = Pictures.fromarray(ids * 100).convert(mode)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def _film(path: Path) -> bytes:
    random = np.random.default_rng(0)
    with OverlayWriter(path, 10) as writer:
        for _ in range(3):
            writer.write(random.integers(0, 256, (*SIZE, 3), np.uint8))
    return path.read_bytes()


def _weights(folder: Path) -> dict[str, bytes]:
    tiny = build_model(replace(SMALL, key_channels=8, decoder_channels=8))
    save_weights(folder / "tiny.safetensors", tiny, torch.bfloat16)
    file = io.BytesIO()
    torch.save({"a": torch.zeros(3, 4), "b": torch.ones(2)}, file)
    return {"tiny.safetensors": (folder / "tiny.safetensors").read_bytes(), "published.pth": file.getvalue()}


def _data_set(root: Path) -> Path:
    for name in ("a", "b", "my clip"):
        for number in range(3):
            write_image(root / f"JPEGImages/480p/{name}/{number:05}.jpg", np.zeros((*SIZE, 3), np.uint8))
            write_mask(root / f"Annotations/480p/{name}/{number:05}.png", np.ones(SIZE, np.uint8))
    (root / "ImageSets/2016").mkdir(parents=True)
    return root


def _read_list(path: Path, root: Path) -> None:
    (root / "ImageSets/2016/val.txt").write_bytes(path.read_bytes())
    for video in davis(root, "val", 2016):
        list(video.given)


def _annotations() -> bytes:
    counts = [24 * 3, 12, 24 * 28]
    regions = [
        {"id": number, "image_id": 7, "category_id": 1, "iscrowd": number - 1, "area": 40.0, "segmentation": shape}
        for number, shape in ((1, [[1, 1, 9, 1, 9, 9]]), (2, {"size": [24, 32], "counts": counts}))
    ]
    image = {"id": 7, "file_name": "7.jpg", "height": 24, "width": 32}
    return json.dumps({"images": [image], "annotations": regions, "categories": [{"id": 1, "name": "x"}]}).encode()


def _read_annotations(path: Path, root: Path) -> None:
    if not root.exists():
        write_image(root / "train2017/7.jpg", np.zeros((*SIZE, 3), np.uint8))
        (root / "annotations").mkdir()
    (root / "annotations/instances_train2017.json").write_bytes(path.read_bytes())
    for video in coco(root):
        assert video.truth is not None
        list(zip(video.frames, video.truth, strict=True))


def _read_meta(path: Path, folder: Path) -> None:
    (folder / "train").mkdir(parents=True, exist_ok=True)
    (folder / "train/meta.json").write_bytes(path.read_bytes())
    if lines := problems(Foldered("train", 1), folder):
        raise InputError(next(line for line in lines))


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("train/JPEGImages/a/00000.jpg", "train/Annotations/a/00000.png", "train/meta.json"):
            archive.writestr(name, b"content " * 20)
    return file.getvalue()


def _tar(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # pyright: ignore[reportCallIssue, reportArgumentType]
        for name in ("train/JPEGImages/a/00000.jpg", "train/meta.json"):
            info = tarfile.TarInfo(name)
            info.size = 160
            archive.addfile(info, io.BytesIO(b"content " * 20))
    return file.getvalue()


def _unpack(path: Path, scratch: Path) -> None:
    with TemporaryDirectory(dir=scratch) as folder:
        unpack(path, Path(folder) / "data", SOURCES["youtube-vos-2018"]["train"])
        if left := [file for file in scratch.iterdir() if file.name not in KNOWN and file != Path(folder)]:
            raise OSError(f"{left[0]}: written outside of its folder")


KNOWN = {"data", "coco", "youtube", "damaged"}  # folders that the kinds themselves make
