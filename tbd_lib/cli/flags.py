"""What the library calls an argument, the command line calls a flag; and how the text of a path is read."""

import re
from dataclasses import fields
from pathlib import Path

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from tbd_lib.files import at_home
from tbd_lib.training.config import UNPREFIXED, TrainConfig

_PARTS = "|".join(part.name for part in fields(TrainConfig) if UNPREFIXED in getattr(part.type, "__metadata__", ()))
_ARGUMENT = re.compile(rf"`(?:(?:{_PARTS})\.)?([a-z_]+(?:\.[a-z_]+)*)`")

PATHS = ConstructorRegistry()
"""Every path on the command line may begin with ``~``, also where the shell does not see it: ``--out=~/tracked``."""


@PATHS.primitive_rule
def _path(type_info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    if type_info.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda texts: at_home(texts[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda path: [str(path)],
    )


def with_flags(message: str) -> str:
    """An error's message with flags for the arguments in it: --hold-out for `hold_out` or `data.hold_out`."""
    return _ARGUMENT.sub(lambda found: "--" + found[1].replace("_", "-"), message)
