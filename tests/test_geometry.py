"""Properties of padding, cropping and resizing."""

import pytest
import torch

from tbd_lib.tracking.geometry import crop, pad, padded_size, resized


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (97, 131), (480, 854)])
def test_crop_undoes_pad(size: tuple[int, int]) -> None:
    maps = torch.rand(2, 3, *size)
    padded = pad(maps)
    assert padded.shape[-2:] == padded_size(size)
    assert padded.shape[-2] % 16 == padded.shape[-1] % 16 == 0
    torch.testing.assert_close(crop(padded[0], size), maps[0])


def test_the_odd_pixel_is_on_top_and_on_the_left_and_borders_are_mirrored() -> None:
    maps = torch.arange(17 * 19, dtype=torch.float64).view(1, 1, 17, 19)
    padded = pad(maps)[0, 0]  # 15 rows are missing: 8 on top and 7 below; 13 columns: 7 and 6
    assert padded[8, 7] == maps[0, 0, 0, 0] and padded[24, 25] == maps[0, 0, -1, -1]
    assert padded[7, 7] == maps[0, 0, 1, 0] and padded[8, 6] == maps[0, 0, 0, 1]


def test_resizing_keeps_a_constant_and_the_same_size_untouched() -> None:
    prob = torch.rand(8, 9)
    assert resized(prob, (8, 9)) is prob
    torch.testing.assert_close(resized(torch.full((8, 9), 0.3), (21, 4)), torch.full((21, 4), 0.3))
