"""The loss is the cross-entropy of all frames but the first."""

import pytest
import torch
from small_runs import tiny_model
from torch import Tensor

from tbd_lib.training.objective import Objective, intersection_over_union, region_masks


def clip(b: int = 2, t: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(b, t, 3, 32, 32, generator=generator)
    masks = torch.zeros(b, t, 32, 32, dtype=torch.long)
    for time in range(t):
        masks[:, time, 8:24, 4 * time : 4 * time + 16] = 1
    return images, masks


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
