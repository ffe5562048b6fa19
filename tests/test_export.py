"""Export: what is in the archive is what the benchmark expects, or there is no archive."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image as Pictures

from tbd_lib.datasets.davis import davis
from tbd_lib.datasets.youtube_vos import youtube_vos_benchmark
from tbd_lib.errors import InputError
from tbd_lib.evaluation.evaluate import predict
from tbd_lib.evaluation.export import export
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.video.frames import Video, write_image
from tbd_lib.video.masks import ids_of, read_mask, write_mask

MANY = 40  # objects


def picture(number: int, rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (rows, columns, 3), np.uint8)


def blocks(rows: int, columns: int, ids: list[int]) -> np.ndarray:
    """One block of 4 x 4 pixels for each id."""
    mask = np.zeros((rows, columns), np.uint8)
    for place, i in enumerate(ids):
        row, column = divmod(place, columns // 5)
        mask[5 * row : 5 * row + 4, 5 * column : 5 * column + 4] = i
    return mask


@pytest.fixture
def test_dev(tmp_path: Path) -> list[Video]:
    """DAVIS-2017 test-dev in small: first masks only; many objects with gaps in their ids; an upright video."""
    root = tmp_path / "DAVIS"
    for name, (rows, columns), ids in (("crowd", (48, 64), list(range(3, 3 + MANY))), ("phone", (64, 36), [1, 9])):
        for number in range(4):
            write_image(root / f"JPEGImages/480p/{name}/{number:05}.jpg", picture(number, rows, columns))
        write_mask(root / f"Annotations/480p/{name}/00000.png", blocks(rows, columns, ids))
    lists = root / "ImageSets/2017"
    lists.mkdir(parents=True)
    (lists / "test-dev.txt").write_text("crowd\nphone\n")
    return davis(root, "test-dev")


@pytest.fixture
def valid(tmp_path: Path) -> list[Video]:
    """YouTube-VOS in small: every frame is seen, every fifth asked for, an object appears late."""
    root = tmp_path / "YouTube-VOS"
    for number in range(11):
        write_image(root / f"valid_all_frames/JPEGImages/0a/{number:05}.jpg", picture(number, 48, 32))
        if number % 5 == 0:
            write_image(root / f"valid/JPEGImages/0a/{number:05}.jpg", picture(number, 48, 32))
    write_mask(root / "valid/Annotations/0a/00000.png", blocks(48, 32, [2]))
    write_mask(root / "valid/Annotations/0a/00005.png", blocks(48, 32, [2, 6]))
    return youtube_vos_benchmark(root)


def paint(path: Path, mask: np.ndarray) -> None:
    """Write the mask in true colours."""
    Pictures.fromarray((mask[..., None] > 0) * np.array([255, 0, 0], np.uint8)).save(path)


def names(archive: Path) -> list[str]:
    with ZipFile(archive) as packed:
        assert packed.testzip() is None
        return sorted(packed.namelist())


def test_test_dev_has_a_mask_for_every_frame(tmp_path: Path, test_dev: list[Video]):
    model = build_model(SMALL).eval()
    assert predict(model, test_dev, tmp_path / "masks", OWN_SIZE) == 8
    assert export(tmp_path / "masks", test_dev, tmp_path / "a.zip", "davis") == 8
    assert names(tmp_path / "a.zip") == [f"{v}/{n:05}.png" for v in ("crowd", "phone") for n in range(4)]
    first = read_mask(tmp_path / "masks/crowd/00000.png")
    assert np.array_equal(first, test_dev[0].given[0]) and len(ids_of(first)) == MANY
    assert read_mask(tmp_path / "masks/phone/00003.png").shape == (64, 36)


def test_youtube_vos_has_the_frames_that_are_asked_for(tmp_path: Path, valid: list[Video]):
    model = build_model(SMALL).eval()
    assert predict(model, valid, tmp_path / "masks", OWN_SIZE) == 3
    assert export(tmp_path / "masks", valid, tmp_path / "a.zip", "youtube-vos") == 3
    assert names(tmp_path / "a.zip") == [f"Annotations/0a/{n:05}.png" for n in (0, 5, 10)]
    assert 6 in ids_of(read_mask(tmp_path / "masks/0a/00005.png"))
    with pytest.raises(InputError, match="found masks there already"):
        predict(model, valid, tmp_path / "masks", OWN_SIZE)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda folder: (folder / "00010.png").unlink(), r"00010\.png: no such mask, expected 3 of 0a"),
        (lambda folder: write_mask(folder / "00001.png", blocks(48, 32, [2])), r"00001\.png: not asked for"),
        (lambda folder: write_mask(folder / "00005.png", blocks(32, 48, [2])), r"00005\.png: found a mask of 48x32"),
        (lambda folder: write_mask(folder / "00005.png", blocks(48, 32, [3])), r"found the id 3, expected \[2, 6\]"),
        (
            lambda folder: [paint(path, blocks(48, 32, [2])) for path in folder.iterdir()],
            "#ff0000 is object 1; exp",
        ),
        (lambda folder: write_mask(folder / "00005.png", blocks(48, 32, [2, 255])), r"00005\.png: 255 is void"),
    ],
)
def test_a_folder_that_is_not_what_is_expected_makes_no_archive(tmp_path: Path, valid: list[Video], spoil, error: str):
    for number in (0, 5, 10):
        write_mask(tmp_path / f"masks/0a/{number:05}.png", blocks(48, 32, [2, 6]))
    spoil(tmp_path / "masks/0a")
    with pytest.raises(InputError, match=error):
        export(tmp_path / "masks", valid, tmp_path / "a.zip", "youtube-vos")
    assert not (tmp_path / "a.zip").exists()
