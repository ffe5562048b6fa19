"""What the command line says, to whatever it says it: a terminal, a pipe that closes, a full disk, nothing at all."""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from itertools import takewhile
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
else:  # a type for checkers only
    ReadableBuffer = object

CLOSED_PIPE = 141  # the exit status that shells expect of a program whose reader is gone
ESCAPE_CODES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")  # colours, and moves of the cursor
ANY_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
RULE = re.compile("[─-]+")
INDENTED = re.compile(r"[│|]? {9}")


class Stream(io.FileIO):
    """Standard output or error, which takes what is written even where nobody can read it: the work goes on.

    ``failure`` is what became of the first write that failed; later ones are dropped. Escape codes are left out where
    no terminal would follow them, or the user wants none (``NO_COLOR``).
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None
        self._plain = not self.isatty() or bool(os.environ.get("NO_COLOR"))

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or drop; all of the data count as written."""
        left = memoryview(ESCAPE_CODES.sub(b"", data) if self._plain else data)
        try:
            while left and self.failure is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return memoryview(data).nbytes


class Streams:
    """Puts streams that never fail in the place of this process's own: whatever is closed, full or of few letters."""

    def __init__(self) -> None:
        for number in range(3):  # a closed one would give its number to the next file that is opened
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)
        self.out, self.err = Stream(1), Stream(2)
        sys.stdout, sys.stderr = (_text(raw, old) for raw, old in ((self.out, sys.stdout), (self.err, sys.stderr)))

    def status(self, status: int) -> int:
        """The exit status of a command that ended with this one, once all of its words are out."""
        sys.stdout.flush()
        failure = self.out.failure
        if status or failure is None:
            return status
        if isinstance(failure, BrokenPipeError):
            return CLOSED_PIPE
        print(f"tbd: standard output: {failure}", file=sys.stderr)
        return 2


@contextmanager
def usage_errors_in_a_line() -> Iterator[None]:
    """While arguments are parsed: what is wrong with them is said in one line, not in the boxes that tyro draws.

    Raises:
        SystemExit: of status 2, if anything is wrong.
    """
    text = io.StringIO()  # its encoding is unknown, and so the parser frames with minus signs
    try:
        with redirect_stderr(text):
            yield
    except SystemExit as stop:
        if stop.code:
            print(f"tbd: {from_box(text.getvalue())}", file=sys.stderr)
        raise


def from_box(text: str) -> str:
    """What is wrong, and what was perhaps meant, from the text of a box.

    A box has its title in the first line, parts that are divided by rules, and descriptions of options that are
    indented by eight columns or more. What follows an empty line are the parser's thoughts on types.
    """
    parts: list[list[str]] = [[]]
    for line in ANY_COLOUR.sub("", text).splitlines()[1:-1]:
        words = line.strip("│| ")
        if RULE.fullmatch(words):
            parts += [[]] if parts[0] else []  # one without letters for frames has a rule below its title
        elif not words or not INDENTED.match(line):
            parts[-1].append(words)
    wrong = " ".join(takewhile(bool, parts[0]))
    meant = [" ".join(part) for part in parts[1:] if part[:1] and part[0].startswith(("Perhaps", "Available"))]
    return one_line(". ".join([wrong.rstrip("."), *meant]))


def one_line(text: str) -> str:
    """The text with line breaks and other control characters, which names of files may hold, spelled out."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _text(raw: Stream, old: TextIO | None) -> io.TextIOWrapper:
    """A text stream in the place of another; letters that it does not have are spelled out."""
    encoding = getattr(old, "encoding", None) or "utf-8"
    lines = raw.isatty() or raw.fileno() == 2
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=lines)
