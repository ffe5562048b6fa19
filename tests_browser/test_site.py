"""The site that `make docs` builds, on a screen and on a phone, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests_browser.web import serving

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
THEME = ["label-content-name-mismatch"]  # what the theme's search button breaks: it shows its key, and does not say it
PAGES = [
    "index",
    "notebooks/00_quickstart",
    "notebooks/03_templates",
    "docs/track",
    "docs/evaluate",
    "reference",
    "reference/tbd_lib/tracking/tracker/index",
]

pytestmark = pytest.mark.skipif(not SITE.exists(), reason="the site is not built: make docs")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(SITE) as address:
        yield address


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page that ends without errors on its console and without requests to elsewhere."""
    page = browser.new_page(base_url=address, color_scheme=request.param, reduced_motion="reduce")
    errors, foreign = [], []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "request", lambda asked: foreign.append(asked.url) if not asked.url.startswith((address, "data:")) else None
    )
    yield page
    page.close()
    assert errors == []
    assert foreign == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_shows_all_its_pictures(name: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("for (const picture of document.images) picture.loading = 'eager'")
    page.wait_for_load_state("networkidle")
    assert (
        page.evaluate("[...document.images].filter(picture => !picture.naturalWidth).map(picture => picture.src)") == []
    )


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in web/")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(name: str, page: Page) -> None:
    page.goto(f"/{name}.html", wait_until="networkidle")  # by then the theme has its colours
    page.add_script_tag(path=AXE)
    options = {"rules": {rule: {"enabled": False} for rule in THEME}}
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    assert [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found] == []


def test_the_search_finds_a_lesson(page: Page) -> None:
    page.goto("/search.html?q=inertia")
    page.get_by_role("link", name="Template construction").first.wait_for()
