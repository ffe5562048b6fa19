"""The videos of a benchmark's split, by the names that the command line has for them."""

from pathlib import Path
from typing import TYPE_CHECKING

from tbd_lib.datasets.config import Benchmark
from tbd_lib.errors import InputError

if TYPE_CHECKING:
    from tbd_lib.video.frames import Video

YEARS = {"davis": (2016, 2017), "youtube-vos": (2018, 2019)}


def benchmark_videos(data: Path, dataset: Benchmark, year: int | None, split: str, resolution: str) -> list["Video"]:
    """The videos to be tracked; ``year`` None is the data set's usual one, ``split`` "" its validation set.

    Raises:
        InputError: a year or resolution that the data set does not have; what the index functions refuse.
    """
    if year is not None and year not in YEARS[dataset]:
        raise InputError(f"--year {year}: expected {' or '.join(map(str, YEARS[dataset]))} for {dataset}")
    if dataset != "davis" and resolution != "480p":
        raise InputError(f"`resolution` {resolution}: expected none, for {dataset} has one alone")
    if dataset == "davis":
        from tbd_lib.datasets.davis import davis

        return davis(data, split or "val", year or 2017, resolution)
    from tbd_lib.datasets.youtube_vos import youtube_vos_benchmark

    return youtube_vos_benchmark(data, split or "valid")
