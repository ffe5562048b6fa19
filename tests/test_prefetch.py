"""Threads that read ahead and write behind: nothing is lost, reordered or held without end."""

import threading
from collections.abc import Iterator
from time import sleep

import pytest

from tbd_lib.video.prefetch import BackgroundWriter, prefetch


def test_items_come_in_order_and_are_read_by_another_thread() -> None:
    threads = set()

    def items() -> Iterator[int]:
        for number in range(20):
            threads.add(threading.get_ident())
            yield number

    assert list(prefetch(items())) == list(range(20))
    assert len(threads) == 1 and threading.get_ident() not in threads
    assert list(prefetch([])) == []


def test_only_so_many_are_read_ahead() -> None:
    read = []
    coming = prefetch((read.append(number) or number for number in range(50)), count=3)
    for wanted in range(5):
        assert next(coming) == wanted
        sleep(0.02)  # time enough to run away
        assert len(read) <= wanted + 1 + 3
    coming.close()  # type: ignore[attr-defined]
    assert len(read) <= 8


def test_an_error_while_reading_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise OSError("the disk is gone")

    coming, found = prefetch(items()), []
    with pytest.raises(OSError, match="the disk is gone"):
        for item in coming:
            found.append(item)
    assert found == [1, 2]


def test_work_is_done_by_the_end() -> None:
    done = []
    with BackgroundWriter(threads=2) as writer:
        for number in range(30):
            writer.submit(lambda number: (sleep(0.001), done.append(number)), number)
    assert sorted(done) == list(range(30))


def test_only_so_much_waits() -> None:
    free, started, handed = threading.Event(), [], []

    def work(number: int) -> None:
        started.append(number)
        free.wait(5)

    def hand_over() -> None:
        with BackgroundWriter(threads=1, waiting=2) as writer:
            for number in range(6):
                writer.submit(work, number)
                handed.append(number)

    other = threading.Thread(target=hand_over)
    other.start()
    sleep(0.1)
    assert started == [0] and handed == [0, 1, 2]
    free.set()
    other.join(5)
    assert handed == started == list(range(6))


def test_an_error_of_the_work_is_raised() -> None:
    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"), BackgroundWriter() as writer:
        writer.submit(fail)
    with pytest.raises(OSError, match="no room"), BackgroundWriter(threads=1, waiting=0) as writer:
        writer.submit(fail)
        for _ in range(3):
            writer.submit(lambda: None)
        pytest.fail("a later call raises")


def test_an_error_of_the_context_goes_first() -> None:
    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(KeyError), BackgroundWriter() as writer:
        writer.submit(fail)
        raise KeyError("what happened first")
