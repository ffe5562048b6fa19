"""Frames of folders and video files: all of them, in order, upright; or one line that says what is wrong."""

import os
import struct
from fractions import Fraction
from operator import length_hint
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from films import CLOCKWISE, COUNTER_CLOCKWISE, HALF, Turn, film, recorded, turned
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.video.frames import FileFrames, FolderFrames, open_video, read_image, write_image
from tbd_lib.video.masks import write_mask
from tbd_lib.video.overlay import OverlayWriter


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


def test_frames_are_lazy(tmp_path: Path):
    folder = frames_in(tmp_path / "v", "0.png", "1.png")
    frames = FolderFrames(folder)
    (folder / "1.png").write_bytes(b"broken")
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


def test_a_frame_of_another_size_is_refused_with_both_sizes(tmp_path: Path):
    folder = frames_in(tmp_path / "v", "0.png", "1.png")
    write_image(folder / "1.png", picture(rows=20, columns=32))
    frames = FolderFrames(folder, strict=True)
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
    "turn", [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)] + [(0, b, c, 0) for b in (1, -1) for c in (1, -1)]
)
def test_films_are_turned_and_mirrored_as_their_matrix_says(tmp_path: Path, turn: Turn):
    stored = [frame.image for frame in FileFrames(counting_film(tmp_path / "film.mp4", 3))]
    frames = list(FileFrames(turned(tmp_path / "film.mp4", turn)))
    a, b, c, d = turn
    for frame, image in zip(frames, stored, strict=True):
        rows, columns, _ = image.shape
        shown = np.zeros((columns, rows, 3) if b else image.shape, np.uint8)
        y, x = np.mgrid[:rows, :columns]
        right, down = a * x + c * y, b * x + d * y  # where the matrix puts each pixel
        shown[down - down.min(), right - right.min()] = image
        assert np.array_equal(frame.image, shown)


def test_the_turns_of_phones_are_those_that_players_show(tmp_path: Path):
    for turn, corner in (
        (CLOCKWISE, np.s_[:12, -12:]),
        (HALF, np.s_[-12:, -12:]),
        (COUNTER_CLOCKWISE, np.s_[-12:, :12]),
    ):
        frame = next(iter(FileFrames(turned(counting_film(tmp_path / "film.mp4", 3), turn))))
        assert (frame.image[corner] > 200).all() and frame.image.mean() < 60


MOVING = list(np.full((4, 32, 48, 3), 40 * np.arange(1, 5)[:, None, None, None], np.uint8))
WHITE = np.full((16, 16, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("suffix", "others"),
    [
        (".mp4", {"cover": WHITE}),
        (".mp4", {"preview": WHITE}),
        (".mkv", {"preview": WHITE}),
        (".mp4", {"cover": WHITE, "preview": WHITE}),
    ],
)
def test_covers_and_previews_are_not_the_film(tmp_path: Path, others: dict[str, Any], suffix: str):
    frames = FileFrames(recorded(tmp_path / f"film{suffix}", MOVING, **others))
    assert [round(frame.image.mean() / 40) for frame in frames] == [1, 2, 3, 4]
    assert {frame.image.shape for frame in frames} == {(32, 48, 3)}


def test_of_two_films_in_a_file_the_default_one_counts(tmp_path: Path):
    larger, first = recorded(tmp_path / "larger.mp4", MOVING), np.full((30, 40, 3), 10, np.uint8)
    both = recorded(tmp_path / "both.mp4", MOVING, preview=first)  # nearly as large, and marked as the default
    assert next(iter(FileFrames(larger))).image.shape == (32, 48, 3)
    assert next(iter(FileFrames(both))).image.shape == (30, 40, 3)


def test_a_song_with_a_cover_is_refused(tmp_path: Path):
    covered = recorded(tmp_path / "film.mp4", MOVING, sound="aac", cover=WHITE)
    with av.open(str(covered)) as source, av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as target:
        copies: dict[int, Any] = {at: target.add_stream_from_template(source.streams[at]) for at in (1, 2)}
        copies[2].disposition = int(Disposition.attached_pic.value)
        for packet in source.demux():
            if packet.stream_index in copies and packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    with pytest.raises(InputError, match=r"song\.m4a: found a cover picture only, expected a video file"):
        FileFrames(tmp_path / "song.m4a")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts"])
def test_every_frame_tells_its_time_from_the_first_one(tmp_path: Path, suffix: str):
    times = [500, 533, 566, 1500, 2500]
    frames = list(FileFrames(recorded(tmp_path / f"film{suffix}", [*MOVING, MOVING[0]], times)))
    found = [frame.time or 0.0 for frame in frames]
    np.testing.assert_allclose(found, (np.array(times) - 500) / 1000, atol=1 / 1000)
    assert all(frame.duration is not None and frame.duration > 0 for frame in frames)
    assert FolderFrames(frames_in(tmp_path / "v", "0.png"))[0].time is None


def test_a_film_that_tells_an_absurd_rate_has_times_that_an_overlay_can_hold(tmp_path: Path):
    path = recorded(tmp_path / "film.avi", MOVING)
    data = bytearray(path.read_bytes())
    struct.pack_into("<II", data, data.index(b"strh") + 8 + 20, 2**25, 1)  # seconds per frame
    path.write_bytes(bytes(data))
    film = FileFrames(path)
    assert film.fps is not None and film.fps < 1e-5
    with OverlayWriter(tmp_path / "out.mp4", film.fps) as writer:
        for frame in film:
            writer.write(frame.image, frame.time, frame.duration)
    assert len(list(FileFrames(tmp_path / "out.mp4"))) == FileFrames(tmp_path / "out.mp4").count


def test_pixels_that_are_not_square_are_told_as_they_are_shown(tmp_path: Path):
    path = recorded(tmp_path / "film.mp4", MOVING, aspect=Fraction(4, 3))
    assert FileFrames(path).aspect == Fraction(4, 3) and next(iter(FileFrames(path))).image.shape == (32, 48, 3)
    upright = turned(path, CLOCKWISE)
    assert FileFrames(upright).aspect == Fraction(3, 4) and next(iter(FileFrames(upright))).image.shape == (48, 32, 3)
    assert FileFrames(recorded(tmp_path / "square.mp4", MOVING)).aspect == 1


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not allow")
@pytest.mark.parametrize(
    "name", ["clip-12:30.mp4", "http:clip.mp4", "-x.mp4", "a b%03d.mp4", "é?#.mp4", os.fsdecode(b"\xff\xfe.mp4")]
)
def test_films_of_any_name_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    recorded(tmp_path / "film.mp4", MOVING).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(FileFrames(Path(name)))) == len(list(FileFrames(tmp_path / name))) == 4


