"""ONNX files: written by a command, run by the others, refused in words where they cannot be used."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from films import film

from tbd_lib.cli.main import main
from tbd_lib.cli.options import TrackOptions
from tbd_lib.datasets.davis import sample
from tbd_lib.engines.export import export, quantise
from tbd_lib.engines.onnx import Onnx, write
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.errors import InputError, MissingExtraError
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import build_model
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import Step, Tracker, track
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import read_mask


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model's files, as the command writes them."""
    folder = tmp_path_factory.mktemp("onnx") / "graphs"
    assert main(["export-model", str(folder)]) == 0
    return folder


@pytest.fixture
def copied(graphs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(graphs, tmp_path / "copy")


def truncate(folder: Path) -> None:
    path = folder / "encode.onnx"
    path.write_bytes(path.read_bytes()[:-1000])


def of_another_opset(folder: Path) -> None:
    import onnx

    path = folder / "match.onnx"
    graph = onnx.load(path)
    graph.opset_import[0].version = 999
    onnx.save(graph, path)


def of_another_version(folder: Path) -> None:
    import onnx

    path = folder / "match.onnx"
    graph = onnx.load(path)
    (entry,) = (entry for entry in graph.metadata_props if entry.key == "tbd_format")
    entry.value = "0"
    onnx.save(graph, path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "update.onnx").unlink(), "update.onnx: no such file"),
        (truncate, "encode.onnx: "),
        (of_another_opset, "match.onnx: "),
        (of_another_version, "match.onnx: format 0; expected format 1"),
        (lambda folder: (folder / "decode.onnx").write_text("no graph"), "decode.onnx: "),
    ],
    ids=["missing", "truncated", "opset", "version", "text"],
)
def test_a_file_that_cannot_be_used_is_named_with_the_command_that_writes_it(
    damage: Callable[[Path], object], words: str, copied: Path, capfd: pytest.CaptureFixture
) -> None:
    damage(copied)
    with pytest.raises(InputError, match=words) as caught:
        Onnx(copied)
    assert "tbd export-model" in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_another_model_are_refused(graphs: Path) -> None:
    Onnx(graphs, bundled_model())
    with pytest.raises(InputError, match=r"is of another model or version; expected .*tbd export-model"):
        Onnx(graphs, build_model(SMALL).eval())


def followed(engine: Segmenter, video: Video, frames: int) -> list[Step]:
    """The first steps of a video at its own size."""
    return list(islice(track(engine, video, OWN_SIZE), frames))


def test_a_precision_that_the_files_do_not_have_is_refused(graphs: Path) -> None:
    Tracker(Onnx(graphs), OWN_SIZE)
    with pytest.raises(InputError, match=r"^`precision` 'bfloat16' with Onnx.*; expected 'float32', or"):
        Tracker(Onnx(graphs), replace(OWN_SIZE, precision="bfloat16"))


def test_int8_masks_are_nearly_those_of_float32(tmp_path: Path) -> None:
    """On a video that the ranges were not learned from."""
    model = bundled_model()
    learned, seen = sample("train")[0], next(video for video in sample("val") if video.name == "lookalike-crossing")
    quick = Onnx(write(model, tmp_path / "int8", "int8", lambda engine: followed(engine, learned, 4)))
    agree = []
    for exact, near in zip(followed(model, seen, 8), followed(quick, seen, 8), strict=True):
        both, either = (exact.mask & near.mask > 0).sum(), (exact.mask | near.mask > 0).sum()
        agree.append(both / either)
    assert min(agree) > 0.9 and agree[0] == 1 and min(agree) < 1  # not exact: it does run in int8


def test_tracking_runs_files_and_says_which_engine_it_takes(
    graphs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    movie = film(tmp_path / "film.mp4", np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8))
    common = ["track", str(movie), "--box", "8", "8", "40", "40", "--short-side", "48"]
    for name, extra in {
        "files": ["--weights", str(graphs)],
        "default": [],
        "shared": ["--engine", "shared"],
        "plain": ["--engine", "plain"],
    }.items():
        assert main([*common, "--out", str(tmp_path / name), *extra]) == 0
        engine = {"files": "onnx", "default": "onnx"}.get(name, name)
        assert f"engine: {engine}\n" in capsys.readouterr().err
    masks = {name: sorted((tmp_path / name / "masks").iterdir()) for name in ("files", "default", "shared", "plain")}
    for paths in zip(*masks.values(), strict=True):
        found = [read_mask(path) for path in paths]
        assert all(np.array_equal(found[0], other) for other in found[1:])


def test_without_onnx_runtime_shared_runs_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("tbd_lib.cli.options.find_spec", lambda name: None)
    assert type(TrackOptions(device="cpu").segmenter()).__name__ == "Shared"
    assert "engine: shared (onnx is faster, but onnxruntime is not installed: pip install" in capsys.readouterr().err


def test_an_engine_whose_library_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"onnxruntime is not installed; .* pip install 'tbd-lib\[onnx\]'"):
        Onnx(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (TrackOptions(engine="onnx", precision="bfloat16"), "--engine onnx: found --precision bfloat16"),
        (TrackOptions(engine="onnx-int8", device="cuda"), "--engine onnx-int8: runs on a CPU, found --device cuda"),
    ],
)
def test_an_engine_that_cannot_do_what_is_asked_is_refused(
    options: TrackOptions, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbd_lib.cli.options.device_of", lambda name: torch.device(name or "cpu"))  # all are there
    with pytest.raises(InputError, match=words):
        options.segmenter()


def test_a_folder_of_files_runs_in_onnx_runtime_only(graphs: Path) -> None:
    with pytest.raises(InputError, match=r"--engine shared: found ONNX files in --weights .*; expected --engine onnx"):
        TrackOptions(weights=graphs, engine="shared").segmenter()


def test_damaged_files_that_were_kept_are_written_anew(home: Path, capsys: pytest.CaptureFixture) -> None:
    options = TrackOptions(engine="onnx")
    options.segmenter()
    capsys.readouterr()
    options.segmenter()
    assert "once" not in capsys.readouterr().err
    (encode,) = home.glob("engines/*-float32/encode.onnx")
    encode.write_bytes(b"")
    options.segmenter()
    assert "written anew" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["letter.txt", "yolo.onnx", "encode.onnx/inside"])
def test_a_folder_with_other_files_is_never_replaced(name: str, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    (place / name).parent.mkdir(parents=True)
    (place / name).write_text("dear")
    assert main(["export-model", str(place)]) == 2
    assert main(["export-model", str(place), "--overwrite"]) == 2
    model = build_model(SMALL).eval()
    for action in (
        lambda: write(model, place),
        lambda: write(model, place, "int8", lambda engine: pytest.fail("tracked before the refusal")),
        lambda: export(model, place),
        lambda: quantise(tmp_path, place, {}),
        lambda: write(model, place / name),
    ):
        with pytest.raises(InputError, match="expected a"):
            action()
    assert (place / name).read_text() == "dear"


def test_a_calibration_that_takes_no_steps_is_refused(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """``track`` is lazy: to call it alone computes nothing."""
    monkeypatch.setattr("tbd_lib.engines.onnx.export", lambda model, folder: shutil.copytree(copied, folder))
    with pytest.raises(InputError, match=r"^calibrate\(\) tracked no frame; expected it to take steps"):
        write(bundled_model(), tmp_path / "int8", "int8", lambda engine: track(engine, sample("train")[0], OWN_SIZE))
    assert not (tmp_path / "int8").exists()
