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


def saved(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    picture = Pictures.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path)
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


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_mask(tmp_path / "mask.png", IDS)

    def full_disk(self: Pictures.Image, path: Path, **options: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Pictures.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_mask(tmp_path / "mask.png", IDS * 2)
    assert [path.name for path in tmp_path.iterdir()] == ["mask.png"]
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), IDS)


def test_no_right_to_read_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_mask(tmp_path / "mask.png", IDS)

    def forbidden(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(PermissionError, match=r"mask\.png"):
        read_mask(tmp_path / "mask.png")


@pytest.mark.parametrize("mode", ["L", "P"])
def test_0_and_255_is_one_object(tmp_path: Path, mode: str):
    binary = (IDS > 0).astype(np.uint8) * 255
    path = saved(tmp_path / "mask.png", binary)
    if mode == "P":
        picture = Pictures.fromarray(binary)
        picture.putpalette(PALETTE.tobytes())
        picture.save(path)
    assert Pictures.open(path).mode == mode
    np.testing.assert_array_equal(read_mask(path), IDS > 0)


def test_a_mask_of_255_everywhere_is_one_object(tmp_path: Path):
    assert ids_of(read_mask(saved(tmp_path / "mask.png", np.full((4, 5), 255, dtype=np.uint8)))) == [1]


def test_255_beside_other_ids_is_an_id(tmp_path: Path):
    mask = np.array([[0, 1, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "mask.png", mask)), mask)


def test_one_bit_mask_is_one_object(tmp_path: Path):
    path = saved(tmp_path / "mask.png", (IDS > 0).astype(np.uint8) * 255, "1")
    assert Pictures.open(path).mode == "1"
    mask = read_mask(path)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, IDS > 0)


def test_greyscale_ids_are_as_stored(tmp_path: Path):
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "mask.png", IDS)), IDS)


def test_palette_ids_do_not_depend_on_the_colours(tmp_path: Path):
    picture = Pictures.fromarray(IDS)
    picture.putpalette([9, 9, 9] * 256)
    picture.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), IDS)


def test_rgb_in_palette_colours_gives_the_palettes_ids(tmp_path: Path):
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "mask.png", PALETTE[IDS])), IDS)
    everything = np.arange(256, dtype=np.uint8).reshape(8, 32)
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "all.png", PALETTE[everything])), everything)


def test_rgb_of_grey_values_is_read_as_greyscale(tmp_path: Path):
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "ids.png", np.stack([IDS] * 3, axis=-1))), IDS)
    binary = np.stack([(IDS > 0).astype(np.uint8) * 255] * 3, axis=-1)
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "binary.png", binary)), IDS > 0)


def test_other_rgb_colours_are_numbered_in_sorted_order(tmp_path: Path):
    red, green, blue, dim = (200, 0, 0), (0, 200, 0), (0, 0, 200), (0, 200, 1)
    pixels = np.array([[red, green, (0, 0, 0)], [blue, dim, red]], dtype=np.uint8)
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "mask.png", pixels)), [[4, 2, 0], [1, 3, 4]])


def test_transparent_pixels_are_background(tmp_path: Path):
    opacity = np.array([[255, 0, 255], [0, 1, 255]], dtype=np.uint8)[..., None]
    expected = np.where(opacity[..., 0] > 0, IDS, 0)
    colours = np.concatenate([PALETTE[IDS], opacity], axis=-1)
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "rgba.png", colours)), expected)
    grey = np.concatenate([IDS[..., None], opacity], axis=-1)
    path = tmp_path / "la.png"
    Pictures.fromarray(grey).save(path)
    assert Pictures.open(path).mode == "LA"
    np.testing.assert_array_equal(read_mask(path), expected)


def test_255_colours_are_objects_and_256_are_too_many(tmp_path: Path):
    ramp = np.arange(1, 257)
    pixels = np.stack([ramp // 2, 255 - ramp // 2, 7 + ramp % 2], axis=-1).astype(np.uint8)[None]
    mask = read_mask(saved(tmp_path / "255.png", pixels[:, :255]))
    assert ids_of(mask) == list(range(1, 256))
    path = saved(tmp_path / "256.png", pixels)
    refused(lambda: read_mask(path), "256.png", "256 colours", "at most 255")


def test_16_bits_are_fine_up_to_id_255(tmp_path: Path):
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "mask.png", IDS.astype(np.uint16))), IDS)
    assert Pictures.open(tmp_path / "mask.png").mode.startswith("I")


def test_ids_above_255_are_refused(tmp_path: Path):
    path = saved(tmp_path / "mask.png", np.array([[0, 300]], dtype=np.uint16))
    refused(lambda: read_mask(path), "mask.png", "id 300", "255")


def test_jpeg_and_unknown_pixels_are_refused(tmp_path: Path):
    jpeg = saved(tmp_path / "mask.jpg", IDS)
    refused(lambda: read_mask(jpeg), "mask.jpg", "JPEG", "PNG")
    real = saved(tmp_path / "mask.tif", IDS.astype(np.float32))
    refused(lambda: read_mask(real), "mask.tif", "kind F", "expected")


def test_truncated_missing_and_foreign_files_are_refused(tmp_path: Path):
    whole = io.BytesIO()
    Pictures.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), dtype=np.uint8)).save(whole, format="PNG")
    for length in (0, 20, 60, len(whole.getvalue()) // 2):
        path = tmp_path / "cut.png"
        path.write_bytes(whole.getvalue()[:length])
        refused(lambda path=path: read_mask(path), "cut.png", f"{length} bytes", "expected a whole picture")
    (tmp_path / "text.png").write_text("not a picture at all")
    refused(lambda: read_mask(tmp_path / "text.png"), "text.png", "not a picture")
    refused(lambda: read_mask(tmp_path / "nothing.png"), "nothing.png", "no such file")
    refused(lambda: read_mask(tmp_path), "no such file", "expected a picture")


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
