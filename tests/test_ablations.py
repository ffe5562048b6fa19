"""The ablations leave out what they say, differ in nothing else, and their intervals mean what they should."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import square_video

from tbd_lib.datasets.config import AugmentConfig, DataConfig
from tbd_lib.errors import InputError
from tbd_lib.files import results_folder, write_json
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.tracking.tracker import track
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.training.config import change
from tools.ablations import __main__ as ablations
from tools.ablations import head
from tools.ablations import pool as pools
from tools.ablations.__main__ import AT_USE, content, runs_of, table
from tools.ablations.head import RECIPE, draws
from tools.ablations.report import section, sentence
from tools.ablations.statistics import Effect, effect, mean_j_and_f
from tools.ablations.test_sets import LINES, NAMES, Encoded, encode, score_tracked
from tools.ablations.variants import FINE, LONGER, RUNS, SWAP, TWO, VARIANTS, Run, begin

FULL = VARIANTS["full"]
COARSE = ("overall", "short", "long")
EXPECTED = {
    "without swap-and-attach": replace(FULL, swap=0.0),
    "without the distance score": replace(FULL, model=replace(FULL.model, distance_score=False)),
    "distance score not learned": replace(FULL, fixed=("distance",)),
    "distance score from a random start": replace(FULL, begins="random"),
    "fine templates only": replace(FULL, model=replace(FULL.model, templates=FINE)),
    "coarse templates only": replace(FULL, model=replace(FULL.model, templates=COARSE)),
    "global only": replace(FULL, model=replace(FULL.model, templates=("global",))),
    "local only": replace(FULL, model=replace(FULL.model, templates=("local",))),
    "without overall": replace(FULL, model=replace(FULL.model, templates=(*FINE, "short", "long"))),
    "without short": replace(FULL, model=replace(FULL.model, templates=(*FINE, "overall", "long"))),
    "without long": replace(FULL, model=replace(FULL.model, templates=(*FINE, "overall", "short"))),
    "inertias not learned": replace(FULL, fixed=("inertia",)),
}


def test_each_variant_leaves_out_what_its_name_says_and_nothing_else() -> None:
    assert set(VARIANTS) == {"full", *EXPECTED}
    for name, expected in EXPECTED.items():
        assert replace(VARIANTS[name], seeds=FULL.seeds) == expected, name
        assert set(VARIANTS[name].seeds) <= set(FULL.seeds), name  # each has a full run of its seed beside it


def test_all_variants_of_a_seed_begin_alike_but_for_a_random_distance_score() -> None:
    full = begin(FULL, 3).state_dict()
    for name, variant in VARIANTS.items():
        other = begin(variant, 3).state_dict()
        changed = {key.split(".")[0] for key, value in full.items() if not torch.equal(value, other[key])}
        assert changed == ({"distance"} if variant.begins == "random" else set()), name
    assert not torch.equal(begin(FULL, 4).key_head.conv.weight, full["key_head.conv.weight"])


def test_what_is_not_learned_gets_no_gradient() -> None:
    for name, part in (("distance score not learned", "distance"), ("inertias not learned", "inertia")):
        model = begin(VARIANTS[name], 0)
        fixed = {key for key, weight in model.named_parameters() if not weight.requires_grad and "encoder" not in key}
        assert fixed and fixed == {key for key, _ in model.named_parameters() if part in key}


def test_variants_see_the_same_clips_and_only_their_share_pasted_over() -> None:
    with_swap, without = list(draws(50, SWAP, 1, 600)), list(draws(50, 0.0, 1, 600))
    assert len(with_swap) == 600
    assert all((a[0] == b[0]).all() for a, b in zip(with_swap, without, strict=True))
    assert sum(versions.sum() for _, versions in without) == 0
    assert np.mean([versions.mean() for _, versions in with_swap]) == pytest.approx(SWAP, abs=0.03)
    assert sorted(np.concatenate([clips for clips, _ in without])[:50]) == list(range(50))  # an epoch has each once


# --- stored features


CLIPS = DataConfig(augment=AugmentConfig(crop=64, area=(0.9, 1.0)), frames=3, batch=2, workers=0)
SQUARES = [square_video(6, 4, "a"), square_video(6, 4, "b")]


def test_a_pool_holds_the_encoders_features_of_clips_as_they_are_and_pasted_over(tmp_path: Path) -> None:
    augment, encoder = CLIPS.augment, bundled_model("bundled-coco").encoder
    assert not pools.is_built(tmp_path)
    pools.build(tmp_path, encoder, CLIPS, SQUARES, 2, seed=0)
    assert pools.is_built(tmp_path)
    pool = pools.load(tmp_path)
    clips = pools.Clips(CLIPS, SQUARES, 1, 0)
    images, masks = (torch.stack(part) for part in zip(clips[0], clips[1], strict=True))
    least = int(augment.min_share * augment.crop**2)
    pasted = swap_and_attach(images.float() / 255, masks.long(), 1.0, torch.Generator().manual_seed(0), least)
    for version, (pictures, truth) in enumerate([(images.float() / 255, masks.long()), pasted]):
        levels, found = pool.batch(np.arange(2), np.full(2, version))
        assert torch.equal(found, truth)
        with torch.no_grad():
            expected = encoder(pictures[:, 1])
        for level, true in zip(levels[1], expected, strict=True):
            torch.testing.assert_close(level, true, rtol=2e-3, atol=2e-3)


def test_a_head_is_trained_but_for_what_is_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = change(RECIPE, optimiser={"context_from": 0, "context_full": 2})
    monkeypatch.setattr(head, "RECIPE", short)
    pools.build(tmp_path, bundled_model("bundled-coco").encoder, CLIPS, SQUARES, 4, seed=0)
    variant = VARIANTS["distance score not learned"]
    model, before = begin(variant, 0), begin(variant, 0)
    stops = list(head.train(variant, model.eval(), 0, pools.load(tmp_path), (1, 3)))
    assert [(iteration, len(log)) for iteration, log in stops] == [(1, 1), (3, 2)] and model.training
    assert all(0 < line["loss"] < 10 and 0 <= line["iou"] <= 1 for _, log in stops for line in log)
    same = {
        key.split(".")[0] for key, weight in model.named_parameters() if torch.equal(weight, before.get_parameter(key))
    }
    assert same == {"encoder", "distance"}


def test_masks_from_stored_features_are_those_of_tracking() -> None:
    model, video = bundled_model("bundled-coco"), square_video(64, 4, "squares")
    entry = Encoded(video, False, encode(video, model))
    tracked = np.stack([step.mask for step in track(model, video, LINES)])
    assert np.mean(np.stack(list(entry.masks(model))) != tracked) < 0.002
    assert tracked[1:].any()
    assert entry.score(model).keys() == score_tracked(model, video, False).keys()


# --- statistics


def scores(values: np.ndarray) -> list[dict[str, dict[str, dict[str, float]]]]:
    """J and F by seed, video and object, all objects of a video alike."""
    return [
        {f"video {v}": {str(i): {"J": value, "F": value} for i in range(1 + v % 2)} for v, value in enumerate(row)}
        for row in values.tolist()
    ]


def test_the_same_effect_everywhere_is_certain() -> None:
    full = np.random.default_rng(0).random((5, 8))
    found = effect(scores(full - 0.1), scores(full))
    assert (found.mean, found.low, found.high) == pytest.approx((-0.1, -0.1, -0.1)) and found.shown
    assert not effect(scores(full), scores(full)).shown


def test_objects_weigh_alike_not_videos() -> None:
    full, ablated = np.zeros((2, 2)), np.array([[0.3, 0.0], [0.3, 0.0]])  # video 1 has two objects, video 0 one
    assert effect(scores(ablated), scores(full)).mean == pytest.approx(0.1)
    assert mean_j_and_f(scores(ablated)[0]) == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["videos", "seeds"])
def test_an_interval_covers_chance_over_seeds_and_over_videos(kind: str) -> None:
    """Without an effect, zero lies in nearly all intervals, though all chance is of one kind."""
    random, inside = np.random.default_rng(1), 0
    for trial in range(60):
        shape = (5, 1) if kind == "seeds" else (1, 8)
        noise = np.broadcast_to(random.normal(0, 0.1, shape), (5, 8))
        inside += not effect(scores(0.5 + noise), scores(np.full((5, 8), 0.5)), trial).shown
    assert 45 <= inside < 60


def test_the_smallest_effect_is_seen_in_four_of_five_experiments() -> None:
    random = np.random.default_rng(2)
    draws = [random.normal(0, 0.05, (5, 8)) for _ in range(40)]
    smallest = np.mean([effect(scores(0.5 + noise), scores(np.full((5, 8), 0.5))).smallest for noise in draws])
    seen = [effect(scores(0.5 + smallest + noise), scores(np.full((5, 8), 0.5))).shown for noise in draws]
    assert 0.65 <= np.mean(seen) <= 1.0


def test_longer_heads_are_compared_with_longer_ones_and_none_with_an_empty_one() -> None:
    assert {run for run in RUNS if run.longer} == {Run(name, seed, True) for name in LONGER for seed in TWO}
    assert len({run.folder(Path()) for run in RUNS}) == len(RUNS)
    iou = {Run("without short", 1): 0.0}
    level = {Run("full", 0): 0.5, Run("full", 0, True): 0.8, Run("fine templates only", 0, True): 0.9}

    def result(run: Run) -> dict:
        value = level.get(replace(run, seed=0), 0.25)
        videos = {"a": {"1": {"J": value, "F": value}}, "b": {"1": {"J": value, "F": value}}}
        sets = dict.fromkeys(NAMES, videos)
        return {
            **asdict(run),
            "curve": {str(run.stops[-1]): sets},
            "at_use": dict.fromkeys(AT_USE, sets),
            "training": {"iou": [0.1, iou.get(run, 0.6)]},
        }

    found = content({run: result(run) for run in RUNS}, {})
    effects = {
        (trained, name): summary[NAMES[0]]["effect"]["mean"]
        for trained, table in (("600", found["trained"]), ("2400", found["longer"]["trained"]))
        for name, summary in table.items()
    }
    assert effects["600", "fine templates only"] == pytest.approx(-0.25)
    assert effects["2400", "fine templates only"] == pytest.approx(0.1)
    assert effects["2400", "without swap-and-attach"] == pytest.approx(-0.55)
    assert found["settled_on_empty_masks"] == [{"variant": "without short", "seed": 1, "longer": False}]
    assert {name: len(sets[NAMES[0]]["seeds"]) for name, sets in found["trained"].items()} == {
        name: len(variant.seeds) - (name == "without short") for name, variant in VARIANTS.items()
    }
    assert len(found["runs"]) == 49 + 8


def test_runs_so_far_are_read_from_the_file_but_not_those_of_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, done = tmp_path / "table.json", {run: {**asdict(run), "curve": {"600": {}}} for run in RUNS[:3]}
    assert runs_of(path) == {}
    write_json(path, content(done, {}))
    assert runs_of(path) == done and "trained" not in json.loads(path.read_text())
    monkeypatch.setattr(ablations, "RECIPE", change(RECIPE, data={"batch": 2}))
    with pytest.raises(InputError, match=r"table\.json: made with another recipe; move it away"):
        runs_of(path)


def test_the_committed_table_is_what_its_runs_show() -> None:
    path = results_folder() / "ablations.json"
    runs, content = runs_of(path), json.loads(path.read_text())
    assert set(runs) == set(RUNS)
    found = json.loads(json.dumps(table(runs)))
    assert found == {name: content[name] for name in found}


# --- what the page says


FALLS, RISES = Effect(-0.05, -0.08, -0.02, 0.03), Effect(0.04, 0.01, 0.07, 0.03)
UNSURE = Effect(-0.01, -0.03, 0.02, 0.04)


def test_a_sentence_names_only_effects_whose_interval_leaves_zero_out() -> None:
    found = sentence({"twins": FALLS, "long": RISES, "real clips": UNSURE, "six": FALLS})
    assert found == (
        "J&F falls on twins (by 0.050; 0.020 to 0.080) and six (by 0.050; 0.020 to 0.080); "
        "J&F rises on long (by 0.040; 0.010 to 0.070); "
        "no difference was seen on the remaining set (the smallest that would have been: 0.040)."
    )
    nothing = "no difference was seen on any of the 2 sets (the smallest that would have been: 0.040 to 0.040)."
    assert sentence({"a, b": UNSURE, "real clips": UNSURE}) == nothing
    assert "seen" not in sentence({"real clips": FALLS})


def test_the_page_has_every_effect_with_its_interval_and_those_shown_in_bold() -> None:
    def summary(effect: Effect) -> dict:
        return {"seeds": [0.5, 0.7], "effect": asdict(effect)}

    content = {
        "short_names": {"distance, twins": "twins", "real clips": "real"},
        "references": {"unchanged": {"distance, twins": 0.25, "real clips": 0.125}},
        "trained": {
            "full": {"distance, twins": summary(UNSURE), "real clips": summary(UNSURE)},
            "fine only": {"distance, twins": summary(FALLS), "real clips": summary(UNSURE)},
        },
        "sentences": {"fine only": "J&F falls."},
        "settled_on_empty_masks": [{"variant": "fine only", "seed": 2, "longer": False}],
        "runs": [{"minutes": 30.0}, {"minutes": 78.0}],
        "verdicts": 2,
        "expected_false_verdicts": 0.1,
        "longer": {
            "iterations": 2400,
            "trained": {
                "full": {"distance, twins": summary(UNSURE), "real clips": summary(UNSURE)},
                "fine only": {"distance, twins": summary(UNSURE), "real clips": summary(RISES)},
            },
            "sentences": {"fine only": "J&F rises."},
        },
    }
    assert section(content).splitlines() == [
        "| J&F | twins | real |",
        "| --- | --- | --- |",
        "| unchanged | 0.250 | 0.125 |",
        "| full | 0.600 (0.500 to 0.700) | 0.600 (0.500 to 0.700) |",
        "",
        "| difference to full | twins | real |",
        "| --- | --- | --- |",
        "| fine only | **-0.050 (-0.080 to -0.020)** | -0.010 (-0.030 to +0.020) |",
        "",
        "- **fine only**: J&F falls.",
        "",
        "2 trainings, 1.8 hours of one core in all. Of 2 intervals 1 leave zero out; if no idea had any effect, 0.1 "
        "would by chance.",
        "",
        "Heads that settled on empty masks, and are in no effect: fine only (seed 2).",
        "",
        "Trained for 2,400 iterations:",
        "",
        "| J&F | twins | real |",
        "| --- | --- | --- |",
        "| full | 0.600 (0.500 to 0.700) | 0.600 (0.500 to 0.700) |",
        "",
        "| difference to full | twins | real |",
        "| --- | --- | --- |",
        "| fine only | -0.010 (-0.030 to +0.020) | **+0.040 (+0.010 to +0.070)** |",
        "",
        "- **fine only**: J&F rises.",
    ]
