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
from PIL import ImageDraw, ImageFilter

from tbd_lib.errors import InputError
from tbd_lib.video.masks import PALETTE, MaskReader, ids_of, read_mask, require_objects, require_size, write_mask

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


def test_all_254_ids_come_back(tmp_path: Path):
    mask = np.arange(255, dtype=np.uint8).reshape(15, 17)
    write_mask(tmp_path / "mask.png", mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), mask)
    assert ids_of(mask) == list(range(1, 255))


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
WITHOUT_VOID = np.where(EVERYTHING < 255, EVERYTHING, 0)
OPACITY = np.array([[255, 0, 255], [127, 128, 255]], dtype=np.uint8)[..., None]
SEEN = np.where(OPACITY[..., 0] > 127, IDS, 0)
COLOURED = np.array([[(200, 0, 0), (0, 200, 0), (0, 0, 0)], [(0, 0, 200), (0, 200, 1), (200, 0, 0)]], dtype=np.uint8)
RAMP = np.stack([np.arange(1, 257) // 2, 255 - np.arange(1, 257) // 2, 7 + np.arange(1, 257) % 2], axis=-1)
FILES = {  # pixels, the mode of the file, and the mask that they mean
    "greyscale is as stored": (IDS, "L", IDS),
    "0 and 255 is one object": (BINARY, "L", IDS > 0),
    "255 everywhere is one object": (np.full((4, 5), 255, np.uint8), "L", np.ones((4, 5))),
    "255 beside other ids is void": (np.array([[0, 1, 254, 255]], np.uint8), "L", [[0, 1, 254, 0]]),
    "one bit is one object": (BINARY > 0, "1", IDS > 0),
    "16 bits are as stored": (IDS.astype(np.uint16), "I;16", IDS),
    "0 and 65535 is one object": ((IDS > 0).astype(np.uint16) * 65535, "I;16", IDS > 0),
    "65535 beside other ids is void": (np.array([[0, 1, 65535]], np.uint16), "I;16", [[0, 1, 0]]),
    "colours of the palette are its ids": (PALETTE[EVERYTHING], "RGB", WITHOUT_VOID),
    "grey colours are ids": (np.stack([IDS] * 3, axis=-1), "RGB", IDS),
    "black and white colours are one object": (np.stack([BINARY] * 3, axis=-1), "RGB", IDS > 0),
    "other colours are numbered in sorted order": (COLOURED, "RGB", [[4, 2, 0], [1, 3, 4]]),
    "white beside other greys is void": (np.array([[[0] * 3, [1] * 3, [255] * 3]], np.uint8), "RGB", [[0, 1, 0]]),
    "254 colours are 254 objects": (RAMP.astype(np.uint8)[None, :254], "RGB", None),
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
        assert ids_of(mask) == list(range(1, 255))
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
        ("mask.jpg", "JPEG", "PNG", "`threshold` 128"),
        ("mask.tif", "kind F", "expected"),
        ("large.png", "id 300", "254", "`threshold` 128"),
        ("256.png", "256 colours", "at most 254"),
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


BLACK, WHITE, RED, GREEN, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)


def strip(*values: object) -> np.ndarray:
    """A mask of one row."""
    return np.array([values], dtype=np.uint8)


def read_all(folder: Path, *masks: np.ndarray, like: MaskReader | None = None) -> tuple[list[list[int]], str]:
    """What a reader makes of the masks of a video, and what it says of it."""
    paths = [saved(folder / f"{number}.png", pixels) for number, pixels in enumerate(masks)]
    reader = MaskReader(paths, like=like)
    return [reader.read(path)[0].tolist() for path in paths], reader.meaning


def test_a_colour_is_the_same_object_in_all_masks_of_a_video(tmp_path: Path):
    both, red, more = strip(BLACK, RED, GREEN), strip(BLACK, RED, BLACK), strip(BLACK, RED, BLUE)
    masks, meaning = read_all(tmp_path, both, red)
    assert masks == [[0, 2, 1], [0, 2, 0]] and meaning == "#00ff00 is object 1, #ff0000 is object 2"
    masks, meaning = read_all(tmp_path, red, both, more)
    assert masks == [[0, 3, 0], [0, 3, 2], [0, 3, 1]] and meaning.endswith("#ff0000 is object 3")


def test_colours_of_the_palette_are_its_ids_only_if_all_of_the_video_are(tmp_path: Path):
    of_palette = PALETTE[strip(0, 4, 1)]
    assert read_all(tmp_path, of_palette, PALETTE[strip(0, 0, 2)])[0] == [[0, 4, 1], [0, 0, 2]]
    assert read_all(tmp_path, of_palette, strip(BLACK, BLACK, RED))[0] == [[0, 1, 2], [0, 0, 3]]


def test_greys_are_ids_only_if_all_colours_of_the_video_are_grey(tmp_path: Path):
    grey = strip(BLACK, (5, 5, 5), (9, 9, 9))
    assert read_all(tmp_path, grey, strip(BLACK, BLACK, (7, 7, 7))) == ([[0, 5, 9], [0, 0, 7]], "")
    assert read_all(tmp_path, grey, strip(BLACK, BLACK, RED))[0] == [[0, 1, 2], [0, 0, 3]]


def test_many_colours_are_told_in_short(tmp_path: Path):
    meaning = read_all(tmp_path, RAMP.astype(np.uint8)[None, :20])[1]
    assert meaning.count("is object") == 6 and meaning.endswith("and 14 more")


def test_ids_and_colours_in_one_video_are_refused(tmp_path: Path):
    refused(lambda: read_all(tmp_path, strip(0, 1, 2), strip(BLACK, RED, GREEN)), r"1\.png", "colours", r"0\.png")
    assert read_all(tmp_path, strip(BLACK, BLACK), strip(0, 0)) == ([[0, 0], [0, 0]], "")
    assert read_all(tmp_path, strip(0, 0, 0), strip(BLACK, RED, GREEN))[0] == [[0, 0, 0], [0, 2, 1]]
    assert read_all(tmp_path, strip(0, 1, 2), PALETTE[strip(0, 3, 2)])[0] == [[0, 1, 2], [0, 3, 2]]


def test_255_alone_is_void_if_another_mask_of_the_video_holds_ids(tmp_path: Path):
    white, ids, nothing = strip(0, 255, 255), strip(0, 1, 0), strip(0, 0, 0)
    void, object_ = "255 is void, read as background", "white is object 1"
    assert read_all(tmp_path, white, ids) == ([[0, 0, 0], [0, 1, 0]], void)
    assert read_all(tmp_path, strip(0, 3, 255), white) == ([[0, 3, 0], [0, 0, 0]], void)
    assert read_all(tmp_path, white, PALETTE[ids])[0] == [[0, 0, 0], [0, 1, 0]]
    assert read_all(tmp_path, nothing, white) == ([[0, 0, 0], [0, 1, 1]], object_)
    assert read_all(tmp_path, white > 0, white, strip(BLACK, WHITE, BLACK))[0] == [[0, 1, 1], [0, 1, 1], [0, 1, 0]]


def test_results_in_true_colours_take_the_ids_of_the_true_masks(tmp_path: Path):
    (tmp_path / "truth").mkdir()
    read_all(tmp_path / "truth", strip(BLACK, RED, BLUE), strip(BLACK, RED, BLACK))
    true = MaskReader(sorted((tmp_path / "truth").iterdir()))
    assert read_all(tmp_path, strip(BLACK, RED, GREEN), like=true)[0] == [[0, 2, 3]], "green is not among the true ones"
    (tmp_path / "other").mkdir()
    read_all(tmp_path / "other", strip(BLACK, (0, 128, 0), RED))
    other = MaskReader(sorted((tmp_path / "other").iterdir()))
    assert read_all(tmp_path, PALETTE[strip(0, 2, 0)], like=other)[0] == [[0, 1, 0]], "the palette has 2 for it"
    assert read_all(tmp_path, strip(BLACK, WHITE, WHITE), like=true)[0] == [[0, 1, 1]], "nothing is: as without truth"
    assert read_all(tmp_path, strip(0, 1, 2), like=true)[0] == [[0, 1, 2]]


def test_results_in_colours_of_which_nothing_tells_the_ids_are_refused(tmp_path: Path):
    truth = Pictures.fromarray(strip(0, 1, 2))
    truth.putpalette([*BLACK, *RED, *GREEN])
    truth.save(tmp_path / "truth.png")
    true = MaskReader([tmp_path / "truth.png"])
    assert read_all(tmp_path, strip(BLACK, RED, GREEN), like=true)[0] == [[0, 1, 2]], "as its palette shows them"
    assert read_all(tmp_path, PALETTE[strip(0, 2, 1)], like=true)[0] == [[0, 2, 1]], "the benchmarks' palette"
    assert read_all(tmp_path, strip(BLACK, BLUE, BLUE), like=true)[0] == [[0, 1, 1]], "a single object"
    refused(
        lambda: read_all(tmp_path, strip(BLACK, BLUE, GREEN), like=true), r"0\.png", "colours", r"truth\.png", "ids"
    )
    grey = MaskReader([saved(tmp_path / "grey.png", strip(0, 1, 2))])
    refused(lambda: read_all(tmp_path, strip(BLACK, RED, GREEN), like=grey), r"0\.png", "colours", r"grey\.png", "ids")


@pytest.mark.parametrize("colours", [[*WHITE, *BLACK], [*RED, *BLACK, *GREEN]])
def test_a_palette_whose_background_is_not_0_is_refused(tmp_path: Path, colours: list[int]):
    picture = Pictures.fromarray(strip(0, 1, 1))
    picture.putpalette(colours)
    picture.save(tmp_path / "mask.png")
    refused(lambda: read_mask(tmp_path / "mask.png"), "shows 0 as #ff", "1 as black", "`threshold` 128")
    assert read_mask(tmp_path / "mask.png", 128).tolist() == [[1, 0, 0]]


def test_colours_that_were_reduced_to_a_palette_are_refused_where_their_order_was_lost(tmp_path: Path):
    two_colours().quantize(8).save(tmp_path / "mask.png")
    refused(lambda: read_mask(tmp_path / "mask.png"), "black", "expected")


def test_plain_ids_are_read_without_a_look_at_the_other_masks(tmp_path: Path):
    first = saved(tmp_path / "first.png", strip(0, 1, 255))
    reader = MaskReader([first, tmp_path / "nothing.png"])
    assert reader.read(first).tolist() == [[0, 1, 0]]
    white = saved(tmp_path / "white.png", strip(0, 255))
    refused(lambda: MaskReader([white, tmp_path / "nothing.png"]).read(white), r"nothing\.png", "no such file")


def test_transparency_of_a_palette_is_background(tmp_path: Path):
    picture = Pictures.fromarray(IDS)
    picture.putpalette(PALETTE.tobytes())
    picture.save(tmp_path / "mask.png", transparency=bytes([255, 0, 255, 127, 255, 255, 255, 128]))
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), [[0, 0, 0], [2, 7, 7]])


