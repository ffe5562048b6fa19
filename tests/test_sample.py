"""The textures and sample videos in ``data``: what they show, where they come from, and that they can be made again."""

import json
import runpy
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image as Pictures

from tbd_lib.datasets.config import Challenge
from tbd_lib.files import data_folder
from tbd_lib.video.masks import read_mask

TEXTURES = data_folder() / "textures"
SHOWCASES = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "make_sample.py"))["SHOWCASES"]


def test_the_origin_of_every_texture_is_named():
    files = {path.name for path in TEXTURES.glob("*.jpg")}
    rows = [line for line in (TEXTURES / "ORIGIN.md").read_text().splitlines() if ".jpg" in line]
    assert {row.split("|")[1].strip() for row in rows} == files
    assert all("public domain" in row or "CC0" in row for row in rows)


def test_sample_shows_every_challenge_and_is_small():
    sample = data_folder() / "sample"
    facts = json.loads((sample / "challenges.json").read_text())
    splits = {name: (sample / f"ImageSets/2017/{name}.txt").read_text().split() for name in ("train", "val")}
    assert sorted(facts) == sorted(splits["train"] + splits["val"])
    assert len(splits["val"]) == 5
    assert len({fact["seed"] for fact in facts.values()}) == len(facts)
    assert set().union(*(fact["challenges"] for fact in facts.values())) == set(get_args(Challenge))
    synthetic = [path for name in facts for path in sample.rglob(f"{name}/*")]
    assert sum(path.stat().st_size for path in synthetic) < 4.8e6


@pytest.mark.parametrize("showcase", SHOWCASES, ids=lambda showcase: showcase.name)
def test_sample_videos_show_what_they_are_for(showcase):
    facts = json.loads((data_folder() / "sample/challenges.json").read_text())[showcase.name]
    assert set(showcase.config.challenges) <= set(facts["challenges"])
    assert facts["seed"] == showcase.seed
    first = read_mask(data_folder() / f"sample/Annotations/480p/{showcase.name}/00000.png")
    for identity, fact in facts["objects"].items():
        assert fact["first_frame"] > 0 or (first == int(identity)).sum() >= 400


@pytest.mark.parametrize("showcase", SHOWCASES[:2], ids=lambda showcase: showcase.name)
def test_sample_videos_can_be_made_again(showcase):
    clip, sample = showcase.clip(), data_folder() / "sample"
    for index in range(0, len(clip.masks), 5):
        name = f"{showcase.name}/{index:05d}"
        assert np.array_equal(read_mask(sample / f"Annotations/480p/{name}.png"), clip.masks[index])
        stored = np.asarray(Pictures.open(sample / f"JPEGImages/480p/{name}.jpg")).astype(int)
        assert np.abs(stored - clip.images[index]).mean() < 6
