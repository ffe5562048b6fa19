"""Data sets in DAVIS layout and videos of your own: what is found, what is given, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from films import without_length
from PIL import Image as Pictures

from tbd_lib.datasets.davis import davis, find, sample
from tbd_lib.errors import InputError
from tbd_lib.video.frames import FolderFrames, frames_of, open_video, read_image, write_image
from tbd_lib.video.masks import ids_of, read_mask, write_mask
from tbd_lib.video.overlay import OverlayWriter

ROWS, COLUMNS = 24, 32


def mask_of(*ids: int, rows: int = ROWS) -> np.ndarray:
    mask = np.zeros((rows, COLUMNS), dtype=np.uint8)
    for identity in ids:
        mask[2:8, 3 * identity : 3 * identity + 3] = identity
    return mask


def add_video(root: Path, name: str, ids: list[tuple[int, ...]]) -> None:
    """A video with these objects in its frames."""
    for number, present in enumerate(ids):
        image = np.full((ROWS, COLUMNS, 3), 10 * number, dtype=np.uint8)
        write_image(root / f"JPEGImages/480p/{name}/{number:05}.jpg", image)
        write_mask(root / f"Annotations/480p/{name}/{number:05}.png", mask_of(*present))


def add_split(root: Path, split: str, text: str, year: str = "2017") -> None:
    path = root / f"ImageSets/{year}/{split}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Videos ``two`` (objects 1 and 4; 2 and 3 enter later, 4 comes back) and ``one``."""
    add_video(tmp_path, "two", [(1, 4), (1,), (1, 2, 4), (3, 4)])
    add_video(tmp_path, "one", [(1,), (1,)])
    add_split(tmp_path, "val", "two\none\n")
    return tmp_path


def test_videos_come_in_the_order_of_the_list_with_the_masks_of_the_files(root: Path):
    videos = davis(root)
    assert [video.name for video in videos] == ["two", "one"]
    video = videos[0]
    assert [frame.name for frame in video.frames] == ["00000", "00001", "00002", "00003"] and video.wanted is None
    assert video.truth is not None and len(video.truth) == 4
    for truth, ids in zip(video.truth, [(1, 4), (1,), (1, 2, 4), (3, 4)], strict=True):
        np.testing.assert_array_equal(truth, mask_of(*ids))
    assert list(video.given) == [0] and video.given.get(2) is None
    np.testing.assert_array_equal(video.given[0], mask_of(1, 4))
    assert [ids_of(mask) for mask in video.truth[1:3]] == [[1], [1, 2, 4]]


def test_late_objects_are_given_where_they_appear_and_only_they(root: Path):
    given = davis(root, late_objects=True)[0].given
    assert list(given) == [0, 2, 3] and len(given) == 3
    for position, ids in ((0, (1, 4)), (2, (2,)), (3, (3,))):
        np.testing.assert_array_equal(given[position], mask_of(*ids))


def test_2016_joins_all_objects(root: Path):
    add_split(root, "val", "two\n", "2016")
    video = davis(root, "val", 2016, late_objects=True)[0]
    assert video.truth is not None and list(video.given) == [0]
    np.testing.assert_array_equal(video.given[0], mask_of(1, 4) > 0)
    np.testing.assert_array_equal(video.truth[3], mask_of(3, 4) > 0)


def test_lists_of_the_2016_release_are_understood(root: Path):
    lines = [
        f"/JPEGImages/480p/{name}/{number:05}.jpg /Annotations/480p/{name}/{number:05}.png"
        for name in ("one", "two")
        for number in range(2)
    ]
    add_split(root, "val", "\n".join(lines) + "\n\n", "480p")
    assert [video.name for video in davis(root, "val", 2016)] == ["one", "two"]
    add_split(root, "val", "two  \n", "2016")
    assert [video.name for video in davis(root, "val", 2016)] == ["two"]


def moved(root: Path, resolution: str) -> Path:
    """The same data set in another resolution alone."""
    for part in ("JPEGImages", "Annotations"):
        (root / part / "480p").rename(root / part / resolution)
    return root


