"""Which files of a folder are the frames of its video, and in which order."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from os import scandir
from pathlib import Path

from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.files import is_stray
from tbd_lib.video.masks import size_of
from tbd_lib.video.pictures import picture_header, require_8_bits, upright_shape

NUMBERS = re.compile("([0-9]+)")
SUFFIXES = ((".jpg", ".jpeg"), (".png",), (".webp",), (".bmp",), (".tif", ".tiff"))
KINDS = {suffix: suffixes[0] for suffixes in SUFFIXES for suffix in suffixes}
"""Suffixes of pictures, each with the one that stands for its kind; of equally many files the earlier kind counts."""


@dataclass(frozen=True)
class Name:
    """A file's name in parts: its numbers, and what stands before, between and after them."""

    path: Path
    kind: str
    texts: tuple[str, ...]
    digits: tuple[str, ...]


def frame_files(folder: Path, strict: bool = False) -> tuple[list[Path], tuple[str, ...]]:
    """The files of a folder that are its frames, in order, and the names of pictures that are none.

    The frames are the largest group of pictures whose names are alike but for their numbers, and of one kind; JPEG
    goes before PNG where both are equally many. Two or more pictures of other kinds are frames as well if the numbers
    of all together ascend in even steps. Where no group holds half of the pictures of its kind, names have no common
    pattern, and all pictures of the most frequent kind are the frames. Pictures of another size than most of these
    (upright, as EXIF says) are none.

    Numbers are compared as numbers (8, 9, 10) wherever they stand in a name; seconds at the end may have fractions
    (0.9, 0.93, 1.2). Names without a common pattern that are all equally long are compared letter by letter. A camera's
    counter that has begun anew (9998, 9999, 0001) goes on behind its highest number.

    Hidden files, folders, and files that have no suffix of a picture are passed over.

    Args:
        folder: where they lie.
        strict: for the folders of a benchmark, in which every picture is a frame, and no number may be missing.
            Headers are not read then.

    Raises:
        InputError: no frames; two equally large groups, or several of which each is counted from its beginning
            (``cam1_0``, ``cam1_1``, ``cam2_0``); the same number twice; a file that is no picture, or has more
            than 8 bits per channel; no size that most frames have; if strict, a missing number or a picture that is no
            frame.
        OSError: a file that cannot be read.
    """
    names = [_parted(path) for path in _pictures_in(folder)]
    if not names:
        folders = sorted(path.name for path in folder.iterdir() if path.is_dir() and not is_stray(path.name))
        inside = (
            f" but the folder {folders[0]}" + f" and {len(folders) - 1} more" * (len(folders) > 1) if folders else ""
        )
        raise InputError(f"{folder}: found no frames{inside}, expected files that end in {', '.join(KINDS)}")
    frames = _frames_among(names, folder)
    _require_one_count(frames, folder)
    frames = _in_order(frames)
    if strict:
        if others := set(names) - set(frames):
            stray = min(name.path for name in others)
            raise InputError(f"{stray}: is no frame as {frames[0].path.name} is, expected frames alone")
        _require_even_steps(frames)
        paths = [frame.path for frame in frames]
    else:
        paths = _of_one_size([frame.path for frame in _from_the_gap(frames)])
    return paths, tuple(sorted({name.path.name for name in names} - {path.name for path in paths}))


def _pictures_in(folder: Path) -> list[Path]:
    """Files with a picture's suffix; links that lead nowhere are among them, so that they are found when opened."""
    with scandir(folder) as entries:
        found = [
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and (entry.is_file() or (entry.is_symlink() and not entry.is_dir()))
        ]
    return [path for path in (folder / name for name in sorted(found)) if path.suffix.lower() in KINDS]


def natural(name: str) -> list[str | int]:
    """A name as people count: text and numbers in turn, so that 9 comes before 10 where numbers are not padded."""
    return [int(part) if at % 2 else part for at, part in enumerate(NUMBERS.split(name))]


def _parted(path: Path) -> Name:
    parts = NUMBERS.split(path.stem)
    return Name(path, KINDS[path.suffix.lower()], tuple(parts[::2]), tuple(parts[1::2]))


def _frames_among(names: Sequence[Name], folder: Path) -> list[Name]:
    """The largest group of names that are alike, or all of the most frequent kind."""
    groups = Counter((name.kind, name.texts) for name in names)
    kinds = Counter(name.kind for name in names)
    ranks = list(dict.fromkeys(KINDS.values()))
    most = max(groups.values())
    kind = min((kind for kind, texts in groups if groups[kind, texts] == most), key=ranks.index)
    rivals = [group for group in groups if group[0] == kind and groups[group] == most]
    if len(rivals) > 1 and most > 1 and len(rivals) * most * 2 >= kinds[kind]:
        first, second = (next(n.path.name for n in names if (n.kind, n.texts) == rival) for rival in rivals[:2])
        raise InputError(f"{folder}: found as many files like {first} as like {second}, expected one kind of name")
    if len(rivals) == 1 and most * 2 >= kinds[kind]:
        return _with_other_kinds([name for name in names if (name.kind, name.texts) == rivals[0]], names)
    kind = min(kinds, key=lambda kind: (-kinds[kind], ranks.index(kind)))
    return [name for name in names if name.kind == kind]


def _with_other_kinds(frames: list[Name], names: Sequence[Name]) -> list[Name]:
    """Frames, and pictures of other kinds whose numbers complete theirs to one count in even steps."""
    others = [name for name in names if name.texts == frames[0].texts and name.kind != frames[0].kind]
    column = _varying([*frames, *others])
    if len(others) < 2 or column is None:
        return frames
    numbers = sorted(map(int, column))
    steps = {after - before for before, after in pairwise(numbers)}
    return [*frames, *others] if len(steps) == 1 and 0 not in steps else frames


