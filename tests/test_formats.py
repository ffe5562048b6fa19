"""What docs/formats.md says is read: every line of its tables is made, read, and compared with the last column."""

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from films import CLOCKWISE, recorded, reordered, turned
from PIL import Image as Pictures
from PIL import ImageFilter

from tbd_lib.datasets.davis import davis
from tbd_lib.errors import InputError
from tbd_lib.evaluation.scoring import score
from tbd_lib.video.arrays import as_image, as_mask
from tbd_lib.video.frames import FileFrames, FolderFrames, open_video
from tbd_lib.video.masks import PALETTE, MaskReader, ids_of, write_mask

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "formats.md").read_text()
LINES = [
    tuple(cells) for cells in re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE, re.M) if cells[1] not in ("read as", "---")
]

Case = Callable[[Path], str]
CASES: dict[str, Case] = {}


def case(*given: str) -> Callable[[Case], Case]:
    """The function makes and reads what these lines of the page say."""

    def add(function: Case) -> Case:
        CASES.update(dict.fromkeys(given, function))
        return function

    return add


def test_every_line_of_the_page_has_a_case_and_every_case_a_line() -> None:
    assert len(LINES) > 70
    assert {given for given, _ in LINES} == CASES.keys()


@pytest.mark.parametrize(("given", "expected"), LINES, ids=[given for given, _ in LINES])
def test_what_the_page_says_is_read_so(given: str, expected: str, tmp_path: Path) -> None:
    if expected == "refused":
        with pytest.raises(InputError) as caught:
            CASES[given](tmp_path)
        assert "\n" not in str(caught.value) and "expected" in str(caught.value)
    else:
        assert CASES[given](tmp_path) == expected


# --- frames

GREEN = np.full((16, 32, 3), (10, 200, 30), np.uint8)


def folder_of(root: Path, *names: str, picture: np.ndarray = GREEN) -> Path:
    for name in names:
        Pictures.fromarray(picture).save(root / name)
    return root


def frames(folder: Path, strict: bool = False) -> str:
    found = FolderFrames(folder, strict)
    assert all(frame.image.shape == (16, 32, 3) for frame in found)
    return f"frames {', '.join(found.names)}" + f"; left out: {', '.join(found.left_out)}" * bool(found.left_out)


def names_case(given: str, *names: str) -> None:
    case(given)(lambda root: frames(folder_of(root, *names)))


names_case("`8.jpg` `9.jpg` `10.jpg`", "8.jpg", "9.jpg", "10.jpg")
names_case("`8_left.jpg` `9_left.jpg` `10_left.jpg`", "8_left.jpg", "9_left.jpg", "10_left.jpg")
names_case("time stamps 1693412345033, …066, …100", *(f"1693412345{end}.jpg" for end in ("100", "033", "066")))
names_case("`0.jpg` `1.jpg` `3.jpg`", "0.jpg", "1.jpg", "3.jpg")
names_case("`0.jpg` `1.jpg` `mask.png`", "0.jpg", "1.jpg", "mask.png")
names_case("`0.JPG` `1.jpeg`", "0.JPG", "1.jpeg")
names_case(
    "`0_left.jpg` `0_right.jpg` `1_left.jpg` `1_right.jpg`", "0_left.jpg", "0_right.jpg", "1_left.jpg", "1_right.jpg"
)
names_case("`998.jpg` `999.jpg` `000.jpg`", "998.jpg", "999.jpg", "000.jpg")
names_case("`0.jpg` `1.jpg` `2.png` `3.png`", "0.jpg", "1.jpg", "2.png", "3.png")
names_case(
    "`cam1_0.jpg` `cam1_1.jpg` `cam2_0.jpg` `cam2_1.jpg`", "cam1_0.jpg", "cam1_1.jpg", "cam2_0.jpg", "cam2_1.jpg"
)
names_case("`1.jpg` `01.jpg`", "1.jpg", "01.jpg")
case("the same, of a benchmark")(lambda root: frames(folder_of(root, "0.jpg", "1.jpg", "3.jpg"), strict=True))


@case("`0.jpg` `1.jpg` `2.jpg` of another size")
def another_size(root: Path) -> str:
    return frames(folder_of(folder_of(root, "0.jpg", "1.jpg"), "2.jpg", picture=GREEN[:8]))


@case("`0.jpg` `1.jpg`, hidden files, folders, notes")
def others_in_the_folder(root: Path) -> str:
    for name in ("2.jpg", ".ipynb_checkpoints"):
        (root / name).mkdir()
    for name in (".2.jpg", "notes.txt", "Thumbs.db"):
        (root / name).write_bytes(b"not a picture")
    return frames(folder_of(root, "0.jpg", "1.jpg"))


