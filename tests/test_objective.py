"""The loss is the cross-entropy of all frames but the first."""

import pytest
import torch
from small_runs import tiny_model
from torch import Tensor, nn

from tbd_lib.training.distillation import Distillation
from tbd_lib.training.objective import Objective, intersection_over_union, region_masks


def clip(b: int = 2, t: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(b, t, 3, 32, 32, generator=generator)
    masks = torch.zeros(b, t, 32, 32, dtype=torch.long)
    for time in range(t):
        masks[:, time, 8:24, 4 * time : 4 * time + 16] = 1
    return images, masks


class Stripes(nn.Module):
    """A teacher whose features are the colours of each cell."""

    channels = (3, 3, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pooled = nn.functional.avg_pool2d(image, 16)
        return pooled, pooled, pooled


def test_the_loss_is_the_mean_cross_entropy_of_later_frames() -> None:
    model, (images, masks) = tiny_model().double().eval(), clip()
    loss, _ = Objective(model)(images.double(), masks)
    probability = model(images.double(), region_masks(masks[:, 0]).double())[:, :, 0].softmax(2)
    right = torch.where(masks[:, 1:] > 0, probability[:, :, 1], probability[:, :, 0])
    assert loss.item() == pytest.approx(-right.log().mean().item(), rel=1e-12)


def test_region_masks_are_background_and_foreground() -> None:
    regions = region_masks(torch.tensor([[[0, 1], [1, 1]]]))
    assert regions.tolist() == [[[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]]]]


def test_intersection_over_union_by_hand() -> None:
    """Clip 0: two of four pixels shared by truth and prediction; clip 1: nothing predicted, one true."""
    masks = torch.tensor([[[[1, 1, 1, 0]]], [[[0, 0, 0, 1]]]])
    foreground = torch.tensor([[[[1.0, 1.0, -1.0, 1.0]]], [[[-1.0, -1.0, -1.0, -1.0]]]])
    logits = torch.stack([-foreground, foreground], 2)
    assert intersection_over_union(logits, masks).item() == pytest.approx((2 / 4 + 0) / 2)


def test_the_teacher_adds_to_the_loss_with_its_weight_and_reaches_the_encoder() -> None:
    model, (images, masks) = tiny_model(), clip()
    model.freeze_encoder(False)
    distillation = Distillation(Stripes(), model.channels[2]).eval()
    model.eval()
    plain, _ = Objective(model)(images, masks)
    features = torch.stack([frame.s16 for frame in model.encode_clip(images)[:2]], 1).flatten(0, 1)
    alone = Distillation(Stripes(), model.channels[2])
    alone.load_state_dict(distillation.state_dict())
    expected = plain + 0.5 * alone(images[:, :2].flatten(0, 1), features)
    loss, _ = Objective(model, distillation, 0.5, 2)(images, masks)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    model.zero_grad()
    (loss - plain).backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.encoder.parameters())
