"""A single run at a time writes below a root."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tbd_lib.errors import extra

with extra("prepare"):
    from filelock import FileLock, Timeout

LOCK = ".tbd-prepare.lock"


@contextmanager
def locked(root: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run writes below this root, then keep others waiting.

    The operating system holds the lock, so it ends with its process, however that ends; the empty file stays.

    Args:
        root: folder of all data sets; it is made.
        say: takes a line for the user if there is another run to wait for.

    Raises:
        OSError: no right to write.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / LOCK)
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        say(f"{root}: another tbd prepare is at work there; waiting until it ends (Ctrl-C to leave)")
        held = lock.acquire()
    with held:
        yield
