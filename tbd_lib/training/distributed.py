"""One process or many: which one this is of those that ``torchrun`` started, and what they share."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from tbd_lib.errors import InputError

PATIENCE = timedelta(hours=2)  # for the one process that validates
T = TypeVar("T")


def is_first() -> bool:
    """Whether this is the only process, or the first of those that ``torchrun`` started: the one that prints."""
    return int(os.environ.get("RANK", "0")) == 0


def gradients_stay(learner: nn.Module) -> AbstractContextManager[None]:
    """While a part of a batch is computed that is not its last: the processes' gradients are not averaged yet."""
    return learner.no_sync() if isinstance(learner, DistributedDataParallel) else nullcontext()


@dataclass(frozen=True)
class World:
    """This process among all that train together."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, validates and shows progress."""
        return self.rank == 0

    def wrap(self, module: nn.Module, unused_parameters: bool) -> nn.Module:
        """The module, averaging its gradients over all processes where there are many."""
        if self.size == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, devices, find_unused_parameters=unused_parameters)

    def mean(self, value: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.size > 1:
            dist.all_reduce(value)
        return value / self.size

    def share(self, content: T) -> T:
        """What the first process has, in all of them."""
        box: list[Any] = [content]
        if self.size > 1:
            dist.broadcast_object_list(box, src=0)
        return box[0]


@contextmanager
def join(device: str | None = None) -> Iterator[World]:
    """Join the other processes, as ``torchrun`` names them in the environment; without it there is this one alone.

    Each process takes a GPU of its own where there is one (nccl), else the CPU (gloo).

    Args:
        device: for instance ``"cpu"``, ``"cuda"``, or for one process ``"cuda:1"``; a GPU if there is one, else the
            CPU, if None.

    Raises:
        InputError: a GPU is wanted and there is none, or one for many processes.
    """
    size, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"`device` {device}: PyTorch finds no GPU; expected one (Colab: Runtime, Change runtime type)")
    if chosen.type == "cuda" and chosen.index is None:
        chosen = torch.device("cuda", local)
    elif chosen.type == "cuda" and size > 1:
        raise InputError(f"`device` {device}: expected cuda, for each of the {size} processes takes a GPU of its own")
    if size == 1:
        yield World(0, 1, chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), size, chosen)
    finally:
        dist.destroy_process_group()
