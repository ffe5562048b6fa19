"""The heads that are compared: all ideas in place, and each of them left out, frozen or begun elsewhere."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import torch

from tbd_lib.method.config import SMALL, ModelConfig, Template
from tbd_lib.method.distance import DistanceScorer
from tbd_lib.method.model import TBD, build_model

SWAP = 0.3  # share of the clips over which another clip's object is pasted
MANY, FEW = (0, 1, 2, 3, 4), (0, 1, 2)  # seeds
FINE: tuple[Template, ...] = ("global", "local")


@dataclass(frozen=True)
class Variant:
    """A way to train the head.

    ``begins`` is the distance scorer's start: our falling curve, or the random one that PyTorch draws. Of ``fixed``
    parts the weights stay as they begin.
    """

    model: ModelConfig = SMALL
    swap: float = SWAP
    begins: Literal["falling", "random"] = "falling"
    fixed: tuple[Literal["distance", "inertia"], ...] = ()
    seeds: tuple[int, ...] = FEW


def keeping(*templates: Template, seeds: tuple[int, ...] = FEW) -> Variant:
    """Only these templates are matched; the score maps of the others are zero."""
    return Variant(replace(SMALL, templates=templates), seeds=seeds)


def without(template: Template) -> Variant:
    """All templates but one."""
    return keeping(*(kind for kind in get_args(Template) if kind != template))


VARIANTS = {
    "full": Variant(seeds=MANY),
    "without swap-and-attach": Variant(swap=0.0, seeds=MANY),
    "without the distance score": Variant(replace(SMALL, distance_score=False), seeds=MANY),
    "distance score not learned": Variant(fixed=("distance",), seeds=MANY),
    "distance score from a random start": Variant(begins="random"),
    "fine templates only": keeping(*FINE, seeds=MANY),
    "coarse templates only": keeping("overall", "short", "long"),
    "global only": keeping("global"),
    "local only": keeping("local"),
    "without overall": without("overall"),
    "without short": without("short"),
    "without long": without("long"),
    "inertias not learned": Variant(fixed=("inertia",)),
}

CURVE = (150, 300, 600)  # iterations after which a head is scored
LONG_CURVE = (2400,)  # of heads that are trained four times as long: these, each from two seeds
LONGER = ("full", "without swap-and-attach", "without the distance score", "fine templates only")
TWO = (0, 1)


@dataclass(frozen=True)
class Run:
    """The training of a variant from a seed, or the one of four times as many iterations."""

    variant: str
    seed: int
    longer: bool = False

    @property
    def stops(self) -> tuple[int, ...]:
        """Iterations after which it is scored."""
        return LONG_CURVE if self.longer else CURVE

    def folder(self, out: Path) -> Path:
        """Where its weights and scores lie."""
        words = re.findall(r"[a-z]+", self.variant)
        return out / "-".join([*words, str(self.seed), *["longer"] * self.longer])

    def result(self, out: Path) -> Path:
        """Its scores, which are there once it is done."""
        return self.folder(out) / "result.json"


RUNS = [Run(name, seed) for seed in MANY for name, variant in VARIANTS.items() if seed in variant.seeds]
RUNS += [Run(name, seed, longer=True) for seed in TWO for name in LONGER]


def begin(variant: Variant, seed: int) -> TBD:
    """The untrained model of a variant: of one seed all variants begin with the same weights, where these count."""
    torch.manual_seed(seed)
    model = build_model(variant.model)
    if variant.begins == "random":
        drawn = DistanceScorer(variant.model.distance_units)
        for layer in (drawn.hidden, drawn.out):
            layer.reset_parameters()
        model.distance.load_state_dict(drawn.state_dict())
    for name, weight in model.named_parameters():
        if any(part in name for part in variant.fixed):
            weight.requires_grad_(False)
    return model
