"""Properties of the encoders."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from tbd_lib.method.encoder import ENCODERS, IMAGENET_MEAN, DenseNet121, EfficientNetLite0, InvertedResidual


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_strides_and_channels_are_as_promised(name: str) -> None:
    encoder = ENCODERS[name]().eval()
    pyramid = encoder(torch.rand(1, 3, 64, 96))
    assert [tuple(level.shape) for level in pyramid] == [
        (1, c, 64 // s, 96 // s) for c, s in zip(encoder.channels, (4, 8, 16), strict=True)
    ]


def test_paper_widths() -> None:
    assert ENCODERS["densenet121"].channels == (256, 512, 1024)


@pytest.mark.parametrize(("name", "grey"), [("densenet121", IMAGENET_MEAN), ("efficientnet_lite0", (127 / 255,) * 3)])
def test_the_encoder_normalises_by_itself(name: str, grey: tuple[float, ...]) -> None:
    """A picture of the mean colour that its weights were learned with is all zeros to the first convolution."""
    picture = torch.tensor(grey).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    torch.testing.assert_close(ENCODERS[name]().normalise(picture), torch.zeros(1, 3, 32, 32))


def test_dense_normalising_is_by_the_imagenet_deviation() -> None:
    white = DenseNet121().normalise(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]))


def test_lite_pictures_lie_between_minus_one_and_one() -> None:
    normalise = EfficientNetLite0().normalise
    torch.testing.assert_close(normalise(torch.zeros(1, 3, 1, 1)), torch.full((1, 3, 1, 1), -127 / 128))
    torch.testing.assert_close(normalise(torch.ones(1, 3, 1, 1)), torch.ones(1, 3, 1, 1))


def test_the_lite_encoder_has_the_parameters_of_its_eleven_blocks() -> None:
    """Counted from the definition: kernel, channels and expansion of each block, and two norms or three."""
    blocks = [(3, 32, 16, 1), (3, 16, 24, 6), (3, 24, 24, 6), (5, 24, 40, 6), (5, 40, 40, 6)]
    blocks += [(3, 40, 80, 6), (3, 80, 80, 6), (3, 80, 80, 6), (5, 80, 112, 6), (5, 112, 112, 6), (5, 112, 112, 6)]
    count = 27 * 32 + 2 * 32
    for kernel, c_in, c_out, expansion in blocks:
        wide = c_in * expansion
        count += (c_in + 2) * wide * (expansion > 1) + (kernel**2 + 2) * wide + (wide + 2) * c_out
    assert sum(parameter.numel() for parameter in EfficientNetLite0().parameters()) == count


@pytest.mark.parametrize("kernel", [3, 5])
def test_lite_convolutions_of_stride_two_are_centred_on_odd_pixels(kernel: int) -> None:
    """As TensorFlow pads: with the middle weight alone the last output is the last pixel, not the one before."""
    layers = pairwise(EfficientNetLite0().modules())
    pairs = [(a, b) for a, b in layers if isinstance(a, nn.ZeroPad2d) and isinstance(b, nn.Conv2d)]
    chosen = [(pad, convolution) for pad, convolution in pairs if convolution.kernel_size == (kernel, kernel)]
    assert chosen
    for pad, convolution in chosen:
        nn.init.zeros_(convolution.weight)
        convolution.weight.data[..., kernel // 2, kernel // 2] = 1 / convolution.weight.shape[1]
        image = torch.rand(1, 1, 16, 16).expand(-1, convolution.in_channels, -1, -1)
        torch.testing.assert_close(convolution(pad(image))[0, 0], image[0, 0, 1::2, 1::2])


def test_blocks_that_keep_their_shape_add_their_input() -> None:
    encoder = EfficientNetLite0().eval()
    first, second = encoder.stage8
    assert isinstance(first, InvertedResidual) and isinstance(second, InvertedResidual)
    for block in (first, second):
        nn.init.zeros_(block.narrow.get_parameter("1.weight"))
    x = torch.rand(1, 24, 8, 8)
    y = first(x)
    assert not y.any()  # from 24 to 40 channels at half the size: nothing to add
    same = torch.rand(1, 40, 4, 4)
    assert torch.equal(second(same), same)
