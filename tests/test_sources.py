"""The table of addresses and facts: consistent in itself, and what a wrong entry would break."""

import re
from urllib.parse import urlparse

import pytest

from tbd_lib.datasets.prepare.sources import SOURCES, Foldered, Listed, Source

ALL = {f"{name}/{part}": source for name, parts in SOURCES.items() for part, source in parts.items()}
EVERY = pytest.mark.parametrize("source", ALL.values(), ids=ALL.keys())


@EVERY
def test_addresses_are_whole(source: Source) -> None:
    for url in source.urls:
        assert urlparse(url).scheme in ("http", "https") and urlparse(url).netloc
        assert "drive.google.com" not in url or re.fullmatch(r"https://drive\.google\.com/uc\?id=[\w-]{33}", url)
        assert "drive.google.com" in url or url.endswith(f"/{source.file}")
    assert source.page.startswith("https://")


@EVERY
def test_facts_are_of_their_kind(source: Source) -> None:
    assert source.size is None or source.size > 0
    assert source.sha256 is None or re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", source.sha256)
    assert source.size is None or source.size < source.most_bytes
    assert source.urls or source.size is None
    assert bool(source.keep) == (source.file.endswith(".zip"))


def test_what_comes_over_http_has_a_known_hash() -> None:
    """Nothing else tells whether someone on the way put in another file."""
    for source in ALL.values():
        if any(url.startswith("http:") for url in source.urls):
            assert source.sha256 is not None and len(source.sha256) == 64


def test_no_two_files_share_a_place() -> None:
    places = [(source.folder, source.file) for source in ALL.values()]
    assert len(set(places)) == len(places)


def test_weights_and_data_sets_say_their_terms() -> None:
    assert "non-commercial" in SOURCES["weights"]["davis"].notice
    assert SOURCES["weights"]["ytvos"].notice == SOURCES["weights"]["davis"].notice
    assert all(source.notice for name, source in ALL.items() if not name.startswith("weights/"))


def test_numbers_of_videos_are_those_of_the_data_sets() -> None:
    davis = SOURCES["davis"]["trainval"].layout
    assert isinstance(davis, Listed)
    assert davis.lists == {
        "ImageSets/2017/train.txt": 60,
        "ImageSets/2017/val.txt": 30,
        "ImageSets/2016/train.txt": 30,
        "ImageSets/2016/val.txt": 20,
    }
    for year, videos in ((2018, 474), (2019, 507)):
        parts = SOURCES[f"youtube-vos-{year}"]
        counts = {part: source.layout.videos for part, source in parts.items() if isinstance(source.layout, Foldered)}
        assert counts == {"train": 3471, "valid": videos, "valid_all_frames": videos}
        assert all(str(year) in source.title + source.folder and str(year) in source.page for source in parts.values())


def test_the_hash_in_the_name_is_the_hash_that_is_checked() -> None:
    source = SOURCES["weights"]["densenet121"]
    assert source.sha256 is not None and source.file == f"densenet121-{source.sha256}.pth"
