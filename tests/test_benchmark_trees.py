"""From a benchmark's tree to its server's archive, through the command line: exactly the files that are expected.

The trees are made up, in the layouts of the releases: DAVIS-2017 with all true masks (val) and with first masks only
(test-dev), YouTube-VOS with every fifth frame and with all frames.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image as Pictures
from scipy import ndimage

from tbd_lib.cli.main import main
from tbd_lib.video.frames import write_image
from tbd_lib.video.masks import write_mask

LANDSCAPE, PORTRAIT = (64, 112), (112, 64)  # rows, columns
NOT_ENLARGED = ("--short-side", "64")  # what is expected does not depend on it, and 480 rows take a minute
FORTY = list(range(1, 41))
COLOURS = {0: [0, 0, 0], 1: [128, 0, 0], 2: [0, 128, 0], 3: [128, 128, 0], 40: [64, 0, 64]}  # of the releases' masks


def frame(size: tuple[int, int], number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)


def mask(size: tuple[int, int], ids: Iterable[int], shift: int = 0) -> np.ndarray:
    """A block of 8 x 8 pixels for each id, at a place of its own, which moves down by ``shift``."""
    made = np.zeros(size, np.uint8)
    for i in ids:
        row, column = divmod(i - 1, size[1] // 10)
        made[10 * row + shift : 10 * row + shift + 8, 10 * column : 10 * column + 8] = i
    return made


def add_frames(folder: Path, size: tuple[int, int], numbers: Iterable[int]) -> None:
    for number in numbers:
        write_image(folder / f"{number:05}.jpg", frame(size, number))


def add_masks(folder: Path, size: tuple[int, int], ids: Mapping[int, Iterable[int]], shift: int = 0) -> None:
    """True masks by frame."""
    for number, present in ids.items():
        write_mask(folder / f"{number:05}.png", mask(size, present, shift * number))


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Val: 40 objects; an object that enters late; upright, with gaps in the ids. Test-dev: two of them, unknown."""
    root = tmp_path / "DAVIS"
    for name, size, ids in (
        ("crowd", LANDSCAPE, dict.fromkeys(range(3), FORTY)),
        ("guest", LANDSCAPE, {0: [2], 1: [2], 2: [1, 2], 3: [1, 2]}),
        ("phone", PORTRAIT, {0: [1, 3, 40], 1: [1, 3], 2: [3, 40], 3: [1, 3, 40]}),
        ("market", LANDSCAPE, {0: FORTY}),
        ("tower", PORTRAIT, {0: [1, 3, 40]}),
    ):
        add_frames(root / "JPEGImages/480p" / name, size, range(max(2, len(ids))))
        add_masks(root / "Annotations/480p" / name, size, ids, shift=1)
    lists = root / "ImageSets/2017"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("crowd\nguest\nphone\n")
    (lists / "test-dev.txt").write_text("market\ntower\n")
    return root


@pytest.fixture
def youtube_vos(tmp_path: Path) -> Path:
    """Masks lie where objects appear, and show others too: 40 at frame 10 of the first video, 2 at 25 of the second."""
    root = tmp_path / "YouTube-VOS-2018"
    for name, size, numbers, ids in (
        ("0062f687f1", PORTRAIT, (0, 5, 10, 15), {0: [1, 3], 10: [3, 40]}),
        ("9ffd2be1ac", LANDSCAPE, (15, 20, 25), {15: [1, 3], 25: [1, 2]}),
        ("fff0d2ab12", LANDSCAPE, (0, 5), {0: FORTY}),
    ):
        add_frames(root / "valid/JPEGImages" / name, size, numbers)
        add_masks(root / "valid/Annotations" / name, size, ids)
    return root


def run(tree: Path, weights: str, *options: str) -> Path:
    """Evaluate a tree and export the masks; the archive."""
    archive = tree.parent / "submission.zip"
    where = ["--data", str(tree), *options]
    assert main(["evaluate", *where, *NOT_ENLARGED, "--weights", weights, "--out", str(tree.parent / "masks")]) == 0
    assert main(["export", str(tree.parent / "masks"), str(archive), *where]) == 0
    return archive


def masks_of(archive: Path) -> dict[str, np.ndarray]:
    """The ids of every file of an archive, all of which are palette PNGs in the colours of the releases."""
    found = {}
    with ZipFile(archive) as packed:
        for name in packed.namelist():
            with packed.open(name) as file, Pictures.open(file) as picture:
                assert (picture.format, picture.mode) == ("PNG", "P"), name
                palette = np.reshape(picture.getpalette() or [], (-1, 3)).tolist()
                assert {i: palette[i] for i in COLOURS} == COLOURS, name
                found[name] = np.asarray(picture)
    return found


def ids(found: np.ndarray) -> set[int]:
    return set(found.ravel().tolist()) - {0}


