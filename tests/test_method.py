"""The plain form stands alone, every layer of it can be hooked and bent, and nothing of it is remembered in secret."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_model import TINY, random_regions
from torch import nn

from tbd_lib.method.config import PAPER, ModelConfig
from tbd_lib.method.matching import affinity
from tbd_lib.method.model import TBD, build_model
from tbd_lib.method.templates import Templates
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.tracking.tracker import Tracker

METHOD = Path(__file__).parents[1] / "tbd_lib" / "method"
ALONE = """
import sys, torch
from method.model import build_model
from method.config import SMALL
from method.aggregate import aggregate
assert not [name for name in sys.modules if name.startswith("tbd_lib")]
torch.manual_seed(0)
model = build_model(SMALL).eval()
frames = torch.rand(4, 1, 3, 64, 80)
masks = torch.zeros(1, 2, 64, 80)
masks[0, 0, 8:30, 8:40] = masks[0, 1, 30:60, 40:70] = 1
with torch.no_grad():
    features = model.encode(frames[0])
    templates = model.start(features, torch.stack([1 - masks, masks], 2))
    for frame in frames[1:]:
        features = model.encode(frame)
        prob = aggregate(model.segment(features, templates).softmax(2)[0, :, 1])[1:]
        templates = model.update(features, templates, torch.stack([1 - prob, prob], 1)[None])
print(tuple(prob.shape))
"""


def moment(config: ModelConfig = TINY) -> tuple[TBD, torch.Tensor, Templates]:
    """A model, the third frame of a clip, and what is remembered of two objects before it."""
    torch.manual_seed(0)
    model = build_model(config).eval()
    with torch.no_grad():
        first, second = model.encode(torch.rand(1, 3, 64, 80)), model.encode(torch.rand(1, 3, 64, 80))
        templates = model.update(second, model.start(first, random_regions(1, 2, 64, 80)), random_regions(1, 2, 64, 80))
    return model, torch.rand(1, 3, 64, 80), templates


def test_the_folder_alone_tracks_a_clip(tmp_path: Path) -> None:
    shutil.copytree(METHOD, tmp_path / "method")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.stdout.strip() == "(2, 64, 80)", answer.stderr


def test_a_bent_distance_score_changes_the_local_maps_of_the_same_frame() -> None:
    model, image, templates = moment()
    with torch.no_grad():
        features = model.encode(image)
        before = model.match(features, templates)
        model.distance.out.bias.fill_(-3.0)
        after = model.match(features, templates)
    assert not torch.allclose(after[:, :, 2:4], before[:, :, 2:4])
    assert torch.equal(after[:, :, :2], before[:, :, :2])


def test_a_match_without_gradients_takes_none_from_the_next_one() -> None:
    model, image, templates = moment()
    features = model.encode(image)
    with torch.no_grad():
        model.match(features, templates)
    model.match(features, templates).sum().backward()
    gradient = model.distance.out.bias.grad
    assert gradient is not None and gradient.abs().sum() > 0


@pytest.mark.parametrize("config", [TINY, replace(PAPER, key_channels=8, decoder_channels=8)], ids=["small", "paper"])
@pytest.mark.parametrize("training", [False, True])
def test_every_layer_of_encoder_and_decoder_is_called_once_a_frame(config: ModelConfig, training: bool) -> None:
    torch.manual_seed(0)
    model, fired = build_model(config).train(training), Counter[str]()
    layers = {
        f"{part}.{name}": layer
        for part in ("encoder", "decoder")
        for name, layer in model.get_submodule(part).named_modules()
        if not list(layer.children())
    }
    assert len(layers) > 40
    with torch.set_grad_enabled(training):
        templates = model.start(model.encode(torch.rand(1, 3, 64, 80)), random_regions(1, 2, 64, 80))
        for name, layer in layers.items():
            layer.register_forward_hook(lambda *_, name=name: fired.update([name]))
        for _ in range(2):
            features = model.encode(torch.rand(1, 3, 64, 80))
            prob = model.segment(features, templates).softmax(2)
            templates = model.update(features, templates, prob)
    assert fired == Counter(dict.fromkeys(layers, 2))


def test_similarities_in_half_precision_training_are_those_of_full_precision() -> None:
    """To the last digit: the keys are given, and their products are never rounded to sixteen bits."""
    model, image, templates = moment()
    with torch.no_grad():
        features = model.encode(image)
        torch.manual_seed(1)
        masks = random_regions(1, 2, 64, 80)
        full = model.match(features, templates), model.update(features, templates, masks)
        with torch.autocast("cpu", torch.bfloat16):
            assert affinity(features.key, templates.prev_key).dtype == torch.bfloat16  # without the guard
            half = model.match(features, templates), model.update(features, templates, masks)
    assert torch.equal(full[0], half[0])
    assert torch.equal(full[1].overall, half[1].overall) and torch.equal(full[1].short, half[1].short)


def test_settings_of_a_tracker_stay_with_it() -> None:
    model, _, _ = moment()
    image, mask = torch.randint(0, 256, (64, 80, 3), dtype=torch.uint8).numpy(), torch.zeros(64, 80).byte().numpy()
    mask[8:40, 8:40] = 1

    def prob(config: TrackConfig) -> torch.Tensor:
        tracker = Tracker(model, config)
        tracker.step(image, mask)
        return tracker.step(image).prob

    before = prob(OWN_SIZE)
    state = {name: value for name, value in vars(model).items() if not name.startswith("_")}
    other = prob(replace(OWN_SIZE, precision="bfloat16", objects_at_once=3, roi_margin=0))
    assert not torch.equal(other, before)
    assert {name: value for name, value in vars(model).items() if not name.startswith("_")} == state
    assert torch.equal(prob(OWN_SIZE), before)


def test_layers_can_be_replaced() -> None:
    """A gate that is switched off in place of a layer: what lessons do."""

    class Zero(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(x)

    model, image, templates = moment()
    with torch.no_grad():
        features = model.encode(image)
        before = model.segment(features, templates)
        model.decoder.stage16.attend.channel_gate = Zero()  # type: ignore[assignment]
        assert not torch.equal(model.segment(features, templates), before)
