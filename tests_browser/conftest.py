"""A JupyterLab and a browser for all tests of this folder, and a page that remembers nothing for each file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests_browser.lab import Lab
from tests_browser.server import HOST, Server, jupyterlab
from tests_browser.web import Web, serving
from tools.serve_web import DIST

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",  # nothing leaves this machine, wherever tests run
)
PAGE = ViewportSize(width=1400, height=1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, metavar="FOLDER", help="store a picture of every inspector here")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with jupyterlab(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "no Chromium: run .ci/install-chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(server: Server, browser: Browser) -> Iterator[Lab]:
    """The application in a page that remembers nothing of any other."""
    context = browser.new_context(viewport=PAGE)
    lab = Lab(context, server)
    lab.start()
    yield lab
    context.close()


@pytest.fixture
def lesson(path: Path, lab: Lab) -> Iterator[Lab]:
    """A copy of a lesson, opened. A test that uses it ends without errors and without requests to elsewhere."""
    shutil.copy(path, lab.server.root)
    lab.open(path.name)
    yield lab
    errors, foreign = lab.take_complaints()
    lab.close()
    lab.take_complaints()  # what is under way when a kernel ends is no fault of the lesson
    assert errors == []
    assert foreign == []


@pytest.fixture(scope="session")
def web_address() -> Iterator[str]:
    """Where the page of ``web/dist`` is served."""
    if not (DIST / "index.html").exists():
        pytest.skip("web/dist is not built: `make web`, which needs npm")
    with serving(DIST) as address:
        yield f"{address}/"


@pytest.fixture
def web(web_address: str, browser: Browser) -> Iterator[Web]:
    """The page, newly opened. A test that uses it ends without errors and without requests to elsewhere."""
    context = browser.new_context(viewport=PAGE, has_touch=True)
    page = Web(context, web_address)
    yield page
    context.close()
    assert page.errors == []
    assert page.foreign == []


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path | None:
    """Where pictures of inspectors go, if anywhere."""
    folder = request.config.getoption("--screenshots")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder
