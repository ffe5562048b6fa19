"""What is minimised: clips in, a loss out. A module of its own, so that many processes can share its gradients."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from tbd_lib.method.model import TBD
from tbd_lib.training.distillation import Imitation


class Objective(nn.Module):
    """The cross-entropy of all frames after the first, plus, with a teacher, how far the encoder is from imitating it.

    Args:
        model: what is trained.
        imitation: the teacher and what leads to it; None without one.
        weight: of the imitation's loss.
        pictures: frames of every clip that are compared with the teacher's.
    """

    def __init__(self, model: TBD, imitation: Imitation | None = None, weight: float = 0.0, pictures: int = 2) -> None:
        super().__init__()
        self.model, self.imitation = model, imitation
        self.weight, self.pictures = weight, pictures

    def forward(
        self, images: Float[Tensor, "b t 3 H W"], masks: Int64[Tensor, "b t H W"], context: float = 1.0
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The loss, and the mean intersection over union after the first frame (which has no gradient).

        Args:
            images: in [0, 1].
            masks: 1 where the object is, 0 elsewhere.
            context: how much the decoder sees of the image's features, see ``TBD.forward``.
        """
        frames = self.model.encode_clip(images, context)
        logits = self.model.follow(frames, region_masks(masks[:, 0]).to(images))[:, :, 0]
        loss = F.cross_entropy(logits.flatten(0, 1), masks[:, 1:].flatten(0, 1))
        if self.imitation is not None:
            shown = slice(0, self.pictures)
            features = torch.stack([frame.s16 for frame in frames[shown]], 1)
            loss = loss + self.weight * self.imitation(images[:, shown].flatten(0, 1), features.flatten(0, 1))
        return loss, intersection_over_union(logits.detach(), masks[:, 1:])


def region_masks(mask: Int64[Tensor, "b H W"]) -> Float[Tensor, "b 1 2 H W"]:
    """Background and foreground of a single object, from its 0/1 mask."""
    return F.one_hot(mask, 2).permute(0, 3, 1, 2)[:, None].float()


def intersection_over_union(logits: Float[Tensor, "b t 2 H W"], masks: Int64[Tensor, "b t H W"]) -> Float[Tensor, ""]:
    """Mean over clips of the foreground's intersection over union, over all frames of a clip together."""
    predicted, true = logits[:, :, 1] > logits[:, :, 0], masks > 0
    both, either = (predicted & true).sum((1, 2, 3)), (predicted | true).sum((1, 2, 3)).clamp(min=1)
    return (both / either).mean()