def test_titles_in_any_bytes_do_not_matter(tmp_path: Path):
    with av.open(str(tmp_path / "film.mp4"), "w") as target:
        target.metadata["title"] = "A TITLE"
        stream = target.add_stream("libx264", rate=25)
        stream.height, stream.width = 32, 48
        target.mux([*stream.encode(av.VideoFrame.from_ndarray(MOVING[0], format="rgb24")), *stream.encode()])
    data = (tmp_path / "film.mp4").read_bytes()
    assert b"A TITLE" in data
    (tmp_path / "film.mp4").write_bytes(data.replace(b"A TITLE", b"\xc4\xff\xfe\x80TLE"))
    assert len(list(FileFrames(tmp_path / "film.mp4"))) == 1


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
    with pytest.raises(InputError, match=r"film\.mp4: frame 11 cannot be decoded"):
        list(FileFrames(path))
    path.write_bytes(data[:200])
    with pytest.raises(InputError, match=r"film\.mp4: .*expected a video file"):
        FileFrames(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_film_that_ends_between_two_frames_is_refused_there_or_read_as_far_as_it_goes(tmp_path: Path, suffix: str):
    path = recorded(tmp_path / f"film{suffix}", [*MOVING, *MOVING, *MOVING], sound="aac", movflags="faststart")
    with av.open(str(path)) as source:
        if suffix == ".mp4" and not hasattr(source.streams.video[0], "index_entries"):
            pytest.skip("this PyAV does not tell where frames lie")
        packets = [packet for packet in source.demux(video=0) if packet.size]
        cut = packets[3].pos
    assert cut is not None
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=rf"film\{suffix}: frame 3 cannot be decoded .the file ends before it"):
        list(FileFrames(path))
    frames = FileFrames(path).readable()
    assert [frame.name for frame in frames] == ["00000", "00001", "00002"]
    assert "frame 3 cannot" in str(frames.broken)


def test_where_nothing_can_be_read_an_error_is_raised_all_the_same(tmp_path: Path):
    path = recorded(tmp_path / "film.mp4", MOVING, movflags="faststart")
    with av.open(str(path)) as source:
        cut = next(source.demux(video=0)).pos
    assert cut is not None
    path.write_bytes(path.read_bytes()[: cut + 5])
    with pytest.raises(InputError, match=r"film\.mp4: "):
        list(FileFrames(path).readable())


def test_a_wrong_length_in_the_header_does_not_matter(tmp_path: Path):
    path = recorded(tmp_path / "film.avi", MOVING)
    data = bytearray(path.read_bytes())
    length = data.index(b"strh") + 8 + 32  # the stream's number of frames
    assert struct.unpack_from("<I", data, length) == (FileFrames(path).count,)
    struct.pack_into("<I", data, length, 2)
    path.write_bytes(bytes(data))
    assert FileFrames(path).count == 2 and len(list(FileFrames(path))) == 4
    write_mask(tmp_path / "mask.png", np.ones((32, 48), np.uint8))
    assert list(open_video(path, {3: tmp_path / "mask.png"}).given) == [3]
    with pytest.raises(InputError, match="found a mask for frame 4, expected 0 to 3"):
        open_video(path, {4: tmp_path / "mask.png"})


def test_real_video_is_complete(shared: Path):
    frames = FolderFrames(shared / "data/DAVIS/JPEGImages/480p/dog")
    assert len(frames) == 60 and frames.shape == (480, 854, 3)
    assert frames[59].name == "00059"
