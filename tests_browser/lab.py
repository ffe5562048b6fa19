"""A notebook in JupyterLab, in a browser: open it, run it, move its inspectors; and what went wrong meanwhile."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests_browser.server import HOST, Server

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # the only thing that lessons show from elsewhere
BADGE_STANDS_IN = '<svg xmlns="http://www.w3.org/2000/svg" width="117" height="20"/>'
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
OPEN, ANSWER = 60_000, 20_000  # milliseconds

NOTEBOOK = "window.jupyterapp.shell.currentWidget"
OPEN_PATH = """async path => {
    await window.jupyterapp.restored;
    const opened = await window.jupyterapp.commands.execute('docmanager:open', { path });
    await opened.context.ready;
    await opened.revealed;
}"""
CLOSE = f"""async () => {{
    const closed = {NOTEBOOK};
    await closed.sessionContext.shutdown();
    closed.dispose();
}}"""
HAS_KERNEL = f"() => Boolean({NOTEBOOK}.sessionContext.session?.kernel)"
KERNEL_ANSWERS = f"async () => {{ await {NOTEBOOK}.sessionContext.session.kernel.info; }}"
RUN_CELL = f"""async cell => {{
    {NOTEBOOK}.content.activeCellIndex = cell;
    const ran = await window.jupyterapp.commands.execute('notebook:run-cell');
    const outputs = {NOTEBOOK}.content.model.sharedModel.cells[cell].toJSON().outputs;
    return [ran, outputs.some(output => '{WIDGET_VIEW}' in (output.data ?? {{}}))];
}}"""
SET_SOURCE = f"""([cell, source]) => {{
    {NOTEBOOK}.content.model.sharedModel.cells[cell].setSource(source);
}}"""
SETTLED = f"""async () => {{
    await new Promise(requestAnimationFrame);
    await {NOTEBOOK}.sessionContext.session.kernel.requestKernelInfo();
    await new Promise(requestAnimationFrame);
}}"""
DIGEST = """async picture => {
    const content = await (await fetch(picture.src)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
    return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('');
}"""
CONTENT = f"() => JSON.stringify({NOTEBOOK}.content.model.sharedModel)"
BROKEN = """async all => {
    const loads = await Promise.allSettled(all.map(image => image.decode()));
    return loads.some(load => load.status === 'rejected');
}"""
CUT_OFF = """all => all.filter(label => {
    const text = document.createRange();
    text.selectNodeContents(label);
    const [letters, room] = [text.getBoundingClientRect(), label.getBoundingClientRect()];
    return letters.width > room.width || letters.bottom > room.bottom;
}).map(label => label.textContent)"""


@dataclass(frozen=True)
class Look:
    """What an inspector shows: the digests of its pictures, and its alternative text."""

    picture: str
    description: str


class Lab:
    """A page of a browser context that shows one notebook; collects errors and requests to elsewhere."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.server = server
        self.errors: list[str] = []
        self.foreign: list[str] = []
        context.on("request", lambda request: self._note_address(request.url))
        context.route(BADGE, self._stand_in)
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self._note_error(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note_error("error", str(error)))
        self.page.on("websocket", lambda socket: self._note_address(socket.url))

    def start(self) -> None:
        """Load the application."""
        self.page.goto(self.server.page)
        self.page.wait_for_function("() => window.jupyterapp", timeout=OPEN)

    def open(self, name: str) -> None:
        """Open a notebook of the server's folder, and wait until it and its kernel are there."""
        self.page.evaluate(OPEN_PATH, name)
        self.page.wait_for_function(HAS_KERNEL, timeout=OPEN)
        self.page.evaluate(KERNEL_ANSWERS)  # the light says idle before; what is run then is lost

    def close(self) -> None:
        """Close the notebook and end its kernel."""
        self.page.evaluate(CLOSE)

    def show_all(self) -> list[int]:
        """Bring every cell with pictures into view, and wait until they are there: what is far off is not drawn.

        Returns:
            The cells with a picture that cannot be drawn.
        """
        broken = []
        for i, cell in enumerate(self.notebook().cells):
            if count := sum(map(_is_picture, cell.get("outputs", []))):
                self._scroll_to(i)
                pictures = self._cell(i).locator(".jp-OutputArea img")
                expect(pictures).to_have_count(count, timeout=ANSWER)
                broken += [i] if pictures.evaluate_all(BROKEN) else []
        return broken

    def run_all(self) -> tuple[NotebookNode, dict[int, Look]]:
        """Run all cells one by one, as somebody who reads does, until one fails.

        What a cell displays is there before the next one runs, and the kernel has heard what its controls say: a
        slider sends a value back if it cannot stand at the one it was given.

        Returns:
            The notebook as it then is; and how each inspector looked when its cell, by number, had displayed it.
        """
        first = {}
        for i, cell in enumerate(self.notebook().cells):
            if cell.cell_type != "code":
                continue
            ran, displays_widget = self.page.evaluate(RUN_CELL, i)
            if not ran:
                break
            if displays_widget:
                widget = self.widget(i)
                self.page.evaluate(SETTLED)
                if "tbd-inspector" in (widget.get_attribute("class") or ""):
                    first[i] = self.look(widget)
        return self.notebook(), first

    def run_cell(self, cell: int) -> None:
        """Run one cell, which must not fail."""
        ran, _ = self.page.evaluate(RUN_CELL, cell)
        assert ran, self.notebook().cells[cell].outputs

    def ask(self, cell: int, code: str) -> str:
        """Put code into a cell, run it when the kernel has heard all that the page has to say, and take its output."""
        self.page.evaluate(SETTLED)
        self.page.evaluate(SET_SOURCE, [cell, code])
        self.run_cell(cell)
        return "".join(output.text for output in self.notebook().cells[cell].outputs)

    def notebook(self) -> NotebookNode:
        """What the page holds now, outputs and all."""
        return nbformat.reads(self.page.evaluate(CONTENT), as_version=4)

    def inspector_cells(self) -> list[int]:
        """The cells that have displayed an inspector."""
        return [i for i, cell in enumerate(self.notebook().cells) if any(map(_is_widget, cell.get("outputs", [])))]

    def widget(self, cell: int) -> Locator:
        """The inspector, or the canvas to draw on, that a cell has displayed, brought into view."""
        self._scroll_to(cell)
        found = self._cell(cell).locator(".tbd-inspector, .tbd-drawing")
        found.wait_for(timeout=ANSWER)
        return found

    def cut_off(self, inspector: Locator) -> list[str]:
        """The words and numbers beside controls that cannot be read whole."""
        return inspector.locator(".widget-label, .widget-readout").evaluate_all(CUT_OFF)

    def look(self, inspector: Locator) -> Look:
        digests = [picture.evaluate(DIGEST) for picture in inspector.locator("img").all()]
        return Look(" ".join(digests), inspector.locator(".tbd-board").get_attribute("aria-label") or "")

    def move(self, inspector: Locator) -> Look:
        """Move an inspector's frame, or its seed, by one step with the keyboard, and wait for what it shows then."""
        before = self.look(inspector)
        seed, frame = inspector.get_by_role("spinbutton", name="seed"), inspector.locator(".noUi-handle").first
        if seed.count():
            seed.press("ArrowUp")
            seed.press("Enter")
        else:
            last = frame.get_attribute("aria-valuenow") == frame.get_attribute("aria-valuemax")
            frame.press("ArrowLeft" if last else "ArrowRight")
        board = inspector.locator(".tbd-board")
        expect(board).not_to_have_attribute("aria-label", before.description, timeout=ANSWER)
        return self._another_picture(inspector, before)

    def _cell(self, cell: int) -> Locator:
        return self.page.locator(f'.jp-Cell[data-windowed-list-index="{cell}"]')

    def _scroll_to(self, cell: int) -> None:
        self.page.evaluate(f"i => {NOTEBOOK}.content.scrollToItem(i, 'start')", cell)

    def _another_picture(self, inspector: Locator, before: Look) -> Look:
        end = time.monotonic() + ANSWER / 1000
        while (now := self.look(inspector)).picture == before.picture and time.monotonic() < end:
            self.page.wait_for_timeout(100)
        return now

    def take_complaints(self) -> tuple[list[str], list[str]]:
        """Errors since this was last asked, and addresses elsewhere that were asked for."""
        errors, foreign = self.errors, self.foreign
        self.errors, self.foreign = [], []
        return errors, foreign

    def _note_address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.hostname != HOST and address != BADGE:
            self.foreign.append(address)

    def _note_error(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    @staticmethod
    def _stand_in(route: Route) -> None:
        route.fulfill(content_type="image/svg+xml", body=BADGE_STANDS_IN)


def _is_widget(output: dict[str, Any]) -> bool:
    return WIDGET_VIEW in output.get("data", {})


def _is_picture(output: dict[str, Any]) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))
