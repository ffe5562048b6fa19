"""Properties of the encoders."""

import pytest
import torch

from tbd_lib.method.encoder import ENCODERS, IMAGENET_MEAN, SmallEncoder


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_strides_and_channels_are_as_promised(name: str) -> None:
    encoder = ENCODERS[name]().eval()
    pyramid = encoder(torch.rand(1, 3, 64, 96))
    assert [tuple(level.shape) for level in pyramid] == [
        (1, c, 64 // s, 96 // s) for c, s in zip(encoder.channels, (4, 8, 16), strict=True)
    ]


def test_paper_widths() -> None:
    assert ENCODERS["densenet121"].channels == (256, 512, 1024)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_the_encoder_normalises_by_itself(name: str) -> None:
    """A picture of ImageNet's mean colour is all zeros to the first convolution."""
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    torch.testing.assert_close(ENCODERS[name]().normalise(mean), torch.zeros(1, 3, 32, 32))


def test_the_small_encoder_is_small() -> None:
    count = sum(parameter.numel() for parameter in SmallEncoder().parameters())
    assert 1_000_000 < count < 2_000_000


def test_a_small_key_sees_191_pixels() -> None:
    """The receptive field that the docstring states, measured through gradients."""
    encoder = SmallEncoder().eval()
    for norm in encoder.modules():
        if isinstance(norm, torch.nn.Conv2d):
            torch.nn.init.constant_(norm.weight, 0.01)
    image = torch.full((1, 3, 512, 512), 0.9, requires_grad=True)
    encoder(image)[2][0, :, 16, 16].sum().backward()
    assert image.grad is not None
    seen = (image.grad.abs().sum((0, 1)) > 0).any(0).nonzero()
    assert int(seen.max() - seen.min()) + 1 == 191
