"""Frames of folders and video files: all of them, in order, upright; or one line that says what is wrong."""

import struct
from operator import length_hint
from pathlib import Path

import numpy as np
import pytest
from films import CLOCKWISE, COUNTER_CLOCKWISE, HALF, Turn, film, turned
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.video.frames import FileFrames, FolderFrames, read_image, write_image


def picture(value: int = 100, rows: int = 24, columns: int = 32) -> np.ndarray:
    ramp = np.linspace(0, 60, columns)[None, :, None] + np.linspace(0, 40, rows)[:, None, None]
    return (ramp + value + np.zeros(3)).clip(0, 255).astype(np.uint8)


def frames_in(folder: Path, *names: str) -> Path:
    for value, name in enumerate(names):
        write_image(folder / name, picture(10 * value))
    return folder


def test_frames_are_read_in_order_with_their_names(tmp_path: Path):
    frames = FolderFrames(frames_in(tmp_path / "v", "00000.png", "00001.png", "00002.png"))
    assert len(frames) == 3 and frames.names == [frame.name for frame in frames] == ["00000", "00001", "00002"]
    for value, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.image, picture(10 * value))
    assert [frame.name for frame in frames] == frames.names  # a second time


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        ("frame_10 frame_8 frame_9", "frame_8 frame_9 frame_10"),
        ("b7 a9 c", "a9 b7 c"),
        ("00000 00005 00010", "00000 00005 00010"),
    ],
    ids=["numbers without leading zeros", "no common numbering", "every fifth frame"],
)
def test_frames_are_ordered_by_number_or_else_by_name(tmp_path: Path, names: str, ordered: str):
    folder = frames_in(tmp_path / "v", *(f"{name}.JPEG" for name in names.split()))
    (folder / "notes.txt").write_text("no frame")
    (folder / "._1.png").write_bytes(b"what a Mac leaves")
    assert FolderFrames(folder).names == ordered.split()


def test_frames_are_lazy(tmp_path: Path):
    folder = frames_in(tmp_path / "v", "0.png", "1.png")
    (folder / "1.png").write_bytes(b"broken")
    frames = FolderFrames(folder)
    assert frames[0].name == "0"
    with pytest.raises(InputError, match=r"1\.png: found 6 bytes \(not a picture\)"):
        frames[1]


def test_slices_are_lazy_frames_too(tmp_path: Path):
    frames = FolderFrames(frames_in(tmp_path / "v", *[f"{number}.png" for number in range(6)]))
    part = frames[1:5:2]
    assert isinstance(part, FolderFrames) and part.names == ["1", "3"] and len(frames) == 6
    np.testing.assert_array_equal(part[1].image, frames[3].image)
    assert frames[-1].name == "5"
    with pytest.raises(IndexError):
        frames[6]


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ("text.txt", r"found no frames, expected files that end in \.jpg, \.jpeg, \.png"),
        ("00003.jpg 00004.jpg 00006.jpg 00009.jpg", "v: frame 5 is missing, expected all from 3 to 9"),
        ("00000.jpg 00005.jpg 00010.jpg 00020.jpg", "frame 15 is missing"),
        ("00000.jpg 00001.jpg 00001.png 00002.jpg", "frame number 1 twice"),
    ],
)
def test_folders_without_all_frames_are_refused(tmp_path: Path, names: str, error: str):
    (tmp_path / "v").mkdir()
    for name in names.split():
        (tmp_path / "v" / name).touch()
    with pytest.raises(InputError, match=error):
        FolderFrames(tmp_path / "v")
    with pytest.raises(InputError, match=r"nowhere: no such folder, expected"):
        FolderFrames(tmp_path / "nowhere")


def test_a_frame_of_another_size_is_refused_with_both_sizes(tmp_path: Path):
    folder = frames_in(tmp_path / "v", "0.png", "1.png")
    write_image(folder / "1.png", picture(rows=20, columns=32))
    frames = FolderFrames(folder)
    with pytest.raises(InputError, match=r"1\.png: found a frame of 32x20 pixels, expected 32x24"):
        frames[1]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_frames_are_refused(tmp_path: Path, suffix: str):
    folder = frames_in(tmp_path / "v", f"0{suffix}", f"1{suffix}")
    data = (folder / f"1{suffix}").read_bytes()
    (folder / f"1{suffix}").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=rf"1\{suffix}: found {len(data) // 2} bytes .*expected a whole picture"):
        FolderFrames(folder)[1]


