"""One browser page with a notebook in JupyterLab: open it, run it, find its inspectors, move them; and what went wrong."""

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
OPEN, RUN, ANSWER = 60_000, 300_000, 20_000  # milliseconds

NOTEBOOK = "window.jupyterapp.shell.currentWidget"
IS_OPEN = f"() => window.jupyterapp && {NOTEBOOK} && {NOTEBOOK}.context && {NOTEBOOK}.context.isReady"
KERNEL_ANSWERS = f"async () => {{ await {NOTEBOOK}.sessionContext.session?.kernel?.info; return true; }}"
HAS_KERNEL = f"() => Boolean({NOTEBOOK}.sessionContext.session?.kernel)"
RUN_ALL = """() => {
    window.ran = false;
    window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ran = true; });
}"""
DIGEST = """async picture => {
    const content = await (await fetch(picture.src)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
    return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('');
}"""


@dataclass(frozen=True)
class Look:
    """What an inspector shows: the digest of its picture, and what it says."""

    picture: str
    caption: str


class Lab:
    """A page of a browser context that shows one notebook; collects errors and requests to elsewhere."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.server = server
        self.errors: list[str] = []
        self.foreign: list[str] = []
        context.on("request", lambda request: self._note_address(request.url))
        context.route(BADGE, self._stand_in)
        self.page: Page = context.new_page()
        self.page.on("console", lambda said: self._note_error(said.type, said.text))
        self.page.on("pageerror", lambda error: self._note_error("error", str(error)))
        self.page.on("websocket", lambda socket: self._note_address(socket.url))

    def open(self, name: str) -> None:
        """Open a notebook of the server's folder, and wait until it is there."""
        self.page.goto(self.server.page_of(name))
        self.page.wait_for_function(IS_OPEN, timeout=OPEN)
        self.page.locator(".jp-Notebook .jp-RenderedMarkdown h1").first.wait_for(timeout=OPEN)

    def run_all(self) -> NotebookNode:
        """Run all cells, and wait until they are done. The notebook as it then is."""
        self.page.wait_for_function(HAS_KERNEL, timeout=OPEN)
        self.page.evaluate(KERNEL_ANSWERS)  # the light says idle before; what is run then is lost
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.ran", timeout=RUN)
        return self.notebook()

    def notebook(self) -> NotebookNode:
        """What the page holds now, outputs and all."""
        return nbformat.from_dict(self.page.evaluate(f"() => {NOTEBOOK}.content.model.sharedModel.toJSON()"))

    def inspectors(self) -> list[Locator]:
        """The inspectors that cells have displayed, each scrolled to when it is used."""
        cells = enumerate(self.notebook().cells)
        return [self._inspector_of(i) for i, cell in cells if any(map(_is_widget, cell.get("outputs", [])))]

    def _inspector_of(self, cell: int) -> Locator:
        self.page.evaluate(f"i => {NOTEBOOK}.content.scrollToItem(i, 'start')", cell)  # what is far off is not drawn
        found = self.page.locator(f'.jp-Cell[data-windowed-list-index="{cell}"] .tbd-inspector')
        found.wait_for(timeout=ANSWER)
        return found

    def look(self, inspector: Locator) -> Look:
        caption = inspector.locator(".tbd-caption")
        return Look(inspector.locator("img").evaluate(DIGEST), caption.inner_text())

    def move(self, inspector: Locator) -> Look:
        """Move an inspector's first slider by one step with the keyboard, and wait until caption and picture change."""
        before = self.look(inspector)
        slider = inspector.get_by_role("slider").first
        last = slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax")
        slider.press("ArrowLeft" if last else "ArrowRight")
        expect(inspector.locator(".tbd-caption")).not_to_have_text(before.caption, timeout=ANSWER)
        return self._another_picture(inspector, before)

    def _another_picture(self, inspector: Locator, before: Look) -> Look:
        end = time.monotonic() + ANSWER / 1000
        while (now := self.look(inspector)).picture == before.picture and time.monotonic() < end:
            self.page.wait_for_timeout(100)
        return now

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
