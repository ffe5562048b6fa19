"""Errors that people can act on: each message names the file or setting, the value found and what was expected.

Arguments and settings stand in backquotes, as a program writes them: `overwrite`, `data.batch`. The command line puts
its flags in their place (``tbd_lib.cli.flags``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class InputError(ValueError):
    """Input that cannot be used. The message is one line: the file or setting, the value found, what was expected."""


class TrainingError(RuntimeError):
    """Training cannot go on. The message is one line: what happened at which iteration, and what is kept."""


class MissingExtraError(ImportError):
    """A library of an optional part is not installed. The message is one line: which one, and what installs it."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Imports of libraries that only one part of the package needs: ``with extra("video"): import av``.

    Args:
        name: the extra of ``pyproject.toml`` that installs them.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the library {error.name} is not installed; expected the extra {name!r}: pip install 'tbd-lib[{name}]'",
            name=error.name,
        ) from error


def named(names: Sequence[str], most: int = 10) -> str:
    """Names in one line, and how many more there are."""
    return ", ".join(names[:most]) + f" and {len(names) - most:,} more" * (len(names) > most)


MEMORY_IS_FULL = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")
"""In errors of CUDA, and in those of PyTorch and ONNX Runtime on a CPU, which have no class for it."""


def is_full_memory(error: Exception) -> bool:
    """Whether an error says that a GPU's or the machine's memory is full."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in MEMORY_IS_FULL)


def first_sentence(error: Exception) -> str:
    """What an error of PyTorch says before its advice; its class if it says nothing."""
    return str(error).partition("\n")[0].partition(". GPU")[0] or type(error).__name__