def _in_order(names: Sequence[Name]) -> list[Name]:
    """Names by their numbers; two that differ in zeros or in the suffix alone are refused."""
    alike = len({name.texts for name in names}) == 1
    fractions = alike and _end_in_fractions(names)
    same_length = len({len(name.path.stem) for name in names}) == 1

    def key(name: Name) -> tuple[str | int, ...]:
        if not alike and same_length:
            return (name.path.stem,)
        parts = natural(name.path.stem)
        if fractions:
            parts[-2] = name.digits[-1]
        return tuple(parts)

    ordered = sorted(((key(name), name) for name in names), key=itemgetter(0))
    for (before, earlier), (after, later) in pairwise(ordered):
        if before == after:
            raise InputError(f"{later.path}: is the same frame as {earlier.path.name}, expected each once")
    return [name for _, name in ordered]


def _from_the_gap(names: list[Name]) -> list[Name]:
    """The same, but where a counter has begun anew after 9999, from the first number before that.

    It has if its numbers, equally long, have one gap, begin with 0 or 1, and go to the end of what fits.
    """
    column = _varying(names)
    if column is None or len({len(digits) for digits in column}) > 1 or set(column[-1]) != {"9"}:
        return names
    numbers = [int(digits) for digits in column]
    gaps = [i for i, (before, after) in enumerate(pairwise(numbers), 1) if after - before > 1]
    if numbers[0] > 1 or len(gaps) != 1 or len(column[0]) < 3:
        return names
    return names[gaps[0] :] + names[: gaps[0]]


def _varying(names: Sequence[Name]) -> list[str] | None:
    """The only number in names that is not the same in all; None where there is none, or more, or no common pattern."""
    if len({name.texts for name in names}) > 1:
        return None
    columns = [column for column in zip(*(name.digits for name in names), strict=True) if len(set(column)) > 1]
    return list(columns[0]) if len(columns) == 1 else None


def _require_one_count(names: Sequence[Name], folder: Path) -> None:
    """Refuse names that differ in a short number, and are counted from 0 or 1 for each value of it: several videos.

    Numbers that fill their digits, or go on to 24 or 60, may be parts of a time or of a longer count.
    """
    if len({name.texts for name in names}) > 1 or names[0].texts[-2:-1] == (".",):
        return
    counts: dict[tuple[str, ...], list[Name]] = {}
    for name in names:
        counts.setdefault(name.digits[:-1], []).append(name)
    varying = [set(column) for column in zip(*counts, strict=True) if len(set(column)) > 1]
    if len(varying) != 1 or max(map(len, varying[0])) > 3:
        return
    for group in counts.values():
        numbers = sorted(int(name.digits[-1]) for name in group)
        if len(numbers) < 2 or numbers[0] > 1 or numbers[-1] - numbers[0] + 1 != len(set(numbers)):
            return
    first, second, *_ = (min(group, key=lambda name: int(name.digits[-1])) for group in counts.values())
    length = max(int(name.digits[-1]) for name in counts[first.digits[:-1]]) + 1
    if length in (24, 60, 10 ** len(first.digits[-1])):
        return
    found = f"videos that begin with {first.path.name} and with {second.path.name}"
    raise InputError(f"{folder}: found {found}, expected the frames of one, in a folder of their own")


def _end_in_fractions(names: Sequence[Name]) -> bool:
    """Whether names end in seconds as programs print them (0.9, 0.93, 1.2), and not in counters (1.9, 1.10, 1.11)."""
    if names[0].texts[-2:] != (".", ""):
        return False
    longer = [name.digits[-1] for name in names if len(name.digits[-1]) > 1]
    whole = {name.digits[-2] for name in names}
    return not any(part.endswith("0") for part in longer) and (len(whole) > 1 or any(p[0] == "0" for p in longer))


def _require_even_steps(frames: Sequence[Name]) -> None:
    """Refuse frames of which one is missing; data sets that keep every fifth frame have a step of five throughout."""
    column = _varying(frames)
    if column is None:
        return
    numbers = [int(digits) for digits in column]
    steps = [after - before for before, after in pairwise(numbers)]
    usual = min(steps)
    for before, step in zip(numbers, steps, strict=False):
        if step != usual:
            missing, last, folder = before + usual, numbers[-1], frames[0].path.parent
            raise InputError(f"{folder}: frame {missing} is missing, expected all from {numbers[0]} to {last}")


def _of_one_size(paths: Sequence[Path]) -> list[Path]:
    """Those of the pictures that have the size of most of them."""
    sizes = [_size_in_header(path) for path in paths]
    (most, count), *others = Counter(sizes).most_common()
    if count * 2 <= len(paths):
        other = paths[sizes.index(others[0][0])]
        raise InputError(
            f"{paths[sizes.index(most)]}: found a frame of {size_of(most)} pixels, but {other.name} of "
            f"{size_of(others[0][0])} and no size that most frames have, expected all of one size"
        )
    return [path for path, size in zip(paths, sizes, strict=True) if size == most]


def _size_in_header(path: Path) -> tuple[int, int]:
    """Rows and columns of a picture as it is to be seen, without decoding it."""
    with picture_header(path) as picture:
        require_8_bits(picture, path)
        _require_one_page(picture, path)
        return upright_shape(picture)


def _require_one_page(picture: Pictures.Image, path: Path) -> None:
    """Refuse stacks of pictures; a smaller preview on a page of its own is none."""
    pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    if pages > 1:
        size = picture.size
        picture.seek(1)
        if picture.size == size:
            raise InputError(f"{path}: found {pages} pages, expected a file for each frame")
        picture.seek(0)