def test_frames_and_masks_come_in_the_resolution_that_is_asked_for(root: Path):
    (video, _) = davis(moved(root, "Full-Resolution"), resolution="Full-Resolution")
    assert len(list(video.frames)) == 4 and video.truth is not None and ids_of(video.truth[3]) == [3, 4]
    refused(r"JPEGImages/480p: no such folder, but there is Full-Resolution; expected it as `resolution`$", root)


def test_the_release_of_2016_has_one_white_object_and_lists_by_resolution(root: Path):
    """Its lists lie in ImageSets/1080p as well, and masks are black and white."""
    lists = [f"/JPEGImages/1080p/two/{n:05}.jpg /Annotations/1080p/two/{n:05}.png" for n in range(4)]
    add_split(root, "val", "\n".join(lists), "1080p")
    (root / "ImageSets/2017/val.txt").unlink()
    for number in range(4):
        white = np.where(mask_of(1) > 0, 255, 0).astype(np.uint8)
        Pictures.fromarray(white).save(root / f"Annotations/480p/two/{number:05}.png")
    (video,) = davis(moved(root, "1080p"), "val", 2016, "1080p")
    assert video.truth is not None and [ids_of(mask) for mask in video.truth] == [[1]] * 4
    with pytest.raises(
        InputError, match=r"2017/val\.txt: .*one of 1080p \(that of DAVIS-2016's own release: `year` 2016"
    ):
        davis(root, "val", 2017, "1080p")


def test_a_data_set_one_folder_further_down_is_named(root: Path, tmp_path_factory: pytest.TempPathFactory):
    outer = tmp_path_factory.mktemp("outer")
    root.rename(outer / "DAVIS")
    refused(rf"{outer}/ImageSets: no such folder, but there is one in {outer}/DAVIS, expected a data set", outer)
    refused(r"nowhere: no such folder, expected .* \(`tbd prepare davis` fetches it\)$", outer / "nowhere")


def add_clip(root: Path, name: str) -> None:
    add_video(root, name, [(1,)])


@pytest.mark.parametrize(
    "line",
    [
        "my clip", "my clip/", "./my clip", "JPEGImages/480p/my clip", "JPEGImages\\480p\\my clip\\",
        "JPEGImages/480p/my clip/00000.jpg", "/JPEGImages/480p/my clip/00000.jpg /Annotations/480p/my clip/00000.png",
        "/JPEGImages/480p/my clip/00000.jpg\t/Annotations/480p/my clip/00000.png 1 0", "my clip\\00000.JPG",
    ],
)  # fmt: skip
def test_a_line_names_a_video_by_itself_or_by_a_path(root: Path, line: str):
    add_clip(root, "my clip")
    add_split(root, "val", f"{line}\ntwo\n{line}\n")
    assert [video.name for video in davis(root)] == ["my clip", "two"]


def test_a_name_that_is_no_text_is_that_of_the_same_bytes(root: Path):
    add_clip(root, "caf\udce9")
    (root / "ImageSets/2017/val.txt").write_bytes(b"caf\xe9\r\n")
    (video,) = davis(root)
    assert video.name == "caf\udce9" and ids_of(video.given[0]) == [1]
    add_clip(root, "été")
    (root / "ImageSets/2017/val.txt").write_bytes("été\r\n".encode("utf-16"))
    assert [video.name for video in davis(root)] == ["été"]


@pytest.mark.parametrize(
    "line",
    ["../one", "one/..", "..", ".", "/one", "/", "/etc/one/", "C:\\one", "c:/one", ".ipynb_checkpoints", "__MACOSX/",
     "../one/00000.jpg", "/JPEGImages/480p/../one/00000.jpg", "/home/one/00000.jpg", "one\0"],
)  # fmt: skip
def test_a_line_that_leads_elsewhere_is_refused(root: Path, line: str):
    add_split(root, "val", f"two\n{line}\n")
    with pytest.raises(InputError, match=r"val\.txt: found .*, expected a video's name") as caught:
        davis(root)
    assert "\n" not in str(caught.value)


