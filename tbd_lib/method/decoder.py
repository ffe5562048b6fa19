"""The decoder: ten score maps, the previous mask and the image's features become a mask (step 5)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SCORES = 10  # score maps per object: two regions of global, local, overall, short, long
REGIONS = 2

Map = Float[Tensor, "_n _c _y _x"]
"""Any batch of maps."""

Context = tuple[Map, Map, Map]
"""The features' half of each stage's convolution, coarse to fine: the same for all objects of a frame."""


class CBAM(nn.Module):
    """Convolutional block attention (Woo et al., 2018) in TBD's form.

    A 3x3 convolution without activation, then a gate per channel from the mean and the maximum over space, then
    a gate per place from the mean and the maximum over channels.
    """

    def __init__(self, channels: int, gate_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.channel_gate = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, channels, 1))
        self.spatial_gate = nn.Sequential(
            nn.Conv2d(2, gate_channels, 3, 1, 1), nn.ReLU(), nn.Conv2d(gate_channels, 1, 3, 1, 1)
        )

    def forward(self, x: Map) -> Map:
        """``x`` after both gates, of the same shape."""
        x = self.conv(x)
        pooled = [x.mean((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)]
        x = _gated(x, self.channel_gate(pooled[0]) + self.channel_gate(pooled[1]))
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return _gated(x, self.spatial_gate(summary))


def _gated(x: Map, logits: Map) -> Map:
    """``x`` through a gate; written over ``x`` where no gradient needs it: new memory costs more than the product."""
    gate = logits.sigmoid()
    return x * gate if torch.is_grad_enabled() else x.mul_(gate)


class Stage(nn.Module):
    """One stage: blend features with an object's maps, attend, and enlarge to two maps.

    The 3x3 convolution over ``cat(features, maps)`` is the sum of one over the features and one over the maps. The
    first half is computed once per frame (``context``), the second for every object (``forward``).

    Convolutions over single places, and those with very few channels in (an object's maps) or out (the two enlarged
    ones), are written as what they are, matrix products with patches unfolded or folded: kernels for convolutions are
    slow at those.
    """

    def __init__(self, c_in: int, maps: int, width: int, gate_channels: int, stride: int) -> None:
        super().__init__()
        self.width = width
        self.reduce = nn.Conv2d(c_in, width, 1)
        self.blend = nn.Conv2d(width + maps, width, 3, 1, 1)
        self.attend = CBAM(width, gate_channels)
        self.enlarge = nn.ConvTranspose2d(width, REGIONS, stride + 2, stride, 1)

    def context(self, features: Map) -> Map:
        """The features' half of the blend, bias included."""
        assert self.reduce.bias is not None
        matrix = self.reduce.weight.flatten(1).T.expand(len(features), -1, -1)
        reduced = torch.baddbmm(self.reduce.bias, _places(features), matrix).relu_()
        return F.conv2d(_maps(reduced, features), self.blend.weight[:, : self.width], self.blend.bias, padding=1)

    def forward(self, context: Map, maps: Float[Tensor, "n o m y x"]) -> Float[Tensor, "n o 2 y2 x2"]:
        """Two maps per object, at ``stride`` times the resolution."""
        n, o = maps.shape[:2]
        patches = F.unfold(maps.flatten(0, 1), 3, padding=1).transpose(1, 2)
        own = self.blend.weight[:, self.width :].flatten(1).T.expand(n * o, -1, -1)
        shared = _places(context)[:, None].expand(-1, o, -1, -1).flatten(0, 1)
        blended = torch.baddbmm(shared, patches, own).relu_()
        return self._enlarged(self.attend(_maps(blended, maps))).unflatten(0, (n, o))

    def _enlarged(self, x: Map) -> Map:
        """The transposed convolution ``enlarge``: every place's product with all taps, added where they fall."""
        (kernel, _), (stride, _) = self.enlarge.kernel_size, self.enlarge.stride
        assert self.enlarge.bias is not None
        taps = torch.bmm(self.enlarge.weight.flatten(1).T.expand(len(x), -1, -1), x.flatten(2))
        size = (x.shape[-2] * stride, x.shape[-1] * stride)
        return F.fold(taps, size, kernel, stride=stride, padding=1).add_(self.enlarge.bias[:, None, None])


def _places(maps: Map) -> Float[Tensor, "_n _p _c"]:
    """The channels of every place, as rows of a matrix: no copy where channels lie beside each other in memory."""
    return maps.flatten(2).transpose(1, 2)


def _maps(places: Float[Tensor, "_n _p _c"], like: Tensor) -> Map:
    """Rows of a matrix back as maps of another's size, in the memory format ``channels_last``."""
    return places.unflatten(1, like.shape[-2:]).permute(0, 3, 1, 2)


class Decoder(nn.Module):
    """Three stages, from stride 16 over 8 and 4 to every pixel.

    Args:
        channels: widths of the encoder's features at strides 4, 8, 16.
        width: channels inside the decoder.
        gate_channels: hidden channels of the spatial gates.
    """

    def __init__(self, channels: tuple[int, int, int], width: int, gate_channels: int) -> None:
        super().__init__()
        c4, c8, c16 = channels
        self.stage16 = Stage(c16, SCORES + REGIONS, width, gate_channels, 2)
        self.stage8 = Stage(c8, REGIONS, width, gate_channels, 2)
        self.stage4 = Stage(c4, REGIONS, width, gate_channels, 4)
        self.apply(_initialise)

    def context(self, s4: Map, s8: Map, s16: Map) -> Context:
        """What the decoder needs of the features, computed once per frame whatever the number of objects."""
        return self.stage16.context(s16), self.stage8.context(s8), self.stage4.context(s4)

    def forward(
        self, context: Context, scores: Float[Tensor, "b o 10 h w"], prev_mask: Float[Tensor, "b o 2 h w"]
    ) -> Float[Tensor, "b o 2 H W"]:
        """Logits of background and foreground for every object, at full resolution."""
        maps = torch.cat([scores, prev_mask], 2)
        for stage, features in zip((self.stage16, self.stage8, self.stage4), context, strict=True):
            maps = stage(features, maps)
        return maps


def _initialise(layer: nn.Module) -> None:
    """New layers start Kaiming-uniform with zero bias (He et al., 2015)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
