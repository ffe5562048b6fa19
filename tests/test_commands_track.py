"""``tbd track``: what is given is kept, masks come in every form, from any frame, and bad input is named."""

import json
import weakref
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest
from films import CLOCKWISE, film, turned, without_length
from PIL import Image as Pictures
from PIL import ImageFilter, ImageSequence
from pycocotools.coco import COCO
from torch import Tensor

from tbd_lib.cli.main import main
from tbd_lib.cli.options import TrackOptions
from tbd_lib.cli.track import box_mask, mention_small_object, polygon_mask, track, video_of_options
from tbd_lib.datasets.davis import find
from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import jaccard
from tbd_lib.method.model import TBD, Features
from tbd_lib.tracking.config import BENCHMARK, TrackConfig
from tbd_lib.tracking.tracker import track as track_in_python
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.frames import FileFrames, Video, open_video, write_image
from tbd_lib.video.masks import ids_of, read_mask, write_mask
from tbd_lib.video.overlay import overlay

ROWS, COLUMNS = 48, 64
BOX = (10, 8, 40, 30)
FAST = TrackOptions(engine="plain", short_side=48)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """A folder of five frames, in which a bright box moves to the right."""
    for number in range(5):
        image = np.random.default_rng(number).integers(0, 60, (ROWS, COLUMNS, 3), np.uint8)
        image[8:30, 10 + 2 * number : 40 + 2 * number] = 200
        write_image(tmp_path / f"frames/{number:05}.png", image)
    return tmp_path / "frames"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    write_mask(tmp_path / "first.png", box_mask((ROWS, COLUMNS), BOX))
    return tmp_path / "first.png"


def test_a_box_and_a_polygon_are_masks():
    mask = box_mask((20, 30), (-5, 2, 7, 50))
    assert mask[2:, :7].all() and mask.sum() == 18 * 7
    square = polygon_mask((20, 30), [(4, 3), (12, 3), (12, 9), (4, 9)])
    assert square[3:10, 4:13].all() and square.sum() == 7 * 9
    triangle = polygon_mask((20, 30), [(0, 0), (20, 0), (0, 19)])
    assert triangle[2, 2] and not triangle[18, 18] and 150 < triangle.sum() < 250


@pytest.mark.parametrize("how", ["mask", "box", "polygon"])
def test_every_way_to_say_what_to_follow_gives_the_same_video(frames: Path, first: Path, tmp_path: Path, how: str):
    corners = ("10,8", "39,8", "39,29", "10,29")
    video = video_of_options(
        frames,
        first if how == "mask" else None,
        BOX if how == "box" else None,
        corners if how == "polygon" else (),
        0,
        (),
        tmp_path / "out/masks",
    )
    assert list(video.given) == [0] and np.array_equal(video.given[0], read_mask(first))


def test_results_lie_in_every_form_and_what_was_given_is_kept(frames: Path, first: Path, tmp_path: Path):
    before = first.read_bytes()
    late = np.zeros((ROWS, COLUMNS), np.uint8)
    late[36:46, 2:20] = 7
    write_mask(tmp_path / "late.png", late)
    out = tmp_path / "out"
    more = (f"3={tmp_path / 'late.png'}",)
    track(frames, out, mask=first, more=more, save=("mp4", "webp", "objects", "coco", "npz", "cutouts"))
    masks = [read_mask(path) for path in sorted((out / "masks").glob("*.png"))]
    assert len(masks) == 5 and first.read_bytes() == before
    assert np.array_equal(masks[0], read_mask(first)) and (masks[3][late == 7] == 7).all()
    with np.load(out / "masks.npz") as arrays:
        assert all(np.array_equal(arrays[f"{i:05}"], mask) for i, mask in enumerate(masks))
    content = json.loads((out / "coco.json").read_text())
    areas = [annotation["area"] for annotation in content["annotations"]]
    assert sum(areas) == sum(int((mask > 0).sum()) for mask in masks)
    assert len(list(FileFrames(out / "overlay.mp4"))) == 5 and (out / "overlay.webp").exists()
    assert np.array_equal(np.asarray(Pictures.open(out / "objects/7/00003.png")) > 0, masks[3] == 7)
    assert np.asarray(Pictures.open(out / "cutouts/1/00000.png")).shape == (ROWS, COLUMNS, 4)
    with pytest.raises(InputError, match="holds masks already"):
        track(frames, out, mask=first)