def test_what_file_managers_leave_in_a_data_set_is_no_part_of_it(root: Path):
    for folder in (
        "JPEGImages/480p",
        "Annotations/480p",
        "JPEGImages/480p/two",
        "Annotations/480p/two",
        "ImageSets/2017",
    ):
        for name in (".ipynb_checkpoints", "__MACOSX"):
            (root / folder / name).mkdir()
        for name in ("Thumbs.db", "desktop.ini", "._00000.jpg", "._00000.png", ".DS_Store", "._val.txt"):
            (root / folder / name).write_bytes(b"\0")
    video = davis(root)[0]
    assert len(list(video.frames)) == 4 and video.truth is not None and len(video.truth) == 4
    refused(r"test\.txt: no such split, there are val$", root, "test")


def test_paths_may_begin_at_home(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.chdir("/")
    assert davis("~")[0].name == davis(Path("~"))[0].name == "two"
    clip, mask = "~/JPEGImages/480p/two", "~/Annotations/480p/two/00000.png"
    assert ids_of(open_video(clip, mask).given[0]) == ids_of(open_video(Path(clip), {0: Path(mask)}).given[0]) == [1, 4]
    write_mask(Path("~/new.png"), read_mask(Path(mask)))
    with OverlayWriter(Path("~/new.mp4"), 5) as writer:
        writer.write(read_image(Path("~/JPEGImages/480p/two/00000.jpg")))
    assert (root / "new.png").is_file() and len(list(frames_of(Path("~/new.mp4")))) == 1


def test_first_masks_alone_make_videos_without_truth(root: Path):
    for path in (root / "Annotations/480p/two").glob("*.png"):
        if path.stem != "00000":
            path.unlink()
    video = davis(root, late_objects=True)[0]
    assert video.truth is None and list(video.given) == [0]
    np.testing.assert_array_equal(video.given[0], mask_of(1, 4))


def test_indexing_reads_no_picture(root: Path):
    for path in root.rglob("*.*g"):
        path.write_bytes(b"no picture")
    assert len(davis(root, late_objects=True)) == 2


def refused(error: str, root: Path, split: str = "val", year: int = 2017) -> None:
    with pytest.raises(InputError, match=error) as caught:
        davis(root, split, year)
    assert "\n" not in str(caught.value)


def test_a_missing_root_or_split_is_refused_with_those_that_exist(root: Path):
    refused("nowhere: no such folder, expected a data set", root / "nowhere")
    add_split(root, "train", "two\n")
    refused(r"ImageSets/2017/test\.txt: no such split, there are train, val", root, "test")
    refused(r"2016/val\.txt: no such split, there is none of 2016, but there is one of 2017$", root, year=2016)
    refused(r"ImageSets/2016/test\.txt: no such split, there is none$", root, "test", year=2016)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("\n \n", r"val\.txt: found no videos"),
        ("two\nthree\n", r"JPEGImages/480p/three: no such folder, but .*val\.txt lists the video 'three'"),
    ],
)
def test_a_list_without_videos_or_of_others_is_refused(root: Path, text: str, error: str):
    add_split(root, "val", text)
    refused(error, root)


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        ("Annotations/480p/two/00000.png", r"two/00000\.png: no such mask, expected one for every frame"),
        ("Annotations/480p/two/00002.png", r"two/00002\.png: no such mask"),
        ("Annotations/480p/two/*.png", r"two/00000\.png: no such mask"),
        ("Annotations/480p/two/0000[23].png", r"two/00002\.png: no such mask"),
        ("JPEGImages/480p/two/00001.jpg", "two: frame 1 is missing"),
    ],
)
def test_missing_masks_and_frames_are_refused(root: Path, missing: str, error: str):
    for path in root.glob(missing):
        path.unlink()
    refused(error, root)


