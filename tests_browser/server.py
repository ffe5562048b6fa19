"""A JupyterLab of our own: on this machine only, behind a token, with no folder of the user's."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HOST = "127.0.0.1"
START, STOP = 60, 20  # seconds
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


@dataclass(frozen=True)
class Server:
    """Where a JupyterLab answers, and the folder that it shows."""

    address: str
    token: str
    root: Path

    @property
    def page(self) -> str:
        """The address of the application."""
        return f"{self.address}/lab?token={self.token}"

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.address}/api/status?token={self.token}", timeout=5):
                return True
        except (URLError, OSError):
            return False


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Server]:
    """Start a server that keeps all it writes in ``folder``, and stop it together with its kernels."""
    root = folder / "lessons"
    root.mkdir()
    server = Server(f"http://{HOST}:{_free_port()}", secrets.token_hex(16), root)
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(_command(server), env=_environment(folder), stdout=output, stderr=output)
    try:
        _wait(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()


def _command(server: Server) -> list[str]:
    options = {
        "ServerApp.ip": HOST,
        "ServerApp.port": server.address.rpartition(":")[2],
        "ServerApp.port_retries": "0",
        "ServerApp.allow_root": "True",  # as in a container
        "ServerApp.root_dir": str(server.root),
        "IdentityProvider.token": server.token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.expose_app_in_browser": "True",  # so that a test can ask the application what has been run
    }
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def _environment(folder: Path) -> dict[str, str]:
    settings = folder / FOLDERS["JUPYTERLAB_SETTINGS_DIR"] / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(NO_NEWS))
    folders = {name: str(folder / place) for name, place in FOLDERS.items()}
    return {**os.environ, **folders, "OMP_NUM_THREADS": "1"}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return free.getsockname()[1]


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers.

    Raises:
        RuntimeError: it stopped, or is too slow; with what it said.
    """
    end = time.monotonic() + START
    while not server.answers():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text()}")
        time.sleep(0.2)
