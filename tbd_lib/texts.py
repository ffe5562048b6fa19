"""Texts as other programs write them: lists and JSON files in any encoding."""

import codecs
import json
import os
import re
import string
from pathlib import Path
from typing import Any

from tbd_lib.errors import InputError

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",  # begins that of UTF-32 as well, and so comes after it
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte-order marks, with which some programs begin a text."""
BLANKS = string.whitespace + "\xa0\ufeff\x1a"  # a mark where files were joined, and what ended texts under DOS


def read_text(path: Path) -> str:
    """A text in whatever form another program wrote it: UTF-8, UTF-16 or UTF-32, with a mark at its beginning or not.

    Bytes that are no text are kept as Python keeps them in the names of files, so that a name in a list is that of the
    file with the same bytes.

    Raises:
        InputError: what a mark promises, or zeros between the letters, is not what follows.
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    encoding, content = MARKS.get(mark) or _wide(data), data[len(mark) :]
    if encoding in (None, "utf-8"):
        return os.fsdecode(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: found bytes that are no {encoding} ({error.reason}); expected a text") from error


def read_lines(path: Path) -> list[str]:
    """The lines of a text that are not blank, without blanks at their ends, however lines end there.

    Raises:
        InputError: as ``read_text``.
        OSError: the file cannot be read.
    """
    lines = (line.strip(BLANKS) for line in re.split(r"\r\n|\r|\n", read_text(path)))
    return [line for line in lines if line]


def read_json(path: Path, expected: str) -> Any:
    """What a JSON file holds, in UTF-8, UTF-16 or UTF-32.

    Args:
        path: the file.
        expected: what should be in it, to end an error's line.

    Raises:
        InputError: it is not JSON.
        OSError: the file cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON ({error}); expected {expected}") from error


def _wide(data: bytes) -> str | None:
    """The encoding of a text without a mark that has zeros between its letters; None if it has few or none."""
    zeros = data.count(0)
    if zeros <= len(data) / 4:
        return None
    if zeros > 0.6 * len(data):  # three of four in plain letters of UTF-32, one of two in those of UTF-16
        return "utf-32-be" if data[0] == 0 else "utf-32-le"
    return "utf-16-be" if data[::2].count(0) > zeros / 2 else "utf-16-le"
