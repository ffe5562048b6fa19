"""The table of all sources, read from ``sources.toml``, and the kinds of layouts that they have once unpacked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Listed:
    """Videos named by lists, as in DAVIS: ``JPEGImages/480p/<video>``, ``Annotations/480p/<video>``."""

    lists: Mapping[str, int]  # file below the data set's folder, and the number of videos it names
    first_masks_only: bool = False  # the benchmark keeps the masks of later frames to itself


@dataclass(frozen=True)
class Foldered:
    """A folder per video, as in YouTube-VOS: ``<part>/JPEGImages/<video>``, ``<part>/Annotations/<video>``."""

    part: str
    videos: int
    masks: bool = True  # with masks, and with the list of videos (meta.json)
    at_least: str | None = None  # the part whose frames have to be among these


@dataclass(frozen=True)
class Images:
    """A folder of images that an annotation file names, as in COCO."""

    folder: str
    annotations: str
    count: int


@dataclass(frozen=True)
class File:
    """A single file."""

    path: str


Layout = Listed | Foldered | Images | File
LAYOUTS = {"lists": Listed, "folders": Foldered, "images": Images, "file": File}


@dataclass(frozen=True)
class Source:
    """A file to fetch: an archive, or weights."""

    title: str
    folder: str  # of the data set, below the root
    file: str  # what it is called in the downloads folder
    layout: Layout  # what has to be there in the end
    page: str  # where a person finds it
    urls: tuple[str, ...] = ()  # tried in this order; none: it has to be fetched by hand
    size: int | None = None  # bytes
    sha256: str | None = None  # hexadecimal: all 64 digits, or as many of the first as are known
    keep: tuple[str, ...] = ()  # files and folders of the archive to unpack; none: the file itself is what is wanted
    into: str = ""  # folder below the data set's into which the archive is unpacked
    marks: tuple[str, ...] = ()  # a root that holds one of them is the data set's own folder
    most_gigabytes: float = 4.0  # limits of what is unpacked; real archives stay far below
    most_files: int = 100_000
    notice: str = ""  # shown before it is fetched
    then: str = ""  # a command to go on with, in which {folder} is the data set's, {root} that of all


def _source(entry: dict[str, Any]) -> Source:
    layout = dict(entry.pop("layout"))
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Source(layout=LAYOUTS[layout.pop("kind")](**layout), **fields)


def _table() -> dict[str, dict[str, Source]]:
    table = {}
    for name, shared in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items():
        parts = shared.pop("parts")
        table[name] = {part: _source({**shared, **entry}) for part, entry in parts.items()}
    return table


SOURCES: Mapping[str, Mapping[str, Source]] = _table()
"""Every source, by the name of its data set and of its part."""
