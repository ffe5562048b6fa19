"""Id masks: what is written comes back, what others wrote is understood or refused in one line."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.video.masks import PALETTE, ids_of, read_mask, require_objects, require_size, write_mask

IDS = np.array([[0, 0, 1], [2, 7, 7]], dtype=np.uint8)


def saved(path: Path, pixels: np.ndarray) -> Path:
    Pictures.fromarray(pixels).save(path)
    return path


def refused(action: Callable[[], object], *words: str) -> None:
    """The action raises an InputError of one line that holds all the words."""
    with pytest.raises(InputError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message and len(message) < 300
    for word in words:
        assert re.search(word, message), f"{word!r} is not in {message!r}"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 254)))
def test_written_masks_come_back(tmp_path: Path, mask: np.ndarray):
    write_mask(tmp_path / "mask.png", mask)
    back = read_mask(tmp_path / "mask.png")
    assert back.dtype == np.uint8 and back.flags.c_contiguous
    np.testing.assert_array_equal(back, mask)


def test_all_255_ids_come_back(tmp_path: Path):
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_mask(tmp_path / "mask.png", mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), mask)
    assert ids_of(mask) == list(range(1, 256))


def test_written_file_is_a_palette_png_in_the_benchmarks_colours(tmp_path: Path):
    write_mask(tmp_path / "mask.png", IDS)
    picture = Pictures.open(tmp_path / "mask.png")
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (3, 2))
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), PALETTE[IDS])
    assert [path.name for path in tmp_path.iterdir()] == ["mask.png"]


def test_palette_starts_as_pascal_voc_and_has_no_colour_twice():
    first = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]
    assert [tuple(colour) for colour in PALETTE[:7].tolist()] == first
    assert PALETTE[8].tolist() == [64, 0, 0] and PALETTE[255].tolist() == [224, 224, 192]
    assert len(np.unique(PALETTE, axis=0)) == 256


BINARY = (IDS > 0).astype(np.uint8) * 255
EVERYTHING = np.arange(256, dtype=np.uint8).reshape(8, 32)
OPACITY = np.array([[255, 0, 255], [0, 1, 255]], dtype=np.uint8)[..., None]
SEEN = np.where(OPACITY[..., 0] > 0, IDS, 0)
COLOURED = np.array([[(200, 0, 0), (0, 200, 0), (0, 0, 0)], [(0, 0, 200), (0, 200, 1), (200, 0, 0)]], dtype=np.uint8)
RAMP = np.stack([np.arange(1, 257) // 2, 255 - np.arange(1, 257) // 2, 7 + np.arange(1, 257) % 2], axis=-1)
FILES = {  # pixels, the mode of the file, and the mask that they mean
    "greyscale is as stored": (IDS, "L", IDS),
    "0 and 255 is one object": (BINARY, "L", IDS > 0),
    "255 everywhere is one object": (np.full((4, 5), 255, np.uint8), "L", np.ones((4, 5))),
    "255 beside other ids is an id": (np.array([[0, 1, 255]], np.uint8), "L", [[0, 1, 255]]),
    "one bit is one object": (BINARY > 0, "1", IDS > 0),
    "16 bits are as stored": (IDS.astype(np.uint16), "I;16", IDS),
    "colours of the palette are its ids": (PALETTE[EVERYTHING], "RGB", EVERYTHING),
    "grey colours are ids": (np.stack([IDS] * 3, axis=-1), "RGB", IDS),
    "black and white colours are one object": (np.stack([BINARY] * 3, axis=-1), "RGB", IDS > 0),
    "other colours are numbered in sorted order": (COLOURED, "RGB", [[4, 2, 0], [1, 3, 4]]),
    "255 colours are 255 objects": (RAMP.astype(np.uint8)[None, :255], "RGB", None),
    "transparent colours are background": (np.concatenate([PALETTE[IDS], OPACITY], axis=-1), "RGBA", SEEN),
    "transparent greys are background": (np.concatenate([IDS[..., None], OPACITY], axis=-1), "LA", SEEN),
}


@pytest.mark.parametrize(("pixels", "mode", "expected"), FILES.values(), ids=FILES)
def test_masks_that_others_wrote_are_understood(tmp_path: Path, pixels: np.ndarray, mode: str, expected):
    path = saved(tmp_path / "mask.png", pixels)
    assert Pictures.open(path).mode[: len(mode)] == mode or mode == "I;16"
    mask = read_mask(path)
    assert mask.dtype == np.uint8
    if expected is None:
        assert ids_of(mask) == list(range(1, 256))
    else:
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(("pixels", "expected"), [(IDS, IDS), (BINARY, IDS > 0)])
def test_palette_ids_do_not_depend_on_the_colours(tmp_path: Path, pixels: np.ndarray, expected: np.ndarray):
    picture = Pictures.fromarray(pixels)
    picture.putpalette([9, 9, 9] * 256)
    picture.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), expected)


WHOLE = io.BytesIO()
Pictures.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), dtype=np.uint8)).save(WHOLE, format="PNG")


@pytest.mark.parametrize("length", [0, 20, 60, len(WHOLE.getvalue()) // 2])
def test_truncated_files_are_refused(tmp_path: Path, length: int):
    (tmp_path / "cut.png").write_bytes(WHOLE.getvalue()[:length])
    refused(lambda: read_mask(tmp_path / "cut.png"), "cut.png", f"{length} bytes", "expected a whole picture")


def test_files_that_hold_no_mask_are_refused(tmp_path: Path):
    (tmp_path / "text.png").write_text("not a picture at all")
    saved(tmp_path / "mask.jpg", IDS)
    saved(tmp_path / "mask.tif", IDS.astype(np.float32))
    saved(tmp_path / "large.png", np.array([[0, 300]], dtype=np.uint16))
    saved(tmp_path / "256.png", RAMP.astype(np.uint8)[None])
    for name, *words in (
        ("text.png", "not a picture"),
        ("nothing.png", "no such file"),
        ("", "no such file, expected a picture"),
        ("mask.jpg", "JPEG", "PNG"),
        ("mask.tif", "kind F", "expected"),
        ("large.png", "id 300", "255"),
        ("256.png", "256 colours", "at most 255"),
    ):
        refused(lambda name=name: read_mask(tmp_path / name), name, *words)


def test_ids_of_is_sorted_and_without_background():
    assert ids_of(np.array([[9, 0], [3, 9]], dtype=np.uint8)) == [3, 9]
    assert ids_of(np.zeros((2, 2), dtype=np.uint8)) == []


def test_a_mask_without_objects_is_refused():
    refused(lambda: require_objects(IDS * 0, Path("first.png")), "first.png", "background", "at least one object")
    assert require_objects(IDS, Path("first.png")) is IDS


def test_a_mask_of_another_size_than_its_frame_is_refused():
    refused(lambda: require_size(IDS, (2, 4, 3), Path("first.png")), "first.png", "3x2", "4x2")
    assert require_size(IDS, (2, 3, 3), Path("first.png")) is IDS


def test_davis_2016_masks_are_not_lost(shared: Path):
    masks = [read_mask(path) for path in sorted((shared / "data/DAVIS/Annotations/480p").glob("*/00000.png"))]
    assert masks and all(ids_of(mask) == [1] and mask.shape == (480, 854) for mask in masks)
