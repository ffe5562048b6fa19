"""Which files were written below a folder: so that a later run can replace exactly those, or go on."""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from tbd_lib.errors import InputError
from tbd_lib.files import RECORDING


class Record:
    """Which files were written below a folder, run by run: a hidden file in the folder, with a line of JSON for each.

    A run begins with ``{"run": facts}``, where facts are what decides its results, or ``{"goes_on": facts}``; a string
    is a file, noted before it appears; ``{"video": name, "data": fingerprint}`` is a video whose files are all there;
    ``{"finished": true}`` is the end.

    Args:
        folder: need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / ".tbd-written"
        self._beginning = b""
        self._lock = Lock()

    def begin(self, facts: Mapping[str, object] | None, goes_on: bool = False) -> None:
        """A run begins, or goes on; this is written together with its first file."""
        self._beginning = _line({"goes_on" if goes_on else "run": facts})

    def note(self, path: Path) -> None:
        """A file is about to appear; none that lies outside of the folder is noted."""
        with suppress(ValueError):
            self._append(_line(_placed(path).relative_to(self.folder.resolve()).as_posix()))

    def finish_video(self, name: str, data: str) -> None:
        """All files of a video are there, which was made from data with this fingerprint."""
        self._append(_line({"video": name, "data": data}))

    def finish(self) -> None:
        """The run has come to its end."""
        if self.path.exists():
            self._append(_line({"finished": True}))

    @property
    def unfinished(self) -> Mapping[str, object] | None:
        """The facts of the last run, if it stopped before its end and can go on."""
        entries = [entry for entry in self._entries() if isinstance(entry, dict)]
        if any("finished" in entry for entry in entries[-1:]):
            return None
        begun = [entry for entry in entries if "run" in entry or "goes_on" in entry]
        facts = next(iter(begun[-1].values())) if begun else None
        return facts if isinstance(facts, dict) else None

    @property
    def videos(self) -> dict[str, str]:
        """The videos that the last run has finished, and the fingerprints of their data."""
        entries = (entry for entry in self._last_run() if isinstance(entry, dict))
        return {str(entry["video"]): str(entry["data"]) for entry in entries if {"video", "data"} <= set(entry)}

    def files(self) -> set[Path]:
        """Resolved paths of all files that any run has noted and that are there."""
        return self._present(self._entries())

    def require_replaceable(self, present: Iterable[Path], coming: Collection[str], recorded: Collection[Path]) -> None:
        """Refuse to replace what no run has written, and to leave among the new what an unrecorded run has.

        Args:
            present: files of the kind that will be written.
            coming: names of the files that will be.
            recorded: those that runs have written, ``files()``.

        Raises:
            InputError: such a file; ``present`` holds it.
        """
        for path in sorted(present):
            if self.path.exists() and path.name in coming and _placed(path) not in recorded:
                raise InputError(f"{path}: was not written by a run and would be replaced; expected another `out`")
            if not self.path.exists() and path.name not in coming:
                raise InputError(f"{path}: would stay among the new results; expected a folder without it")

    def clear(self, places: Iterable[Path] = ()) -> None:
        """Remove the files of the last run, and those of any other in these folders; then folders that are empty."""
        folders = [place.resolve() for place in places]
        every = self.files()
        elsewhere = every - self._present(self._last_run())
        kept = {path for path in elsewhere if not any(path.is_relative_to(folder) for folder in folders)}
        for path in every - kept:
            path.unlink(missing_ok=True)
        root = self.folder.resolve()
        parents = {parent for path in every - kept for parent in path.parents if parent.is_relative_to(root)} - {root}
        for parent in sorted(parents, reverse=True):  # the innermost first
            with suppress(OSError):  # what is not empty stays
                parent.rmdir()
        self.path.unlink(missing_ok=True)
        if kept:
            self.begin(None)
            for path in sorted(kept):
                self.note(path)

    def _append(self, line: bytes) -> None:
        with self._lock, self.path.open("ab") as file:
            file.write(self._beginning + line)
            self._beginning = b""

    def _entries(self) -> list[Any]:
        """All lines that are whole: that of a run which was cut off while it wrote one is none, nor is its file."""
        entries = []
        if self.path.exists():
            for line in self.path.read_bytes().splitlines():
                with suppress(ValueError):
                    entries.append(json.loads(line))
        return entries

    def _last_run(self) -> list[Any]:
        entries = self._entries()
        begun = [place for place, entry in enumerate(entries) if isinstance(entry, dict) and "run" in entry]
        return entries[begun[-1] :] if begun else entries

    def _present(self, entries: Iterable[Any]) -> set[Path]:
        """Files of these lines that are there; what leads out of the folder is passed over."""
        root, found = self.folder.resolve(), set[Path]()
        for entry in entries:
            with suppress(ValueError):  # a name that no file can have
                path = _placed(root / entry) if isinstance(entry, str) else root
                if path != root and path.parent.is_relative_to(root) and os.path.lexists(path) and not path.is_dir():
                    found.add(path)
        return found


@contextmanager
def recording(folder: Path, facts: Mapping[str, object] | None = None, goes_on: bool = False) -> Iterator[Record]:
    """Note what ``write_whole`` writes below a folder inside the block, in whatever thread.

    Args:
        folder: of the results.
        facts: what decides the results, in types that JSON knows; without them the run cannot be gone on with.
        goes_on: the run is that which stopped there before.
    """
    record = Record(folder)
    record.begin(facts, goes_on)
    RECORDING.append(record)
    try:
        yield record
    finally:
        RECORDING.remove(record)


def _line(entry: object) -> bytes:
    """A line of a record. It begins with the line's end too, so that one that was cut off spoils no other."""
    return f"\n{json.dumps(entry)}\n".encode()


def _placed(path: Path) -> Path:
    """The path in its real folder; the file itself may be a link."""
    return path.parent.resolve() / path.name
