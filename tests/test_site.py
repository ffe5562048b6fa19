"""The checker of the built site finds what is broken, and the reference lists what the package offers."""

import re
from pathlib import Path

import pytest

import tbd_lib
from tools.check_site import faults, main

ROOT = Path(__file__).parents[1]


def write(folder: Path, **pages: str) -> Path:
    """A site of pages with these bodies."""
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f'<!doctype html><html lang="en"><body id="top">{body}</body></html>')
    return folder


def test_a_whole_site_has_no_faults(tmp_path: Path) -> None:
    (tmp_path / "a picture.png").touch()
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", index="")
    links = '<a href="other.html#below">x</a><a href="#top">x</a><a href="folder/?query">x</a>'
    write(tmp_path, index=links + '<img src="a%20picture.png" alt=""><a href="https://b.org/gone">x</a>')
    write(tmp_path, other='<p id="below"></p><img src="data:image/png;base64,AA" alt="a dot">')
    assert list(faults(tmp_path)) == []
    assert main([str(tmp_path)]) is None


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html: no such file"),
        ('<a href="folder/">x</a>', "folder/: no such file"),
        ('<a href="other.html#above">x</a>', "other.html#above: no anchor 'above'"),
        ('<a href="#above">x</a>', "#above: no anchor 'above'"),
        ('<a href="/other.html">x</a>', "/other.html: begins at the server's root, which a site in a folder is not"),
        ('<img src="gone.png" alt="x">', "gone.png: no such file"),
        ('<img srcset="other.html 1x, gone.png 2x" alt="x">', "gone.png: no such file"),
        ('<img src="other.html">', "other.html: a picture without alternative text"),
        ('<link rel="stylesheet" href="gone.css">', "gone.css: no such file"),
        ('<script src="https://b.org/x.js"></script>', "https://b.org/x.js: loaded from another machine"),
        ('<link rel="stylesheet" href="//b.org/x.css">', "//b.org/x.css: loaded from another machine"),
    ],
)
def test_each_kind_of_fault_is_found(body: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, index=body, other='<p id="below"></p>')
    assert main([str(tmp_path)]) == f"1 faults in {tmp_path}"
    assert capsys.readouterr().out == f"index.html: {fault}\n"


def test_a_link_out_of_the_site_is_a_fault(tmp_path: Path) -> None:
    write(tmp_path, outside="")
    (tmp_path / "site").mkdir()
    write(tmp_path / "site", index='<a href="../outside.html">x</a>')
    assert list(faults(tmp_path / "site")) == ["index.html: ../outside.html: outside of the site"]


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == f"no page in {tmp_path}"


def test_the_reference_lists_the_public_names() -> None:
    listed = re.findall(r"^   tbd_lib\.([\w.]+)\.(\w+)$", (ROOT / "site" / "reference.md").read_text(), re.MULTILINE)
    assert sorted(name for _, name in listed) == tbd_lib.__all__
    for home, name in listed:
        assert getattr(tbd_lib, name).__module__ == f"tbd_lib.{home}"
