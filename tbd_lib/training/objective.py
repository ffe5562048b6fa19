"""What is minimised: clips in, a loss out. It is a module, so that many processes can average its gradients."""

from collections.abc import Sequence
from dataclasses import replace

from jaxtyping import Float, Int64
from torch import Tensor, nn

from tbd_lib.method.loss import clip_loss, region_masks
from tbd_lib.method.model import TBD, Features


class Objective(nn.Module):
    """The cross-entropy of a model's masks in all frames after the first."""

    def __init__(self, model: TBD) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, images: Float[Tensor, "b t 3 H W"], masks: Int64[Tensor, "b t H W"], context: float = 1.0
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The loss, and the mean intersection over union after the first frame (which has no gradient).

        Args:
            images: in [0, 1].
            masks: 1 where the object is, 0 elsewhere.
            context: share of the image's features that the decoder sees, see ``dimmed``.
        """
        return self.of_features(self.model.encode_clip(images), masks, context)

    def of_features(
        self, frames: Sequence[Features], masks: Int64[Tensor, "b t H W"], context: float = 1.0
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """``forward`` for frames that are encoded already."""
        shown = frames if context == 1 else [dimmed(frame, context) for frame in frames]
        logits = self.model.follow(shown, region_masks(masks[:, 0]).to(frames[0].key))[:, :, 0]
        return clip_loss(logits, masks[:, 1:]), intersection_over_union(logits.detach(), masks[:, 1:])


def dimmed(features: Features, share: float) -> Features:
    """The features of a frame, weakened for the decoder; the key, and so all matching, stays.

    Only at the start of a training from scratch, where the decoder has to learn first what an object's maps mean.
    """
    return replace(features, s4=features.s4 * share, s8=features.s8 * share, s16=features.s16 * share)


def intersection_over_union(logits: Float[Tensor, "b t 2 H W"], masks: Int64[Tensor, "b t H W"]) -> Float[Tensor, ""]:
    """Mean over clips of the foreground's intersection over union, over all frames of a clip together."""
    predicted, true = logits[:, :, 1] > logits[:, :, 0], masks > 0
    both, either = (predicted & true).sum((1, 2, 3)), (predicted | true).sum((1, 2, 3)).clamp(min=1)
    return (both / either).mean()
