"""Overlays: colours people can tell apart, and videos that are whole or not there."""

import errno
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import SAMPLES, recorded, sound_of
from PIL import Image as Pictures

from tbd_lib.errors import InputError
from tbd_lib.video import overlay as module
from tbd_lib.video.frames import FileFrames
from tbd_lib.video.overlay import COLOURS, OKABE_ITO, OverlayWriter, overlay

GREY = np.full((48, 64, 3), 100, dtype=np.uint8)


def square(identity: int = 1) -> np.ndarray:
    mask = np.zeros((48, 64), dtype=np.uint8)
    mask[10:30, 20:44] = identity
    return mask


def test_fill_contour_and_outline_lie_where_they_should():
    shown = overlay(GREY, square(2), opacity=0.5)
    colour = COLOURS[2].astype(int)
    np.testing.assert_allclose(shown[20, 30], (GREY[20, 30] + colour) / 2, atol=0.51)  # fill
    np.testing.assert_array_equal(shown[10, 30], colour)  # the object's own outermost pixels
    np.testing.assert_array_equal(shown[29, 43], colour)
    assert (shown[9, 30] < 50).all() and (shown[20, 44] < 50).all()  # dark line just outside
    far = np.ones((48, 64), dtype=bool)
    far[9:31, 19:45] = False
    np.testing.assert_array_equal(shown[far], GREY[far])
    np.testing.assert_array_equal(overlay(GREY, square(0)), GREY)


def test_opacity_zero_leaves_the_inside_and_one_hides_it():
    inside = (slice(12, 28), slice(22, 42))
    np.testing.assert_array_equal(overlay(GREY, square(), 0.0)[inside], GREY[inside])
    assert (overlay(GREY, square(), 1.0)[inside] == COLOURS[1]).all()
    with pytest.raises(ValueError, match=r"opacity is 1\.5"):
        overlay(GREY, square(), 1.5)


def test_touching_objects_are_parted_by_their_contours():
    mask = square(1)
    mask[10:30, 32:44] = 2
    shown = overlay(GREY, mask, opacity=0.0)
    np.testing.assert_array_equal(shown[20, 31:33], COLOURS[1:3])


def test_an_object_that_fills_the_frame_has_no_contour_at_its_edge():
    shown = overlay(GREY, np.ones((48, 64), dtype=np.uint8))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1


def test_contours_are_wider_in_larger_frames():
    mask = np.zeros((960, 1280), dtype=np.uint8)
    mask[200:500, 300:700] = 1
    shown = overlay(np.zeros((960, 1280, 3), dtype=np.uint8), mask, opacity=0.0)
    assert (shown[350, 300:310] == COLOURS[1]).all(axis=-1).sum() == 3


def test_colours_start_with_okabe_and_ito_and_21_are_distinct():
    assert [f"#{bytes(colour).hex()}" for colour in COLOURS[1:8].tolist()] == list(OKABE_ITO)
    assert COLOURS.shape == (256, 3) and len(np.unique(COLOURS[:22], axis=0)) == 22
    distances = np.linalg.norm(COLOURS[1:22, None].astype(float) - COLOURS[None, 1:22], axis=-1)
    assert distances[~np.eye(21, dtype=bool)].min() > 25


def moving(count: int, rows: int = 48, columns: int = 64) -> list[np.ndarray]:
    frames = np.full((count, rows, columns, 3), 40, dtype=np.uint8)
    for position in range(count):
        frames[position, 8:24, 4 + 4 * position : 20 + 4 * position] = (200, 180, 60)
    return list(frames)


def written(path: Path, images: list[np.ndarray], fps: float) -> Path:
    with OverlayWriter(path, fps) as writer:
        for image in images:
            writer.write(image)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path


def test_mp4_holds_every_frame_in_order(tmp_path: Path):
    images = moving(9)
    frames = FileFrames(written(tmp_path / "out.mp4", images, 12.5))
    shown = [frame.image for frame in frames]
    assert frames.fps == 12.5 and len(shown) == 9
    assert np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(images, shown, strict=True)]) < 6


def test_webp_holds_every_frame_at_its_time_and_repeats_for_ever(tmp_path: Path):
    images = moving(5)
    picture = Pictures.open(written(tmp_path / "out.webp", images, 10))
    assert (picture.format, getattr(picture, "n_frames", 1), picture.info["loop"]) == ("WEBP", 5, 0)
    for position, image in enumerate(images):
        picture.seek(position)
        picture.load()
        assert picture.info["duration"] == 100
        assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - image).mean() < 6


TIMES = (0, 33, 66, 1000, 2000)  # milliseconds


def test_mp4_keeps_the_times_the_aspect_and_the_sound_of_a_film(tmp_path: Path):
    source = recorded(tmp_path / "film.mkv", moving(5), [500 + time for time in TIMES], Fraction(2), sound="aac")
    film = FileFrames(source)
    with OverlayWriter(tmp_path / "out.mp4", film.fps or 24, film.aspect, sound=source) as writer:
        for frame in film:
            writer.write(frame.image, frame.time, frame.duration)
    shown = FileFrames(tmp_path / "out.mp4")
    assert shown.aspect == 2
    np.testing.assert_allclose([frame.time or 0.0 for frame in shown], [time / 1000 for time in TIMES], atol=1e-6)
    before, after = sound_of(source), sound_of(tmp_path / "out.mp4")
    assert [data for _, data in before] == [data for _, data in after] and len(before) > 10
    steps = [[(at or 0) - (packets[0][0] or 0) for at, _ in packets] for packets in (before, after)]
    np.testing.assert_allclose(np.array(steps[0]) / 1000, np.array(steps[1]) / SAMPLES, atol=0.001)


