"""The plain pipeline that the library's clips are measured against shows the same clips."""

from pathlib import Path

from benchmarks.loading import both_ways
from tbd_lib.datasets.config import AugmentConfig, DataConfig

QUICK = DataConfig(frames=3, augment=AugmentConfig(crop=160))


def test_both_forms_show_the_same_clips(shared: Path) -> None:
    """Up to resampling: the plain form rounds the crop to pixels and interpolates twice."""
    ours, plain = both_ways(QUICK, shared / "data" / "COCO")
    for number in range(6):
        (images, masks), (plain_images, plain_masks) = ours[number], plain[number]
        assert images.shape == plain_images.shape and images.dtype == plain_images.dtype
        assert masks.shape == plain_masks.shape and masks.dtype == plain_masks.dtype
        assert (images.float() - plain_images.float()).abs().mean() < 12  # of 255
        both, either = (masks & plain_masks).sum(), (masks | plain_masks).sum()
        assert both / either > 0.8
