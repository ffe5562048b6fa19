"""What a tracker asks of a model: five verbs. The plain form and every engine answer to them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from tbd_lib.errors import InputError
from tbd_lib.method.model import TBD, Features
from tbd_lib.method.templates import Templates

T = TypeVar("T")


@runtime_checkable
class Segmenter(Protocol):
    """The method's verbs (``docs/method.md``, steps 1 to 5 and 7), however they are computed."""

    @property
    def device(self) -> torch.device:
        """Where images and masks are expected."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The type in which images and masks are expected."""
        ...

    def encode(self, image: Float[Tensor, "b 3 H W"]) -> Features:
        """Features of an image in [0, 1] whose sides are multiples of 16."""
        ...

    def start(self, features: Features, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates of objects that are given in this frame."""
        ...

    def match(self, features: Features, templates: Templates) -> Float[Tensor, "b o 10 h w"]:
        """Ten score maps per object."""
        ...

    def segment(
        self, features: Features, templates: Templates, scores: Float[Tensor, "b o 10 h w"] | None = None
    ) -> Float[Tensor, "b o 2 H W"]:
        """Logits of background and foreground per object; ``scores`` where ``match`` has given them before."""
        ...

    def update(self, features: Features, templates: Templates, regions: Float[Tensor, "b o 2 H W"]) -> Templates:
        """Templates after this frame, in which the objects have these region masks."""
        ...


def require_model(model: object) -> None:
    """Refuse what is no model before an engine is made of it.

    Raises:
        InputError: its weights' path, above all, or an engine.
    """
    if not isinstance(model, TBD):
        found = type(model).__name__
        raise InputError(f"`model` is {found}; expected a model, as load_checkpoint(path) gives it")


@dataclass(frozen=True)
class FrameFeatures(Features):
    """A frame's features in an engine, with what has been made of them for all objects."""

    made: dict[str, tuple[object, object, Any]] = field(
        default_factory=dict[str, tuple[object, object, Any]], repr=False, compare=False
    )


def once(engine: object, features: Features, name: str, source: object, make: Callable[[], T]) -> T:
    """What is the same for all objects of a frame: made at the first request, and anew for another engine or source.

    Args:
        engine: that makes it; features may be passed on to another one.
        features: of the frame; those of a part of a frame remember nothing.
        name: of what is made.
        source: what it is made of, beside the features.
        make: makes it.
    """
    if not isinstance(features, FrameFeatures):
        return make()
    found = features.made.get(name)
    if found is None or found[0] is not engine or found[1] is not source:
        features.made[name] = found = (engine, source, make())
    return found[2]
