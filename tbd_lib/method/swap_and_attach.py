"""Swap-and-attach: another clip's object becomes a distractor that occludes (training recipe)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def swap_and_attach(
    images: Float[Tensor, "b t 3 H W"],
    masks: Int64[Tensor, "b t H W"],
    prob: float,
    generator: torch.Generator,
    min_pixels: int = 1,
) -> tuple[Float[Tensor, "b t 3 H W"], Int64[Tensor, "b t H W"]]:
    """Paste another clip's object over a clip, frame by frame and where it stands: a distractor that occludes.

    With object image O and its mask M: ``image <- (1 - M) image + M O`` and ``mask <- (1 - M) mask``. The pasted object
    is background to its new clip. Per clip with probability ``prob``, from a random partner that is never the clip
    itself; a paste that would leave fewer than ``min_pixels`` of the target in the first frame is not made. (The
    original draws once per batch, always takes the neighbour, and with one clip erases the target.)
    """
    b = len(images)
    wanted = torch.rand(b, generator=generator) < prob
    partner = (torch.arange(b) + torch.randint(1, max(b, 2), (b,), generator=generator)) % b
    wanted &= partner != torch.arange(b)
    wanted, partner = (drawn.to(images.device, non_blocking=images.is_cuda) for drawn in (wanted, partner))
    pasted = masks[partner] > 0
    left = masks * ~pasted
    enough = (left[:, 0] > 0).sum((-2, -1)) >= min_pixels
    swap = wanted & enough
    pasted = pasted & swap[:, None, None, None]
    return torch.where(pasted[:, :, None], images[partner], images), masks * ~pasted
