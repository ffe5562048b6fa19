"""Batch normalisation folded into convolutions: the same encoders for inference, in fewer passes over memory.

With statistics that stand still a batch norm is ``a x + b`` per channel. Behind a convolution it disappears in the
convolution's weights (``torch.nn.utils.fusion``). DenseNet's stand *before* convolutions, with a ReLU between:
``relu(a x + b) = a max(x, -b/a) + b`` for positive ``a``, with a minimum for negative. So norm and ReLU become a clamp
per channel, and ``a`` and ``b`` go into the 1x1 convolution that follows.
"""

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

T = TypeVar("T")


class Kept(Generic[T]):
    """Something that was made once and is kept until what it was made from changes. A copy begins without it."""

    def __init__(self) -> None:
        self._kept: tuple[Hashable, T] | None = None

    def get(self, state: Hashable, make: Callable[[], T]) -> T:
        """What was made for this state, made now if it is another than before."""
        if self._kept is None or self._kept[0] != state:
            self._kept = (state, make())
        return self._kept[1]

    def __deepcopy__(self, memo: dict[int, object]) -> "Kept[T]":
        return Kept()


def weights_state(module: nn.Module) -> Hashable:
    """Differs whenever a module's weights do: after a step, after loading, on another device or of another type.

    What is written through ``parameter.data`` is not seen.
    """
    tensors = (*module.parameters(), *module.buffers())
    return tuple((one.data_ptr(), one._version, one.dtype) for one in tensors)


def fold_sequence(layers: nn.Sequential) -> nn.Sequential:
    """A chain of layers in which every norm right behind a convolution has become part of it."""
    folded: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d) and folded and isinstance(folded[-1], nn.Conv2d):
            folded[-1] = fuse_conv_bn_eval(folded[-1], layer)
        else:
            folded.append(layer)
    return nn.Sequential(*folded)


class ClampedConv(nn.Module):
    """``conv(relu(norm(x)))`` as a clamp per channel and a convolution, for a 1x1 convolution and a norm at rest.

    Where a norm nearly silences a channel the bend lies far out, and ``a`` times it has to cancel ``b``. Float32 has
    the digits for that; half precision has not, so there norm and ReLU are computed as they stand.

    Args:
        norm: what stands before the ReLU.
        conv: 1x1, with or without bias.
        pool: side of the average pooling behind the convolution; done before it, which is the same, and cheaper.
    """

    low: Tensor
    high: Tensor

    def __init__(self, norm: nn.BatchNorm2d, conv: nn.Conv2d, pool: int = 1) -> None:
        super().__init__()
        assert norm.running_var is not None and norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        shift = norm.bias - scale * norm.running_mean
        bend = torch.where(scale == 0, 0.0, -shift / scale)  # a channel scaled by 0 is the constant relu(shift)
        endless = torch.full_like(bend, torch.inf)
        self.register_buffer("low", torch.where(scale > 0, bend, -endless).view(1, -1, 1, 1))
        self.register_buffer("high", torch.where(scale < 0, bend, endless).view(1, -1, 1, 1))
        constant = torch.where(scale == 0, shift.relu(), shift)
        bias = (conv.weight.flatten(1) * constant).sum(1)
        self.weight = nn.Parameter(conv.weight * scale[:, None, None], requires_grad=False)
        self.bias = nn.Parameter(bias if conv.bias is None else bias + conv.bias, requires_grad=False)
        self.as_they_stand = nn.Sequential(norm, nn.ReLU(inplace=True), conv)
        self.pool = pool

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y2 x2"]:
        """What norm, ReLU, convolution and pooling make of ``x``."""
        if x.dtype in (torch.float16, torch.bfloat16):
            out = self.as_they_stand(x)
            return F.avg_pool2d(out, self.pool) if self.pool > 1 else out
        clamped = torch.clamp(x, self.low, self.high)
        if self.pool > 1:
            clamped = F.avg_pool2d(clamped, self.pool)
        return F.conv2d(clamped, self.weight, self.bias)


@runtime_checkable
class DenseLayer(Protocol):
    """One of torchvision's dense layers: two norms, each before a ReLU and a convolution, 1x1 and then 3x3."""

    norm1: nn.BatchNorm2d
    conv1: nn.Conv2d
    norm2: nn.BatchNorm2d
    conv2: nn.Conv2d


class FoldedBlock(nn.Module):
    """A dense block (Huang et al., 2017) at rest, whose layers write their channels where the next ones read them.

    Args:
        block: torchvision's, whose layers' last convolutions are shared with it.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        layers = [layer for layer in block.children() if isinstance(layer, DenseLayer)]
        self.growth = layers[0].conv2.out_channels
        self.layers = nn.ModuleList(_folded_layer(layer) for layer in layers)

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y x"]:
        """``x`` and what every layer adds to it."""
        filled = x.shape[1]
        shape = (x.shape[0], filled + self.growth * len(self.layers), *x.shape[2:])
        every = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        every[:, :filled] = x
        for layer in self.layers:
            every[:, filled : filled + self.growth] = layer(every[:, :filled])
            filled += self.growth
        return every


def _folded_layer(layer: DenseLayer) -> nn.Sequential:
    narrow = ClampedConv(layer.norm1, fuse_conv_bn_eval(layer.conv1, layer.norm2))
    return nn.Sequential(narrow, nn.ReLU(inplace=True), layer.conv2)
