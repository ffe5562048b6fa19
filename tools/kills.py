"""Kill commands at random moments, and give them no room to write: is anything half, lost or left behind?

A command runs in a process of its own, which is killed (SIGKILL) or may write no file beyond so many bytes. Then the
same command runs again, undisturbed, and must give what it gives where nothing ever happened.
"""

import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Pictures
from safetensors import safe_open
from tqdm.auto import tqdm

from tbd_lib.cli.main import main
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.training.checkpoint import save_weights
from tbd_lib.video.frames import FileFrames, write_image
from tbd_lib.video.masks import write_mask

TESTS = Path(__file__).parents[1] / "tests"  # of tbd prepare have a server, which misbehaves as others do
DOCUMENTED = {".tbd-prepare.lock", ".tbd-written"}  # what stays hidden beside results
CLOCK = {"provenance", "time", "clips_per_second", "seconds", "frames_per_second", "peak_memory_bytes", "fps"}
CLOCK |= {"earlier"}  # parts of a run that was killed and went on
SIZE = (48, 64)
PRELOADED = [
    "torch",
    "tools.kills",
    "tbd_lib.tracking.bidirectional",
    "tbd_lib.training.train",
    "tbd_lib.video.outputs",
]
LONGEST = 300  # seconds without a word, after which a command counts as one that hangs
TRAINING = (
    "train sample --iterations 3 --batch 2 --frames 2 --workers 0 --save-every 1 --log-every 1 --validate-every 3 "
    "--hold-out 1 --synthetic-share 0 --augment.crop 48 --model.key-channels 8 --model.decoder-channels 8 "
    "--precision float32 --warm-up 0 --context-from 0 --context-full 0"
)


