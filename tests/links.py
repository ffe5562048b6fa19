"""Links in texts: those that lead to no file here, or to no heading of a page."""

import re
from pathlib import Path


def relative_links(text: str) -> list[str]:
    """The targets of links and pictures, in Markdown or HTML, that are no whole addresses."""
    targets = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"(?:href|src)=\"([^\"]+)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def lost_links(text: str, path: Path) -> list[str]:
    """The relative links in a text, which stands in the file ``path``, that lead nowhere."""
    return [link for link in relative_links(text) if not _leads_somewhere(link, path)]


def _leads_somewhere(link: str, path: Path) -> bool:
    file, _, anchor = link.partition("#")
    page = path.parent / file if file else path
    return page.exists() and (not anchor or anchor in _anchors(page))


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings. It gives none to a notebook's."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE) if page.suffix == ".md" else []
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
