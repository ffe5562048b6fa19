"""Distillation: a small encoder learns to imitate a large, trained one (features of FitNets; Romero et al., 2015)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tbd_lib.method.encoder import Encoder

MOMENTUM = 0.99  # share of the old mean and deviation that is kept at each step


class Distillation(nn.Module):
    """How far the encoder in training is from its teacher, as a loss: one minus the cosine of their features.

    Compared are the teacher's features at stride 16 and a linear map of the pupil's, which is learned on the way and
    then thrown away. Each of the teacher's channels is first shifted and scaled by its mean and deviation over the
    pictures seen so far: otherwise what all places have in common would decide the cosine.

    Args:
        teacher: a frozen encoder. It is no part of this module: its weights are neither trained nor saved.
        width: channels of the pupil's features at stride 16.
    """

    mean: Tensor
    deviation: Tensor
    seen: Tensor

    def __init__(self, teacher: Encoder, width: int) -> None:
        super().__init__()
        self._teacher = (teacher,)  # in a tuple, since a module would become a part of this one
        self.map = nn.Conv2d(width, teacher.channels[2], 1)
        self.register_buffer("mean", torch.zeros(teacher.channels[2]))
        self.register_buffer("deviation", torch.ones(teacher.channels[2]))
        self.register_buffer("seen", torch.tensor(0))

    def forward(self, images: Float[Tensor, "b 3 H W"], s16: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
        """The loss, between 0 and 2, for images in [0, 1] and the pupil's features of them."""
        with torch.no_grad():
            wanted = self._teacher[0](images)[2].float()
            self._learn_scale(wanted)
            wanted = (wanted - self.mean[:, None, None]) / self.deviation[:, None, None]
        return 1 - F.cosine_similarity(self.map(s16).float(), wanted, dim=1).mean()

    def _learn_scale(self, wanted: Float[Tensor, "b d h w"]) -> None:
        """Follow mean and deviation per channel; the first pictures count in full."""
        keep = min(MOMENTUM, 1 - 1 / (1 + int(self.seen)))
        self.mean.lerp_(wanted.mean((0, 2, 3)), 1 - keep)
        self.deviation.lerp_(wanted.std((0, 2, 3)).clamp(min=1e-3), 1 - keep)
        self.seen += 1