@dataclass(frozen=True)
class Command:
    """A command, whose results go below the folder ``{out}`` and whose inputs lie in the folder that it runs in."""

    name: str
    arguments: str
    archive: str | None = None  # what tbd prepare fetches, and from where

    def begin(self, folder: Path, out: Path, most: int | None = None) -> "Running":
        """Begin it in a process of its own; ``most`` is how many bytes a file may have."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        arguments = [part.format(out=out) for part in self.arguments.split()]
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(arguments, folder, writer, most, self.archive))
        process.start()
        writer.close()
        return Running(process, reader)


@dataclass(frozen=True)
class Running:
    """A process that has begun, and the pipe through which it speaks."""

    process: BaseProcess
    reader: Connection

    def end(self) -> tuple[int | None, str]:
        """Wait until it ends; its exit status (None for one that hangs, which is killed), and what it output."""
        output = b""
        while self.reader.poll(LONGEST) and (part := os.read(self.reader.fileno(), 65536)):
            output += part
        self.process.join(1)
        status = self.process.exitcode
        self.kill()
        return status, output.decode(errors="replace").replace("\r", "\n").strip()

    def kill(self) -> None:
        """Kill it, wherever it is."""
        self.process.kill()
        self.process.join()
        self.reader.close()


def commands(folder: Path, address: str = "") -> dict[str, Command]:
    """Make the inputs of all commands in a folder; ``address`` serves ``prepare.zip``, which lies there too."""

    random = np.random.default_rng(0)
    for name in ("a", "b"):
        for number in range(4):
            mask = np.zeros(SIZE, np.uint8)
            mask[10 : 30 + number, 10:30] = 1
            frame = random.integers(0, 256, (*SIZE, 3), np.uint8)
            write_image(folder / f"data/JPEGImages/480p/{name}/{number:05}.jpg", frame)
            write_mask(folder / f"data/Annotations/480p/{name}/{number:05}.png", mask)
    lists = folder / "data/ImageSets/2017/val.txt"
    lists.parent.mkdir(parents=True)
    lists.write_text("a\nb\n")
    torch.manual_seed(0)
    save_weights(
        folder / "tiny.safetensors",
        build_model(replace(SMALL, key_channels=8, decoder_channels=8)),
    )
    sys.path.insert(0, str(TESTS))
    from archive_server import davis_trainval, zipped  # pyright: ignore[reportMissingImports]

    (folder / "prepare.zip").write_bytes(zipped(davis_trainval()))
    tracked = "track data/JPEGImages/480p/a --mask data/Annotations/480p/a/00000.png --out {out} --overwrite"
    every = (
        Command("track", f"{tracked} --weights tiny.safetensors --engine plain --save mp4 objects coco npz cutouts"),
        Command("train", f"{TRAINING} --out {{out}} --device cpu"),
        Command("prepare", "prepare davis --root {out}", address),
        Command("export", "export data/Annotations/480p {out}/masks.zip --data data --overwrite"),
        Command("export-model", "export-model {out}/graphs --weights tiny.safetensors --overwrite"),
    )
    return {command.name: command for command in every}


def result(command: Command, folder: Path, out: Path) -> dict[str, Any]:
    """What the command gives.

    Raises:
        RuntimeError: it does not end well.
    """
    status, output = command.begin(folder, out).end()
    if status != 0:
        raise RuntimeError(f"{command.name} ended with {status}: {output[-200:]}")
    return content(out)


def faults_of_kill(command: Command, folder: Path, out: Path, moment: float, expected: Mapping[str, Any]) -> list[str]:
    """What is wrong after a kill, and after the same command has run once more; nothing if all is well."""
    shutil.rmtree(out, ignore_errors=True)
    running = command.begin(folder, out)
    time.sleep(moment)
    running.kill()
    found = [f"half after a kill: {line}" for line in unreadable(out)]
    try:
        again = result(command, folder, out)
    except RuntimeError as error:
        return [*found, str(error)]
    wrong = sorted(name for name in {*again, *expected} if again.get(name) != expected.get(name))
    return [*found, *(f"not as without a kill: {name}" for name in wrong), *(f"left behind: {x}" for x in hidden(out))]


def faults_of_no_room(command: Command, folder: Path, out: Path, most: int) -> list[str]:
    """What is wrong where no file may become larger than this; nothing if all is well."""
    shutil.rmtree(out, ignore_errors=True)
    status, output = command.begin(folder, out, most).end()
    found = [f"half in a full place: {line}" for line in unreadable(out)]
    found += [f"left behind in a full place: {path}" for path in hidden(out)]
    if status not in (0, 2) or (status and not output.splitlines()[-1].startswith("tbd: ")):
        found.append(f"ended with {status} where files have at most {most} bytes: {output[-300:]}")
    return found + ["a traceback"] * ("Traceback" in output)


def unreadable(out: Path) -> list[str]:
    """Files under their final names that cannot be read."""
    found = []
    for path in _files(out):
        if not _is_hidden(path, out) and path.suffix in READERS:
            try:
                READERS[path.suffix](path)
            except Exception as error:  # whatever it is, the file is no good
                found.append(f"{path.relative_to(out)}: {type(error).__name__} {error}")
    return found


def hidden(out: Path) -> list[str]:
    """Temporary files that are left, but for those that are documented."""
    return [str(path.relative_to(out)) for path in _files(out) if _is_hidden(path, out) and path.name not in DOCUMENTED]


def content(out: Path) -> dict[str, Any]:
    """All results by their name: what they hold, without times and dates."""
    return {str(path.relative_to(out)): _content(path) for path in _files(out) if not _is_hidden(path, out)}


def _content(path: Path) -> Any:
    if path.suffix in (".npz", ".zip"):
        with zipfile.ZipFile(path) as archive:
            return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text()))
    if path.suffix == ".jsonl":
        return [_timeless(json.loads(line)) for line in path.read_text().splitlines()]
    if path.suffix == ".pt":
        return None  # final.safetensors shows whether it was right
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _timeless(value: Any) -> Any:
    return {name: part for name, part in value.items() if name not in CLOCK} if isinstance(value, dict) else value


def _run(arguments: Sequence[str], folder: Path, output: Connection, most: int | None, archive: str | None) -> None:
    """In the new process: run a command, whose words go to a pipe."""
    for number in (1, 2):
        os.dup2(output.fileno(), number)
    output.close()
    os.chdir(folder)
    tqdm.set_lock(threading.RLock())  # its usual one is the system's, and would outlive a process that is killed
    os.environ |= {"NO_PROXY": "127.0.0.1", "TBD_HOME": str(folder / "home")}
    torch.set_num_threads(1)
    if archive is not None:
        _offer(folder / "prepare.zip", archive)
    if most is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    sys.argv = ["tbd", *arguments]
    sys.exit(main())


def _offer(path: Path, address: str) -> None:
    """Put the archive at this address into the table of what can be prepared."""
    sys.path.insert(0, str(TESTS))
    from archive_server import TRAINVAL, offered  # pyright: ignore[reportMissingImports]

    from tbd_lib.datasets.prepare.sources import SOURCES

    SOURCES["davis"]["trainval"] = offered(TRAINVAL, path.read_bytes(), address)  # type: ignore[index]


def _files(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.is_file()) if out.is_dir() else []


def _is_hidden(path: Path, out: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(out).parts) or path.parts[-2] == "downloads"


def _picture(path: Path) -> None:
    with Pictures.open(path) as picture:
        picture.verify()  # sums of all parts; pixels alone may be whole where the end is missing
    with Pictures.open(path) as picture:
        picture.load()


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if broken := archive.testzip():
            raise ValueError(broken)


def _safetensors(path: Path) -> None:
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a mapping)
            file.get_tensor(name)


def _graph(path: Path) -> None:
    import onnx

    onnx.checker.check_model(onnx.load(path))


READERS: Mapping[str, Callable[[Path], object]] = {
    ".png": _picture,
    ".jpg": _picture,
    ".json": lambda path: json.loads(path.read_text()),
    ".npz": _zip,
    ".zip": _zip,
    ".safetensors": _safetensors,
    ".pt": lambda path: torch.load(path, weights_only=True),
    ".mp4": lambda path: list(FileFrames(path)),
    ".onnx": _graph,
    ".txt": lambda path: path.read_bytes()[0],
}