@pytest.mark.parametrize("year", ["2016", "2017"])
def test_255_beside_ids_is_void_in_truth_and_in_what_is_given(root: Path, year: str):
    add_split(root, "val", "two\n", year)
    for number, ids in enumerate([(1, 4), (), (1,), (1,)]):
        mask = mask_of(*ids)
        mask[12:16] = 255
        write_mask(root / f"Annotations/480p/two/{number:05}.png", mask)
    video = davis(root, "val", int(year), late_objects=True)[0]
    expected = [[1], [], [1], [1]] if year == "2016" else [[1, 4], [], [1], [1]]
    assert video.truth is not None and [ids_of(mask) for mask in video.truth] == expected
    assert {at: ids_of(mask) for at, mask in video.given.items()} == {0: expected[0]}


def test_a_colour_is_one_object_in_truth_and_in_what_is_given(root: Path):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], dtype=np.uint8)
    for number, ids in enumerate([(1,), (1, 2), (2,), (1,)]):
        Pictures.fromarray(colours[mask_of(*ids)]).save(root / f"Annotations/480p/two/{number:05}.png")
    video = davis(root, late_objects=True)[0]
    assert video.truth is not None and [ids_of(mask) for mask in video.truth] == [[2], [1, 2], [1], [2]]
    assert {at: ids_of(mask) for at, mask in video.given.items()} == {0: [2], 1: [1]}
    assert ids_of(davis(root)[0].given[0]) == [2], "also where the other masks are not given"


def test_a_mask_of_another_size_is_refused_when_read(root: Path):
    write_mask(root / "Annotations/480p/two/00002.png", mask_of(1, rows=20))
    video = davis(root)[0]
    assert video.truth is not None and ids_of(video.truth[1]) == [1]
    with pytest.raises(InputError, match=r"00002\.png: found a mask of 32x20 pixels, expected 32x24"):
        video.truth[2]
    with pytest.raises(InputError, match=r"00002\.png: found a mask of 32x20"):
        list(davis(root, late_objects=True)[0].given)


@pytest.mark.parametrize("late_objects", [False, True])
def test_a_first_mask_without_objects_is_refused_when_read(root: Path, late_objects: bool):
    write_mask(root / "Annotations/480p/two/00000.png", mask_of())
    video = davis(root, late_objects=late_objects)[0]
    with pytest.raises(InputError, match=r"two/00000\.png: found background \(0\) only"):
        video.given[0]


def test_a_video_is_found_by_its_name_in_either_split_of_the_sample():
    for split in ("train", "val"):
        name = sample(split)[-1].name
        assert find(name).name == name
    late = find("late-entry")
    assert len(late.given) > 1, "objects that enter late are given where they appear"
    with pytest.raises(
        InputError, match=r"no video 'cat' in the sample; there are .*, lookalike-crossing, .*"
    ) as caught:
        find("cat")
    assert str(caught.value).count(",") == 13, "fourteen videos are named"


def test_a_video_is_found_by_its_name_among_those_of_davis_2016(root: Path):
    add_split(root, "val", "one\ntwo\n", "2016")
    video = find("two", root)
    assert video.name == "two" and ids_of(video.given[0]) == [1]
    assert find("one", str(root)).name == "one"
    with pytest.raises(InputError, match=rf"no video 'late-entry' in {root}; there are one, two$"):
        find("late-entry", root)