def test_photographs_are_turned_upright(tmp_path: Path):
    upright = picture()
    exif = Pictures.Exif()
    exif[0x0112] = 6  # lay on its side: turn clockwise to see it upright
    Pictures.fromarray(np.rot90(upright)).save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.png"), upright)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK"])
def test_every_kind_of_picture_is_read_as_rgb(tmp_path: Path, mode: str):
    path = tmp_path / ("image.jpg" if mode == "CMYK" else "image.png")
    Pictures.fromarray(picture()).convert(mode).save(path)
    assert Pictures.open(path).mode == mode
    image = read_image(path)
    assert image.shape == (24, 32, 3) and image.dtype == np.uint8 and image.flags.writeable
    if mode in ("L", "RGBA"):
        np.testing.assert_array_equal(image, picture())


def test_16_bit_pictures_are_refused_as_frames(tmp_path: Path):
    Pictures.fromarray(np.full((4, 4), 999, dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match=r"deep\.png: found pixels of kind I.*expected 8 bits"):
        read_image(tmp_path / "deep.png")


def test_png_comes_back_exactly_and_jpeg_nearly(tmp_path: Path):
    for name, tolerance in (("image.png", 0), ("image.jpg", 4)):
        write_image(tmp_path / name, picture())
        assert np.abs(read_image(tmp_path / name).astype(int) - picture()).max() <= tolerance
    with pytest.raises(InputError, match=r"'\.gif', expected one of"):
        write_image(tmp_path / "image.gif", picture())
    assert len(list(tmp_path.iterdir())) == 2


def counting_film(path: Path, count: int = 12) -> Path:
    """A video whose frame number k has brightness 15 k, and a white corner at the upper left."""
    images = np.full((count, 48, 64, 3), 15 * np.arange(count)[:, None, None, None], dtype=np.uint8)
    images[:, :16, :16] = 255
    return film(path, images, fps=25)


def test_a_video_file_gives_all_frames_each_time(tmp_path: Path):
    frames = FileFrames(counting_film(tmp_path / "film.mp4"))
    assert frames.fps == 25 and frames.count == length_hint(frames) == 12
    for _ in range(2):
        decoded = list(frames)
        assert [frame.name for frame in decoded] == [f"{number:05}" for number in range(12)]
        levels = [frame.image[30:, 30:].mean() for frame in decoded]
        np.testing.assert_allclose(levels, 15 * np.arange(12), atol=3)


@pytest.mark.parametrize(
    ("turn", "corner"),  # where the mark is seen then
    [
        (CLOCKWISE, (slice(None, 12), slice(-12, None))),
        (HALF, (slice(-12, None), slice(-12, None))),
        (COUNTER_CLOCKWISE, (slice(-12, None), slice(None, 12))),
    ],
)
def test_videos_of_phones_are_turned_upright(tmp_path: Path, turn: Turn, corner: tuple[slice, slice]):
    frames = list(FileFrames(turned(counting_film(tmp_path / "film.mp4", 3), turn)))
    assert all(frame.image.shape == ((48, 64, 3) if turn == HALF else (64, 48, 3)) for frame in frames)
    assert (frames[0].image[corner] > 200).all() and frames[0].image.mean() < 60


def test_files_that_are_no_videos_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.mp4: no such file"):
        FileFrames(tmp_path / "none.mp4")
    for name, data in (("empty.mp4", b""), ("text.mp4", b"hello world, no video " * 50)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=rf"{name}: .*expected a video file"):
            FileFrames(tmp_path / name)


def test_a_file_with_sound_only_is_refused(tmp_path: Path):
    samples = np.zeros(800, dtype="<i2").tobytes()
    form = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16,
                       b"data", len(samples))  # fmt: skip
    (tmp_path / "sound.wav").write_bytes(form + samples)
    with pytest.raises(InputError, match=r"sound\.wav: found no pictures in it"):
        FileFrames(tmp_path / "sound.wav")


def test_a_truncated_video_is_refused_when_its_end_is_reached(tmp_path: Path):
    path = counting_film(tmp_path / "film.mp4")
    data = path.read_bytes()
    path.write_bytes(data[:-7])
    with pytest.raises(InputError, match=r"film\.mp4: frame \d+ cannot be decoded"):
        list(FileFrames(path))
    path.write_bytes(data[:200])
    with pytest.raises(InputError, match=r"film\.mp4: .*expected a video file"):
        FileFrames(path)


def test_real_video_is_complete(shared: Path):
    frames = FolderFrames(shared / "data/DAVIS/JPEGImages/480p/dog")
    assert len(frames) == 60 and frames.shape == (480, 854, 3)
    assert frames[59].name == "00059"
