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

Colour = tuple[float, float, float]
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
    """Subtracts a mean and divides by a deviation, per colour; left out, they are those of ImageNet."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Colour = IMAGENET_MEAN, std: Colour = IMAGENET_STD) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

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


class InvertedResidual(nn.Module):
    """A block of MobileNetV2 (Sandler et al., 2018): widen, filter each channel by itself, narrow.

    Where neither size nor width changes, the input is added. The output has no activation, so it lies around zero.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = c_in * expansion
        widen = [] if expansion == 1 else [nn.Conv2d(c_in, hidden, 1, bias=False), _norm(hidden), nn.ReLU6()]
        self.widen = nn.Sequential(*widen)
        self.depthwise = nn.Sequential(*_convolution(hidden, hidden, kernel, stride, hidden), _norm(hidden), nn.ReLU6())
        self.narrow = nn.Sequential(nn.Conv2d(hidden, c_out, 1, bias=False), _norm(c_out))
        self.adds_input = stride == 1 and c_in == c_out

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y2 x2"]:
        """The narrowed channels, with the input added where the shapes agree."""
        y = self.narrow(self.depthwise(self.widen(x)))
        return x + y if self.adds_input else y


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _convolution(c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """A convolution whose output has the input's (even) size divided by the stride, padded as TensorFlow does.

    With stride 2 that is one pixel less at the left and the top than at the right and the bottom; the weights were
    learned that way.
    """
    if stride == 1:
        return [nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False)]
    less, more = (kernel - stride) // 2, (kernel - stride + 1) // 2
    return [nn.ZeroPad2d((less, more, less, more)), nn.Conv2d(c_in, c_out, kernel, stride, groups=groups, bias=False)]


class EfficientNetLite0(nn.Module):
    """The encoder of the bundled models: EfficientNet-Lite0 up to stride 16, 0.70 M parameters.

    It is EfficientNet-B0 (Tan and Le, 2019) without squeeze-and-excitation and with ReLU6, made for small devices. The
    first eleven of its sixteen blocks reach stride 16; the features are what blocks 2, 4 and 10 put out, brought to the
    size of score maps: with ImageNet weights those outputs have standard deviations of 6 to 9, in which a new decoder
    does not find the maps (0 to 1) for hundreds of iterations.
    """

    channels = (24, 40, 112)
    scale = 1 / 8  # a power of two, which rounds nothing

    def __init__(self) -> None:
        super().__init__()
        grey, deviation = 127 / 255, 128 / 255
        self.normalise = Normalise((grey, grey, grey), (deviation, deviation, deviation))
        self.stem = nn.Sequential(*_convolution(3, 32, 3, 2), _norm(32), nn.ReLU6())
        c4, c8, c16 = self.channels
        self.stage4 = nn.Sequential(_blocks(1, 32, 16, 3, 1, expansion=1), _blocks(2, 16, c4, 3, 2))
        self.stage8 = _blocks(2, c4, c8, 5, 2)
        self.stage16 = nn.Sequential(_blocks(3, c8, 80, 3, 2), _blocks(3, 80, c16, 5, 1))

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Pyramid:
        """Features at strides 4, 8, 16 of an image in [0, 1]."""
        s4 = self.stage4(self.stem(self.normalise(image)))
        s8 = self.stage8(s4)
        return s4 * self.scale, s8 * self.scale, self.stage16(s8) * self.scale


def _blocks(count: int, c_in: int, c_out: int, kernel: int, stride: int, expansion: int = 6) -> nn.Sequential:
    """Blocks of one width; the first has the stride."""
    first = InvertedResidual(c_in, c_out, kernel, stride, expansion)
    return nn.Sequential(first, *[InvertedResidual(c_out, c_out, kernel, 1, expansion) for _ in range(count - 1)])


ENCODERS: dict[str, type[DenseNet121 | EfficientNetLite0]] = {
    "densenet121": DenseNet121,
    "efficientnet_lite0": EfficientNetLite0,
}