def test_from_the_middle_all_frames_get_masks_or_only_the_later_ones(frames: Path, tmp_path: Path):
    box = (14, 8, 44, 30)
    track(frames, tmp_path / "both", box=box, frame=2)
    track(frames, tmp_path / "later", box=box, frame=2, forwards_only=True)
    both, later = ([read_mask(tmp_path / f"{n}/masks/{i:05}.png") for i in range(5)] for n in ("both", "later"))
    assert [mask.any() for mask in later] == [False, False, True, True, True]
    assert all(mask.any() for mask in both)
    assert all(np.array_equal(a, b) for a, b in zip(both[2:], later[2:], strict=True))
    assert np.array_equal(both[2], box_mask((ROWS, COLUMNS), box))


def test_results_are_not_written_over_unless_asked(frames: Path, first: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/masks.npz").write_text("precious")
    with pytest.raises(InputError, match=r"masks\.npz: exists already"):
        track(frames, tmp_path / "out", mask=first, save=("npz",))
    assert (tmp_path / "out/masks.npz").read_text() == "precious" and not (tmp_path / "out/masks").exists()
    track(frames, tmp_path / "out", mask=first, save=("npz",), overwrite=True)
    assert len(np.load(tmp_path / "out/masks.npz").files) == 5


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, "expected exactly one of --mask, --box and --polygon"),
        ({"box": BOX, "polygon": ("1,1", "5,5", "1,5")}, "expected exactly one"),
        ({"box": (70, 8, 90, 30)}, r"--box 70 8 90 30: no pixel of a 64x48 frame"),
        ({"polygon": ("1,1", "5,5")}, "found 2 corners, expected three or more"),
        ({"polygon": ("1,1", "5;5", "1,5")}, r"found '5;5', expected x,y"),
        ({"box": BOX, "frame": 5}, r"--frame 5: expected 0 to 4"),
        ({"box": BOX, "frame": -1}, r"--frame -1: expected 0 to 4"),
        ({"box": BOX, "more": ("3:late.png",)}, r"found '3:late\.png', expected a frame's number and a file"),
        ({"box": BOX, "more": ("2=first.png", "2=late.png")}, r"--more: found first\.png and late\.png for frame 2"),
        ({"box": BOX, "more": ("9=first.png",)}, "mask for frame 9, expected 0 to 4"),
        (
            {"box": BOX, "more": ("3=first.png", "03=late.png")},
            r"found first\.png and late\.png for frame 3, expected one",
        ),
        ({"box": BOX, "frame": 2, "more": ("2=first.png",)}, r"--more 2=first\.png: is of the frame of --box"),
        ({"mask": Path("first.png"), "more": ("0=late.png",)}, r"--more 0=late\.png: is of the frame of --mask"),
        ({"box": (40, 30, 10, 8)}, "expected its left, top, right and bottom edge"),
    ],
)
def test_bad_input_is_named(frames: Path, first: Path, tmp_path: Path, monkeypatch, given: dict, error: str):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=error):
        track(frames, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", [{"frame": 5}, {"more": ("5={}",)}])
def test_a_frame_behind_the_end_of_a_film_that_does_not_tell_its_length_is_found_before_tracking(
    first: Path, tmp_path: Path, given: dict
):
    images = [np.full((ROWS, COLUMNS, 3), 40, np.uint8)] * 5
    clip = without_length(film(tmp_path / "clip.mp4", images))
    if "more" in given:
        given = {"more": tuple(text.format(first) for text in given["more"])}
    assert FileFrames(clip).count is None
    with pytest.raises(InputError, match=r"frame 5(: |, )expected 0 to 4"):
        track(clip, tmp_path / "out", box=BOX, save=(), options=FAST, **given)
    assert not (tmp_path / "out").exists()


def test_a_link_to_itself_is_no_video(tmp_path: Path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="loop: no such folder or file"):
        track(tmp_path / "loop", tmp_path / "out", box=BOX)


def test_red_is_one_object_in_all_given_masks_and_green_is_not_lost(frames: Path, tmp_path: Path, capsys):
    colours = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    colours[8:30, 10:25] = (255, 0, 0)
    Pictures.fromarray(colours).save(tmp_path / "red.png")
    colours[8:30, 25:40] = (0, 255, 0)
    Pictures.fromarray(colours).save(tmp_path / "both.png")
    track(frames, tmp_path / "out", mask=tmp_path / "both.png", more=(f"2={tmp_path / 'red.png'}",), save=())
    masks = [read_mask(path) for path in sorted((tmp_path / "out/masks").iterdir())]
    assert masks[0][20, 20] == masks[2][20, 20] == 2 and all(ids_of(mask) == [1, 2] for mask in masks)
    note = "tbd: in the given masks, #00ff00 is object 1, #ff0000 is object 2\n"
    assert capsys.readouterr().err.count(note) == 1


def test_soft_edges_are_refused_with_the_option_that_makes_one_object(
    frames: Path, first: Path, tmp_path: Path, capsys
):
    soft = Pictures.fromarray(read_mask(first) * np.uint8(255)).filter(ImageFilter.GaussianBlur(1))
    soft.save(tmp_path / "soft.png")
    command = [
        "track",
        str(frames),
        "--mask",
        str(tmp_path / "soft.png"),
        "--out",
        str(tmp_path / "out"),
        "--save",
        "npz",
    ]
    assert main(command) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "soft edges" in message and "--threshold 128" in message
    assert not (tmp_path / "out").exists() and main([*command, "--threshold", "128"]) == 0
    assert np.array_equal(read_mask(tmp_path / "out/masks/00000.png"), np.asarray(soft) >= 128)
    with pytest.raises(InputError, match="--threshold 128: expected with --mask or --more"):
        track(frames, tmp_path / "new", box=BOX, threshold=128)


def test_a_mask_that_would_be_written_over_is_refused(frames: Path, first: Path, tmp_path: Path):
    mine = tmp_path / "out/masks/00000.png"
    mine.parent.mkdir(parents=True)
    first.rename(mine)
    with pytest.raises(InputError, match=r"00000\.png: lies where masks will be written"):
        track(frames, tmp_path / "out", mask=mine, overwrite=True)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_overwriting_leaves_nothing_of_the_last_run_and_all_of_yours(frames: Path, first: Path, tmp_path: Path):
    out = tmp_path / "out"
    track(frames, out, mask=first, save=("mp4", "objects", "coco", "cutouts"), options=FAST)
    for mine in ("note.txt", "masks/mine.png", "objects/1/mine.png"):
        (out / mine).write_text("mine")
    for number in (3, 4):
        (frames / f"{number:05}.png").unlink()
    write_mask(tmp_path / "other.png", read_mask(first) * np.uint8(7))
    track(frames, out, mask=tmp_path / "other.png", save=("npz", "objects"), overwrite=True, options=FAST)
    numbers = ("00000", "00001", "00002")
    results = [
        ".tbd-written",
        "masks.npz",
        *(f"masks/{n}.png" for n in numbers),
        *(f"objects/7/{n}.png" for n in numbers if (read_mask(out / f"masks/{n}.png") == 7).any()),
    ]
    assert files_in(out) == sorted([*results, "note.txt", "masks/mine.png", "objects/1/mine.png"])
    assert not (out / "cutouts").exists()


def test_overwriting_does_not_replace_what_no_run_wrote(frames: Path, first: Path, tmp_path: Path):
    out = tmp_path / "out"
    late = [frames / f"{number:05}.png" for number in (3, 4)]
    hidden = [path.rename(tmp_path / path.name) for path in late]
    track(frames, out, mask=first, save=(), options=FAST)
    for path, back in zip(hidden, late, strict=True):
        path.rename(back)
    for mine in ("masks/00004.png", "masks.npz", "objects/3/00001.png"):
        (out / mine).parent.mkdir(parents=True, exist_ok=True)
        (out / mine).write_text("mine")
        before = files_in(out)
        with pytest.raises(InputError, match=f"{mine}: was not written by a run and would be replaced"):
            track(frames, out, mask=first, save=("npz", "objects"), overwrite=True, options=FAST)
        assert files_in(out) == before and (out / mine).read_text() == "mine"
        (out / mine).unlink()


def test_results_that_are_not_on_record_do_not_stay_among_the_new(frames: Path, first: Path, tmp_path: Path):
    """As older releases left them."""
    out = tmp_path / "out"
    for name, file in (("9", "masks/00009.png"), ("film", "overlay.mp4"), ("object", "objects/1/00000.png")):
        place = out / name
        (place / file).parent.mkdir(parents=True)
        (place / file).write_text("old")
        (place / "masks").mkdir(exist_ok=True)
        (place / "masks" / "00001.png").write_text("old")
        with pytest.raises(InputError, match=f"{file}: would stay among the new results"):
            track(frames, place, mask=first, save=("npz", "objects"), overwrite=True, options=FAST)
        (place / file).unlink()
        track(frames, place, mask=first, save=("npz",), overwrite=True, options=FAST)
        assert len([path for path in files_in(place) if path.startswith("masks/")]) == 5


@pytest.mark.parametrize("what", ["film", "mask", "frames"])
def test_a_result_that_is_tracked_itself_is_not_removed(frames: Path, first: Path, tmp_path: Path, what: str):
    out = tmp_path / "out"
    track(frames, out, mask=first, save=("mp4", "objects"), options=FAST)
    video = {"film": out / "overlay.mp4", "frames": out / "objects/1"}.get(what, frames)
    before = files_in(out)
    with pytest.raises(InputError, match="lies where results will be written"):
        track(video, out, mask=out / "objects/1/00000.png" if what == "mask" else first, overwrite=True, options=FAST)
    assert files_in(out) == before


def test_frames_are_looked_at_before_the_first_is_tracked(frames: Path, first: Path, tmp_path: Path):
    (frames / "00003.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"00003\.png: found 10 bytes"):
        track(frames, tmp_path / "out", mask=first, options=FAST)
    assert not (tmp_path / "out").exists()


ALL_FORMS = ("mp4", "webp", "objects", "coco", "npz", "cutouts")


@pytest.fixture(scope="module")
def dog(shared: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Five real frames and their masks, upright as a phone would film them."""
    video = find("dog", shared / "data/DAVIS")
    assert video.truth is not None
    frames = [frame.image for frame, _ in zip(video.frames, range(5), strict=False)]
    cut = np.s_[:, 220:580]
    return [np.ascontiguousarray(image[cut]) for image in frames], [mask[cut] for mask in video.truth[:5]]


@pytest.mark.parametrize("given", [0, 2, 4])
def test_a_film_is_tracked_from_any_frame_and_every_form_holds_the_masks(dog, tmp_path: Path, given: int):
    images, truth = dog
    movie, out = film(tmp_path / "dog.mp4", images), tmp_path / "out"
    write_mask(tmp_path / "given.png", truth[given])
    track(movie, out, mask=tmp_path / "given.png", frame=given, save=ALL_FORMS)
    masks = {path.stem: read_mask(path) for path in sorted((out / "masks").iterdir())}
    assert list(masks) == ["00000", "00001", "00002", "00003", "00004"]
    assert np.array_equal(masks[f"{given:05}"], truth[given])
    assert min(jaccard(mask == 1, true == 1) for mask, true in zip(masks.values(), truth, strict=True)) > 0.7
    require_lossless_forms(out, masks, {frame.name: frame.image for frame in FileFrames(movie)})
    require_films(out, [overlay(frame.image, masks[frame.name]) for frame in FileFrames(movie)])


def require_lossless_forms(out: Path, masks: dict[str, np.ndarray], images: dict[str, np.ndarray]) -> None:
    """Each form holds the object of each frame to the pixel, and nothing else."""
    assert all(ids_of(mask) == [1] for mask in masks.values())
    with np.load(out / "masks.npz") as arrays:
        assert arrays.files == list(masks) and all(np.array_equal(arrays[name], masks[name]) for name in masks)
    for kind in ("objects", "cutouts"):
        found = sorted(path.relative_to(out / kind).as_posix() for path in (out / kind).rglob("*.*"))
        assert found == [f"1/{name}.png" for name in masks]
    tools = COCO(str(out / "coco.json"))
    assert [image["file_name"] for image in tools.loadImgs(tools.getImgIds())] == list(masks)
    for number, (name, mask) in enumerate(masks.items(), 1):
        assert np.array_equal(np.asarray(Pictures.open(out / f"objects/1/{name}.png")), 255 * mask)
        cutout = np.asarray(Pictures.open(out / f"cutouts/1/{name}.png"))
        assert np.array_equal(cutout, np.dstack([images[name] * mask[..., None], 255 * mask]))
        (annotation,) = list[Any](tools.loadAnns(tools.getAnnIds(imgIds=[number])))
        assert np.array_equal(tools.annToMask(annotation), mask) and annotation["track_id"] == 1


def require_films(out: Path, expected: list[np.ndarray]) -> None:
    """Each film has every frame, in its size, and looks as it should; its codec loses the rest."""
    with Pictures.open(out / "overlay.webp") as picture:
        assert picture.n_frames == len(expected)  # pyright: ignore[reportAttributeAccessIssue]
        webp = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]
    mp4 = [frame.image for frame in FileFrames(out / "overlay.mp4")]
    assert FileFrames(out / "overlay.mp4").fps == 24
    for shown in (mp4, webp):
        for picture, right in zip(shown, expected, strict=True):
            assert picture.shape == right.shape
            assert np.abs(picture.astype(int) - right).mean() < 8


def test_a_film_that_lies_on_its_side_is_tracked_upright(dog, tmp_path: Path):
    images, truth = dog
    movie = turned(film(tmp_path / "phone.mp4", [np.rot90(image) for image in images]), CLOCKWISE)
    write_mask(tmp_path / "last.png", truth[4])
    track(movie, tmp_path / "out", mask=tmp_path / "last.png", frame=4)
    masks = [read_mask(path) for path in sorted((tmp_path / "out/masks").iterdir())]
    assert min(jaccard(mask == 1, true == 1) for mask, true in zip(masks, truth, strict=True)) > 0.7
    assert [frame.image.shape for frame in FileFrames(tmp_path / "out/overlay.mp4")] == [images[0].shape] * 5


def test_few_pictures_and_masks_are_in_memory_at_once_however_long_the_film(tmp_path: Path, monkeypatch):
    alive: list[weakref.ref[np.ndarray]] = []
    most: list[int] = []

    def watched(make: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        def made(*arguments: Any, **options: Any) -> np.ndarray:
            array = make(*arguments, **options)
            alive.append(weakref.ref(array))
            most.append(sum(reference() is not None for reference in alive))
            return array

        return made

    # all that makes one: decoding, fetching a frame that was laid down, tracking, reading a mask back, drawing
    makers = (
        "video.frames.upright",
        "tracking.bidirectional.np.load",
        "tracking.tracker._ids_at_size",
        "video.outputs.read_mask",
        "video.outputs.overlay",
    )
    for name in makers:
        module, _, function = f"tbd_lib.{name}".rpartition(".")
        monkeypatch.setattr(f"{module}.{function}", watched(getattr(resolve_name(module), function)))
    movie = film(tmp_path / "long.mp4", np.random.default_rng(0).integers(0, 256, (40, ROWS, COLUMNS, 3), np.uint8))
    track(movie, tmp_path / "out", box=BOX, frame=20, save=ALL_FORMS, options=TrackOptions(short_side=ROWS))
    assert len(list((tmp_path / "out/masks").iterdir())) == 40
    assert len(alive) > 4 * 40 and max(most) <= 14  # two are read ahead, up to six wait to be written


def test_the_library_and_the_command_give_the_same_masks(frames: Path, first: Path, tmp_path: Path):
    """Without options: at the same working size, which is not the video's own."""
    for path in sorted(frames.iterdir())[2:]:
        path.unlink()
    track(frames, tmp_path / "out", mask=first, save=(), options=TrackOptions(engine="plain"))
    shares = []
    for step in track_in_python(bundled_model(), open_video(frames, first)):
        assert np.array_equal(read_mask(tmp_path / f"out/masks/{step.name}.png"), step.mask)
        shares.append((step.mask > 0).mean())
    assert len(shares) == 2 and 0 < min(shares) < 1


@pytest.mark.parametrize(
    ("positions", "options", "line"),
    [
        ([0], {"short_side": 24}, "object 1 of frame 0 has only about 165 pixels at the working size, 32x24; KEEPS"),
        ([1, 3], {"short_side": 47}, "object 1 of frame 1 has only about 633 pixels at the working size, 63x47; KEEPS"),
        (
            [0],
            {"short_side": 24, "keep_small_objects": True},
            "object 1 would have about 165 pixels at --short-side 24; KEEPS, 64x48",
        ),
        ([0], {"short_side": 48}, ""),
        ([0], {"short_side": 96, "keep_small_objects": True}, ""),
    ],
)
def test_an_object_that_gets_very_small_is_mentioned_once(
    positions: list[int], options: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]
):
    given = box_mask((ROWS, COLUMNS), BOX)
    mention_small_object(Video("v", [], dict.fromkeys(positions, given)), TrackOptions(**options).config())
    expected = line.replace("KEEPS", "--keep-small-objects keeps the video's own size")
    assert capsys.readouterr().err.splitlines() == [expected] * bool(line)


def test_a_late_small_object_is_mentioned_with_what_helps(capsys: pytest.CaptureFixture[str]):
    large, small = np.ones((ROWS, COLUMNS), np.uint8), box_mask((ROWS, COLUMNS), BOX) * np.uint8(7)
    for keep in (False, True):
        mention_small_object(Video("v", [], {0: large, 9: small}), TrackConfig(40, keep_small_objects=keep))
        expected = "object 7 of frame 9 has only about 458 pixels at the working size, 53x40"
        assert capsys.readouterr().err == f"{expected}; a larger --short-side leaves it more\n"


def test_a_smaller_short_side_is_a_smaller_working_size_even_for_small_objects(
    frames: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    seen: list[tuple[int, ...]] = []
    encode = TBD.encode

    def watched(model: TBD, image: Tensor) -> Features:
        seen.append(tuple(image.shape[-2:]))
        return encode(model, image)

    monkeypatch.setattr(TBD, "encode", watched)
    for side, options in ((48, ()), (32, ()), (32, ("--keep-small-objects",))):
        where = [str(frames), "--mask", str(first), "--out", str(tmp_path / f"{side}{options}"), "--engine", "plain"]
        assert main(["track", *where, "--save", "npz", "--short-side", str(side), *options]) == 0
    assert sorted(set(seen)) == [(32, 48), (48, 64)] and seen[:5] == [(48, 64)] * 5 == seen[-5:]
    mentioned = [line for line in capsys.readouterr().err.splitlines() if "--keep-small-objects" in line]
    assert len(mentioned) == 2 and "has only about" in mentioned[0] and "would have" in mentioned[1]


def test_benchmarks_keep_small_objects_at_the_protocols_size_only():
    for options, kept in (
        (TrackOptions(), True),
        (TrackOptions(short_side=240), False),
        (TrackOptions(short_side=240, keep_small_objects=True), True),
    ):
        assert options.config(benchmark=True).keep_small_objects is kept
    assert TrackOptions().config() == TrackConfig() and TrackOptions().config(benchmark=True) == BENCHMARK