@case("PNG; WebP; BMP; TIFF")
def other_formats(root: Path) -> str:
    found = set()
    for suffix in ("png", "webp", "bmp", "tif", "tiff"):
        (root / suffix).mkdir()
        found.add(frames(folder_of(root / suffix, f"0.{suffix}", f"1.{suffix}")))
    return found.pop() if len(found) == 1 else str(found)


@case("grey and CMYK pictures")
def other_modes(root: Path) -> str:
    for name, mode in (("0.jpg", "L"), ("1.jpg", "CMYK")):
        Pictures.fromarray(GREEN).convert(mode).save(root / name)
    return frames(root)


@case("16 bits per channel")
def deep_pictures(root: Path) -> str:
    Pictures.fromarray(np.zeros((16, 32), np.uint16)).save(root / "0.png")
    return frames(root)


@case("a TIFF of several pages")
def pages(root: Path) -> str:
    page = Pictures.fromarray(GREEN)
    page.save(root / "0.tif", save_all=True, append_images=[page])
    return frames(root)


@case("a file that is no picture inside")
def no_picture(root: Path) -> str:
    (folder_of(root, "0.jpg") / "1.jpg").write_bytes(b"not a picture")
    return frames(root)


# --- films

SHOTS = [np.roll(GREEN, 5 * number, axis=1) for number in range(3)]


def size_of_film(path: Path) -> str:
    found = list(FileFrames(path))
    (shape,) = {frame.image.shape for frame in found}
    return f"{len(found)} frames of {shape[1]}x{shape[0]}"


case("MP4 of 3 pictures, 32x16")(lambda root: size_of_film(recorded(root / "a.mp4", SHOTS)))
case("the same, turned by its matrix")(lambda root: size_of_film(turned(recorded(root / "a.mp4", SHOTS), CLOCKWISE)))
case("named `12:30 100%.mp4`")(
    lambda root: size_of_film(recorded(root / "a.mp4", SHOTS).rename(root / "12:30 100%.mp4"))
)


@case("with a cover picture")
def with_cover(root: Path) -> str:
    return size_of_film(recorded(root / "a.mp4", SHOTS, cover=np.zeros((64, 64, 3), np.uint8)))


@case("with a small preview as the first stream")
def with_preview(root: Path) -> str:
    large = [shot.repeat(4, 0).repeat(4, 1) for shot in SHOTS]
    film = size_of_film(recorded(root / "a.mp4", large, preview=GREEN))
    return film.replace("128x64", "32x16")


@case("pictures at 0, 33 and 1000 ms")
def with_times(root: Path) -> str:
    return times_of_film(recorded(root / "a.mkv", SHOTS, times=[0, 33, 1000]))


@case("AVI whose frames are coded in another order")
def avi(root: Path) -> str:
    return times_of_film(reordered(root / "a.avi", SHOTS))


