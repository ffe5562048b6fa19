"""What the tests of ``tbd prepare`` share: a server on this machine that can misbehave, and archives as released."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image as Pictures

from tbd_lib.datasets.prepare.sources import SOURCES, Images, Source


@dataclass
class Served:
    """A file, and how its server behaves."""

    content: bytes
    breaks: list[int] = field(default_factory=list)  # the n-th answer ends after so many bytes
    ignores_range: bool = False
    shifts_range: int = 0  # the rest begins so many bytes off
    status: int = 200
    tells_size: bool = True


@dataclass(frozen=True)
class Asked:
    """A request, and what was answered."""

    path: str
    start: int  # of the range that was asked for
    sent: int  # bytes of content


class Server:
    """Serves ``files`` by their paths and keeps a log of what was asked."""

    def __init__(self, address: str):
        self.address = address
        self.files: dict[str, Served] = {}
        self.log: list[Asked] = []

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    def serve(self, name: str, content: bytes, **behaviour: object) -> str:
        self.files[f"/{name}"] = Served(content, **behaviour)  # type: ignore[arg-type]
        return self.url(name)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served = server.files.get(self.path, Served(b"not found", status=404))
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
            start = 0 if served.ignores_range or served.status != 200 else start
            content = served.content[start + (served.shifts_range if start else 0) :]
            status = 206 if start else served.status
            if start >= len(served.content) > 0:
                status, content = 416, b""
            sent = content[: served.breaks.pop(0)] if served.breaks and status < 400 else content
            server.log.append(Asked(self.path, start, len(sent)))
            self.send_response(status)
            if status == 206:
                end = len(served.content)
                self.send_header("Content-Range", f"bytes {start + served.shifts_range}-{end - 1}/{end}")
            if served.tells_size:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # one who asks again for the rest does not read all
                self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def running() -> Iterator[Server]:
    """A server on a free port of this machine."""
    server = Server("")
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.address = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def gone() -> str:
    """An address at which nobody answers."""
    with running() as server:
        return server.url("gone.zip")


def zipped(files: dict[str, bytes], links: Iterable[str] = ()) -> bytes:
    """A zip file with these files; those of ``links`` are symbolic links to what they hold."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o120777 if name in links else 0o100644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def _picture(kind: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.zeros((8, 8, 3) if mode == "RGB" else (8, 8), np.uint8)
    pixels[2:5, 2:5] = 1
    Pictures.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


FRAME, MASK = _picture("JPEG", "RGB"), _picture("PNG", "L")


def davis_videos(count: int, first: int = 0) -> list[str]:
    return [f"video-{number:02}" for number in range(first, first + count)]


def dense(top: str, video: str, frames: int = 2, masks: int | None = None) -> dict[str, bytes]:
    """A video of DAVIS."""
    masks = frames if masks is None else masks
    return {f"{top}/JPEGImages/480p/{video}/{number:05}.jpg": FRAME for number in range(frames)} | {
        f"{top}/Annotations/480p/{video}/{number:05}.png": MASK for number in range(masks)
    }


def davis_trainval() -> dict[str, bytes]:
    """The files of DAVIS-2017's archive for training and validation, with tiny pictures."""
    train, val = davis_videos(60), davis_videos(30, 60)
    lists = {"2017/train": train, "2017/val": val, "2016/train": train[:30], "2016/val": val[:20]}
    files = {f"DAVIS/ImageSets/{name}.txt": "\n".join(videos).encode() for name, videos in lists.items()}
    files |= {"DAVIS/README.md": b"terms", "DAVIS/SOURCES.md": b"sources", "__MACOSX/DAVIS/._README.md": b"junk"}
    for video in train + val:
        files |= dense("DAVIS", video)
    return files


def davis_test_dev() -> dict[str, bytes]:
    """The files of DAVIS-2017's test-dev archive: first masks only."""
    videos = davis_videos(30, 90)
    files = {"DAVIS/ImageSets/2017/test-dev.txt": "\n".join(videos).encode(), "DAVIS/README.md": b"other terms"}
    for video in videos:
        files |= dense("DAVIS", video, masks=1)
    return files


def davis_2016() -> dict[str, bytes]:
    """The files of DAVIS-2016's own release: lists of two paths a line, and a resolution that is not wanted."""
    train, val = davis_videos(30), davis_videos(20, 60)
    files = {"DAVIS/JPEGImages/1080p/video-00/00000.jpg": b"large"}
    for name, videos in (("train", train), ("val", val)):
        lines = [
            f"/JPEGImages/480p/{video}/{n:05}.jpg /Annotations/480p/{video}/{n:05}.png"
            for video in videos
            for n in (0, 1)
        ]
        files[f"DAVIS/ImageSets/480p/{name}.txt"] = "\n".join(lines).encode()
        for video in videos:
            files |= dense("DAVIS", video)
    return files


def coco_annotations(count: int = 3) -> dict[str, bytes]:
    images = [{"id": number, "file_name": f"{number:012}.jpg", "height": 8, "width": 8} for number in range(count)]
    content = {"images": images, "annotations": [], "categories": []}
    return {
        "annotations/instances_train2017.json": json.dumps(content).encode(),
        "annotations/captions_train2017.json": b"{}",
    }


def coco_images(count: int = 3) -> dict[str, bytes]:
    return {f"train2017/{number:012}.jpg": FRAME for number in range(count)}


def youtube(
    part: str, videos: int, step: int = 5, masks: tuple[int, ...] = (0, 5), frames: int = 4
) -> dict[str, bytes]:
    """The files of an archive of YouTube-VOS: a frame in five, objects that appear late."""
    names = [f"{number:010x}" for number in range(videos)]
    files = {f"{part}/JPEGImages/{name}/{n * step:05}.jpg": FRAME for name in names for n in range(frames)}
    files |= {f"{part}/Annotations/{name}/{n:05}.png": MASK for name in names for n in masks}
    if masks:
        files[f"{part}/meta.json"] = json.dumps({"videos": {name: {"objects": {}} for name in names}}).encode()
    return files


def offered(source: Source, content: bytes, *urls: str, known: bool = True) -> Source:
    """A source of the table whose file is another one, at other addresses."""
    facts = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} if known else {}
    return replace(source, urls=urls, **{"size": None, "sha256": None, **facts})


def few_images(source: Source, count: int = 3) -> Source:
    """COCO's images, so many."""
    layout = source.layout
    assert isinstance(layout, Images)
    return replace(source, layout=replace(layout, count=count))


TRAINVAL, TEST_DEV, DAVIS_2016 = (SOURCES["davis"][part] for part in ("trainval", "test-dev", "2016"))