# per file: the objects that are known by then, and those that are given in it
YOUTUBE_VOS_VALID = {
    "Annotations/0062f687f1/00000.png": ([1, 3], [1, 3]),
    "Annotations/0062f687f1/00005.png": ([1, 3], []),
    "Annotations/0062f687f1/00010.png": ([1, 3, 40], [40]),
    "Annotations/0062f687f1/00015.png": ([1, 3, 40], []),
    "Annotations/9ffd2be1ac/00015.png": ([1, 3], [1, 3]),
    "Annotations/9ffd2be1ac/00020.png": ([1, 3], []),
    "Annotations/9ffd2be1ac/00025.png": ([1, 2, 3], [2]),
    "Annotations/fff0d2ab12/00000.png": (FORTY, FORTY),
    "Annotations/fff0d2ab12/00005.png": (FORTY, []),
}


VAL = {"crowd": (LANDSCAPE, 3, FORTY), "guest": (LANDSCAPE, 4, [2]), "phone": (PORTRAIT, 4, [1, 3, 40])}
TEST_DEV = {"market": (LANDSCAPE, 2, FORTY), "tower": (PORTRAIT, 2, [1, 3, 40])}


@pytest.mark.parametrize(("split", "videos"), [("val", VAL), ("test-dev", TEST_DEV)])
def test_davis_makes_a_mask_of_every_frame_with_the_ids_of_the_first(
    davis: Path, weights: str, split: str, videos: dict[str, tuple[tuple[int, int], int, list[int]]]
) -> None:
    """Object 1 of ``guest`` enters late: it is neither given nor scored."""
    found = masks_of(run(davis, weights, "--split", split))
    assert list(found) == [
        f"{name}/{number:05}.png" for name, (_, count, _) in videos.items() for number in range(count)
    ]
    for name, made in found.items():
        size, _, given = videos[name.partition("/")[0]]
        assert made.shape == size and ids(made) <= set(given), name
    for name, (size, _, given) in videos.items():
        assert np.array_equal(found[f"{name}/00000.png"], mask(size, given))


@pytest.mark.parametrize("every_frame_is_seen", [False, True])
def test_youtube_vos_makes_the_fifths_and_objects_begin_where_they_are_given(
    youtube_vos: Path, weights: str, every_frame_is_seen: bool
) -> None:
    if every_frame_is_seen:
        seen = youtube_vos / "valid_all_frames/JPEGImages"
        add_frames(seen / "0062f687f1", PORTRAIT, range(18))
        add_frames(seen / "9ffd2be1ac", LANDSCAPE, range(13, 27))  # no fifth at either end
        add_frames(seen / "fff0d2ab12", LANDSCAPE, range(7))
    objects = {name: {"objects": {"1": {"category": "person"}}} for name in ("0062f687f1", "9ffd2be1ac", "fff0d2ab12")}
    (youtube_vos / "valid/meta.json").write_text(json.dumps({"videos": objects}))  # as in either release
    year = "2019" if every_frame_is_seen else "2018"
    found = masks_of(run(youtube_vos, weights, "--dataset", "youtube-vos", "--year", year))
    assert list(found) == list(YOUTUBE_VOS_VALID)
    for name, (known, given) in YOUTUBE_VOS_VALID.items():
        size = PORTRAIT if "0062f687f1" in name else LANDSCAPE
        true = mask(size, given)
        assert found[name].shape == size and ids(found[name]) <= set(known), name
        assert np.array_equal(np.where(true > 0, found[name], 0), true), f"{name}: what is given comes back as it was"


def test_full_resolution_goes_all_the_way_and_is_refused_where_there_is_none(
    davis: Path, youtube_vos: Path, weights: str, capsys: pytest.CaptureFixture
) -> None:
    (davis / "ImageSets/2017/val.txt").write_text("guest")
    for part in ("JPEGImages", "Annotations"):
        (davis / part / "480p").rename(davis / part / "Full-Resolution")
    full = ["--resolution", "Full-Resolution"]
    assert list(masks_of(run(davis, weights, *full))) == [f"guest/{number:05}.png" for number in range(4)]
    masks = str(davis.parent / "masks")
    assert main(["score", masks, str(davis), *full]) == 0
    for command, line in (
        (
            ["score", masks, str(davis)],
            f"tbd: {davis}/Annotations/480p: no such folder, but there is Full-Resolution; ",
        ),
        (
            ["export", masks, "a.zip", "--data", str(youtube_vos), "--dataset", "youtube-vos", *full],
            "tbd: --resolution ",
        ),
    ):
        capsys.readouterr()
        assert main(command) == 2
        assert capsys.readouterr().err.startswith(line)


def boundary(inside: np.ndarray) -> np.ndarray:
    """Pixels that differ from their right, lower or lower-right neighbour."""
    wide = np.pad(inside, ((0, 1), (0, 1)), mode="edge")
    return (inside != wide[:-1, 1:]) | (inside != wide[1:, :-1]) | (inside != wide[1:, 1:])


