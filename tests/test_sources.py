"""The table of addresses and facts: consistent in itself, and what a wrong entry would break."""

import re
from urllib.parse import urlparse

import pytest

from tbd_lib.datasets.prepare.sources import SOURCES, Source

ALL = {f"{name}/{part}": source for name, parts in SOURCES.items() for part, source in parts.items()}


@pytest.mark.parametrize("source", ALL.values(), ids=ALL.keys())
def test_every_entry_is_whole(source: Source) -> None:
    for url in source.urls:
        assert urlparse(url).scheme in ("http", "https") and urlparse(url).netloc
        on_drive = re.fullmatch(r"https://drive\.google\.com/uc\?id=[\w-]{33}", url)
        assert on_drive or url.endswith(f"/{source.file}")
        hash_known = source.sha256 is not None and len(source.sha256) == 64
        assert url.startswith("https:") or hash_known, "over http nothing else tells whether the file is the right one"
    assert source.page.startswith("https://") and (source.urls or source.size is None)
    assert source.sha256 is None or re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", source.sha256)
    assert source.size is None or 0 < source.size < 1e9 * source.most_gigabytes
    assert bool(source.keep) == (source.file.endswith(".zip"))


def test_no_two_files_share_a_place() -> None:
    places = [(source.folder, source.file) for source in ALL.values()]
    assert len(set(places)) == len(places)


def test_weights_and_data_sets_come_with_their_terms() -> None:
    assert all("non-commercial" in SOURCES["weights"][part].notice for part in ("davis", "ytvos"))
    assert all(source.notice for name, source in ALL.items() if not name.startswith("weights/"))


def test_the_hash_in_the_name_is_the_hash_that_is_checked() -> None:
    source = SOURCES["weights"]["densenet121"]
    assert source.file == f"densenet121-{source.sha256}.pth"
