"""Outputs: whatever the form, the masks read back are the masks that were written."""

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import recorded
from PIL import Image as Pictures
from pycocotools.coco import COCO

from tbd_lib.errors import InputError
from tbd_lib.video.frames import FileFrames, FolderFrames, Frame, Video, write_image
from tbd_lib.video.masks import write_mask
from tbd_lib.video.outputs import PLACES, missing_from_outputs, require_no_outputs, write_outputs
from tbd_lib.video.overlay import overlay

NAMES = ("00000", "00001", "00002")


@pytest.fixture
def video() -> Video:
    random = np.random.default_rng(0)
    return Video("clip", [Frame(name, random.integers(0, 256, (20, 33, 3), np.uint8)) for name in NAMES], {})


@pytest.fixture
def masks(tmp_path: Path) -> dict[str, np.ndarray]:
    made = {name: np.zeros((20, 33), np.uint8) for name in NAMES}
    made["00000"][2:9, 3:20] = 1
    made["00000"][12:18, 5:30] = 200
    made["00001"][0:20, 0:33] = 200  # touches all borders; the last frame is empty
    for name, mask in made.items():
        write_mask(tmp_path / "masks" / f"{name}.png", mask)
    return made


def test_run_lengths_are_read_by_the_coco_tools(tmp_path: Path, video: Video, masks: dict[str, np.ndarray]):
    places = write_outputs(video, tmp_path / "masks", tmp_path, ["coco"], 10.0)
    content = json.loads(places["coco"].read_text())
    assert [image["file_name"] for image in content["images"]] == list(NAMES)
    assert [category["id"] for category in content["categories"]] == [1, 200]
    tools = COCO(str(places["coco"]))
    for number, name in enumerate(NAMES, 1):
        mask = np.zeros((20, 33), np.uint8)
        annotations: list[Any] = list(tools.loadAnns(tools.getAnnIds(imgIds=[number])))
        for annotation in annotations:
            inside = tools.annToMask(annotation) > 0
            assert inside.sum() == annotation["area"]
            rows, columns = np.nonzero(inside)
            width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
            assert annotation["bbox"] == [columns.min(), rows.min(), width, height]
            mask[inside] = annotation["track_id"]
        assert np.array_equal(mask, masks[name])


def test_coco_names_the_files_of_a_folder_of_frames(tmp_path: Path, video: Video, masks: dict[str, np.ndarray]):
    for frame in video.frames:
        write_image(tmp_path / "frames" / f"{frame.name}.jpg", frame.image)
    video = Video("clip", FolderFrames(tmp_path / "frames"), {})
    places = write_outputs(video, tmp_path / "masks", tmp_path, ["coco"], 10.0)
    content = json.loads(places["coco"].read_text())
    assert [image["file_name"] for image in content["images"]] == [f"{name}.jpg" for name in NAMES]


def test_arrays_objects_and_cutouts_hold_the_same_masks(tmp_path: Path, video: Video, masks: dict[str, np.ndarray]):
    places = write_outputs(video, tmp_path / "masks", tmp_path, ["npz", "objects", "cutouts"], 10.0)
    with np.load(places["npz"], allow_pickle=False) as arrays:
        assert sorted(arrays.files) == list(NAMES)
        assert all(np.array_equal(arrays[name], masks[name]) for name in NAMES)
    for frame in video.frames:
        for i in (1, 200):
            inside = masks[frame.name] == i
            alone, cut = (places[kind] / f"{i}" / f"{frame.name}.png" for kind in ("objects", "cutouts"))
            assert alone.exists() == cut.exists() == inside.any()
            if inside.any():
                assert np.array_equal(np.asarray(Pictures.open(alone)), inside * np.uint8(255))
                pixels = np.asarray(Pictures.open(cut))
                assert np.array_equal(pixels[..., 3], inside * np.uint8(255))
                assert np.array_equal(pixels[inside][:, :3], frame.image[inside]) and not pixels[~inside].any()


def test_a_film_has_a_frame_for_each(tmp_path: Path, video: Video, masks: dict[str, np.ndarray]):
    places = write_outputs(video, tmp_path / "masks", tmp_path, ["mp4", "webp"], 10.0)
    shown = list(FileFrames(places["mp4"]))
    assert len(shown) == 3 and FileFrames(places["mp4"]).fps == 10
    wanted = overlay(next(iter(video.frames)).image, masks["00000"]).astype(float)
    assert np.abs(shown[0].image[:20, :33].mean((0, 1)) - wanted.mean((0, 1))).max() < 12  # lossy, of the right colours
    assert Pictures.open(places["webp"]).n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("wrong", ["missing", "size"])
def test_a_missing_or_wrong_mask_leaves_no_half_file(
    tmp_path: Path, video: Video, masks: dict[str, np.ndarray], wrong: str
):
    path = tmp_path / "masks" / "00002.png"
    path.unlink()
    if wrong == "size":
        write_mask(path, np.zeros((5, 5), np.uint8))
    with pytest.raises((InputError, FileNotFoundError), match=r"00002\.png"):
        write_outputs(video, tmp_path / "masks", tmp_path / "out", ["coco", "npz", "mp4"], 10.0)
    assert not any((tmp_path / "out").iterdir())


def test_nothing_is_written_over(tmp_path: Path):
    require_no_outputs(tmp_path, list(PLACES))
    (tmp_path / "coco.json").touch()
    require_no_outputs(tmp_path, ["npz"])
    with pytest.raises(InputError, match=r"coco\.json: exists already"):
        require_no_outputs(tmp_path, ["npz", "coco"])


def test_what_results_will_lack_is_told_in_a_line_each(tmp_path: Path):
    images = list(np.zeros((2, 32, 48, 3), np.uint8))
    held, other = (recorded(tmp_path / f"{codec}.mkv", images, sound=codec) for codec in ("aac", "pcm_u8"))
    silent = recorded(tmp_path / "silent.mp4", images)
    every = list(PLACES)
    assert missing_from_outputs(Video("v", FileFrames(silent), {}), tmp_path, every) == []
    assert missing_from_outputs(Video("v", FileFrames(held), {}), tmp_path, ["mp4", "npz"]) == []
    (line,) = missing_from_outputs(Video("v", FileFrames(held), {}), tmp_path, every)
    assert line == f"{held}: its sound (aac) is not in {tmp_path / 'overlay.webp'}, as .webp cannot hold it"
    assert len(missing_from_outputs(Video("v", FileFrames(other), {}), tmp_path, every)) == 2
    for name in (*"123456789", "mask", "a", "b", "c", "d", "e"):
        write_image(tmp_path / f"v/{name}.png", images[0])
    (line,) = missing_from_outputs(Video("v", FolderFrames(tmp_path / "v"), {}), tmp_path, [])
    assert "v: 6 pictures left out" in line and line.endswith("frames: a.png, b.png, c.png, d.png, e.png and 1 more")


def test_a_film_whose_sound_cannot_be_kept_has_a_silent_overlay(tmp_path: Path):
    source = FileFrames(recorded(tmp_path / "film.mkv", list(np.zeros((2, 32, 48, 3), np.uint8)), sound="pcm_u8"))
    for frame in source:
        write_mask(tmp_path / f"masks/{frame.name}.png", np.ones((32, 48), np.uint8))
    places = write_outputs(Video("v", source, {}), tmp_path / "masks", tmp_path, ["mp4"], 25.0)
    with av.open(str(places["mp4"])) as container:
        assert len(container.streams.video) == 1 and not container.streams.audio
