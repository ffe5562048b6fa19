"""Distillation is learned by a linear map, and the teacher stays outside."""

import torch
from torch import Tensor, nn

from tbd_lib.training.distillation import Distillation


class Teacher(nn.Module):
    """Features with means and scales far apart."""

    channels = (1, 1, 4)

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 4, 16, 16)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        s16 = self.mix(image) * torch.tensor([1.0, 10.0, 0.1, 5.0])[:, None, None] + 100
        return s16, s16, s16


def test_a_pupil_that_knows_all_brings_the_loss_to_zero() -> None:
    torch.manual_seed(0)
    teacher, images = Teacher(), torch.rand(8, 3, 64, 64)
    distillation = Distillation(teacher, 4)
    with torch.no_grad():
        known = teacher.mix(images)
    optimiser = torch.optim.Adam(distillation.parameters(), 0.05)
    first = distillation(images, known).item()
    loss = torch.tensor(first)
    for _ in range(200):
        loss = distillation(images, known)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert first > 0.3 and loss.item() < 0.02


def test_all_channels_count_alike() -> None:
    """Mean and deviation of each channel of what is imitated are 0 and 1, whatever the teacher's."""
    torch.manual_seed(0)
    teacher, images = Teacher(), torch.rand(8, 3, 64, 64)
    distillation = Distillation(teacher, 4)
    distillation(images, torch.rand(8, 4, 4, 4))
    with torch.no_grad():
        features = teacher(images)[2]
    scaled = (features - distillation.mean[:, None, None]) / distillation.deviation[:, None, None]
    assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(4), atol=1e-3)


def test_the_teacher_is_neither_trained_nor_saved() -> None:
    teacher = Teacher()
    distillation = Distillation(teacher, 4)
    distillation(torch.rand(1, 3, 32, 32), torch.rand(1, 4, 2, 2)).backward()
    assert teacher.mix.weight.grad is None
    assert set(distillation.state_dict()) == {"map.weight", "map.bias", "mean", "deviation", "seen"}
