"""The command line: what it writes, and one clear line for every kind of bad input."""

import json
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from golden import reference_model
from PIL import Image as Pictures

from tbd_lib.cli.main import main
from tbd_lib.cli.options import model_of
from tbd_lib.datasets.davis import davis
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import track
from tbd_lib.training.checkpoint import save_weights
from tbd_lib.video.frames import FileFrames, write_image
from tbd_lib.video.masks import read_mask, write_mask

SIZE = (48, 64)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, build_model(replace(SMALL, key_channels=8, decoder_channels=8)))
    return str(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data set of two videos in DAVIS layout, four frames each."""
    root, random = tmp_path / "data", np.random.default_rng(0)
    for name, ids in (("one", [1]), ("two", [1, 2])):
        for t in range(4):
            image = random.integers(0, 256, (*SIZE, 3), np.uint8)
            mask = np.zeros(SIZE, np.uint8)
            for i in ids:
                mask[10 : 30 + t, 20 * i : 20 * i + 15] = i
            write_image(root / "JPEGImages" / "480p" / name / f"{t:05d}.jpg", image)
            write_mask(root / "Annotations" / "480p" / name / f"{t:05d}.png", mask)
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text("one\ntwo\n")
    return root


def frames_of(root: Path) -> Path:
    return root / "JPEGImages" / "480p" / "two"


def first_mask(root: Path) -> Path:
    return root / "Annotations" / "480p" / "two" / "00000.png"


def tracking(root: Path, bundled: str, **changed: str) -> list[str]:
    """Arguments of ``tbd track``."""
    given = {"mask": str(first_mask(root)), "out": str(root / "out"), "weights": bundled, **changed}
    video = given.pop("video", str(frames_of(root)))
    return ["track", video, *(text for name, value in given.items() for text in (f"--{name}", value))]


def scores_of(report: dict) -> list[object]:
    """J and F of every object of every video."""
    return [video["objects"] for video in report["videos"].values()]


def test_evaluate_writes_masks_and_scores(root: Path, weights: str, capsys: pytest.CaptureFixture) -> None:
    out, scores = root / "masks", root / "scores.json"
    arguments = ["evaluate", "--data", str(root), "--out", str(out), "--json", str(scores), "--weights", weights]
    assert main(arguments) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("one", "two", "J&F", "unchanged", "Mean", "fps"))
    assert sorted(p.name for p in (out / "two").iterdir()) == [f"{t:05d}.png" for t in range(4)]
    assert np.array_equal(read_mask(out / "two" / "00000.png"), read_mask(first_mask(root)))
    written = json.loads(scores.read_text())
    assert written["provenance"]["versions"]["torch"]
    assert main(["score", str(out), str(root), "--json", str(root / "again.json")]) == 0
    again = json.loads((root / "again.json").read_text())
    assert scores_of(again) == scores_of(written)


def test_a_checkpoint_in_the_published_layout_is_evaluated_as_it_is(root: Path, shared: Path, monkeypatch) -> None:
    """Written by the script that knows the layout, name by name; tracked with weights that no file was needed for."""
    script, file = shared / "reference/reference_weights.py", root / "TBD_davis.pth"
    monkeypatch.setattr(sys, "argv", [str(script), str(file)])
    runpy.run_path(str(script), run_name="__main__")
    before = file.read_bytes()
    monkeypatch.setattr("tbd_lib.cli.options.BENCHMARK", TrackConfig())  # not enlarged: DenseNet-121 takes its time
    assert (
        main(
            ["evaluate", "--data", str(root), "--weights", str(file), "--out", str(root / "masks"), "--engine", "plain"]
        )
        == 0
    )
    assert file.read_bytes() == before
    model, shares = reference_model(torch.float32), []
    for video in davis(root):
        for step in track(model, video):
            assert np.array_equal(read_mask(root / f"masks/{video.name}/{step.name}.png"), step.mask)
            shares.append((step.mask > 0).mean())
    assert len(shares) == 8 and 0 < min(shares) < max(shares) < 1


def test_faster_options_track_with_masks_of_the_same_size(root: Path, weights: str) -> None:
    faster = {"roi-margin": "1", "precision": "bfloat16", "short-side": "32"}
    assert main(tracking(root, weights, **faster)) == 0
    assert all(read_mask(path).shape == SIZE for path in (root / "out" / "masks").iterdir())
    options = [text for name, value in faster.items() for text in (f"--{name}", value)]
    assert main(["evaluate", "--data", str(root), "--weights", weights, "--out", str(root / "masks"), *options]) == 0


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("roi-margin", "-1", "--roi-margin -1: expected a number of cells"),
        ("short-side", "15", "--short-side 15: expected 16 pixels"),
    ],
)
def test_options_of_no_use_are_refused(
    root: Path, weights: str, capsys: pytest.CaptureFixture, option: str, value: str, expected: str
) -> None:
    for arguments in (tracking(root, weights), ["evaluate", "--data", str(root), "--weights", weights]):
        assert main([*arguments, f"--{option}", value]) == 2
        assert expected in capsys.readouterr().err
    assert not (root / "out").exists()


def test_results_are_not_written_over_unless_asked(root: Path, weights: str, capsys: pytest.CaptureFixture) -> None:
    arguments = ["evaluate", "--data", str(root), "--out", str(root / "masks"), "--weights", weights]
    assert main(arguments) == 0
    before = (root / "masks" / "one" / "00003.png").stat().st_mtime_ns
    assert main(arguments) == 2
    assert "found masks there already" in capsys.readouterr().err
    assert (root / "masks" / "one" / "00003.png").stat().st_mtime_ns == before
    assert main([*arguments, "--overwrite"]) == 0
    (root / "scores.json").write_text("mine")
    assert main([*arguments, "--overwrite", "--json", str(root / "scores.json")]) == 0
    assert main(["score", str(root / "masks"), str(root), "--json", str(root / "scores.json")]) == 2


@pytest.mark.parametrize("kind", ["mp4", "webp"])
def test_track_writes_masks_and_an_overlay_of_the_original_size(root: Path, weights: str, kind: str) -> None:
    assert main(tracking(root, weights, save=kind)) == 0
    masks = sorted((root / "out" / "masks").iterdir())
    assert [path.name for path in masks] == [f"{t:05d}.png" for t in range(4)]
    assert all(read_mask(path).shape == SIZE for path in masks)
    if kind == "mp4":
        assert [frame.image.shape for frame in FileFrames(root / "out" / "overlay.mp4")] == [(*SIZE, 3)] * 4
    else:
        with Pictures.open(root / "out" / "overlay.webp") as picture:
            assert (picture.n_frames, picture.size) == (4, SIZE[::-1])  # type: ignore[attr-defined]


def test_track_reads_video_files(root: Path, weights: str) -> None:
    assert main(tracking(root, weights)) == 0
    film = root / "out" / "overlay.mp4"
    assert main(tracking(root, weights, video=str(film), out=str(root / "again"))) == 0
    assert len(list((root / "again" / "masks").iterdir())) == 4


def test_masks_without_truth_are_written_and_packed(root: Path, weights: str, tmp_path: Path, capsys) -> None:
    """DAVIS test-dev: only first masks are there."""
    for path in first_mask(root).parent.iterdir():
        if path.stem != "00000":
            path.unlink()
    (root / "ImageSets/2017/test-dev.txt").write_text("two\n")
    masks, archive = tmp_path / "dev", tmp_path / "dev.zip"
    where = ["--data", str(root), "--split", "test-dev"]
    assert main(["evaluate", *where, "--weights", weights]) == 2
    assert "expected --out and no --json" in capsys.readouterr().err
    assert main(["evaluate", *where, "--weights", weights, "--out", str(masks)]) == 0
    assert "4 masks" in capsys.readouterr().out
    assert main(["export", str(masks), str(archive), *where]) == 0
    with ZipFile(archive) as packed:
        assert packed.namelist() == [f"two/{t:05}.png" for t in range(4)]
    assert main(["export", str(masks), str(archive), *where]) == 2
    assert main(["evaluate", *where, "--dataset", "youtube-vos", "--year", "2016"]) == 2
    assert "--year 2016: expected 2018 or 2019" in capsys.readouterr().err


def save_rgb(path: Path, colours: int) -> None:
    codes = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % colours
    Pictures.fromarray(np.stack([codes // 256, codes % 256, codes * 0], -1).astype(np.uint8)).save(path)


def bad_cases(root: Path) -> dict[str, tuple[dict[str, str], str]]:
    """Per name: what is changed in a good call, and what the one line must say."""
    frames, mask = frames_of(root), root / "bad.png"
    copies = {name: root / name for name in ("sizes", "gap", "cut", "empty")}
    for name in ("sizes", "gap", "cut"):
        shutil.copytree(frames, copies[name])
    copies["empty"].mkdir()
    write_image(copies["sizes"] / "00002.jpg", np.zeros((50, 64, 3), np.uint8))
    (copies["gap"] / "00002.jpg").unlink()
    data = (copies["cut"] / "00001.jpg").read_bytes()
    (copies["cut"] / "00001.jpg").write_bytes(data[: len(data) // 2])
    for name, content in {
        "none": np.zeros(SIZE, np.uint8), "small": np.ones((20, 20), np.uint8)
    }.items():  # fmt: skip
        write_mask(root / f"{name}.png", content)
    save_rgb(mask, 300)
    Pictures.fromarray(np.full(SIZE, 700, np.uint16)).save(root / "ids.png")
    png = first_mask(root).read_bytes()
    (root / "cut.png").write_bytes(png[: len(png) // 2])
    (root / "film.mp4").write_bytes(b"no film")
    (root / "model.pth").write_bytes(b"no model")
    return {
        "a missing folder": ({"video": str(root / "nothing")}, "nothing"),
        "an empty folder": ({"video": str(copies["empty"])}, "empty"),
        "frames of two sizes": ({"video": str(copies["sizes"])}, "00002.jpg"),
        "a missing frame": ({"video": str(copies["gap"])}, "2"),
        "a truncated JPEG": ({"video": str(copies["cut"])}, "00001.jpg"),
        "a video that cannot be decoded": ({"video": str(root / "film.mp4")}, "film.mp4"),
        "a missing mask": ({"mask": str(root / "nothing.png")}, "nothing.png"),
        "a mask of another size": ({"mask": str(root / "small.png")}, "small.png"),
        "a mask without objects": ({"mask": str(root / "none.png")}, "none.png"),
        "too many colours": ({"mask": str(mask)}, "bad.png"),
        "ids above 255": ({"mask": str(root / "ids.png")}, "ids.png"),
        "a truncated PNG": ({"mask": str(root / "cut.png")}, "cut.png"),
        "no checkpoint": ({"weights": str(root / "model.pth")}, "model.pth"),
        "an unknown device": ({"device": "abacus"}, "abacus"),
    }


def test_bad_input_ends_with_one_line_and_status_2(root: Path, weights: str, capsys: pytest.CaptureFixture) -> None:
    for name, (changed, words) in bad_cases(root).items():
        out = root / "results" / name.replace(" ", "-")
        assert main(tracking(root, weights, **{"out": str(out), **changed})) == 2, name
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("tbd: ") and words in error and "expected" in error, (name, error)
        partial = [path for path in out.rglob("*") if path.is_file() and (path.name[0] == "." or path.suffix == ".mp4")]
        assert not partial, name


def test_missing_data_and_splits_are_named(root: Path, weights: str, capsys: pytest.CaptureFixture) -> None:
    for arguments, words in (
        (["--data", str(root / "nothing")], "nothing: no such folder"),
        (["--data", str(root), "--split", "test"], "test.txt: no such split, there are val"),
    ):
        assert main(["evaluate", *arguments, "--weights", weights]) == 2
        assert words in capsys.readouterr().err


def test_no_space_left_is_one_line(root: Path, weights: str, monkeypatch, capsys: pytest.CaptureFixture) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tbd_lib.video.masks.Pictures.Image.save", full)
    assert main(tracking(root, weights)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == f"tbd: [Errno 28] No space left on device: '{root / 'out' / 'masks' / '00000.png'}'"
    assert not [path for path in (root / "out").rglob("*") if path.is_file()]


def test_interruption_keeps_whole_masks_and_no_partial_file(root: Path, weights: str, monkeypatch) -> None:
    from tbd_lib.tracking.tracker import Tracker

    step, calls = Tracker.step, []

    def interrupted(self: Tracker, *arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Tracker, "step", interrupted)
    assert main(tracking(root, weights)) == 130
    files = sorted(path.name for path in (root / "out").rglob("*") if path.is_file())
    assert files == ["00000.png", "00001.png"]


def test_wrong_usage_exits_with_2() -> None:
    for arguments in (["nonsense"], ["score"], ["evaluate", "--year", "2015", "--data", "."]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_the_module_is_the_command() -> None:
    text = subprocess.check_output([sys.executable, "-m", "tbd_lib", "--help"], text=True)
    assert all(name in text for name in ("prepare", "train", "evaluate", "score", "export", "track", "demo"))


# --- the bundled weights


def test_what_the_default_weights_may_be_used_for_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path / "home"))
    model_of(Path("bundled-coco"))
    assert capsys.readouterr().err == ""
    model_of(None)
    assert "CC BY-NC 4.0" in (first := capsys.readouterr().err) and "bundled-coco" in first
    model_of(Path("bundled-davis"))
    assert capsys.readouterr().err == ""


def test_the_names_of_bundled_weights_stand_for_two_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    first, second, default = (model_of(name) for name in (Path("bundled-coco"), Path("bundled-davis"), None))
    assert not torch.equal(first.key_head.conv.weight, second.key_head.conv.weight)
    assert torch.equal(second.key_head.conv.weight, default.key_head.conv.weight)
