"""A single ``tbd prepare`` at a time writes below a root, and one that was killed is not waited for."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from tbd_lib.datasets.prepare.file_lock import LOCK, locked

HOLD = """
import sys
from pathlib import Path
from tbd_lib.datasets.prepare.file_lock import locked
with locked(Path(sys.argv[1]), print):
    print("in", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "in\n"
        try:
            yield other
        finally:
            other.kill()


def entering(root: Path) -> "Queue[str]":
    """What a thread says that wants to write below the root: a line if it waits, and ``in`` once it may."""
    heard = Queue[str]()

    def enter() -> None:
        with locked(root, heard.put):
            heard.put("in")

    Thread(target=enter, daemon=True).start()
    return heard


@pytest.mark.parametrize("end", ["kill", "ends by itself"])
def test_others_wait_until_the_first_ends_however_it_does(tmp_path: Path, end: str) -> None:
    with held(tmp_path) as other:
        heard = entering(tmp_path)
        line = f"{tmp_path}: another tbd prepare is at work there; waiting until it ends (Ctrl-C to leave)"
        assert heard.get(timeout=10) == line
        with pytest.raises(Empty):
            heard.get(timeout=0.3)
        other.communicate(timeout=10) if end != "kill" else other.kill()  # kill is SIGKILL
        assert heard.get(timeout=10) == "in"


def test_other_roots_do_not_wait_and_a_left_over_file_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / LOCK).touch()
    with held(tmp_path / "a"):
        assert entering(tmp_path / "b").get(timeout=10) == "in"


def test_it_is_given_up_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path, print):
        raise KeyError
    assert entering(tmp_path).get(timeout=10) == "in"
