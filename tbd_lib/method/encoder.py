"""Encoders: an image becomes features at strides 4, 8 and 16 (``docs/method.md``, step 1).

Any module can be injected that maps an image in [0, 1] to three feature maps at strides 4, 8 and 16, and names their
widths in ``channels``. Normalising the image is the encoder's own business.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Pyramid = tuple[Float[Tensor, "b c4 h4 w4"], Float[Tensor, "b c8 h8 w8"], Float[Tensor, "b c16 h w"]]


@runtime_checkable
class Encoder(Protocol):
    """What the model asks of an encoder."""

    @property
    def channels(self) -> tuple[int, int, int]:
        """Widths of the features at strides 4, 8 and 16."""
        ...

    def __call__(self, image: Float[Tensor, "b 3 H W"]) -> Pyramid:
        """Features at strides 4, 8 and 16, each with its width of ``channels``."""
        ...


class Normalise(nn.Module):
    """Subtracts the ImageNet mean and divides by the deviation, per colour."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b 3 H W"]:
        """The image, each colour around zero with a deviation near one."""
        return (image - self.mean) / self.std


class DenseLayer(nn.Module):
    """Twice norm, ReLU and convolution, first 1x1 then 3x3: makes ``growth`` new channels from all before it."""

    def __init__(self, c_in: int, growth: int, bottleneck: int = 4) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(c_in)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(c_in, bottleneck * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck * growth)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b growth y x"]:
        """The new channels."""
        x = self.conv1(self.relu1(self.norm1(x)))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.Module):
    """Dense layers (Huang et al., 2017), each of which sees the block's input and what all layers before it made."""

    def __init__(self, layers: int, c_in: int, growth: int) -> None:
        super().__init__()
        for i in range(layers):
            self.add_module(f"denselayer{i + 1}", DenseLayer(c_in + i * growth, growth))

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y x"]:
        """The input and the channels of every layer, joined."""
        for layer in self.children():
            x = torch.cat([x, layer(x)], 1)
        return x


class Transition(nn.Module):
    """Between two dense blocks: norm, ReLU, a 1x1 convolution to half the channels, and pooling to half the size."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(c_in)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(c_in, c_in // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y2 x2"]:
        """Half the channels at half the size."""
        return self.pool(self.conv(self.relu(self.norm(x))))


class DenseNet121(nn.Module):
    """The paper's encoder: DenseNet-121 (Huang et al., 2017) up to its third dense block.

    The features are what the dense blocks put out, before the transition that follows (which normalises and pools).
    """

    channels = (256, 512, 1024)

    def __init__(self) -> None:
        super().__init__()
        growth = 32
        self.normalise = Normalise()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.block1, self.transition1 = DenseBlock(6, 64, growth), Transition(256)
        self.block2, self.transition2 = DenseBlock(12, 128, growth), Transition(512)
        self.block3 = DenseBlock(24, 256, growth)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Pyramid:
        """Features at strides 4, 8, 16 of an image in [0, 1]."""
        s4 = self.block1(self.stem(self.normalise(image)))
        s8 = self.block2(self.transition1(s4))
        s16 = self.block3(self.transition2(s8))
        return s4, s8, s16


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016); the shortcut is pooled and widened where needed."""

    def __init__(self, c_in: int, c_out: int, stride: int, last: bool = False) -> None:
        super().__init__()
        self.activate = nn.Identity() if last else nn.ReLU()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        self.shortcut = nn.Identity()
        if stride > 1 or c_in != c_out:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y2 x2"]:
        """What the convolutions add to the shortcut, activated."""
        y = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        return self.activate(y + self.shortcut(x))


class SmallEncoder(nn.Module):
    """The encoder of the bundled model: 1.5 M parameters in fourteen convolutions.

    Plain residual blocks of dense 3x3 convolutions, which is what CPUs run best. Two strided convolutions reach
    stride 4 at once, so that little is spent on full resolution; most of the arithmetic and of the parameters stands
    at strides 8 and 16, where keys are made. A key sees 191 pixels: enough to tell an object from a look-alike
    by its surroundings. The last block ends without ReLU: features around zero give keys that point everywhere, so
    that cosines tell places apart from the first iteration on (all-positive features make them all alike).
    """

    channels = (48, 96, 192)

    def __init__(self) -> None:
        super().__init__()
        c4, c8, c16 = self.channels
        self.normalise = Normalise()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 24, 3, 2, 1, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Conv2d(24, c4, 3, 2, 1, bias=False),
            nn.BatchNorm2d(c4),
            nn.ReLU(),
        )
        self.stage4 = Residual(c4, c4, 1)
        self.stage8 = nn.Sequential(Residual(c4, c8, 2), Residual(c8, c8, 1))
        self.stage16 = nn.Sequential(Residual(c8, c16, 2), Residual(c16, c16, 1, last=True))

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Pyramid:
        """Features at strides 4, 8, 16 of an image in [0, 1]."""
        s4 = self.stage4(self.stem(self.normalise(image)))
        s8 = self.stage8(s4)
        return s4, s8, self.stage16(s8)


ENCODERS: dict[str, type[DenseNet121 | SmallEncoder]] = {"densenet121": DenseNet121, "small": SmallEncoder}