def j_and_f(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Region similarity and contour accuracy of one object in one frame, by the definitions."""
    radius = int(np.ceil(0.008 * np.hypot(*true.shape)))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    edge, true_edge = boundary(found), boundary(true)
    near, true_near = (ndimage.binary_dilation(line, x**2 + y**2 <= radius**2) for line in (edge, true_edge))
    precision = (edge & true_near).sum() / edge.sum() if edge.any() else float(true_edge.any())
    recall = (true_edge & near).sum() / true_edge.sum() if true_edge.any() else float(edge.any())
    both_empty = not edge.any() and not true_edge.any()
    f = 1.0 if both_empty else 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    union = (found | true).sum()
    return (found & true).sum() / union if union else 1.0, f


def evaluated(tree: Path, weights: str | None, *options: str) -> dict[str, Any]:
    """What ``tbd evaluate --json`` writes of a tree, whose masks then lie beside it."""
    out = ["--out", str(tree.parent / "masks"), "--json", str(tree.parent / "scores.json")]
    chosen = ["--weights", weights] if weights else []  # else the bundled model
    assert main(["evaluate", "--data", str(tree), *options, *chosen, *out]) == 0
    return json.loads((tree.parent / "scores.json").read_text())


def require_scores_by_the_definitions(written: dict[str, Any], tree: Path, joined: bool = False) -> int:
    """Compute every number anew from the PNGs of both sides; returns how many objects there are."""
    js, fs = [], []
    for name, video in written["videos"].items():
        frames = [f"{name}/{number:05}.png" for number in range(video["frames"])][1:-1]  # first and last are left out
        found = [np.asarray(Pictures.open(tree.parent / "masks" / file)) for file in frames]
        true = [np.asarray(Pictures.open(tree / "Annotations/480p" / file)) for file in frames]
        for i, scores in video["objects"].items():
            pairs = [(a == int(i), b > 0 if joined else b == int(i)) for a, b in zip(found, true, strict=True)]
            j, f = np.transpose([j_and_f(a, b) for a, b in pairs])
            np.testing.assert_allclose(scores["J_per_frame"], j, atol=1e-12)
            np.testing.assert_allclose(scores["F_per_frame"], f, atol=1e-12)
            js, fs = [*js, j.mean()], [*fs, f.mean()]
    numbers = written["overall"]["J"]["mean"], written["overall"]["F"]["mean"], written["overall"]["J&F"]
    assert numbers == pytest.approx((np.mean(js), np.mean(fs), (np.mean(js) + np.mean(fs)) / 2))
    return len(js)


def objects_of(written: dict[str, Any]) -> dict[str, list[str]]:
    return {name: list(video["objects"]) for name, video in written["videos"].items()}


def test_scores_of_davis_val_name_every_object_and_follow_the_definitions(davis: Path, weights: str) -> None:
    written = evaluated(davis, weights, *NOT_ENLARGED)
    assert objects_of(written) == {"crowd": [str(i) for i in FORTY], "guest": ["2"], "phone": ["1", "3", "40"]}
    assert [video["frames"] for video in written["videos"].values()] == [3, 4, 4]
    assert require_scores_by_the_definitions(written, davis) == 44


def test_under_the_protocol_of_2016_all_objects_are_one(davis: Path, weights: str) -> None:
    (davis / "ImageSets/2016").mkdir()
    (davis / "ImageSets/2016/val.txt").write_text("guest\nphone\n")
    written = evaluated(davis, weights, *NOT_ENLARGED, "--year", "2016")
    assert written["joined"] and objects_of(written) == {"guest": ["1"], "phone": ["1"]}
    assert require_scores_by_the_definitions(written, davis, joined=True) == 2
    archive = davis.parent / "submission.zip"
    assert main(["export", str(davis.parent / "masks"), str(archive), "--data", str(davis), "--year", "2016"]) == 0
    found = masks_of(archive)
    assert list(found) == [f"{name}/{number:05}.png" for name in ("guest", "phone") for number in range(4)]
    assert np.array_equal(found["phone/00000.png"], mask(PORTRAIT, [1, 3, 40]) > 0)
    assert all(ids(made) <= {1} for made in found.values())


def test_real_videos_are_evaluated_under_the_protocol_of_2016(shared: Path, tmp_path: Path) -> None:
    real, tree = shared / "data/DAVIS", tmp_path / "DAVIS"
    for name in ("dog", "car-shadow"):
        for part, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".png")):
            (tree / part / "480p" / name).mkdir(parents=True)
            for number in range(4):
                file = Path(part, "480p", name, f"{number:05}{suffix}")
                shutil.copyfile(real / file, tree / file)
    (tree / "ImageSets/2016").mkdir(parents=True)
    (tree / "ImageSets/2016/val.txt").write_text("dog\ncar-shadow\n")
    written = evaluated(tree, None, "--year", "2016")
    assert objects_of(written) == {"dog": ["1"], "car-shadow": ["1"]}
    assert require_scores_by_the_definitions(written, tree, joined=True) == 2
    assert written["overall"]["J&F"] > 0.8 > written["baseline"]["J&F"]