def test_an_mp4_lasts_as_long_as_its_pictures_are_shown(tmp_path: Path):
    with OverlayWriter(tmp_path / "out.mp4", 24) as writer:
        for image, time in zip(moving(5), TIMES, strict=True):
            writer.write(image, time / 1000, duration=0.5)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert float((stream.duration or 0) * (stream.time_base or 0)) == 2.5


def test_sound_begins_and_ends_with_the_pictures(tmp_path: Path):
    images, times, shorter = moving(10), [3000 + 1000 * number for number in range(10)], tmp_path / "out.mp4"
    source = recorded(tmp_path / "film.mkv", images, times, sound="aac", sound_from=0)
    with OverlayWriter(shorter, 25, sound=source) as writer:
        for number in range(3):
            writer.write(images[number], number, duration=1)
    with av.open(str(shorter)) as container:
        (sound,) = container.streams.audio
        start, length = (float((at or 0) * (sound.time_base or 0)) for at in (sound.start_time, sound.duration))
    assert abs(start) < 0.01 and abs(length - 3) < 0.3
    within = [data for at, data in sound_of(source) if 3000 - 230 <= (at or 0) < 3000 + 3000]  # 0.1 seconds before it
    assert [data for _, data in sound_of(shorter)] == within


def test_sound_that_a_file_cannot_hold_is_refused(tmp_path: Path):
    source = recorded(tmp_path / "film.mkv", moving(2), sound="pcm_u8")
    with pytest.raises(InputError, match=r"film\.mkv: found sound of the kind pcm_u8, expected one that \.mp4 files"):
        OverlayWriter(tmp_path / "out.mp4", 24, sound=source)
    with pytest.raises(InputError, match=r"expected one that \.webp files hold"):
        OverlayWriter(tmp_path / "out.webp", 24, sound=recorded(tmp_path / "film.mp4", moving(2), sound="aac"))
    silent = recorded(tmp_path / "silent.mp4", moving(2))
    with OverlayWriter(tmp_path / "out.mp4", 24, sound=silent) as writer:
        writer.write(GREY)
    assert len(list(FileFrames(tmp_path / "out.mp4"))) == 1


def test_webp_keeps_the_times_and_widens_pictures_of_wide_pixels(tmp_path: Path):
    with OverlayWriter(tmp_path / "out.webp", 24, aspect=Fraction(2)) as writer:
        for image, time in zip(moving(5), TIMES, strict=True):
            writer.write(image, time / 1000)
    picture = Pictures.open(tmp_path / "out.webp")
    assert picture.size == (128, 48)
    shown = []
    for position in range(5):
        picture.seek(position)
        picture.load()
        shown.append(picture.info["duration"])
    assert shown[:4] == [33, 33, 934, 1000]  # of the last one the encoder makes up a duration


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not allow")
def test_colons_in_names_are_written_as_any_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for suffix in (".mp4", ".webp"):
        with OverlayWriter(Path(f"a:b/12:30%d{suffix}"), 5) as writer:
            writer.write(GREY)
    assert sorted(path.name for path in Path("a:b").iterdir()) == ["12:30%d.mp4", "12:30%d.webp"]


def test_odd_sizes_are_lengthened_by_their_last_pixels(tmp_path: Path):
    image = np.full((33, 47, 3), 40, dtype=np.uint8)
    image[-1] = image[:, -1] = 220
    (frame,) = FileFrames(written(tmp_path / "out.mp4", [image], 5))
    assert frame.image.shape == (34, 48, 3)
    assert (frame.image[-1] > 150).all() and (frame.image[:, -1] > 150).all()
    assert np.abs(frame.image[:30, :44].astype(int) - 40).max() < 40


@pytest.mark.parametrize("suffix", [".mp4", ".webp"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_block_keeps_the_earlier_file(tmp_path: Path, suffix: str, error: type[BaseException]):
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"earlier")
    with pytest.raises(error), OverlayWriter(path, fps=5) as writer:
        for image in moving(3):
            writer.write(image)
        raise error
    assert path.read_bytes() == b"earlier" and len(list(tmp_path.iterdir())) == 1


def test_bad_arguments_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"'\.avi', expected one of \.mp4, \.webp"):
        OverlayWriter(tmp_path / "out.avi", fps=5)
    with pytest.raises(ValueError, match="fps is 0"):
        OverlayWriter(tmp_path / "out.mp4", fps=0)
    with pytest.raises(ValueError, match="aspect is 0"):
        OverlayWriter(tmp_path / "out.mp4", fps=5, aspect=0)
    with pytest.raises(InputError, match="no frame was written"), OverlayWriter(tmp_path / "out.mp4", fps=5):
        pass
    with (
        pytest.raises(InputError, match=r"out\.mp4: found a frame of 64x47 pixels, expected 64x48"),
        OverlayWriter(tmp_path / "out.mp4", fps=5) as writer,
    ):
        writer.write(GREY)
        writer.write(GREY[1:])
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from tbd_lib.video.overlay import OverlayWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
try:
    with OverlayWriter(Path(sys.argv[1]), fps=5) as writer:
        for step in range(12):
            writer.write(np.roll(noise, 7 * step, axis=0))
except OSError as error:
    print("OSError", error.errno, error.filename)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are a POSIX thing")
@pytest.mark.parametrize("suffix", ["mp4", "webp"])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, suffix: str):
    path = tmp_path / f"out.{suffix}"
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        cwd=Path(module.__file__).parents[1],
        check=True,
    )
    assert run.stdout.strip() == f"OSError {errno.EFBIG} {path}"
    assert list(tmp_path.iterdir()) == []
