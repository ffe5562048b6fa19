"""Functions through ``torch.compile``, as an option: fewer passes over memory, fewer kernels to start."""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import torch

from tbd_lib.engines.folding import Kept
from tbd_lib.errors import InputError

F = TypeVar("F", bound=Callable[..., object])

COMPILERS = ("c++", "g++", "clang++", "cl")  # of C++, one of which torch.compile needs on a CPU


class Compiler:
    """Gives functions back as they are or, once it is on, compiled: each once, when it is first called.

    The first call takes seconds to minutes, and so does the first one with another size, for which torch compiles a
    version for every size. A copy begins switched off.
    """

    def __init__(self) -> None:
        self.on = False
        self._known: defaultdict[str, Kept[Callable[..., object]]] = defaultdict(Kept)

    def switch_on(self, device: torch.device) -> None:
        """From now on functions come back compiled.

        Raises:
            InputError: on a CPU, without a C++ compiler: torch would say so at the first frame, in many lines.
        """
        named = os.environ.get("CXX")
        if device.type == "cpu" and not any(map(shutil.which, [named] if named else COMPILERS)):
            wanted = named or ", ".join(COMPILERS)
            raise InputError(f"--compile: found no C++ compiler ({wanted}); expected one, which torch.compile runs")
        self.on = True

    def __call__(self, role: str, function: F) -> F:
        """``function``, compiled if that is on; of each role the latest is kept."""
        if not self.on:
            return function
        return self._known[role].get(function, lambda: torch.compile(function))  # pyright: ignore[reportReturnType]

    def __deepcopy__(self, memo: dict[int, object]) -> "Compiler":
        return Compiler()
