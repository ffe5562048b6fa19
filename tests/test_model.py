"""The model against the authors' program, and what its verbs promise."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden import golden, reference_model, regions_of
from small_model import TINY, random_regions
from torch import nn

from tbd_lib.method.model import TBD, build_model
from tbd_lib.method.templates import Templates
from tbd_lib.training.checkpoint import our_name


class Pyramid(nn.Module):
    """An encoder of somebody else's: three poolings and convolutions."""

    channels = (3, 4, 5)

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, c, 1) for c in self.channels)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(conv(F.avg_pool2d(image, s)) for conv, s in zip(self.convs, (4, 8, 16), strict=True))


def golden_clip() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.from_numpy(golden()["train_images"]).permute(0, 1, 4, 2, 3).double() / 255
    return images, torch.from_numpy(golden()["train_masks"]).long()


def test_training_equals_the_authors_program() -> None:
    """Logits, loss and the norm of every gradient, in float64."""
    model = reference_model().train()
    images, masks = golden_clip()
    logits = model(images, regions_of(masks[:, 0], [1]))[:, :, 0]
    np.testing.assert_allclose(logits.detach().numpy(), golden()["train_logits"], rtol=0, atol=1e-9)
    loss = F.cross_entropy(logits.flatten(0, 1), masks[:, 1:].flatten(0, 1))
    np.testing.assert_allclose(loss.item(), golden()["train_loss"], rtol=1e-9)
    loss.backward()
    norms = {our_name(str(n)): norm for n, norm in zip(golden()["grad_names"], golden()["grad_norms"], strict=True)}
    ours = {n: p.grad.norm().item() for n, p in model.named_parameters() if p.grad is not None}
    assert ours.keys() == norms.keys()  # every trained parameter has a gradient, and nothing of the encoder
    for name, norm in norms.items():
        np.testing.assert_allclose(ours[name], norm, rtol=1e-7, err_msg=name)


def test_score_maps_of_templates_left_out_are_zero_and_the_others_unchanged() -> None:
    torch.manual_seed(0)
    model, image, regions = build_model(TINY).eval(), torch.rand(1, 3, 64, 80), random_regions(1, 1, 64, 80)
    with torch.no_grad():
        features = model.encode(image)
        templates = model.start(features, regions)
        full = model.match(features, templates)
        for place, kind in enumerate(TINY.templates):
            kept = tuple(other for other in TINY.templates if other != kind)
            model.config = replace(TINY, templates=kept)
            scores = model.match(features, templates)
            channels = slice(2 * place, 2 * place + 2)
            assert full[:, :, channels].any() and not scores[:, :, channels].any()
            others = [c for c in range(10) if c // 2 != place]
            assert torch.equal(scores[:, :, others], full[:, :, others])


def test_without_the_distance_score_the_local_match_is_as_strong_from_far() -> None:
    """In the first frame the local template is the global one; without the score both match alike."""
    torch.manual_seed(0)
    image, regions = torch.rand(1, 3, 64, 80), random_regions(1, 1, 64, 80)
    for on in (True, False):
        model = build_model(replace(TINY, distance_score=on)).eval()
        with torch.no_grad():
            features = model.encode(image)
            scores = model.match(features, model.start(features, regions))
        assert torch.equal(scores[:, :, :2], scores[:, :, 2:4]) != on


def test_frames_encoded_before_are_followed_as_a_clip() -> None:
    torch.manual_seed(0)
    model, clip, first = build_model(TINY).eval(), torch.rand(2, 3, 3, 32, 48), random_regions(2, 1, 32, 48)
    with torch.no_grad():
        assert torch.equal(model.follow(model.encode_clip(clip), first), model(clip, first))


def test_a_frozen_encoder_stays_as_it_is() -> None:
    model = build_model(TINY, frozen_encoder=True).train()
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    model(torch.rand(2, 2, 3, 32, 32), random_regions(2, 1, 32, 32)).square().mean().backward()
    optimiser.step()
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())


def test_a_trained_encoder_learns_and_keeps_statistics() -> None:
    model = build_model(TINY, frozen_encoder=False).train()
    before = model.encoder.state_dict()["stem.2.running_mean"].clone()
    model(torch.rand(2, 2, 3, 32, 32), random_regions(2, 1, 32, 32)).square().mean().backward()
    gradient = model.encoder.get_parameter("stem.1.weight").grad
    assert gradient is not None and gradient.abs().sum() > 0
    assert not torch.equal(model.encoder.state_dict()["stem.2.running_mean"], before)


def test_any_encoder_can_be_injected() -> None:
    model = TBD(Pyramid(), TINY).eval()
    assert model(torch.rand(1, 3, 3, 32, 48), random_regions(1, 2, 32, 48)).shape == (1, 2, 2, 2, 32, 48)


def test_an_encoder_without_channels_is_refused() -> None:
    with pytest.raises(TypeError, match=r"channels is None; expected three widths"):
        TBD(nn.Identity(), TINY)


@pytest.mark.parametrize("size", [(33, 32), (32, 40)])
def test_sides_that_are_no_multiples_of_16_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected multiples of 16"):
        build_model(TINY).encode(torch.rand(1, 3, *size))


def test_a_clip_encoded_at_once_equals_frame_by_frame() -> None:
    model = build_model(TINY).eval().double()
    clip = torch.rand(2, 3, 3, 32, 48, dtype=torch.float64)
    for t, features in enumerate(model.encode_clip(clip)):
        alone = model.encode(clip[:, t])
        for name in ("s4", "s8", "s16", "key"):
            torch.testing.assert_close(getattr(features, name), getattr(alone, name))


def test_forward_is_the_verbs_in_a_row() -> None:
    model = build_model(TINY).eval()
    clip, first = torch.rand(1, 3, 3, 32, 32), random_regions(1, 2, 32, 32)
    frames = [model.encode(clip[:, t]) for t in range(3)]
    templates = model.start(frames[0], first)
    second = model.segment(frames[1], templates)
    third = model.segment(frames[2], model.update(frames[1], templates, second.softmax(2)))
    torch.testing.assert_close(model(clip, first), torch.stack([second, third], 1), rtol=1e-4, atol=1e-5)


def matched() -> tuple[TBD, Templates, torch.Tensor]:
    model = build_model(TINY).eval()
    frames = [model.encode(torch.rand(1, 3, 32, 48)) for _ in range(3)]
    templates = model.update(
        frames[1], model.start(frames[0], random_regions(1, 3, 32, 48)), random_regions(1, 3, 32, 48)
    )
    return model, templates, model.match(frames[2], templates)


@torch.no_grad()
def test_match_gives_ten_maps_that_are_cosines() -> None:
    _, _, scores = matched()
    assert scores.shape == (1, 3, 10, 2, 3)
    assert scores.abs().max() <= 1 + 1e-5


@torch.no_grad()
def test_scores_given_or_not_the_logits_are_the_same() -> None:
    model, templates, _ = matched()
    features = model.encode(torch.rand(1, 3, 32, 48))
    given = model.segment(features, templates, model.match(features, templates))
    assert torch.equal(model.segment(features, templates), given)


def test_half_precision_training_keeps_templates_in_float32() -> None:
    model = build_model(TINY, frozen_encoder=False).train()
    with torch.autocast("cpu", torch.bfloat16):
        features = model.encode(torch.rand(1, 3, 32, 32))
        templates = model.start(features, random_regions(1, 1, 32, 32))
        assert features.s16.dtype == torch.bfloat16
        assert {features.key.dtype, templates.overall.dtype} == {torch.float32}
        assert model.match(features, templates).dtype == model.segment(features, templates).dtype == torch.float32
