"""Faults on purpose, a few of each: kills, damaged files, places without room. ``tools/robustness.py`` tries many."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tbd_lib.cli.main import main
from tbd_lib.datasets.coco import coco
from tbd_lib.errors import InputError
from tbd_lib.video.frames import read_image, write_image
from tbd_lib.video.masks import read_mask, write_mask
from tools.damage import damage, damaged, outcome
from tools.kills import Command, faults_of_kill, faults_of_no_room, hidden, result, unreadable
from tools.robustness import prepared

FRAMES = "data/JPEGImages/480p/a"


@pytest.fixture(scope="module")
def ready() -> Iterator[tuple[dict[str, Command], Path]]:
    """All commands, and the folder with their inputs."""
    with prepared() as (every, folder):
        yield every, folder


@pytest.mark.parametrize(("name", "moment"), [("track", 0.6), ("prepare", 0.25), ("export", 0.03)])
def test_a_killed_command_leaves_nothing_half_and_gives_the_same_when_it_runs_again(
    ready: tuple[dict[str, Command], Path], name: str, moment: float
) -> None:
    every, folder = ready
    expected = result(every[name], folder, folder / f"whole-{name}")
    assert len(expected) > 0
    assert faults_of_kill(every[name], folder, folder / "out", moment, expected) == []


@pytest.mark.parametrize(("name", "most"), [("track", 100), ("prepare", 300), ("export", 10)])
def test_where_there_is_no_room_one_line_says_so_and_nothing_half_stays(
    ready: tuple[dict[str, Command], Path], name: str, most: int
) -> None:
    every, folder = ready
    assert faults_of_no_room(every[name], folder, folder / "full", most) == []
    status, written = every[name].begin(folder, folder / "full", most).end()
    assert status == 2 and "File too large" in written.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        f"track {FRAMES} --mask data/Annotations/480p/a/00000.png --engine plain --weights tiny.safetensors --out",
        "prepare davis --root",
        "export data/Annotations/480p --data data",
        "evaluate --data data --weights tiny.safetensors --engine plain --out",
        "score data/Annotations/480p data/Annotations/480p --json",
        "demo --engine plain --weights tiny.safetensors --out",
    ],
    ids=lambda arguments: arguments.split()[0],
)  # fmt: skip
def test_a_place_where_nobody_may_write_is_one_line(
    ready: tuple[dict[str, Command], Path],
    arguments: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(ready[1])
    assert main([*arguments.split(), "/proc/results"]) == 2
    last = capsys.readouterr().err.replace("\r", "\n").replace("\x1b[A", "\n").splitlines()[-1]  # bars move the cursor
    assert last.startswith("tbd: ") and "/proc/results" in last


def test_damaged_files_are_read_or_refused_in_one_line() -> None:
    found = outcome(damage(range(300)))
    assert found.faults == []
    assert sum(found.read.values()) > 30 and sum(found.refused.values()) > 30


def test_damage_follows_from_its_number_and_changes_every_part() -> None:
    content = bytes(range(256)) * 4
    first, second = ([damaged(content, np.random.default_rng([0, number])) for number in range(60)] for _ in range(2))
    assert first == second and len(set(first)) > 50
    assert {len(data) - len(content) > 0 for data in first} == {True, False}


def test_what_is_half_or_left_behind_is_noticed(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    write_mask(whole, np.ones((20, 30), np.uint8))
    assert unreadable(tmp_path) == hidden(tmp_path) == []
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[:-20])
    (tmp_path / "half.json").write_text('{"a"')
    (tmp_path / ".left.part.png").touch()
    assert [line.split(":")[0] for line in unreadable(tmp_path)] == ["half.json", "half.png"]
    assert hidden(tmp_path) == [".left.part.png"]


def png(width: int, height: int) -> bytes:
    """A file that claims this size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("read", [read_mask, read_image])
def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path: Path, read) -> None:
    (tmp_path / "a.png").write_bytes(png(60_000, 60_000))
    with pytest.raises(InputError, match=r"a\.png: found \d+ bytes \(Image size \(3600000000 pixels\)") as caught:
        read(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "shape",
    [
        [[1, 1, 9, 1, 9]], [[]], [], [[1, 1, 1e30, 1, 9, 9]], [[1, 1, "9", 1, 9, 9]],
        {"size": [24, 32], "counts": [9999]},
        {"size": [9, 9], "counts": [81]}, {"size": [24, 32], "counts": [-1, 769]}, {"counts": "x"}, None, "x", {},
        {"size": [24, 32], "counts": "\u00ff\u00ff\u00ff"},
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_their_image_are_refused(tmp_path: Path, shape: object) -> None:
    write_image(tmp_path / "train2017/7.jpg", np.zeros((24, 32, 3), np.uint8))
    region = {"id": 1, "image_id": 7, "category_id": 1, "iscrowd": 0, "area": 40.0, "segmentation": shape}
    image = {"id": 7, "file_name": "7.jpg", "height": 24, "width": 32}
    (tmp_path / "annotations").mkdir()
    content = {"images": [image], "annotations": [region], "categories": [{"id": 1}]}
    (tmp_path / "annotations/instances_train2017.json").write_text(json.dumps(content), encoding="utf-8-sig")
    (video,) = coco(tmp_path)
    assert video.truth is not None
    with pytest.raises(
        InputError, match=r"instances_train2017\.json: region 1 of 7\.jpg: .*; expected COCO's"
    ) as caught:
        video.truth[0]
    assert "\n" not in str(caught.value)
