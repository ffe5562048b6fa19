"""Find links and pictures of a built site that lead nowhere.

    python -m tools.check_site build/site

Checkers that crawl a site need minutes, since they read a page anew for every link to it. Here each page is read once.
Addresses on other machines are left alone where a reader follows them, and refused where a page loads them by itself.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"src", "poster", "data"}  # attributes whose address a browser fetches unasked
FOLLOWED = {"alternate", "author", "canonical", "help", "index", "next", "prev", "search"}  # `rel` of <link>


@dataclass
class Page(HTMLParser):
    """What a page names: the anchors that it has, and the addresses that it points to."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    undescribed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down the addresses and anchors of an element."""
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        self.loads += [values[name] for name in LOADED & values.keys()]
        self.loads += [choice.split()[0] for choice in values.get("srcset", "").split(",") if choice.strip()]
        if "href" in values:
            follows = tag != "link" or FOLLOWED & set(values.get("rel", "").split())
            (self.links if follows else self.loads).append(values["href"])
        if tag == "img" and "alt" not in values:
            self.undescribed.append(values.get("src", ""))


def read_page(path: Path) -> Page:
    """The anchors and addresses of an HTML file."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def faults(site: Path) -> Iterator[str]:
    """A line for each link without target, missing file, file from elsewhere, and picture without alternative text."""
    pages = {path.resolve(): read_page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}
    for path, page in pages.items():
        place = path.relative_to(site.resolve())
        for address in page.links + page.loads:
            if found := _fault(address, path, pages, address in page.loads, site.resolve()):
                yield f"{place}: {address}: {found}"
        yield from (f"{place}: {address}: a picture without alternative text" for address in page.undescribed)


def _fault(address: str, path: Path, pages: dict[Path, Page], loaded: bool, site: Path) -> str | None:
    """What is wrong with an address in this page, if anything."""
    parts = urlsplit(address)
    if parts.scheme in ("data", "blob", "javascript"):
        return None
    if parts.scheme or parts.netloc:
        return "loaded from another machine" if loaded else None
    if parts.path.startswith("/"):
        return "begins at the server's root, which a site in a folder is not"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return "no such file"
    if not target.is_relative_to(site):
        return "outside of the site"
    anchor = unquote(parts.fragment)
    return f"no anchor {anchor!r}" if anchor and target in pages and anchor not in pages[target].anchors else None


def main(arguments: list[str]) -> str | None:
    """Print the faults of the site in this folder; what is wrong, or None."""
    (folder,) = arguments
    found = list(dict.fromkeys(faults(Path(folder))))
    print(*found, sep="\n", end="\n" if found else "")
    if not any(Path(folder).rglob("*.html")):
        return f"no page in {folder}"
    return f"{len(found)} faults in {folder}" if found else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
