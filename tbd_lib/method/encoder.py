"""Encoders: an image becomes features at strides 4, 8 and 16 (``docs/method.md``, step 1).

Any module can be injected that maps an image in [0, 1] to three feature maps at strides 4, 8 and 16, and names their
widths in ``channels``. Normalising the image is the encoder's own business.
"""

from copy import deepcopy
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tbd_lib.engines.folding import ClampedConv, FoldedBlock, fold_sequence

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


class _Normalise(nn.Module):
    """Subtracts the ImageNet mean and divides by the deviation, per colour."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Float[Tensor, "b 3 H W"]:
        return (image - self.mean) / self.std


class DenseNet121(nn.Module):
    """The paper's encoder: DenseNet-121 (Huang et al., 2017) up to its third dense block.

    The features are what the dense blocks put out, before the transition that follows (which normalises and pools).
    """

    channels = (256, 512, 1024)

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import densenet121  # 160 MB of memory, which the small model does without

        layers = dict(densenet121(weights=None).features.named_children())
        self.normalise = _Normalise()
        self.stem = nn.Sequential(layers["conv0"], layers["norm0"], layers["relu0"], layers["pool0"])
        self.block1, self.transition1 = layers["denseblock1"], layers["transition1"]
        self.block2, self.transition2 = layers["denseblock2"], layers["transition2"]
        self.block3 = layers["denseblock3"]

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Pyramid:
        """Features at strides 4, 8, 16 of an image in [0, 1]."""
        s4 = self.block1(self.stem(self.normalise(image)))
        s8 = self.block2(self.transition1(s4))
        s16 = self.block3(self.transition2(s8))
        return s4, s8, s16

    @torch.no_grad()
    def folded(self) -> "DenseNet121":
        """A copy for inference that computes the same without batch norms."""
        twin = deepcopy(self).eval()
        twin.stem = fold_sequence(twin.stem)
        for name, part in self.named_children():
            if name.startswith("block"):
                setattr(twin, name, FoldedBlock(deepcopy(part).eval()))
            elif name.startswith("transition"):
                norm, _, conv, _ = part.children()
                assert isinstance(norm, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d)
                setattr(twin, name, ClampedConv(norm, conv, pool=2))
        return twin.requires_grad_(False).to(memory_format=torch.channels_last)


class _Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016); the shortcut is pooled and widened where needed."""

    def __init__(self, c_in: int, c_out: int, stride: int, last: bool = False) -> None:
        super().__init__()
        self.activate = nn.Identity() if last else nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        self.shortcut = nn.Identity()
        if stride > 1 or c_in != c_out:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Float[Tensor, "b c_in y x"]) -> Float[Tensor, "b c_out y2 x2"]:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
        y += self.shortcut(x)
        return self.activate(y)

    def fold(self) -> None:
        """Become the block for inference that computes the same without batch norms."""
        self.conv1, self.norm1 = fold_sequence(nn.Sequential(self.conv1, self.norm1)), nn.Identity()
        self.conv2, self.norm2 = fold_sequence(nn.Sequential(self.conv2, self.norm2)), nn.Identity()
        if isinstance(self.shortcut, nn.Sequential):
            self.shortcut = fold_sequence(self.shortcut)


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
        self.normalise = _Normalise()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 24, 3, 2, 1, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(inplace=True),
            nn.Conv2d(24, c4, 3, 2, 1, bias=False),
            nn.BatchNorm2d(c4),
            nn.ReLU(inplace=True),
        )
        self.stage4 = _Residual(c4, c4, 1)
        self.stage8 = nn.Sequential(_Residual(c4, c8, 2), _Residual(c8, c8, 1))
        self.stage16 = nn.Sequential(_Residual(c8, c16, 2), _Residual(c16, c16, 1, last=True))

    def forward(self, image: Float[Tensor, "b 3 H W"]) -> Pyramid:
        """Features at strides 4, 8, 16 of an image in [0, 1]."""
        s4 = self.stage4(self.stem(self.normalise(image)))
        s8 = self.stage8(s4)
        return s4, s8, self.stage16(s8)

    @torch.no_grad()
    def folded(self) -> "SmallEncoder":
        """A copy for inference that computes the same without batch norms."""
        twin = deepcopy(self).eval()
        twin.stem = fold_sequence(twin.stem)
        for block in twin.modules():
            if isinstance(block, _Residual):
                block.fold()
        return twin.requires_grad_(False).to(memory_format=torch.channels_last)


ENCODERS: dict[str, type[DenseNet121 | SmallEncoder]] = {"densenet121": DenseNet121, "small": SmallEncoder}
