"""What the command line says reaches whoever listens, and nobody who does not stops the work."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tbd_lib import __version__
from tbd_lib.cli.main import main
from tbd_lib.cli.terminal import from_box, one_line

ROOT = Path(__file__).parents[1]
MASKS = ROOT / "data/sample/Annotations/480p/late-entry"
COMMAND = [sys.executable, "-m", "tbd_lib"]


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash, in which ``$TBD`` is the command."""
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "TBD": f"{sys.executable} -m tbd_lib", **environment}
    return subprocess.run(["bash", "-c", line], capture_output=True, env=settings, check=False)


@pytest.fixture
def scored(tmp_path: Path) -> str:
    """A command that prints scores and then writes them, and where."""
    (tmp_path / "été").mkdir()
    (tmp_path / "été/late").symlink_to(MASKS)
    return f"$TBD score {tmp_path}/été {tmp_path}/été --json {tmp_path}/été/scores.json"


@pytest.mark.parametrize(
    ("ending", "status", "words"),
    [
        ("2>&1 | true", 0, b""),
        (">&- 2>&-", 0, b""),
        ("> /dev/full", 2, b"tbd: standard output: [Errno 28] No space left on device\n"),
    ],
)
def test_nobody_who_listens_does_not_stop_the_work(
    scored: str, tmp_path: Path, ending: str, status: int, words: bytes
) -> None:
    found = shell(f"{scored} {ending}")
    assert found.returncode == status
    assert found.stderr.endswith(words) and b"Traceback" not in found.stderr and b"Errno 32" not in found.stderr
    assert (tmp_path / "été/scores.json").stat().st_size > 100


@pytest.mark.parametrize("arguments", ["report", "--help"])
def test_a_pipe_whose_reader_is_gone_is_no_error(arguments: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # before anything is written
    with os.fdopen(writer, "wb") as nobody:
        ended = subprocess.run(COMMAND + arguments.split(), stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_letters_that_a_terminal_lacks_are_spelled_out(scored: str, tmp_path: Path) -> None:
    (tmp_path / "été/scores.json").touch()
    found = shell(scored, PYTHONIOENCODING="ascii")
    assert found.returncode == 2 and b"\\xe9t\\xe9/scores.json: exists already" in found.stderr
    assert shell("$TBD --help", PYTHONIOENCODING="ascii").returncode == 0, "which has dots that ASCII lacks"
    assert b"tbd: \\udcff: " in shell("$TBD score x $'\\xff'", LC_ALL="C").stderr


def on_a_terminal(*arguments: str, **environment: str) -> bytes:
    """What a command sends to a terminal."""
    ours, theirs = pty.openpty()
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment}
    settings.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
    process = subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stderr=theirs, env=settings, cwd=ROOT)
    os.close(theirs)
    sent = b""
    try:
        while part := os.read(ours, 65536):
            sent += part
    except OSError:  # as Linux ends a terminal
        pass
    os.close(ours)
    process.wait()
    return sent


def test_colours_are_for_terminals_alone_and_not_where_they_are_unwanted() -> None:
    assert b"\x1b[" in on_a_terminal("--help")
    for arguments in (["--help"], ["track", "--nonsense"]):
        sent = on_a_terminal(*arguments, NO_COLOR="1")
        assert sent and b"\x1b" not in sent, arguments


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tbd {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("trak", "Unrecognized options: trak. Available subcommands: prepare, train,"),
        ("track", "Missing from tbd track: FOLDER_OR_VIDEO --out PATH"),
        ("track v --out x --saev mp4", "Unrecognized options: --saev, mp4. Perhaps you meant: --save"),
        ("track v --out x --box 1 2", "Error parsing --box: "),
        ("track v --out", "Missing value for argument '--out'"),
        ("evaluate --data . --year 2015", "invalid choice '2015' for argument '--year'"),
        ("train sample --batch many", "Error parsing --batch: "),
    ],
)
def test_wrong_usage_is_one_plain_line(arguments: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    written = capsys.readouterr()
    assert written.err.startswith(f"tbd: {line}") and written.err.count("\n") == 1 and written.out == ""
    assert not set(written.err) & set("│╭─\x1b") and len(written.err) < 250


def test_a_box_of_ascii_becomes_the_same_line() -> None:
    box = [
        " Wrong ",
        " ---- ",
        "  So it is. ",
        "    ",
        "  Thoughts ",
        "  ---- ",
        "  Perhaps you meant: ",
        "      --save X ",
    ]
    rest = ["          a description ", "  ---- ", "  For more ", "    "]
    assert from_box("\n".join(box + rest)) == "So it is. Perhaps you meant: --save X"


def test_names_cannot_break_a_line_or_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert one_line("a\nb\x1b[31m\té ") == "a\\nb\\x1b[31m\\té "
    assert main(["score", str(tmp_path / "a\nb\x1bc"), str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
