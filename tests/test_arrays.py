"""Frames and masks in the forms that people have at hand: each means what the plain array means, or is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pictures
from PIL import ImageFilter, ImageOps
from small_masks import IDS, RGB

from tbd_lib.errors import InputError
from tbd_lib.video.arrays import as_image, as_mask, as_values
from tbd_lib.video.frames import Frame, Video, read_image
from tbd_lib.video.masks import read_mask, write_mask

GREY = RGB[..., 0]
CHANNELS_FIRST = torch.from_numpy(RGB).permute(2, 0, 1)
OPACITY = np.arange(600, dtype=np.uint8).reshape(20, 30, 1)
OBJECT = (IDS == 1).astype(np.uint8)

FRAMES: dict[str, tuple[Any, np.ndarray]] = {
    "RGB": (RGB, RGB),
    "turned round in memory": (np.asfortranarray(RGB[::-1, ::-1])[::-1, ::-1], RGB),
    "RGB and opacity": (np.concatenate([RGB, OPACITY], 2), RGB),
    "grey": (GREY, np.stack([GREY] * 3, 2)),
    "grey with an axis for the channel": (GREY[..., None], np.stack([GREY] * 3, 2)),
    "tensor": (CHANNELS_FIRST, RGB),
    "tensor, channels last": (torch.from_numpy(RGB), RGB),
    "tensor in [0, 1]": (CHANNELS_FIRST / 255, RGB),
    "tensor in [0, 1], rounding errors beyond": ((CHANNELS_FIRST / 255 - 0.5) * 1.0001 + 0.5, RGB),
    "tensor in half precision": ((CHANNELS_FIRST / 255).half(), RGB),
    "tensor with a gradient": ((CHANNELS_FIRST / 255).double().requires_grad_(), RGB),
    "tensor, grey": (CHANNELS_FIRST[:1] / 255, np.stack([GREY] * 3, 2)),
    "tensor, RGB and opacity": (torch.cat([CHANNELS_FIRST, CHANNELS_FIRST[:1]]), RGB),
    "picture": (Pictures.fromarray(RGB), RGB),
    "picture, RGBA": (Pictures.fromarray(np.concatenate([RGB, OPACITY], 2)), RGB),
    "picture, grey": (Pictures.fromarray(GREY), np.stack([GREY] * 3, 2)),
    "picture, palette": (Pictures.fromarray(GREY).convert("P"), np.stack([GREY] * 3, 2)),
    "picture, one bit": (Pictures.fromarray(GREY > 99), np.stack([(GREY > 99) * np.uint8(255)] * 3, 2)),
}
NO_FRAMES: dict[str, tuple[Any, str]] = {
    "floats in [0, 1]": (RGB / 255, r"float64, shape \(20, 30, 3\), values 0 to 1;.*\(frame \* 255\)\.round\(\)"),
    "floats": (RGB.astype(np.float32), r"float32.*values 0 to 255; .*instance frame\.round\(\)\.astype\('uint8'\)"),
    "not a number": (np.full((20, 30, 3), np.nan), "values nan to nan"),
    "16 bits": (RGB.astype(np.uint16), "uint16.*values 0 to 255; expected RGB as a uint8 array"),
    "integers": (RGB.astype(int), "a numpy array of int64"),
    "bool": (GREY > 99, "a numpy array of bool"),
    "batch": (RGB[None], r"shape \(1, 20, 30, 3\)"),
    "channels first": (RGB.transpose(2, 0, 1), r"shape \(3, 20, 30\).* HxWx3"),
    "two channels": (RGB[..., :2], r"shape \(20, 30, 2\)"),
    "nothing": (RGB[:0], r"shape \(0, 30, 3\);"),
    "objects": (RGB.astype(object), "a numpy array of object"),
    "tensor beyond 1": (CHANNELS_FIRST.float(), "torch tensor of float32.*values 0 to 255"),
    "tensor below 0": (CHANNELS_FIRST / 255 - 0.5, "torch tensor.*values -0.5 to 0.5"),
    "tensor, not a number": (CHANNELS_FIRST * torch.nan, "torch tensor.*values nan to nan"),
    "tensor of integers": (CHANNELS_FIRST.long(), "torch tensor of int64"),
    "tensor, sparse": (CHANNELS_FIRST.to_sparse(), "torch tensor of uint8"),
    "tensor, complex": (CHANNELS_FIRST.to(torch.complex64), "torch tensor of complex64"),
    "tensor, batch": (CHANNELS_FIRST[None], r"shape \(1, 3, 20, 30\)"),
    "picture of floats": (Pictures.fromarray(GREY.astype(np.float32)), "a PIL picture of mode F"),
    "picture of 16 bits": (Pictures.fromarray(GREY.astype(np.uint16)), "a PIL picture of mode I;16"),
    "list": (RGB.tolist(), "list; expected"),
    "path": ("frame.png", "str; expected"),
    "None": (None, "None; expected"),
}
MASKS: dict[str, tuple[Any, np.ndarray | None]] = {
    "ids": (IDS.astype(np.uint8), IDS),
    "integers": (IDS, IDS),
    "unsigned integers": (IDS.astype(np.uint64), IDS),
    "bool": (IDS == 1, OBJECT),
    "0 and 255": (OBJECT * 255, OBJECT),
    "255 beside ids is void": (np.where(IDS == 2, 255, IDS), OBJECT),
    "an axis at the end": (IDS[..., None], IDS),
    "an axis at the beginning": (IDS[None], IDS),
    "tensor": (torch.from_numpy(IDS)[None], IDS),
    "tensor of bool": (torch.from_numpy(IDS) == 1, OBJECT),
    "picture": (Pictures.fromarray(IDS.astype(np.uint8)), IDS),
    "picture, palette": (Pictures.fromarray(IDS.astype(np.uint8)).convert("P"), None),
    "picture, one bit": (Pictures.fromarray(IDS == 1), OBJECT),
    "picture, 0 and 255": (Pictures.fromarray(OBJECT * 255), OBJECT),
    "picture, 32 bits": (Pictures.fromarray(IDS.astype(np.int32)), IDS),
    "picture, 16 bits": (Pictures.fromarray(IDS.astype(np.uint16)), IDS),
}
NO_MASKS: dict[str, tuple[Any, str]] = {
    "floats": (IDS * 1.0, "float64.*values 0 to 2; .*for instance mask > 0.5"),
    "tensor of floats": (torch.from_numpy(IDS * 1.0), "torch tensor of float64.*mask > 0.5"),
    "too large": (IDS * 150, "a mask with the id 300; expected ids from 0 to 255"),
    "negative": (-IDS, "a mask with the id -2; expected ids from 0 to 255"),
    "colours": (RGB, r"shape \(20, 30, 3\).*expected ids"),
    "several": (np.stack([IDS] * 2), r"shape \(2, 20, 30\)"),
    "batch": (IDS[None, None], r"shape \(1, 1, 20, 30\)"),
    "nothing": (IDS[:0], r"shape \(0, 30\);"),
    "number": (3, "given as int;"),
    "picture in colours": (Pictures.fromarray(RGB), "a PIL picture of mode RGB"),
    "list": (IDS.tolist(), "list; expected ids"),
    "None": (None, "None; expected ids"),
}


def refused(action: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        action()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(("given", "expected"), FRAMES.values(), ids=FRAMES)
def test_frames_in_every_form_are_the_same_rgb(given: Any, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(as_image(given), expected)
    np.testing.assert_array_equal(Frame("0", given).image, expected)


@pytest.mark.parametrize(("given", "words"), NO_FRAMES.values(), ids=NO_FRAMES)
def test_what_is_no_frame_is_refused_with_what_came(given: Any, words: str) -> None:
    refused(lambda: as_image(given), f"^a frame given as .*{words}")
    refused(lambda: Frame("0042", given), f"^frame 0042: .*{words}")


@pytest.mark.parametrize(("given", "expected"), MASKS.values(), ids=MASKS)
def test_masks_in_every_form_are_the_same_ids(given: Any, expected: np.ndarray | None) -> None:
    expected = np.asarray(given) if expected is None else expected
    assert as_mask(given).dtype == np.uint8
    np.testing.assert_array_equal(as_mask(given), expected)
    positions: Any = {np.int64(4): given}
    np.testing.assert_array_equal(Video("v", [], positions).given[4], expected)


@pytest.mark.parametrize(("given", "words"), NO_MASKS.values(), ids=NO_MASKS)
def test_what_is_no_mask_is_refused_with_what_came(given: Any, words: str) -> None:
    for action in (lambda: as_mask(given), lambda: Video("v", [], {0: given})):
        refused(action, words)


def test_masks_with_soft_edges_are_refused_and_hard_ones_of_any_ids_are_not() -> None:
    square = np.zeros((48, 64), np.uint8)
    square[8:40, 8:40] = 255
    soft = np.asarray(Pictures.fromarray(square).filter(ImageFilter.GaussianBlur(2)))
    with pytest.raises(
        InputError, match=r"^a mask with soft edges, of \d+ levels; expected ids, for instance mask > 127$"
    ):
        as_mask(soft)
    np.testing.assert_array_equal(as_mask(soft > 127), soft > 127)
    for first, second in ((85, 170), (1, 2), (200, 254)):
        hard = np.where(square > 0, np.uint8(first), np.uint8(0))
        hard[16:24, 30:60] = second
        np.testing.assert_array_equal(as_mask(hard), hard)


def test_thin_objects_of_large_ids_are_no_soft_edges_in_memory_as_they_are_none_in_files(tmp_path: Path) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[20:40, 20:40], mask[19, 20:40], mask[40, 20:40] = 80, 40, 60
    write_mask(tmp_path / "mask.png", mask)
    for given in (mask, read_mask(tmp_path / "mask.png")):
        np.testing.assert_array_equal(Video("v", [], {0: given}).given[0], mask)
    square = Pictures.fromarray(np.where(mask > 0, np.uint8(255), mask))
    smaller = np.asarray(square.resize((31, 23), Pictures.Resampling.BILINEAR))
    refused(lambda: Video("v", [], {0: mask, 7: smaller}), r"^v, frame 7: a mask with soft edges, of \d+ levels")


def test_plain_arrays_are_not_copied() -> None:
    mask = IDS.astype(np.uint8)
    assert as_image(RGB) is RGB and as_mask(mask) is mask


def test_what_255_means_is_decided_from_all_masks_of_a_video() -> None:
    masks = Video("v", [], {0: OBJECT * 255, 3: np.where(IDS == 2, 5, 0)}).given
    assert not masks[0].any() and np.array_equal(np.unique(masks[3]), [0, 5])
    assert np.array_equal(Video("v", [], {0: OBJECT * 255, 3: OBJECT * 255}).given[3], OBJECT)


@pytest.mark.parametrize("given", [IDS, IDS == 1, OBJECT * 255, torch.from_numpy(IDS)], ids=str)
def test_masks_are_written_from_every_form_as_they_are(tmp_path: Path, given: Any) -> None:
    write_mask(str(tmp_path / "mask.png"), given)
    np.testing.assert_array_equal(np.asarray(Pictures.open(tmp_path / "mask.png")), as_values(given))
    np.testing.assert_array_equal(read_mask(str(tmp_path / "mask.png")), as_mask(given))


def test_a_picture_is_turned_once_as_its_file_says(tmp_path: Path) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = 6  # lay on its side
    path = tmp_path / "photo.png"
    Pictures.fromarray(np.rot90(RGB)).save(path, exif=exif)
    opened = Pictures.open(path)
    turned_by_hand = Pictures.open(path).transpose(Pictures.Transpose.ROTATE_270)
    for picture in (opened, opened, ImageOps.exif_transpose(Pictures.open(path)), turned_by_hand):
        np.testing.assert_array_equal(as_image(picture), read_image(path))
    np.testing.assert_array_equal(as_image(opened), RGB)


def test_pictures_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Pictures.fromarray(GREY).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    refused(lambda: as_image(Pictures.open(path)), r"a frame given as a PIL picture that cannot be read \(")
    refused(lambda: as_mask(Pictures.open(path)), r"a mask given as a PIL picture that cannot be read \(")
    Pictures.fromarray(GREY).save(tmp_path / "mask.jpg")
    refused(lambda: as_mask(Pictures.open(tmp_path / "mask.jpg")), "mode L from a JPEG")


def test_what_is_masked_out_is_not_taken_for_pixels() -> None:
    words = r"masked numpy array of u?int\d+, .*for instance array\.filled\(0\)"
    refused(lambda: as_image(np.ma.masked_array(RGB, RGB > 100)), words)
    refused(lambda: as_mask(np.ma.masked_array(IDS, IDS == 2)), words)


def test_tensors_whose_type_can_do_little_and_closed_files_are_refused_in_words(tmp_path: Path) -> None:
    refused(lambda: as_image(CHANNELS_FIRST.to(torch.uint16)), "torch tensor of uint16, shape .*, values 0 to ")
    Pictures.fromarray(RGB).save(tmp_path / "closed.png")
    with Pictures.open(tmp_path / "closed.png") as picture:
        pass
    refused(lambda: as_image(picture), r"cannot be read \(.*closed")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_tensors_on_a_gpu_are_fetched() -> None:
    np.testing.assert_array_equal(as_image(CHANNELS_FIRST.cuda()), RGB)
    np.testing.assert_array_equal(as_mask(torch.from_numpy(IDS).cuda()), IDS)
