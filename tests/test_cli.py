"""The command line: what it writes, and one clear line for every kind of bad input."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from golden import reference_model
from PIL import Image as Pictures
from small_model import save_tiny

from tbd_lib.cli.main import main
from tbd_lib.cli.options import model_of
from tbd_lib.datasets.davis import davis
from tbd_lib.files import solutions_notebook
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import track
from tbd_lib.video.frames import FileFrames, write_image
from tbd_lib.video.masks import read_mask, write_mask

SIZE = (48, 64)


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
    where = ["--data", str(root), "--weights", str(file), "--out", str(root / "masks")]
    assert main(["evaluate", *where, "--engine", "plain", "--short-side", str(min(SIZE))]) == 0  # for the time
    assert file.read_bytes() == before
    model, shares = reference_model(torch.float32), []
    for video in davis(root):
        for step in track(model, video, OWN_SIZE):
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
        ("roi-margin", "-1", "--roi-margin -1: expected a whole number of cells, 0 to 512"),
        ("roi-margin", "513", "--roi-margin 513: expected a whole number of cells, 0 to 512"),
        ("short-side", "15", "--short-side 15: expected a whole number of pixels, 16 to 8192"),
        ("short-side", "100000", "--short-side 100000: expected a whole number of pixels, 16 to 8192"),
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
    (root / "scores.json").write_text('{"an": "earlier result"}')
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


def test_a_run_names_bad_videos_keeps_the_others_and_goes_on(root: Path, weights: str, capsys) -> None:
    frame, scores = frames_of(root) / "00002.jpg", root / "scores.json"
    whole = frame.read_bytes()
    frame.write_bytes(whole[: len(whole) // 2])  # its header is as it was
    fast = ["--weights", weights, "--engine", "plain", "--short-side", "32"]
    arguments = ["evaluate", "--data", str(root), "--json", str(scores), "--out", str(root / "masks"), *fast]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert "1 of 2 videos" in printed.out
    last = printed.err.splitlines()[-1]
    assert last == f"tbd: {root}: 1 of 2 videos failed (two), expected none; the same command goes on with them"
    assert f"tbd: two is left out: {frame}: found" in printed.err
    half = json.loads(scores.read_text())
    assert list(half["videos"]) == ["one"] and list(half["failed"]) == ["two"]
    assert main([*arguments, "--roi-margin", "1"]) == 2
    assert "part of a run is there whose roi_margin was null, not 1" in capsys.readouterr().err
    kept = root / "masks" / "one" / "00001.png"
    before = kept.stat().st_mtime_ns
    frame.write_bytes(whole)
    assert main(arguments) == 0
    assert kept.stat().st_mtime_ns == before
    written = json.loads(scores.read_text())
    assert list(written["videos"]) == ["one", "two"] and written["videos"]["one"] == half["videos"]["one"]
    assert main(arguments) == 2
    assert "scores.json: exists already" in capsys.readouterr().err
    kept.unlink()
    assert main([*arguments, "--overwrite"]) == 0
    assert scores_of(json.loads(scores.read_text())) == scores_of(written) and kept.exists()


def test_other_weights_or_other_data_do_not_go_on(root: Path, weights: str, tmp_path: Path, capsys) -> None:
    whole = (frames_of(root) / "00002.jpg").read_bytes()
    (frames_of(root) / "00002.jpg").write_bytes(whole[: len(whole) // 2])
    arguments = ["evaluate", "--data", str(root), "--json", str(root / "s.json"), "--engine", "plain"]
    arguments += ["--short-side", "32", "--weights"]
    assert main([*arguments, weights]) == 2
    other = save_tiny(tmp_path / "other.safetensors")
    capsys.readouterr()
    assert main([*arguments, other]) == 2
    assert "part of a run is there whose weights was" in capsys.readouterr().err
    write_image(root / "JPEGImages/480p/one/00001.jpg", np.zeros((*SIZE, 3), np.uint8))
    assert main([*arguments, weights]) == 2
    assert "one was made from other frames or masks" in capsys.readouterr().err


def test_trouble_is_found_before_the_model_runs(
    root: Path, weights: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbd_lib.tracking.tracker.Tracker.step", lambda *_: pytest.fail("tracked"))
    (root / "file").write_text("")
    mask = root / "Annotations/480p/one/00003.png"
    evaluated = ["evaluate", "--data", str(root), "--weights", weights, "--engine", "plain"]
    scored = ["score", str(root / "Annotations/480p"), str(root)]
    places = ["file/s.json", "ImageSets"]
    for arguments in (evaluated, scored, ["demo", "--out", str(root / "demo")]):
        for place in places:
            assert main([*arguments, "--json", str(root / place)]) == 2
            assert f"tbd: {root / place}" in capsys.readouterr().err.splitlines()[-1]
    assert main([*evaluated, "--out", str(root / "file")]) == 2
    assert f"tbd: {root / 'file/one/00000.png'}: cannot be written" in capsys.readouterr().err
    assert main([*evaluated, "--out", str(root / "Annotations/480p"), "--overwrite"]) == 2
    assert "holds the video's own files" in capsys.readouterr().err
    assert main(tracking(root, weights, out=str(root / "file"))) == 2
    assert "file/masks/00000.png: cannot be written" in capsys.readouterr().err
    assert main(["export", str(root), str(root / "file/a.zip"), "--data", str(root)]) == 2
    assert "file/a.zip: cannot be written" in capsys.readouterr().err
    assert main(["demo", "--out", str(root / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    (root / "demo.json").write_text("{}")
    demo = ["demo", "--json", str(root / "demo.json"), "--out", str(root / "demo"), "--weights", "nowhere.safetensors"]
    assert main(demo) == 2
    assert capsys.readouterr().err.endswith("demo.json: exists already; expected a new file (or --overwrite)\n")
    assert main([*demo, "--overwrite"]) == 2
    assert "nowhere.safetensors: no such file" in capsys.readouterr().err
    write_mask(mask, np.ones((20, 20), np.uint8))
    assert main(evaluated) == 2
    assert f"tbd: {mask}: found a mask of 20x20 pixels" in capsys.readouterr().err
    (frames_of(root).parent / "one" / "00003.jpg").write_bytes(b"no picture")
    assert main(evaluated) == 2
    assert "00003.jpg: found 10 bytes (not a picture)" in capsys.readouterr().err
    for folder in ("JPEGImages", "Annotations"):
        for number in (2, 3):
            next((root / folder / "480p/one").glob(f"0000{number}.*")).unlink()
    assert main(evaluated) == 2
    assert "one: found 2 frames, expected at least 3" in capsys.readouterr().err


def test_what_is_missing_or_surplus_is_said_in_a_line(root: Path, capsys: pytest.CaptureFixture) -> None:
    found = root / "found"
    shutil.copytree(root / "Annotations/480p/one", found / "one")
    shutil.copytree(root / "Annotations/480p/one", found / "three")
    assert main(["score", str(found), str(root)]) == 2
    line = f"{found / 'two'}: found no <frame>.png, but {root / 'ImageSets/2017/val.txt'} lists the video"
    assert line in (error := capsys.readouterr().err) and error.endswith("or --missing zero\n")
    assert main(["score", str(found), str(root), "--missing", "zero", "--json", str(root / "s.json")]) == 0
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if line.startswith("tbd: ")]
    listing = root / "ImageSets/2017/val.txt"
    assert lines == ["tbd: without predictions, scored 0: two", f"tbd: not in {listing}, left out: three"]
    assert "2 of 2 videos" in printed.out
    assert json.loads((root / "s.json").read_text())["selection"]["missing_videos"] == ["two"]


def save_rgb(path: Path, colours: int) -> None:
    codes = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % colours
    Pictures.fromarray(np.stack([codes // 256, codes % 256, codes * 0], -1).astype(np.uint8)).save(path)


def bad_cases(root: Path) -> dict[str, tuple[dict[str, str], str]]:
    """Per name: what is changed in a good call, and what the one line must say."""
    frames, mask = frames_of(root), root / "bad.png"
    copies = {name: root / name for name in ("sizes", "cut", "empty")}
    for name in ("sizes", "cut"):
        shutil.copytree(frames, copies[name])
    copies["empty"].mkdir()
    for name, rows in (("00001.jpg", 50), ("00002.jpg", 52)):  # no size that most frames have
        write_image(copies["sizes"] / name, np.zeros((rows, 64, 3), np.uint8))
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
        "frames of many sizes": ({"video": str(copies["sizes"])}, "expected all of one size"),
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
        "a device without memory": ({"device": "meta"}, "meta"),
    }


def test_bad_input_ends_with_one_line_and_status_2(root: Path, weights: str, capsys: pytest.CaptureFixture) -> None:
    for name, (changed, words) in bad_cases(root).items():
        out = root / "results" / name.replace(" ", "-")
        assert main(tracking(root, weights, **{"out": str(out), **changed})) == 2, name
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("tbd: ") and words in error and "expected" in error, (name, error)
        hidden = {path.name for path in out.rglob(".*")} - {".tbd-written"}
        partial = hidden | {path.name for path in out.rglob("*.mp4")}
        assert not partial, name


def test_missing_data_and_splits_are_named(root: Path, weights: str, capsys: pytest.CaptureFixture) -> None:
    for arguments, words in (
        (["--data", str(root / "nothing")], "nothing: no such folder"),
        (["--data", str(root), "--split", "test"], "test.txt: no such split, there are val"),
    ):
        assert main(["evaluate", *arguments, "--weights", weights]) == 2
        assert words in capsys.readouterr().err


def test_what_true_masks_were_taken_for_is_said_and_kept(
    root: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, scores = root / "Annotations/480p/one/00002.png", root / "scores.json"
    mask = read_mask(path)
    mask[:5] = 255
    write_mask(path, mask)
    faster = ["--engine", "plain", "--short-side", str(min(SIZE))]
    assert main(["evaluate", "--data", str(root), "--weights", weights, "--json", str(scores), *faster]) == 0
    assert "tbd: 255 is void, read as background (one)\n" in capsys.readouterr().err
    videos = json.loads(scores.read_text())["videos"]
    assert videos["one"]["masks"] == "255 is void, read as background" and "masks" not in videos["two"]


def test_no_space_left_is_one_line(root: Path, weights: str, monkeypatch, capsys: pytest.CaptureFixture) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tbd_lib.video.masks.Pictures.Image.save", full)
    assert main(tracking(root, weights)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    where = f"'{root / 'out' / 'masks' / '00000.png'}'"
    how = "what was finished stays: make room, and run the same command again"
    assert line == f"tbd: [Errno 28] No space left on device: {where}; {how}"
    assert not [path for path in (root / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.7 GiB"
        ),
        MemoryError("Unable to allocate 9 GiB for an array"),
    ],
)
def test_a_full_memory_is_one_line(root: Path, weights: str, monkeypatch, capsys, error: Exception) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr("tbd_lib.tracking.tracker.Tracker.step", full)
    assert main(tracking(root, weights)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    how = "to track, a smaller --short-side or --roi-margin 3 need less"
    assert line == f"tbd: memory is full ({str(error).partition('. GPU')[0]}); {how}"


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
    assert files == [".tbd-written", "00000.png", "00001.png"]


def test_wrong_usage_exits_with_2() -> None:
    for arguments in (["nonsense"], ["score"], ["evaluate", "--year", "2015", "--data", "."]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_the_module_is_the_command() -> None:
    text = subprocess.check_output([sys.executable, "-m", "tbd_lib", "--help"], text=True)
    assert all(name in text for name in ("prepare", "train", "evaluate", "score", "export", "track", "demo"))


def test_solutions_are_written_where_lessons_look_for_them_and_never_over_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["solutions"]) == 0
    written = tmp_path / "solutions" / "solutions.ipynb"
    assert written.read_bytes() == solutions_notebook().read_bytes()
    assert main(["solutions"]) == 2 and "exists already" in capsys.readouterr().err
    assert main(["solutions", "--overwrite"]) == 0
    written.write_text("mine")
    assert main(["solutions", "--overwrite"]) == 2 and written.read_text() == "mine"


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


@pytest.mark.parametrize("name", ["bundled-davis", "bundled-coco"])
def test_training_begins_with_weights_by_their_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    begun = []
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    monkeypatch.setattr("tbd_lib.training.train.train", lambda config, model, *_, **__: begun.append(model))
    assert main(["train", "sample", "--init", name, "--out", str(tmp_path / "run")]) == 0
    assert torch.equal(begun[0].key_head.conv.weight, model_of(Path(name)).key_head.conv.weight)


def test_the_names_of_bundled_weights_stand_for_two_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TBD_HOME", str(tmp_path))
    first, second, default = (model_of(name) for name in (Path("bundled-coco"), Path("bundled-davis"), None))
    assert not torch.equal(first.key_head.conv.weight, second.key_head.conv.weight)
    assert torch.equal(second.key_head.conv.weight, default.key_head.conv.weight)
