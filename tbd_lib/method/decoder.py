"""The decoder: ten score maps, the previous mask and the image's features become a mask (step 5)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SCORES = 10  # score maps per object: two regions of global, local, overall, short, long
REGIONS = 2

Map = Float[Tensor, "_n _c _y _x"]
"""Any batch of maps."""


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
        pooled = torch.cat([F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1)])
        gates = self.channel_gate(pooled).unflatten(0, (2, -1)).sum(0)  # of the mean and of the maximum, in one call
        x = x * gates.sigmoid()
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * self.spatial_gate(summary).sigmoid()


class Stage(nn.Module):
    """One stage: blend features with an object's maps, attend, and enlarge to two maps."""

    def __init__(self, c_in: int, maps: int, width: int, gate_channels: int, stride: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(c_in, width, 1)
        self.blend = nn.Conv2d(width + maps, width, 3, 1, 1)
        self.attend = CBAM(width, gate_channels)
        self.enlarge = nn.ConvTranspose2d(width, REGIONS, stride + 2, stride, 1)

    def forward(self, features: Map, maps: Map) -> Map:
        """Two maps at ``stride`` times the resolution, from features and maps of the same size."""
        joined = torch.cat([self.reduce(features).relu(), maps], 1)
        return self.enlarge(self.attend(self.blend(joined).relu()))


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

    def forward(
        self, s4: Map, s8: Map, s16: Map, scores: Float[Tensor, "b o 10 h w"], prev_mask: Float[Tensor, "b o 2 h w"]
    ) -> Float[Tensor, "b o 2 H W"]:
        """Logits of background and foreground for every object, at full resolution."""
        b, o = scores.shape[:2]
        s4, s8, s16 = (level.repeat_interleave(o, 0) for level in (s4, s8, s16))  # every object gets the features
        maps = torch.cat([scores, prev_mask], 2).flatten(0, 1)
        logits = self.stage4(s4, self.stage8(s8, self.stage16(s16, maps)))
        return logits.unflatten(0, (b, o))


def _initialise(layer: nn.Module) -> None:
    """New layers start Kaiming-uniform with zero bias (He et al., 2015)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
