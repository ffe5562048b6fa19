"""All files of a video are looked at before the work, by their headers."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from tbd_lib.datasets.davis import davis
from tbd_lib.errors import InputError
from tbd_lib.video.frames import FolderFrames, Video, read_image, write_image
from tbd_lib.video.headers import files_of, header_shape, mask_files, require_readable
from tbd_lib.video.masks import write_mask

PIXELS = np.zeros((12, 20, 3), np.uint8)


@pytest.fixture
def video(tmp_path: Path) -> Video:
    for number in range(4):
        write_image(tmp_path / f"JPEGImages/480p/a/{number}.jpg", PIXELS)
        write_mask(tmp_path / f"Annotations/480p/a/{number}.png", np.ones((12, 20), np.uint8))
    (tmp_path / "ImageSets/2017").mkdir(parents=True)
    (tmp_path / "ImageSets/2017/val.txt").write_text("a")
    return davis(tmp_path)[0]


def test_whole_files_pass_and_are_named(video: Video, tmp_path: Path) -> None:
    require_readable(video)
    assert mask_files(video) == [tmp_path / f"Annotations/480p/a/{number}.png" for number in range(4)]
    assert files_of(video)[:4] == [tmp_path / f"JPEGImages/480p/a/{number}.jpg" for number in range(4)]
    require_readable(Video("in memory", [], {}))


@pytest.mark.parametrize(
    ("file", "content", "error"),
    [
        ("JPEGImages/480p/a/2.jpg", None, "no such file"),
        ("JPEGImages/480p/a/2.jpg", b"", "found 0 bytes .not a picture"),
        ("JPEGImages/480p/a/2.jpg", b"text", "not a picture"),
        ("JPEGImages/480p/a/2.jpg", (12, 21, 3), "found a frame of 21x12 pixels, expected 20x12 as the first frame"),
        ("Annotations/480p/a/3.png", None, "no such file"),
        ("Annotations/480p/a/3.png", b"\x89PNG\r\n\x1a\n", "expected a whole picture"),
        ("Annotations/480p/a/3.png", (20, 12, 3), "found a mask of 12x20 pixels, expected 20x12 as its frame"),
    ],
)
def test_what_cannot_be_used_is_named(video: Video, tmp_path: Path, file: str, content: object, error: str) -> None:
    path = tmp_path / file
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, tuple):
        write_image(path, np.zeros(content, np.uint8))
    with pytest.raises(InputError, match=f"{re.escape(str(path))}: .*{error}") as found:
        require_readable(video)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_picture_has_the_size_that_it_is_read_with(tmp_path: Path, suffix: str) -> None:
    turned = Pictures.Exif()
    turned[0x0112] = 6
    path = tmp_path / f"0.{suffix}"
    Pictures.fromarray(PIXELS.transpose(1, 0, 2)).save(path, exif=turned)
    assert header_shape(path, (12, 20, 3)) == read_image(path).shape[:2] == (12, 20)


def test_headers_are_read_faster_than_pictures(tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 255, (600, 900, 3), np.uint8)
    write_image(tmp_path / "0.jpg", random)
    for number in range(1, 20):
        (tmp_path / f"{number}.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    frames = FolderFrames(tmp_path)
    assert frames.shape == random.shape
    start = time.perf_counter()
    require_readable(Video("noise", frames, {}))
    looked = time.perf_counter() - start
    start = time.perf_counter()
    assert sum(1 for _ in frames) == 20
    assert looked < (time.perf_counter() - start) / 2
