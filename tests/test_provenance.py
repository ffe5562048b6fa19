"""Result files say where they come from, and nothing about anybody's folders."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch

from tbd_lib.evaluation.provenance import command_line, commit, provenance, version


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_provenance_is_json() -> None:
    found = json.loads(json.dumps(provenance()))
    assert found["versions"]["torch"] == version("torch") is not None
    assert found["machine"]["processor"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found["date"])).total_seconds()) < 60
    assert (found["machine"]["gpu"] is not None) == torch.cuda.is_available()


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert version("tbd-no-such-package") is None


def test_the_command_can_be_typed_again() -> None:
    assert command_line(["/somewhere/bin/tbd", "score", "my masks"]) == "tbd score 'my masks'"
    assert command_line(["benchmarks/scoring.py", "--frames", "3"]) == "benchmarks/scoring.py --frames 3"


def test_commit_of_a_checkout(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    git(tmp_path, "init")
    assert commit(tmp_path) is None  # nothing committed yet
    (tmp_path / "file").write_text("before")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "tag", "-a", "v1", "-m", "a tag does not take the commit's place")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit(tmp_path) == head
    (tmp_path / "file").write_text("after")
    assert commit(tmp_path) == f"{head}-dirty"
    (tmp_path / "package").mkdir()
    assert commit(tmp_path / "package") is None
