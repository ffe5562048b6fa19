"""Folders: the frames among the files, in the order in which they were taken; what is no frame is left out by name."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.video.frames import FolderFrames, frames_of


def save(folder: Path, *names: str, size: tuple[int, int] = (8, 6)) -> Path:
    """Small grey pictures under these names, ``size`` wide and high."""
    folder.mkdir(exist_ok=True)
    for name in names:
        Pictures.new("RGB", size, (90, 90, 90)).save(folder / name)
    return folder


def files(text: str, suffix: str = ".jpg") -> list[str]:
    return [f"{name}{suffix}" for name in text.split()]


@pytest.mark.parametrize(
    "ordered",
    [
        "8 9 10 11",
        "8_left 9_left 10_left 11_left",
        "frame_8 frame_9 frame_10",
        "clip2-8 clip2-9 clip2-10",
        "00000 00005 00010",
        "1693412345033 1693412345066 1693412345100 1693412345133",
        "999.5 1000.25 1000.3 1001.0",
        "0.0 0.033 0.066 0.1 0.133",
        "take1.8 take1.9 take1.10 take1.12",
        "2026-11-25T09.59.58 2026-11-25T10.00.01 2026-11-26T00.00.00",
        "20261125_235959_998 20261125_235959_999 20261126_000000_000",
        "0 1 2 4 7 30",
        "IMG_9997 IMG_9998 IMG_9999 IMG_0001 IMG_0002",
        "0001 0002 0005 0009 9999",
        "00_58 00_59 01_00 01_01",
        "20261125_001 20261125_002 20261126_001",
        "a b c",
        "a9 b7 c",
        "00 01 0a 0f 10 1a a0 aa fe",
        "x",
    ],
)
def test_frames_are_ordered_by_the_numbers_in_their_names(tmp_path: Path, ordered: str):
    frames = FolderFrames(save(tmp_path / "v", *files(ordered)[::-1]))
    assert frames.names == ordered.split() and frames.left_out == ()


def test_spaces_and_suffixes_in_every_writing_are_read(tmp_path: Path):
    folder = save(tmp_path / "v", "frame 2.jpg", "frame 10.JPG", "frame 3.jpeg", "frame 1.JPEG")
    assert FolderFrames(folder).names == ["frame 1", "frame 2", "frame 3", "frame 10"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif", ".tiff"])
def test_every_kind_of_picture_is_a_frame(tmp_path: Path, suffix: str):
    frames = FolderFrames(save(tmp_path / "v", f"1{suffix}", f"2{suffix}"))
    assert len(frames) == 2 and frames.shape == (6, 8, 3) and abs(int(frames[1].image.mean()) - 90) < 2


@pytest.mark.parametrize(
    ("frames", "others"),
    [
        (files("8 9 10 11"), ["mask.png"]),
        (files("8 9 10 11", ".png"), ["mask.png", "8_mask.png"]),
        (files("8 9 10"), files("8 9 10", ".png")),
        (files("8 9 10"), ["8.png", "cover.jpg", "notes 9.jpg"]),
        (files("a b c"), files("a b", ".png")),
        (files("1 2 3"), files("0", ".png")),
        (files("1 2 3 4"), files("3 4", ".png")),
        (files("1 2 3 4"), files("7 9", ".png")),
        (files("b", ".jpeg"), ["a.png"]),
    ],
)
def test_pictures_with_other_names_or_of_another_kind_are_left_out_and_named(
    tmp_path: Path, frames: list[str], others: list[str]
):
    found = FolderFrames(save(tmp_path / "v", *frames, *others))
    assert [path.name for path in found.paths] == frames and found.left_out == tuple(sorted(others))
    assert found[1:].left_out == found.left_out
    with pytest.raises(InputError, match=r"is no frame as .* is, expected frames alone"):
        FolderFrames(tmp_path / "v", strict=True)


@pytest.mark.parametrize(
    "names", ["cam1_000 cam1_001 cam2_000 cam2_001 cam2_002", "1-1 1-2 2-1 2-2", "a1b0 a1b1 a2b0 a2b1"]
)
def test_frames_of_several_videos_in_a_folder_are_refused(tmp_path: Path, names: str):
    with pytest.raises(InputError, match=r"found videos that begin with .* and with .*, expected the frames of one"):
        FolderFrames(save(tmp_path / "v", *files(names)))


@pytest.mark.parametrize("numbers", ["012 345", "0246 135", "05 1234"])
def test_pictures_of_two_kinds_with_one_count_are_one_video(tmp_path: Path, numbers: str):
    jpegs, pngs = numbers.split()
    frames = FolderFrames(save(tmp_path / "v", *(f"{i}.jpg" for i in jpegs), *(f"{i}.png" for i in pngs)))
    assert frames.names == sorted(jpegs + pngs) and frames.left_out == ()


def test_a_stack_of_pictures_in_a_file_is_refused_and_a_preview_in_it_is_not(tmp_path: Path):
    pages = [Pictures.new("RGB", (8, 6), (shade, 0, 0)) for shade in (10, 20, 30)]
    folder = save(tmp_path / "v", "1.tif", "2.tif")
    pages[0].save(folder / "1.tif", save_all=True, append_images=[Pictures.new("RGB", (4, 3))])
    assert len(FolderFrames(folder)) == 2 and FolderFrames(folder)[0].image.shape == (6, 8, 3)
    pages[0].save(folder / "2.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match=r"2\.tif: found 3 pages, expected a file for each frame"):
        FolderFrames(folder)
    pages[0].save(tmp_path / "a.webp", save_all=True, append_images=pages[1:])
    for path in (folder / "2.tif", tmp_path / "a.webp"):
        with pytest.raises(InputError, match=r"found 3 pictures in a file of the kind .*, expected a folder"):
            frames_of(path)
    pages[0].save(tmp_path / "one.webp")
    assert len(list(frames_of(tmp_path / "one.webp"))) == 1


def test_a_folder_of_folders_names_one_of_them(tmp_path: Path):
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match="found no frames but the folder JPEGImages and 1 more, expected files"):
        FolderFrames(tmp_path)


def test_files_that_are_no_pictures_are_passed_over(tmp_path: Path):
    folder = save(tmp_path / "v", "1.png", "2.png")
    (folder / "notes.txt").write_text("no frame")
    (folder / "._1.png").write_bytes(b"what a Mac leaves")
    (folder / "clip3.mp4").touch()
    for name in (".ipynb_checkpoints", "__MACOSX", "3.png"):
        (folder / name).mkdir()
    assert FolderFrames(folder).names == FolderFrames(folder, strict=True).names == ["1", "2"]
    assert FolderFrames(folder).left_out == ()


def test_pictures_of_another_size_are_left_out_and_named(tmp_path: Path):
    folder = save(tmp_path / "v", *files("1 2 4 5 6"))
    save(folder, "3.jpg", size=(4, 3))
    frames = FolderFrames(folder)
    assert frames.names == ["1", "2", "4", "5", "6"] and frames.left_out == ("3.jpg",)
    save(folder, "4.jpg", "5.jpg", size=(4, 3))
    with pytest.raises(InputError, match=r"found a frame of 8x6 pixels, but 3\.jpg of 4x3 and no size"):
        FolderFrames(folder)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_sizes_are_compared_upright(tmp_path: Path, suffix: str):
    folder = save(tmp_path / "v", f"1{suffix}", f"2{suffix}", f"3{suffix}")
    exif = Pictures.Exif()
    exif[0x0112] = 6  # lies on its side
    Pictures.new("RGB", (6, 8)).save(folder / f"4{suffix}", exif=exif)
    Pictures.new("RGB", (8, 6)).save(folder / f"5{suffix}", exif=exif)
    frames = FolderFrames(folder)
    assert frames.names == ["1", "2", "3", "4"] and frames.left_out == (f"5{suffix}",)
    assert {frame.image.shape for frame in frames} == {(6, 8, 3)}


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ("text.txt", r"found no frames, expected files that end in \.jpg, \.jpeg, \.png"),
        ("1_left.jpg 1_right.jpg 2_left.jpg 2_right.jpg", "like 1_left.jpg as like 1_right.jpg, expected one kind"),
        ("a1.png a2.png b1.png b2.png c1.png c2.png", "found as many files like a1.png as like b1.png"),
        ("1.jpg 01.jpg 2.jpg", r"1\.jpg: is the same frame as 01\.jpg, expected each once"),
        ("1.jpg 1.jpeg", r"1\.jpg: is the same frame as 1\.jpeg, expected each once"),
        ("a.jpg a.JPG b.jpg", r"a\.jpg: is the same frame as a\.JPG, expected each once"),
    ],
)
def test_folders_that_can_be_understood_in_two_ways_are_refused(tmp_path: Path, names: str, error: str):
    (tmp_path / "v").mkdir()
    for name in names.split():
        (tmp_path / "v" / name).touch()
    for strict in (False, True):
        with pytest.raises(InputError, match=error):
            FolderFrames(tmp_path / "v", strict)
    with pytest.raises(InputError, match=r"nowhere: no such folder, expected"):
        FolderFrames(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ("00003 00004 00006 00009", "v: frame 5 is missing, expected all from 3 to 9"),
        ("00000 00005 00010 00020", "frame 15 is missing"),
        ("cam2_1 cam2_2 cam2_4", "frame 3 is missing"),
    ],
)
def test_a_missing_number_is_refused_in_a_benchmark_alone(tmp_path: Path, names: str, error: str):
    folder = save(tmp_path / "v", *files(names))
    assert FolderFrames(folder).names == names.split()
    with pytest.raises(InputError, match=error):
        FolderFrames(folder, strict=True)


@pytest.mark.parametrize("data", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n"])
def test_files_without_a_picture_inside_are_found_when_the_folder_is_opened(tmp_path: Path, data: bytes):
    folder = save(tmp_path / "v", "1.png", "2.png", "3.png")
    (folder / "2.png").write_bytes(data)
    with pytest.raises(
        InputError, match=rf"2\.png: found {len(data)} bytes \(.*\), expected a whole picture"
    ) as caught:
        FolderFrames(folder)
    assert "\n" not in str(caught.value)
    assert len(FolderFrames(folder, strict=True)) == 3  # an index of many videos opens none of their files


def test_links_to_nowhere_deep_pictures_and_forbidden_files_are_found_when_the_folder_is_opened(tmp_path: Path):
    folder = save(tmp_path / "v", "1.png", "2.png")
    (folder / "3.png").symlink_to("gone.png")
    with pytest.raises(InputError, match=r"3\.png: no such file"):
        FolderFrames(folder)
    (folder / "3.png").unlink()
    Pictures.fromarray(np.full((6, 8), 999, np.uint16)).save(folder / "3.png")
    with pytest.raises(InputError, match=r"3\.png: found pixels of kind I.*expected 8 bits"):
        FolderFrames(folder)
    (folder / "3.png").chmod(0)
    if os.access(folder / "3.png", os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(PermissionError, match=r"3\.png"):
        FolderFrames(folder)
