"""The page of ``web/dist`` in a browser: open a video, draw, track, save; and what went wrong meanwhile."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from zipfile import ZipFile

import numpy as np
from PIL import Image as Pictures
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests_browser.server import HOST
from tools.serve_web import server

WAIT = 120_000  # milliseconds; other programs may run beside the tests
Pixel = tuple[int, int]


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address at which a folder's files are served."""
    with server(folder) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{http.server_port}"
        http.shutdown()


class Web:
    """The page; collects errors and requests to elsewhere."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        context.on("request", lambda request: self._note_address(request.url))
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address)

    @property
    def canvas(self) -> Locator:
        """The frame to draw on."""
        return self.page.locator("#canvas")

    def open(self, *files: Path) -> None:
        """Choose a film or pictures, and wait until the first frame is there."""
        self.page.locator("#files").set_input_files([str(path) for path in files])
        expect(self.page.locator("#status")).to_contain_text("Outline an object", timeout=WAIT)

    def problem(self, text: str) -> None:
        """That the page says so in place."""
        expect(self.page.locator("#problem")).to_contain_text(text, timeout=WAIT)

    def says(self, text: str) -> None:
        """Wait until the status has this text."""
        expect(self.page.locator("#status")).to_contain_text(text, timeout=WAIT)

    def button(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def place(self, pixel: Pixel, size: tuple[int, int]) -> tuple[float, float]:
        """Where on the page the middle of a frame's pixel is; the size is width and height."""
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        assert box is not None
        return box["x"] + (pixel[0] + 0.5) * box["width"] / size[0], box["y"] + (pixel[1] + 0.5) * box["height"] / size[
            1
        ]

    def polygon(self, corners: Iterable[Pixel], size: tuple[int, int]) -> None:
        """Outline by mouse, closed by Enter."""
        self.button("Polygon")
        for corner in corners:
            self.page.mouse.click(*self.place(corner, size))
        self.page.keyboard.press("Enter")

    def go_to(self, frame: int) -> None:
        """Step to a frame, counted from 1, by the slider."""
        slider = self.page.locator("#frame")
        slider.fill(str(frame))
        self.page.wait_for_function(
            "n => document.getElementById('canvas').getAttribute('aria-label').startsWith(`Frame ${n} `)", arg=frame
        )

    def box(self, corner: Pixel, opposite: Pixel, size: tuple[int, int]) -> None:
        """Outline by two touches."""
        self.button("Box")
        for pixel in (corner, opposite):
            self.page.touchscreen.tap(*self.place(pixel, size))

    def track(self, direction: str = "forwards") -> None:
        """Track to the end."""
        self.page.locator(f"#{direction}").click()
        self.says("tracked")

    def saved(self, button: str) -> bytes:
        """The file that a button saves."""
        with self.page.expect_download(timeout=WAIT) as download:
            self.button(button)
        return download.value.path().read_bytes()

    def masks(self) -> dict[str, np.ndarray]:
        """The masks of the zip, by their frames' names."""
        with ZipFile(io.BytesIO(self.saved("Masks (PNG, zip)"))) as archive:
            pictures = {name: Pictures.open(io.BytesIO(archive.read(name))) for name in archive.namelist()}
        assert {picture.mode for picture in pictures.values()} == {"P"}
        return {name.removesuffix(".png"): np.array(picture) for name, picture in pictures.items()}

    def _note_address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.hostname != HOST:
            self.foreign.append(address)
