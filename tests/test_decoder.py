"""Properties of the decoder."""

import torch
import torch.nn.functional as F
from torch import Tensor

from tbd_lib.method.decoder import CBAM, Decoder, Stage

CHANNELS = (5, 6, 7)


def inputs(o: int = 3, h: int = 2, w: int = 3) -> tuple[list[Tensor], Tensor, Tensor]:
    sizes = [(5, 4 * h, 4 * w), (6, 2 * h, 2 * w), (7, h, w)]
    features = [torch.randn(1, *size, dtype=torch.float64) for size in sizes]
    return features, torch.randn(1, o, 10, h, w, dtype=torch.float64), torch.rand(1, o, 2, h, w, dtype=torch.float64)


def test_a_stage_blends_features_and_maps_together() -> None:
    """By the definition: narrow, join, blend, attend, enlarge (step 5)."""
    stage = Stage(7, 12, 8, 4, 2).double()
    features, maps = torch.randn(1, 7, 3, 4, dtype=torch.float64), torch.randn(1, 12, 3, 4, dtype=torch.float64)
    narrow = F.conv2d(features, stage.reduce.weight, stage.reduce.bias).clamp(min=0)
    joined = F.conv2d(torch.cat([narrow, maps], 1), stage.blend.weight, stage.blend.bias, padding=1).clamp(min=0)
    enlarged = stage.enlarge(stage.attend(joined))
    torch.testing.assert_close(stage(features, maps), enlarged)
    assert enlarged.shape == (1, 2, 6, 8)


def test_output_is_sixteen_times_the_grid_in_two_maps() -> None:
    features, scores, mask = inputs()
    decoder = Decoder(CHANNELS, 8, 4).double()
    assert decoder(*features, scores, mask).shape == (1, 3, 2, 32, 48)


def test_objects_do_not_see_each_other() -> None:
    features, scores, mask = inputs()
    decoder = Decoder(CHANNELS, 8, 4).double()
    together = decoder(*features, scores, mask)
    for o in range(3):
        torch.testing.assert_close(together[:, o : o + 1], decoder(*features, scores[:, [o]], mask[:, [o]]))


def test_attention_gates_by_channel_then_by_place() -> None:
    attention = CBAM(6, 4).double()
    x = torch.randn(2, 6, 5, 4, dtype=torch.float64)
    y = attention.conv(x)
    mlp = attention.channel_gate
    y = y * torch.sigmoid(mlp(F.adaptive_avg_pool2d(y, 1)) + mlp(F.adaptive_max_pool2d(y, 1)))
    summary = torch.stack([y.mean(1), y.max(1).values], 1)
    torch.testing.assert_close(attention(x), y * torch.sigmoid(attention.spatial_gate(summary)))


def test_layers_start_kaiming_uniform_with_zero_bias() -> None:
    torch.manual_seed(0)
    decoder = Decoder(CHANNELS, 64, 4)
    weight = decoder.stage16.attend.conv.weight
    bound = (6 / (64 * 9)) ** 0.5
    assert 0.99 * bound < weight.abs().max() <= bound
    assert all((p == 0).all() for name, p in decoder.named_parameters() if name.endswith("bias"))
