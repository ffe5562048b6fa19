"""What training minimises: the cross-entropy of every frame after the first (training recipe)."""

import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor


def region_masks(mask: Int64[Tensor, "b H W"]) -> Float[Tensor, "b 1 2 H W"]:
    """Background and foreground of a single object, from its 0/1 mask."""
    return F.one_hot(mask, 2).permute(0, 3, 1, 2)[:, None].float()


def clip_loss(logits: Float[Tensor, "b t 2 H W"], masks: Int64[Tensor, "b t H W"]) -> Float[Tensor, ""]:
    """The mean cross-entropy over clips, frames and pixels, in nats.

    Args:
        logits: of background and foreground, for the frames after the first.
        masks: of the same frames, 1 where the object is.
    """
    return F.cross_entropy(logits.flatten(0, 1), masks.flatten(0, 1))
