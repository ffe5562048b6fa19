"""Matching: how similar is each place of this frame to what is remembered of an object (steps 2 and 4)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Key = Float[Tensor, "b c h w"]

MOST_AT_ONCE = {"cpu": 2**20}  # weighted products that ``best_match`` holds at a time: fits a cache; 2**26 elsewhere


class KeyHead(nn.Module):
    """A 1x1 convolution, then vectors of length one: their products are cosine similarities (step 2).

    As in the original there is no epsilon in the norm: a vector of zeros would give NaN rather than a silent zero.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 1)

    def forward(self, s16: Float[Tensor, "b c_in h w"]) -> Key:
        """The key of every grid position, of unit length over ``c``."""
        key = full_precision(self.conv(s16))
        return key / key.norm(dim=1, keepdim=True)


def full_precision(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """``x`` in float32 where it is a half type: similarities and templates are never computed in half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def affinity(query: Key, template: Key) -> Float[Tensor, "b q p"]:
    """The cosine similarity of every query position with every template position."""
    return query.flatten(2).transpose(1, 2) @ template.flatten(2)


class Products:
    """The products of one query frame with template keys, each computed once whoever asks.

    A product depends on no object and no region, so that all objects share it. Objects that entered in different
    frames differ in their first key, but the previous frame is the same for all.
    """

    def __init__(self, query: Key) -> None:
        self.query = query
        self._known: dict[tuple[int, bool], tuple[Key, Float[Tensor, "b q p"]]] = {}

    def plain(self, template: Key) -> Float[Tensor, "b q p"]:
        """The affinity with ``template``."""
        return self._once(template, None)

    def scaled(self, template: Key, scores: Float[Tensor, "q p"]) -> Float[Tensor, "b q p"]:
        """The affinity with ``template`` times the distance score of each pair of positions."""
        return self._once(template, scores)

    def forget(self, template: Key | None = None) -> None:
        """Give back the memory of the products with ``template``, or of all."""
        self._known = {
            name: one for name, one in self._known.items() if template is not None and one[0] is not template
        }

    def _once(self, template: Key, scores: Float[Tensor, "q p"] | None) -> Float[Tensor, "b q p"]:
        name = (id(template), scores is not None)
        if name not in self._known:
            product = affinity(self.query, template)
            if scores is not None:
                product = product * scores if torch.is_grad_enabled() else product.mul_(scores)
            self._known[name] = (template, product)  # keeps the id taken
        return self._known[name][1]


def best_match(product: Float[Tensor, "b q p"], mask: Float[Tensor, "b o r h w"]) -> Float[Tensor, "b o r h w"]:
    """For every query position and region the best product, weighted by how much of the region each template holds.

    ``max_p mask[r, p] * product[q, p]``. The weight is multiplied before the maximum is taken, so that a position
    outside the region scores 0 and negative similarities are pulled towards 0 (step 4).
    """
    b, o, r = mask.shape[:3]
    weight = mask.reshape(b, o * r, 1, -1)
    rows = max(1, MOST_AT_ONCE.get(mask.device.type, 2**26) // weight.numel())
    best = [(weight * some[:, None]).amax(-1) for some in product.split(rows, 1)]
    return torch.cat(best, -1).view(mask.shape)


def prototype_match(query: Key, prototypes: Float[Tensor, "b o r c"]) -> Float[Tensor, "b o r h w"]:
    """The cosine similarity of every query position with one unit vector per region."""
    return torch.einsum("bchw,borc->borhw", query, prototypes)


def grid_mask(regions: Float[Tensor, "b o 2 H W"], stride: int) -> Float[Tensor, "b o 2 h w"]:
    """The share of each grid cell that belongs to each region: average pooling (step 3)."""
    return F.avg_pool2d(regions.flatten(1, 2), stride).unflatten(1, regions.shape[1:3])
