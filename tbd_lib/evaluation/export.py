"""A folder of masks becomes the archive that a benchmark's server takes, after a look at every file in it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from tqdm.auto import tqdm

from tbd_lib.datasets.config import Benchmark
from tbd_lib.errors import InputError
from tbd_lib.evaluation.scoring import mask_names
from tbd_lib.files import at_home, require_writable, write_whole
from tbd_lib.video.frames import FolderFrames, Video
from tbd_lib.video.masks import MaskReader, ids_of, require_size

INSIDE: Mapping[Benchmark, str] = {"davis": "", "youtube-vos": "Annotations/"}
"""Where a server expects the folders of the videos."""


def export(masks: Path, videos: Sequence[Video], archive: Path, benchmark: Benchmark) -> int:
    """Pack masks for a benchmark's server; the archive appears when it is whole.

    Args:
        masks: a folder of palette PNGs per video, as ``evaluate`` writes them.
        videos: of the benchmark: they tell which masks are expected, of which size, with which ids.
        archive: the zip file.
        benchmark: whose server.

    Returns:
        How many masks are in it.

    Raises:
        InputError: a mask is missing, too many, of another size than its frame, holds an id that was never given, or
            pixels that are not ids as they are.
        OSError: a file cannot be read or written.
    """
    masks = at_home(masks)
    require_writable(archive)
    paths = {video.name: _complete(masks / video.name, video) for video in videos}
    count = 0
    with write_whole(archive) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as packed:
        for video in tqdm(videos, desc="export", unit="video"):
            for path in _checked(paths[video.name], video):
                packed.write(path, f"{INSIDE[benchmark]}{video.name}/{path.name}")
                count += 1
    return count


def expected_names(video: Video) -> list[str]:
    """File names of the masks that are asked for of a video."""
    names = video.frames.names if isinstance(video.frames, FolderFrames) else [frame.name for frame in video.frames]
    return [f"{name}.png" for place, name in enumerate(names) if video.wanted is None or place in video.wanted]


def _complete(folder: Path, video: Video) -> list[Path]:
    """The masks of a video, which are those that are asked for."""
    expected, found = expected_names(video), mask_names(folder)
    if missing := sorted(set(expected) - found):
        raise InputError(f"{folder / missing[0]}: no such mask, expected {len(expected)} of {video.name}")
    if surplus := sorted(found - set(expected)):
        raise InputError(f"{folder / surplus[0]}: not asked for by the benchmark; expected {len(expected)} masks")
    return [folder / name for name in expected]


def _checked(paths: Sequence[Path], video: Video) -> Iterator[Path]:
    """A video's masks, each of which was read."""
    assert isinstance(video.frames, FolderFrames)  # benchmarks come as folders
    known = {i for mask in video.given.values() for i in ids_of(mask)}
    reader = MaskReader(paths)
    for path in paths:
        mask = require_size(reader.read(path), video.frames.shape, path)
        if reader.meaning:
            raise InputError(f"{path}: {reader.meaning}; expected ids alone, for a server reads pixels as they are")
        if strange := set(ids_of(mask)) - known:
            raise InputError(f"{path}: found the id {min(strange)}, expected {sorted(known)}, which are given")
        yield path
