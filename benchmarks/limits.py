"""What a machine can do at most, and what a piece of work asks of it: operations, bytes and seconds."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

SIDE = 2048  # of the squares whose product tells the peak of arithmetic
STILL = {torch.ops.aten._unsafe_view, torch.ops.aten.empty, torch.ops.aten.new_empty}  # a view as well; reserved only
LONG = 2**25  # numbers whose copy tells the peak of memory
WARM_UP = 3  # rounds


class Moved(TorchDispatchMode):
    """Counts the bytes of what every operation reads and writes; a view moves none."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count what it touches."""
        out = func(*args, **(kwargs or {}))
        if not func.is_view and func.overloadpacket not in STILL:
            self.bytes += sum(leaf.nbytes for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor))
        return out


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_seconds(work: Callable[[], object], device: torch.device, rounds: int = 7) -> float:
    """The median of some rounds, after a few that do not count: until then every one takes new memory."""
    times = []
    for _ in range(WARM_UP + rounds):
        synchronise(device)
        start = perf_counter()
        work()
        synchronise(device)
        times.append(perf_counter() - start)
    return median(times[WARM_UP:])


def cost_of(work: Callable[[], object]) -> dict[str, int]:
    """Floating-point operations of convolutions and products, and bytes that all operations touch."""
    with FlopCounterMode(display=False) as counter:
        work()
    with Moved() as moved:
        work()
    return {"operations": counter.get_total_flops(), "bytes": moved.bytes}


def limits(device: torch.device) -> dict[str, float]:
    """Measured peaks: operations per second of a large product and convolution; bytes per second of a copy."""
    squares = [torch.rand(SIDE, SIDE, device=device) for _ in range(2)]
    halves = [square.bfloat16() for square in squares]
    maps, kernel = torch.rand(1, 256, 120, 216, device=device), torch.rand(256, 256, 3, 3, device=device)
    long, copy = torch.rand(LONG, device=device), torch.empty(LONG, device=device)
    times = {
        "product": (2 * SIDE**3, lambda: squares[0] @ squares[1]),
        "product in bfloat16": (2 * SIDE**3, lambda: halves[0] @ halves[1]),
        "convolution": (2 * 256**2 * 9 * 120 * 216, lambda: torch.conv2d(maps, kernel, padding=1)),
        "copied bytes": (8 * LONG, lambda: copy.copy_(long)),
    }
    return {f"{name} per second": count / median_seconds(work, device) for name, (count, work) in times.items()}
