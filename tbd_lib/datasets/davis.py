"""Data sets in the layout of DAVIS, as lists of videos whose frames and masks are read when asked for."""

from pathlib import Path

from tbd_lib.datasets.lazy import GivenMasks, MaskFiles
from tbd_lib.errors import InputError
from tbd_lib.files import data_folder
from tbd_lib.video.frames import FolderFrames, Video


def davis(
    root: Path | str, split: str = "val", year: int = 2017, resolution: str = "480p", late_objects: bool = False
) -> list[Video]:
    """Videos of a data set in the layout of DAVIS.

    ``root`` holds ``JPEGImages/<resolution>/<video>/*.jpg``, ``Annotations/<resolution>/<video>/*.png`` and
    ``ImageSets/<year>/<split>.txt``, a video's name per line; the lines of two paths in DAVIS-2016's own release
    (``ImageSets/<resolution>``) are understood too. Year 2016 joins all objects into one. A split that has only first
    masks (test-dev) gives videos without ``truth``.

    The benchmark gives and scores the objects of the first frame; ``late_objects`` also gives each later one in the
    frame where it first appears. Source: ``docs/method.md``, "Evaluation".

    Raises:
        InputError: no such folder, split or video; a list without videos; a mask is missing; see also
            ``FolderFrames``, ``MaskFiles`` and ``GivenMasks`` for what is found when frames and masks are read.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder, expected a data set in DAVIS layout")
    split_file = _split_file(root, split, year, resolution)
    videos = []
    for name in listed(split_file):
        frames_folder = root / "JPEGImages" / resolution / name
        if not frames_folder.is_dir():
            raise InputError(f"{frames_folder}: no such folder, but {split_file} lists the video {name!r}")
        masks_folder = root / "Annotations" / resolution / name
        videos.append(_video(name, FolderFrames(frames_folder), masks_folder, year == 2016, late_objects))
    return videos


def sample(split: str) -> list[Video]:
    """The videos that come with the package; objects that enter late are given where they appear.

    ``"train"`` and ``"val"`` are synthetic; ``"real"`` are clips of real films, for looking and scoring only
    (``data/real/ORIGIN.md``).

    Raises:
        InputError: no such split, or the package lacks its data.
    """
    return davis(data_folder() / "sample", split, late_objects=True)


def find(name: str, root: Path | str | None = None) -> Video:
    """A video by its name: of the bundled sample, or of DAVIS-2016's validation set below ``root``.

    Raises:
        InputError: no video of that name; see also ``davis``.
    """
    videos = [*sample("real"), *sample("train"), *sample("val")] if root is None else davis(root, "val", 2016)
    for video in videos:
        if video.name == name:
            return video
    place = "the sample" if root is None else str(root)
    raise InputError(f"no video {name!r} in {place}; there are {', '.join(video.name for video in videos)}")


def listed(split_file: Path) -> list[str]:
    """Names of a split's videos in order, each once; of a path, the folder that the file lies in.

    Raises:
        FileNotFoundError: no such list.
        InputError: the list is empty.
    """
    entries = [line.split()[0] for line in split_file.read_text().splitlines() if line.strip()]
    names = [Path(entry).parent.name if "/" in entry else entry for entry in entries]
    if not names:
        raise InputError(f"{split_file}: found no videos, expected a video's name per line")
    return list(dict.fromkeys(names))


def _video(name: str, frames: FolderFrames, masks_folder: Path, joined: bool, late_objects: bool) -> Video:
    paths = [masks_folder / f"{frame}.png" for frame in frames.names]
    present = {path.name for path in masks_folder.glob("*.png")}
    missing = [path for path in paths if path.name not in present]
    only_first = len(paths) > 1 and missing == paths[1:]
    if missing and not only_first:
        raise InputError(f"{missing[0]}: no such mask, expected one for every frame, or for the first alone")
    positions = range(len(paths) if late_objects and not only_first else 1)
    truth = None if only_first else MaskFiles(paths, frames, joined)
    return Video(name, frames, GivenMasks(paths, positions, frames, joined), truth)


def _split_file(root: Path, split: str, year: int, resolution: str) -> Path:
    """The list of a split: under the year, or where DAVIS-2016's own release has it."""
    folders = [root / "ImageSets" / str(year)] + [root / "ImageSets" / resolution] * (year == 2016)
    for candidate in folders:
        if (candidate / f"{split}.txt").is_file():
            return candidate / f"{split}.txt"
    splits = sorted({path.stem for candidate in folders for path in candidate.glob("*.txt")})
    others = sorted(path.parent.name for path in (root / "ImageSets").glob(f"*/{split}.txt"))
    there = f"there are {', '.join(splits)}" if splits else "there is none"
    if others and not splits:
        there += f" of {year}, but there is one of {', '.join(others)}"
    raise InputError(f"{folders[0] / f'{split}.txt'}: no such split, {there}")
