"""Reading and writing beside computing: threads that run ahead or behind, and whose errors are not lost."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")
END = object()


def prefetch(items: Iterable[T], count: int = 2) -> Iterator[T]:
    """The same items, read by a thread that is up to ``count`` items ahead.

    An error while reading is raised where its item would have come. Whoever stops early lets no more than ``count``
    items be read in vain.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1, "read") as reader:
        coming = deque(reader.submit(next, iterator, END) for _ in range(count))
        while (item := coming.popleft().result()) is not END:
            coming.append(reader.submit(next, iterator, END))
            yield cast(T, item)


class BackgroundWriter:
    """A context in which work is handed to threads, done when it ends.

    An error of any piece is raised by a later ``submit``, or at the end at the latest; unless the context ends with an
    error of its own, which goes first.

    Args:
        threads: how many pieces are worked at together.
        waiting: how many may wait beyond those before ``submit`` waits too: they hold memory.
    """

    def __init__(self, threads: int = 2, waiting: int = 4) -> None:
        self._pool = ThreadPoolExecutor(threads, "write")
        self._most = threads + waiting
        self._pending: deque[Future[object]] = deque()

    def submit(self, work: Callable[..., object], *args: object) -> None:
        """Call ``work(*args)`` in a thread, soon."""
        while self._pending and (len(self._pending) >= self._most or self._pending[0].done()):
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(work, *args))

    def __enter__(self) -> "BackgroundWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._pool.shutdown(wait=True)
        if kind is None:
            for piece in self._pending:
                piece.result()
