"""Lesson 07 as a path from nothing to a verdict: data and weights come from a server on this machine."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from archive_server import TRAINVAL, Server, offered, zipped
from course import FOLDER, code_of
from golden import published_state

from tbd_lib.datasets.prepare.sources import SOURCES, Listed
from tbd_lib.evaluation.published import per_video
from tbd_lib.files import results_folder
from tbd_lib.method.config import PAPER, SMALL
from tbd_lib.method.model import build_model
from tbd_lib.video.frames import write_image
from tbd_lib.video.masks import write_mask

PATH = ("imports", "switch", "prepare", "tree", "evaluate", "average", "whole", "published")
VIDEOS = {"bike-packing": (1, 2), "dog": (1,)}  # of the published scores, with their objects
YEARS = {2016: ["dog"], 2017: list(VIDEOS)}
FRAMES = 3


def archive(folder: Path) -> bytes:
    """Two small videos as DAVIS's archive has them; objects so small that frames are not enlarged."""
    random = np.random.default_rng(0)
    for name, ids in VIDEOS.items():
        for number in range(FRAMES):
            write_image(
                folder / f"JPEGImages/480p/{name}/{number:05}.jpg", random.integers(0, 256, (64, 96, 3), np.uint8)
            )
            mask = np.zeros((64, 96), np.uint8)
            for i in ids:
                mask[20 : 23 + number, 20 * i : 20 * i + 3] = i
            write_mask(folder / f"Annotations/480p/{name}/{number:05}.png", mask)
    for year, names in YEARS.items():
        (folder / f"ImageSets/{year}").mkdir(parents=True)
        (folder / f"ImageSets/{year}/val.txt").write_text("\n".join(names))
    return zipped({f"DAVIS/{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()})


@pytest.fixture
def served(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that has DAVIS and the weights, a table that says so, and an empty place to prepare them in."""
    content = archive(tmp_path / "made")
    lists = {f"ImageSets/{year}/val.txt": len(names) for year, names in YEARS.items()}
    davis = offered(TRAINVAL, content, server.serve("davis.zip", content))
    monkeypatch.setitem(SOURCES["davis"], "trainval", replace(davis, layout=Listed(lists)))  # type: ignore[arg-type]
    torch.save({n: v.float() if v.is_floating_point() else v for n, v in published_state().items()}, tmp_path / "w.pth")
    weights = (tmp_path / "w.pth").read_bytes()
    for part in ("davis", "ytvos"):
        source = offered(SOURCES["weights"][part], weights, server.serve(f"{part}.pth", weights), known=False)
        monkeypatch.setitem(SOURCES["weights"], part, source)  # type: ignore[arg-type]
    monkeypatch.setenv("TBD_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return server


def test_from_nothing_to_the_verdict_on_published_weights(
    served: Server, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    cells = {
        cell.id: cell.source for cell in code_of(nbformat.read(FOLDER / "07_davis_evaluation.ipynb", as_version=4))
    }
    switches = {
        'WEIGHTS = "bundled-davis"': 'WEIGHTS = "published-davis"',
        "PREPARE = False": "PREPARE = True",
        "WHOLE_SET = False": "WHOLE_SET = True",
    }
    for before, after in switches.items():
        assert before in cells["switch"]
        cells["switch"] = cells["switch"].replace(before, after)
    names: dict[str, Any] = {
        "torch": torch,  # of the set-up cell
        "published": json.loads((results_folder() / "published.json").read_text()),  # of the cells on YouTube-VOS
    }
    for cell in PATH:
        exec(cells[cell], names)
        if cell == "prepare":  # the weights that came are the paper's network; a small one tracks faster
            assert names["model"].config == PAPER
            names["model"] = build_model(replace(SMALL, key_channels=8, decoder_channels=8)).eval()
    printed = capsys.readouterr().out
    assert len(served.log) == 3 and f"complete in {tmp_path}/home/DAVIS" in printed
    assert names["root"] == tmp_path / "home/DAVIS" and names["crowd"].name == "bike-packing"
    for year, videos in YEARS.items():
        pairs = per_video(Path(f"davis{year}.json"))
        assert set(pairs) == set(videos)
        report = names["of_2016" if year == 2016 else "report"]
        found = {v.name: np.mean([score.j_and_f for score in v.objects.values()]) for v in report.videos}
        assert {video: ours for video, (_, ours) in pairs.items()} == pytest.approx(found)
        assert f"DAVIS-{year}, published-davis" in printed
        assert f"does not agree: {len(videos)} of {len(videos)} videos" in printed, "stand-ins are no published weights"
