"""The ablations leave out what they say, begin alike, and are summed up rightly."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.training.run_dir import differences
from tools.ablations import FULL, SEEDS, VARIANTS, beginning, run_folder, summary

LEFT_OUT = {
    "full": [],
    "without swap-and-attach": ["data.augment.swap"],
    "without the distance score": ["model.distance_score"],
    "fine only (global, local)": ["overall", "short", "long"],
    "coarse only (overall, short, long)": ["global", "local"],
    "without overall": ["overall"],
    "without short": ["short"],
    "without long": ["long"],
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_each_variant_leaves_out_what_its_name_says_and_nothing_else(name: str) -> None:
    config, left_out = VARIANTS[name], LEFT_OUT[name]
    found = differences(asdict(FULL), asdict(config))
    if left_out and left_out[0] in FULL.model.templates:
        assert list(found) == ["model.templates"]
        assert set(FULL.model.templates) - set(config.model.templates) == set(left_out)
    else:
        assert list(found) == left_out


def test_all_that_is_about_score_maps_and_distances_begins_anew_and_the_rest_as_it_was_trained() -> None:
    trained, begun = bundled_model().state_dict(), beginning(FULL).state_dict()
    changed = {name for name, value in begun.items() if not torch.equal(value, trained[name])}
    blend, width = "decoder.stage16.blend.weight", FULL.model.decoder_channels
    anew = {name for name in begun if name.startswith("distance.")} | {"short_inertia", "long_inertia", blend}
    assert changed == anew
    assert torch.equal(begun[blend][:, :width], trained[blend][:, :width])
    assert torch.equal(begun[blend], beginning(VARIANTS["without long"]).state_dict()[blend])  # all variants alike


def test_runs_have_folders_of_their_own() -> None:
    folders = {run_folder(Path("out"), variant, seed) for variant in VARIANTS for seed in SEEDS}
    assert len(folders) == 24


def test_mean_and_spread_are_over_the_seeds() -> None:
    results = [
        {"variant": variant, "scores": {"sample": {"J&F": value}}} for variant in VARIANTS for value in (0.2, 0.4, 0.6)
    ]
    row = summary(results)["full"]["sample"]  # type: ignore[index]
    assert row["mean"] == pytest.approx(0.4) and row["spread"] == pytest.approx((2 * 0.04 / 3) ** 0.5)