@case("animated WebP")
def animated(root: Path) -> str:
    first, *others = (Pictures.fromarray(GREEN // shade) for shade in (1, 2, 3))  # equal ones would be joined
    first.save(root / "a.webp", save_all=True, append_images=others)
    return size_of_film(root / "a.webp")


def times_of_film(path: Path) -> str:
    found = list(FileFrames(path))
    times = [1000 * frame.time for frame in found if frame.time is not None]
    return f"{len(found)} frames at {', '.join(f'{time:.0f}' for time in times)} ms"


@case("only sound")
def only_sound(root: Path) -> str:
    import av

    with av.open(str(root / "a.mka"), "w") as target:
        stream: Any = target.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        target.mux([*stream.encode(frame), *stream.encode(None)])
    return size_of_film(root / "a.mka")


@case("no film inside")
def no_film(root: Path) -> str:
    (root / "a.mp4").write_bytes(b"not a film" * 100)
    return size_of_film(root / "a.mp4")


# --- masks

ONE = np.zeros((16, 32), np.uint8)
ONE[4:12, 4:12] = 1
TWO = ONE.copy()
TWO[4:12, 18:28] = 2
RED, LIME = (255, 0, 0), (0, 255, 0)
SOFT = Pictures.fromarray(ONE * 255).resize((96, 48)).filter(ImageFilter.GaussianBlur(2))


def coloured(ids: np.ndarray, *colours: Sequence[int]) -> np.ndarray:
    return np.array([(0, 0, 0), *colours], np.uint8)[ids]


def mask_file(path: Path, values: Any, **options: Any) -> Path:
    (values if isinstance(values, Pictures.Image) else Pictures.fromarray(values)).save(path, **options)
    return path


def in_words(mask: np.ndarray) -> str:
    ids = ids_of(mask)
    return f"id{'s' * (len(ids) > 1)} {', '.join(map(str, ids))}" if ids else "background"


def meaning(path: Path, *others: Path, threshold: int | None = None) -> str:
    return in_words(MaskReader([path, *others], threshold).read(path))


def values_case(given: str, values: Any, beside: Any = None) -> None:
    def read(root: Path) -> str:
        others = [] if beside is None else [mask_file(root / "b.png", beside)]
        return meaning(mask_file(root / "a.png", values), *others)

    case(given)(read)


values_case("grey PNG of 0, 1, 7", np.where(TWO == 2, np.uint8(7), TWO))
values_case("one bit per pixel", Pictures.fromarray(ONE > 0))
values_case("0 and 255", ONE * 255)
values_case("0 and 65535 in 16 bits", ONE.astype(np.uint16) * 65535)
values_case("0, 1 and 255", np.where(TWO == 2, np.uint8(255), TWO))
values_case("0 and 255, beside a mask of 0 and 1", ONE * 255, ONE)
values_case("RGB in the benchmarks' colours of 1 and 3", coloured(TWO, PALETTE[1], PALETTE[3]))
values_case("RGB in greys of 0, 1, 2", coloured(TWO, (1, 1, 1), (2, 2, 2)))
values_case("RGB, pure green and red", coloured(TWO, LIME, RED))
values_case("RGB, red alone, beside a mask of green and red", coloured(ONE, RED), coloured(TWO, LIME, RED))
values_case("soft edges", SOFT)
values_case("colours in one mask, ids in another", coloured(TWO, LIME, RED), TWO)
values_case("ids above 254", ONE.astype(np.uint16) * 300)


@case("palette PNG of 0, 1, 2, whatever its colours")
def with_palette(root: Path) -> str:
    picture = Pictures.fromarray(TWO, mode="P")
    picture.putpalette([9, 9, 9, 200, 10, 10, 255, 255, 255])
    return meaning(mask_file(root / "a.png", picture))


@case("palette PNG in which black is not 0")
def with_sorted_palette(root: Path) -> str:
    picture = Pictures.fromarray(1 - ONE, mode="P")
    picture.putpalette([255, 255, 255, 0, 0, 0])
    return meaning(mask_file(root / "a.png", picture))


@case("RGBA, of which half is transparent")
def with_alpha(root: Path) -> str:
    alpha = np.where(TWO == 2, np.uint8(100), np.uint8(255))
    return meaning(mask_file(root / "a.png", np.dstack([coloured(TWO, PALETTE[1], PALETTE[2]), alpha])))


case("lossless WebP of greys 0, 1, 2")(
    lambda root: meaning(mask_file(root / "a.webp", coloured(TWO, (1, 1, 1), (2, 2, 2)), lossless=True))
)
case("TIFF of 0, 1, 2")(lambda root: meaning(mask_file(root / "a.tif", TWO)))
case("soft edges, with `--threshold 128`")(lambda root: meaning(mask_file(root / "a.png", SOFT), threshold=128))
case("JPEG")(lambda root: meaning(mask_file(root / "a.jpg", ONE * 255)))
case("JPEG, with `--threshold 128`")(lambda root: meaning(mask_file(root / "a.jpg", ONE * 255), threshold=128))
case("lossy WebP")(lambda root: meaning(mask_file(root / "a.webp", coloured(ONE, RED), quality=80)))


def given_in_video(root: Path, mask: np.ndarray) -> str:
    (root / "frames").mkdir()
    video = open_video(folder_of(root / "frames", "0.jpg", "1.jpg"), mask_file(root / "a.png", mask))
    return in_words(video.given[0])


case("background only, as the given mask")(lambda root: given_in_video(root, ONE * 0))
case("another size than the frames")(lambda root: given_in_video(root, ONE[:8]))

# --- lists


def list_case(given: str, content: bytes, *names: str) -> None:
    def read(root: Path) -> str:
        for name in names:
            for kind in ("JPEGImages", "Annotations"):
                (root / kind / "480p" / name).mkdir(parents=True)
            folder_of(root / "JPEGImages" / "480p" / name, "00000.jpg")
            write_mask(root / "Annotations" / "480p" / name / "00000.png", ONE)
        (root / "ImageSets" / "2017").mkdir(parents=True)
        (root / "ImageSets" / "2017" / "val.txt").write_bytes(content)
        found = [video.name for video in davis(root)]
        return f"video{'s' * (len(found) > 1)} {', '.join(found)}"

    case(given)(read)


list_case("UTF-8, with a byte-order mark", b"\xef\xbb\xbfa\nb\n", "a", "b")
list_case("UTF-16", "a\r\nb\r\n".encode("utf-16"), "a", "b")
list_case("lines that end with CR LF, blank lines, blanks at the ends", b" a\t\r\n\r\nb ", "a", "b")
list_case("`a/`", b"a/\n", "a")
list_case("`my clip`", b"my clip\n", "my clip")
list_case(
    "`/JPEGImages/480p/a/00000.jpg /Annotations/480p/a/00000.png`",
    b"/JPEGImages/480p/a/00000.jpg /Annotations/480p/a/00000.png\n",
    "a",
)
list_case("`../a`", b"../a\n", "a")
list_case("nothing", b"\n", "a")

# --- results


def scored(
    root: Path,
    change: Callable[[Path], object] = lambda found: None,
    change_truth: Callable[[Path], object] = lambda truth: None,
    **options: Any,
) -> str:
    """Perfect masks of two videos, changed, and scored against the true ones of a data set."""
    truth, found = root / "DAVIS/Annotations/480p", root / "found"
    for folder in (truth, found):
        for video in "ab":
            (folder / video).mkdir(parents=True)
            for frame in range(7):
                write_mask(folder / video / f"{frame:05d}.png", TWO)
    (root / "DAVIS/ImageSets/2017").mkdir(parents=True)
    (root / "DAVIS/ImageSets/2017/val.txt").write_text("a\nb\n")
    change(found)
    change_truth(truth)
    report = score(found, root / "DAVIS", **options)
    return f"J {report.overall.j.mean:.3f} of {', '.join(video.name for video in report.videos)}"


def remove(*frames: int) -> Callable[[Path], object]:
    return lambda folder: [(folder / video / f"{frame:05d}.png").unlink() for video in "ab" for frame in frames]


def recolour(found: Path) -> None:
    for path in found.glob("*/*.png"):
        mask_file(path, coloured(TWO, LIME, RED))


case("all masks of all videos")(scored)
case("without the first and the last mask")(lambda root: scored(root, remove(0, 6)))
case("with a video that is not in the list")(
    lambda root: scored(root, lambda found: shutil.copytree(found / "a", found / "c"))
)
case("without a listed video")(lambda root: scored(root, lambda found: shutil.rmtree(found / "b")))
case("the same, with `--missing zero`")(
    lambda root: scored(root, lambda found: shutil.rmtree(found / "b"), missing="zero")
)
case("without a mask that is scored")(lambda root: scored(root, remove(3)))
case("true masks of every second frame only")(lambda root: scored(root, change_truth=remove(1, 3, 5)))
case("two objects in colours that the palettes of the benchmarks and of the true masks lack")(
    lambda root: scored(root, recolour)
)
case("the same, where the true masks have these colours")(lambda root: scored(root, recolour, recolour))

# --- in Python


def same(*forms: Any, expected: np.ndarray = GREEN, words: str = "the frame") -> str:
    assert all(np.array_equal(as_image(form), expected) for form in forms)
    return words


TENSOR = torch.from_numpy(GREEN).permute(2, 0, 1)
GREY = GREEN[..., :1]
case("`uint8` array HxWx3, RGB")(lambda _: same(GREEN))
case("`uint8` array HxWx4")(lambda _: same(np.dstack([GREEN, GREY])))
case("`uint8` array HxW or HxWx1")(lambda _: same(GREY, GREY[..., 0], expected=GREY.repeat(3, 2), words="a grey frame"))
case("torch tensor 3xHxW, `uint8`")(lambda _: same(TENSOR))
case("torch tensor 3xHxW, floats in [0, 1]")(lambda _: same(TENSOR.float() / 255, TENSOR.double() / 255))
case("PIL picture of 8 bits per channel")(lambda _: same(Pictures.fromarray(GREEN)))
case("array of floats")(lambda _: same(GREEN / 255))
case("array of `uint16`")(lambda _: same(GREEN.astype(np.uint16)))
case("torch tensor of floats beyond 1")(lambda _: same(TENSOR.float()))
case("a batch")(lambda _: same(GREEN[None]))


def ids(*forms: Any) -> str:
    (words,) = {in_words(as_mask(form)) for form in forms}
    return words


PICTURES = [Pictures.fromarray(TWO), Pictures.fromarray(TWO, mode="P"), Pictures.fromarray(TWO.astype(np.int32))]
case("`bool` array or tensor HxW")(lambda _: ids(ONE > 0, torch.from_numpy(ONE > 0), Pictures.fromarray(ONE > 0)))
case("array of any integers, ids 1 and 2")(
    lambda _: ids(*(TWO.astype(kind) for kind in ("uint8", "int16", "int64", "uint32")))
)
case("HxWx1 or 1xHxW")(lambda _: ids(TWO[..., None], TWO[None], torch.from_numpy(TWO)[None]))
case("0 and 255 in an array")(lambda _: ids(ONE * 255))
case("PIL picture of mode 1, L, P or I")(lambda _: ids(*PICTURES))
case("floats")(lambda _: ids(TWO.astype(float)))


@case("ids of 300 or below 0")
def ids_out_of_range(_: Path) -> str:
    with pytest.raises(InputError, match="-2"):
        ids(TWO.astype(int) * -1)
    return ids(TWO.astype(int) * 300)


case("soft edges in an array")(lambda _: ids(np.asarray(SOFT)))
