"""What all tests share: one thread, the folder of real data beside the repository, and what is said at the end."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings

if TYPE_CHECKING:
    from archive_server import Server

torch.set_num_threads(1)
settings.register_profile("patient", deadline=None)  # a busy machine is no bug
settings.load_profile("patient")

LAST_LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``shared`` beside the repository: real videos, official scores. Tests skip where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("real data (the folder `shared` beside the repository) is absent")
    return folder


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes what its user has prepared."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("TBD_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the random weights of a tiny model are."""
    from small_model import save_tiny  # here, so that types are checked in what it imports of the package

    return save_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Server]":
    """A server on this machine to download from, at once or not at all."""
    from archive_server import running  # here for the same reason

    monkeypatch.setattr("tbd_lib.datasets.prepare.download.RETRIES", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running() as server:
        yield server


@pytest.fixture
def say_at_the_end(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line that everybody should see, whether tests pass or not."""
    return request.config.stash.setdefault(LAST_LINES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(LAST_LINES, []):
        terminalreporter.write_line(line)
