"""What the library calls an argument, the command line calls a flag."""

import re
from dataclasses import fields

from tbd_lib.training.config import UNPREFIXED, TrainConfig

_PARTS = "|".join(part.name for part in fields(TrainConfig) if UNPREFIXED in getattr(part.type, "__metadata__", ()))
_ARGUMENT = re.compile(rf"`(?:(?:{_PARTS})\.)?([a-z_]+(?:\.[a-z_]+)*)`")


def with_flags(message: str) -> str:
    """An error's message with flags for the arguments in it: --hold-out for `hold_out` or `data.hold_out`."""
    return _ARGUMENT.sub(lambda found: "--" + found[1].replace("_", "-"), message)
