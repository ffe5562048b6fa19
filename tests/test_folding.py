"""Norms that became part of convolutions: nothing changes but the work."""

from copy import deepcopy
from typing import Any, TypeVar

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from tbd_lib.engines.folding import ClampedConv, Kept, fold_sequence, weights_state
from tbd_lib.method.encoder import ENCODERS

Part = TypeVar("Part", bound=nn.Module)


def settled(module: Part) -> Part:
    """In float64, in inference mode, with norms that scale up, down, by nothing and the other way round."""
    torch.manual_seed(0)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None and norm.running_var is not None
            norm.running_mean.normal_(0, 0.2)
            norm.running_var.uniform_(0.5, 2.0)
            nn.init.normal_(norm.weight, 0.3, 0.7)
            nn.init.normal_(norm.bias, 0.1, 0.3)
            with torch.no_grad():
                norm.weight[:2] = torch.tensor([0.0, -1.0])
                norm.bias[0] = 0.5
    return module.double().eval()


class Norms(TorchDispatchMode):
    """Counts norms that are computed."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += "batch_norm" in func.overloadpacket.__name__
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", sorted(ENCODERS))
@torch.no_grad()
def test_a_folded_encoder_computes_the_same_without_a_norm(name: str) -> None:
    encoder, image = settled(ENCODERS[name]()), torch.rand(2, 3, 64, 96, dtype=torch.float64)
    folded = encoder.folded()
    for ours, plain in zip(folded(image), encoder(image), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-11)
    with Norms() as norms:
        folded(image)
    assert norms.count == 0
    assert any(isinstance(part, nn.BatchNorm2d) for part in encoder.modules())  # the encoder stays as it was


@torch.no_grad()
def test_pooling_before_a_transition_saves_three_quarters_of_its_products() -> None:
    norm, conv = settled(nn.BatchNorm2d(6)), nn.Conv2d(6, 4, 1, bias=False).double()
    x = torch.randn(1, 6, 8, 10, dtype=torch.float64)
    counts = {}
    for pool in (1, 2):
        with FlopCounterMode(display=False) as counter:
            ours = ClampedConv(norm, conv, pool)(x)
        counts[pool] = counter.get_total_flops()
        torch.testing.assert_close(ours, nn.functional.avg_pool2d(conv(norm(x).relu()), pool))
    assert counts[1] == 4 * counts[2] > 0


@torch.no_grad()
def test_nearly_silent_channels_do_no_harm_in_half_precision() -> None:
    """A scale of 1e-6 puts the bend at 2e7, beyond float16, and its product with the scale has to cancel the shift."""
    norm, conv = settled(nn.BatchNorm2d(6)).float(), nn.Conv2d(6, 4, 1)
    norm.weight[:3], norm.bias[:3] = 1e-6, -20.0
    x = torch.randn(1, 6, 8, 10)
    exact = conv(norm(x).relu())
    torch.testing.assert_close(ClampedConv(norm, conv)(x), exact, rtol=1e-4, atol=1e-5)
    for half in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", half):
            torch.testing.assert_close(ClampedConv(norm, conv)(x.to(half)).float(), exact, rtol=0.02, atol=0.02)


def test_a_norm_that_follows_no_convolution_stays() -> None:
    layers = nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2)
    ).eval()
    kinds = [type(layer) for layer in fold_sequence(layers)]
    assert kinds == [nn.BatchNorm2d, nn.Conv2d, nn.ReLU, nn.BatchNorm2d]


def test_the_state_tells_a_change_of_any_weight_or_statistic() -> None:
    layer = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    seen = {weights_state(layer)}
    assert weights_state(layer) in seen
    with torch.no_grad():
        layer.get_parameter("0.weight").add_(1)
    assert weights_state(layer) not in seen
    seen.add(weights_state(layer))
    layer(torch.rand(1, 1, 2, 2))  # in training mode, which moves the statistics
    assert weights_state(layer) not in seen
    seen.add(weights_state(layer))
    layer.load_state_dict(deepcopy(layer.state_dict()))
    assert weights_state(layer) not in seen
    assert weights_state(layer.double()) not in seen


def test_what_is_kept_is_made_once_per_state_and_not_copied() -> None:
    made: list[int] = []
    kept: Kept[int] = Kept()
    for state in (1, 1, 2, 2, 1):
        assert kept.get(state, lambda state=state: made.append(state) or state) == state
    assert made == [1, 2, 1]
    deepcopy(kept).get(1, lambda: made.append(7) or 7)
    assert made[-1] == 7
