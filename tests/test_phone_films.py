"""Films as phones record them, tracked from a box to an overlay that looks, runs and sounds as the film does."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import CLOCKWISE, Turn, recorded, reordered, sound_of, turned

from tbd_lib.cli.main import main
from tbd_lib.cli.options import TrackOptions
from tbd_lib.cli.track import track
from tbd_lib.errors import InputError
from tbd_lib.video.frames import FileFrames, write_image
from tbd_lib.video.masks import read_mask

ROWS, COLUMNS, COUNT = 48, 64, 6
MIRRORED: Turn = (-1, 0, 0, 1)
PLAIN = TrackOptions(engine="plain", short_side=128)
BOX = (8, 6, 40, 30)


def scene(rows: int = ROWS, columns: int = COLUMNS) -> list[np.ndarray]:
    """A light box at the upper left, which moves to the right."""
    ground = np.random.default_rng(0).integers(0, 70, (rows, columns, 3), np.uint8)
    images = [ground.copy() for _ in range(COUNT)]
    for number, image in enumerate(images):
        image[6:30, 8 + number : 40 + number] = (210, 190, 160)
    return images


def on_its_side(path: Path) -> Path:
    """Held upright; what was stored lies on its side."""
    images = [np.rot90(image) for image in scene(COLUMNS, ROWS)]
    return turned(recorded(path, images, sound="aac"), CLOCKWISE)


def selfie(path: Path) -> Path:
    return turned(recorded(path, [image[:, ::-1] for image in scene()], sound="aac", aspect=Fraction(4, 3)), MIRRORED)


def in_the_dark(path: Path) -> Path:
    """Frames that last for as long as the light wanted, and a cover that the phone attached."""
    times = [0, 33, 66, 200, 1000, 1100]
    return recorded(path, scene(), times, sound="aac", cover=np.full((16, 16, 3), 255, np.uint8))


def presentation(path: Path) -> tuple[list[float], Fraction]:
    """When each frame is shown, in seconds, and the shape of the whole picture, width by height."""
    frames = FileFrames(path)
    rows, columns = next(iter(frames)).image.shape[:2]
    return [frame.time or 0.0 for frame in frames], Fraction(columns, rows) * frames.aspect


@pytest.mark.parametrize("phone", [on_its_side, selfie, in_the_dark])
def test_a_box_in_a_film_becomes_an_overlay_that_plays_as_the_film_does(phone, tmp_path: Path):
    film, out = phone(tmp_path / "clip 12:30.mp4"), tmp_path / "out"
    track(film, out, box=BOX, options=PLAIN)
    times, shape = presentation(film)
    assert (shape < 1) == (phone is on_its_side)
    for found, expected in zip(presentation(out / "overlay.mp4"), (times, shape), strict=True):
        np.testing.assert_allclose(np.array(found, float), np.array(expected, float), atol=1 / 10_000)
    assert sound_of(out / "overlay.mp4") == sound_of(film) and len(sound_of(film)) > 2
    for shown, frame in zip(FileFrames(out / "overlay.mp4"), FileFrames(film), strict=True):
        mask = read_mask(out / f"masks/{frame.name}.png")
        assert shown.image.shape == frame.image.shape and mask.shape == frame.image.shape[:2]
        assert np.abs(shown.image[34:].astype(int) - frame.image[34:]).mean() < 8  # away from the object
        assert mask[10:26, 16:38].mean() > 0.9 and mask[36:].mean() < 0.1
    with av.open(str(out / "overlay.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def truncated(path: Path) -> Path:
    """Of a film with sound, what lies before the end of its fourth picture."""
    recorded(path, scene(), sound="aac", movflags="faststart")
    with av.open(str(path)) as source:
        third = [packet for packet in source.demux(video=0) if packet.size][3]
    assert third.pos is not None and third.size > 6
    path.write_bytes(path.read_bytes()[: third.pos + third.size - 6])
    return path


@pytest.mark.parametrize("frame", [0, 2])
def test_of_a_truncated_film_all_that_can_be_read_is_tracked_and_saved(tmp_path: Path, frame: int, capsys):
    film, out = truncated(tmp_path / "film.mp4"), tmp_path / "out"
    box = [str(edge) for edge in BOX]
    every = ["mp4", "webp", "objects", "coco", "npz", "cutouts"]
    arguments = [
        "track",
        str(film),
        "--out",
        str(out),
        "--box",
        *box,
        "--frame",
        str(frame),
        "--engine",
        "plain",
        "--save",
        *every,
    ]
    assert main(arguments) == 2
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("tbd:")]
    assert message[-1].startswith(f"tbd: {film}: frame 3 cannot be decoded")
    names = [path.stem for path in sorted((out / "masks").iterdir())]
    assert names == ["00000", "00001", "00002"]
    with np.load(out / "masks.npz") as arrays:
        assert arrays.files == names
    assert len(list(FileFrames(out / "overlay.mp4"))) == 3 and (out / "coco.json").exists()
    assert [path.stem for path in sorted((out / "objects/1").iterdir())] == names


def test_a_first_mask_behind_the_break_is_refused_with_the_break(tmp_path: Path):
    with pytest.raises(InputError, match=r"film\.mp4: frame 3 cannot be decoded"):
        track(truncated(tmp_path / "film.mp4"), tmp_path / "out", box=BOX, frame=4, options=PLAIN)
    assert not (tmp_path / "out/overlay.mp4").exists()


def test_pictures_that_are_no_frames_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for number, image in enumerate(scene()[:3], 8):
        write_image(tmp_path / f"v/{number}.jpg", image)
    write_image(tmp_path / "v/mask.png", scene()[0])
    track(tmp_path / "v", tmp_path / "out", box=BOX, save=("npz",), options=PLAIN)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("tbd:") and "left out" in line]
    assert warnings == [f"tbd: {tmp_path / 'v'}: 1 picture left out, of another name or size than the frames: mask.png"]
    assert sorted(path.stem for path in (tmp_path / "out/masks").iterdir()) == ["10", "8", "9"]


def test_frames_of_an_avi_that_were_coded_in_another_order_are_shown_at_its_rate(tmp_path: Path):
    times, _ = presentation(reordered(tmp_path / "old.avi", scene()))
    assert times == pytest.approx([number / 25 for number in range(COUNT)])