def shape(size: int = 96, value: int | tuple[int, int, int] = 255, mode: str = "L") -> Pictures.Image:
    """A disk and a square."""
    picture = Pictures.new(mode, (size, size))
    draw = ImageDraw.Draw(picture)
    draw.ellipse([size // 8, size // 8, size // 2, size // 2], fill=value)
    draw.rectangle([size // 2, size // 2 + 2, size - size // 8, size - size // 8], fill=value)
    return picture


def compressed(picture: Pictures.Image, kind: str, quality: int) -> Pictures.Image:
    """The picture after a lossy format."""
    file = io.BytesIO()
    picture.save(file, kind, quality=quality)
    return Pictures.open(file).convert(picture.mode)


def two_colours() -> Pictures.Image:
    picture = shape(value=RED, mode="RGB")
    ImageDraw.Draw(picture).rectangle([60, 10, 80, 30], fill=GREEN)
    return picture


SQUARE = np.pad(np.full((36, 64), 255, np.uint8), ((12, 48), (20, 76)))
SPOT = np.pad(np.full((4, 4), True), ((20, 72), (40, 116)))
SOFT = {
    "a slight blur": shape().filter(ImageFilter.GaussianBlur(0.5)),
    "a strong blur": shape().filter(ImageFilter.GaussianBlur(8)),
    "a box blur": shape().filter(ImageFilter.BoxBlur(1)),
    "drawn smoothly": shape(384).reduce(4),
    "made smaller": shape(150).resize((96, 96), Pictures.Resampling.BILINEAR),
    "made larger": shape(40).resize((96, 96), Pictures.Resampling.BICUBIC),
    "an id made smaller": shape(150, 40).resize((96, 96), Pictures.Resampling.BILINEAR),
    "half the size": shape(191, 200).resize((96, 96), Pictures.Resampling.BILINEAR),
    "a JPEG kept as a PNG": compressed(shape(), "JPEG", 75),
    "a good JPEG kept as a PNG": compressed(shape(), "JPEG", 95),
    "a few pixels that are nearly white": Pictures.fromarray(np.where(SPOT, np.uint8(254), SQUARE)),
    "a WebP kept as a PNG": compressed(shape(), "WEBP", 50),
    "blurred colours": two_colours().filter(ImageFilter.GaussianBlur(1)),
    "one blurred colour": shape(value=(128, 0, 0), mode="RGB").filter(ImageFilter.GaussianBlur(2)),
    "colours of a JPEG": compressed(two_colours(), "JPEG", 90),
    "blurred colours in a palette": two_colours().filter(ImageFilter.GaussianBlur(1)).quantize(64),
    "a blur in a grey palette": shape().filter(ImageFilter.GaussianBlur(1)).convert("P"),
    "a photograph": Pictures.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)),
    "even levels of grey": Pictures.fromarray(np.repeat(strip(0, 85, 170, 255)[0], 24)[None].repeat(96, 0)),
}


@pytest.mark.parametrize("picture", SOFT.values(), ids=SOFT)
def test_soft_edges_are_refused_and_a_threshold_makes_one_object(tmp_path: Path, picture: Pictures.Image):
    picture.save(tmp_path / "mask.png")
    refused(lambda: read_mask(tmp_path / "mask.png"), r"mask\.png", "expected ids, or `threshold` 128")
    bright = np.asarray(picture.convert("RGB")).max(axis=-1) >= 100
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", threshold=100), bright)


def crowd(side: int, gap: int, step: int = 1) -> np.ndarray:
    """Ids 1 to 200 in squares."""
    tiles = np.zeros((10, side + gap, 20, side + gap), np.uint8)
    tiles[:, :side, :, :side] = (np.arange(200) * step % 200 + 1).reshape(10, 1, 20, 1)
    return np.pad(tiles.reshape(10 * (side + gap), -1), 5)


def rim(width: int) -> np.ndarray:
    """An object of few pixels with void around it."""
    mask = np.zeros((40, 40), np.uint8)
    mask[18 - width : 22 + width, 18 - width : 22 + width] = 255
    mask[18:22, 18:20], mask[18:20, 20:22], mask[20:22, 20:22] = 1, 2, 3
    return mask


def stripes(width: int) -> np.ndarray:
    """Ids 1 to 30 side by side, each so wide."""
    return np.pad((np.arange(30 * width) // width + 1).astype(np.uint8)[None].repeat(40, 0), 5)


HARD = {
    "200 objects of a pixel": crowd(1, 1),
    "200 objects of four pixels": crowd(2, 1, step=37),
    "200 objects of four pixels side by side": crowd(2, 0),
    "200 objects of nine pixels side by side": crowd(3, 0, step=37),
    "narrow objects side by side": stripes(2),
    "a void rim of one pixel": rim(1),
    "a void rim of three pixels": rim(3),
    "a thin ring around an object": np.pad(np.pad(np.full((9, 9), 2, np.uint8), 1, constant_values=1), 5),
    "a thin object between two": np.pad(np.repeat(strip(1, 2, 3)[0], [9, 1, 9])[None].repeat(20, 0), 5),
}


@pytest.mark.parametrize("mask", HARD.values(), ids=HARD)
def test_small_and_thin_objects_are_no_soft_edges(tmp_path: Path, mask: np.ndarray):
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "mask.png", mask)), np.where(mask < 255, mask, 0))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_threshold_reads_every_kind_of_picture(tmp_path: Path, kind: str):
    sharp = np.asarray(shape()) > 0
    for picture in (shape(), shape(value=RED, mode="RGB"), Pictures.fromarray(sharp)):
        path = tmp_path / "mask"
        picture.save(path, kind)
        assert (read_mask(path, threshold=128) == sharp).mean() > 0.99
        if kind != "PNG":
            refused(lambda path=path: read_mask(path), f"found a {kind}, whose losses", "`threshold` 128")
    shape().save(tmp_path / "lossless.webp", lossless=True)
    np.testing.assert_array_equal(read_mask(tmp_path / "lossless.webp"), sharp)


def test_a_threshold_takes_16_bits_and_transparency_for_what_they_are(tmp_path: Path):
    deep = saved(tmp_path / "deep.png", np.array([[0, 32895, 32896, 65535]], np.uint16))
    assert read_mask(deep, threshold=128).tolist() == [[0, 0, 1, 1]]
    shallow = saved(tmp_path / "shallow.png", np.array([[0, 127, 128, 255]], np.uint16))
    assert read_mask(shallow, threshold=128).tolist() == [[0, 0, 1, 1]]
    clear = saved(tmp_path / "clear.png", np.array([[[200, 0, 0, 127], [200, 0, 0, 128]]], np.uint8))
    assert read_mask(clear, threshold=128).tolist() == [[0, 1]]


def test_a_threshold_is_said_and_must_be_a_byte_above_0(tmp_path: Path):
    path = saved(tmp_path / "mask.png", IDS)
    reader = MaskReader([path], threshold=2)
    np.testing.assert_array_equal(reader.read(path), IDS >= 2)
    assert reader.meaning == "what is at least 2 bright is object 1"
    for wrong in (0, 256, -3):
        refused(lambda wrong=wrong: read_mask(path, threshold=wrong), f"`threshold`: found {wrong}, expected 1 to 255")