@pytest.fixture
def holiday(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of three frames and its first mask."""
    for number in range(3):
        write_image(tmp_path / f"holiday/{number}.png", np.full((ROWS, COLUMNS, 3), 50 + number, dtype=np.uint8))
    write_mask(tmp_path / "first.png", mask_of(1, 3))
    return tmp_path / "holiday", tmp_path / "first.png"


def test_a_folder_of_your_own(holiday: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    path, mask = holiday
    video = open_video(path, mask)
    assert video.name == "holiday" and isinstance(video.frames, FolderFrames) and len(video.frames) == 3
    assert video.truth is None and list(video.given) == [0]
    np.testing.assert_array_equal(video.given[0], mask_of(1, 3))
    assert open_video(path, mask, name="beach").name == "beach"
    monkeypatch.chdir(path)
    assert open_video(Path(), mask).name == "holiday", "a folder named by a dot has its real name"


def test_masks_for_several_frames(holiday: tuple[Path, Path], tmp_path: Path):
    write_mask(tmp_path / "later.png", mask_of(5))
    video = open_video(holiday[0], {0: holiday[1], 2: tmp_path / "later.png"})
    assert {at: ids_of(mask) for at, mask in video.given.items()} == {0: [1, 3], 2: [5]}


def test_what_masks_of_your_own_were_taken_for_is_noted(holiday: tuple[Path, Path], tmp_path: Path):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], dtype=np.uint8)
    Pictures.fromarray(colours[mask_of(1, 2)]).save(tmp_path / "both.png")
    Pictures.fromarray(colours[mask_of(1)]).save(tmp_path / "red.png")
    video = open_video(holiday[0], {0: tmp_path / "both.png", 2: tmp_path / "red.png"})
    assert video.notes == ("in the given masks, #00ff00 is object 1, #ff0000 is object 2",)
    assert (video.given[0][mask_of(1) > 0] == 2).all() and (video.given[2] == 2 * mask_of(1)).all()
    assert open_video(*holiday).notes == ()


def test_a_threshold_makes_one_object_of_each_given_mask(holiday: tuple[Path, Path], tmp_path: Path):
    soft = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None], ROWS, axis=0)
    Pictures.fromarray(soft).save(tmp_path / "soft.png")
    files = {0: tmp_path / "soft.png", 2: tmp_path / "soft.png"}
    with pytest.raises(InputError, match=r"soft\.png: found soft edges"):
        open_video(holiday[0], files)
    video = open_video(holiday[0], files, threshold=128)
    assert all(np.array_equal(mask, soft >= 128) for mask in video.given.values())
    assert video.notes == ("in the given masks, what is at least 128 bright is object 1",)


def test_a_video_file_of_your_own(holiday: tuple[Path, Path], tmp_path: Path):
    with OverlayWriter(tmp_path / "film.mp4", fps=8) as writer:
        for _ in range(4):
            writer.write(np.zeros((ROWS, COLUMNS, 3), dtype=np.uint8))
    video = open_video(tmp_path / "film.mp4", holiday[1])
    assert video.name == "film" and [frame.name for frame in video.frames] == ["00000", "00001", "00002", "00003"]
    with pytest.raises(InputError, match="mask for frame 4, expected 0 to 3"):
        open_video(tmp_path / "film.mp4", {4: holiday[1]})
    with pytest.raises(InputError, match="mask for frame 4, expected 0 to 3"):
        open_video(without_length(tmp_path / "film.mp4"), {4: holiday[1]})


def test_bad_input_of_your_own_is_refused(holiday: tuple[Path, Path], tmp_path: Path):
    path, mask = holiday
    write_mask(tmp_path / "small.png", mask_of(1, rows=20))
    write_mask(tmp_path / "empty.png", mask_of())
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "nothing").mkdir()
    cases = [
        (tmp_path / "nowhere", mask, "nowhere: no such folder or file"),
        (tmp_path / "nothing", mask, "nothing: found no frames"),
        (tmp_path / "text.mp4", mask, "text.mp4: .*expected a video"),
        (path, tmp_path / "none.png", "none.png: no such file"),
        (path, tmp_path / "small.png", "small.png: found a mask of 32x20 pixels, expected 32x24"),
        (path, tmp_path / "empty.png", "empty.png: found background"),
        (path, {}, "holiday: no mask is given"),
        (path, {0: mask, 3: mask}, "holiday: found a mask for frame 3, expected 0 to 2"),
        (path, {-1: mask}, "found a mask for frame -1, expected the frame's position as a number from 0$"),
    ]
    for video, given, error in cases:
        with pytest.raises(InputError) as caught:
            open_video(video, given)
        assert re.search(error, str(caught.value)) and "\n" not in str(caught.value)


def test_real_davis_2016_videos_have_one_object(shared: Path):
    videos = davis(shared / "data/DAVIS", "val", 2016)
    assert [video.name for video in videos][:3] == ["bmx-trees", "car-shadow", "dog"]
    for video in videos:
        assert ids_of(video.given[0]) == [1] and isinstance(video.frames, FolderFrames)
        assert video.truth is not None and len(video.truth) == len(video.frames)
