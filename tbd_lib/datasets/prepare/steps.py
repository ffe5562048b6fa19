"""The order of things: look, fetch what is missing, unpack, look again. What is complete is left alone."""

from collections.abc import Callable, Iterable

from tbd_lib.datasets.prepare.download import fetch, require_right
from tbd_lib.datasets.prepare.file_lock import locked
from tbd_lib.datasets.prepare.layouts import problems
from tbd_lib.datasets.prepare.places import Place
from tbd_lib.datasets.prepare.sources import Source
from tbd_lib.datasets.prepare.unpack import unpack
from tbd_lib.errors import InputError

Say = Callable[[str], None]


def prepare(sources: Iterable[Source], place: Place, say: Say, only_look: bool = False) -> list[str]:
    """Bring data sets or weights to their places, and return what is still missing or wrong, a line each.

    A data set that is complete costs no request. Of an incomplete one the archive is taken from the downloads folder
    if it is there (from an earlier run, or put there by hand), else fetched; then what is missing or damaged is
    unpacked from it. A run that wants to write waits until no other does, and looks again.

    Args:
        sources: what to prepare, from the table.
        place: the root.
        say: takes lines for the user: terms before something is fetched, and how it went.
        only_look: fetch, unpack and write nothing.

    Raises:
        OSError: no space left, or no right to write.
    """
    left = []
    for source in sources:
        try:
            found = _missing(source, place)
            if found and not only_look:
                with locked(place.root, say):
                    found = _complete(source, place, say)
        except InputError as error:  # the others may still be had
            found = [str(error)]
        if not found:
            say(f"{source.title}: complete in {place.folder(source)}")
        left += found
    return left


def _complete(source: Source, place: Place, say: Say) -> list[str]:
    """Fetch if need be, unpack, and return what is missing then."""
    found = _missing(source, place)
    if not found:
        return []
    say(f"{source.title}: {len(found):,} missing or wrong, first: {found[0]}")
    path = place.file(source)
    if path.is_file():
        _require_right(source, place)
    elif source.urls:
        say(source.notice or f"fetching {source.file}")
        fetch(source, path)
    else:
        return [f"{path}: missing; expected the file from {source.page}, fetched by hand and put there"]
    if source.keep:
        written = unpack(path, place.folder(source) / source.into, source)
        say(f"{source.title}: unpacked {written:,} files; {path} is kept to repair from, and may be deleted")
    return _missing(source, place)


def _missing(source: Source, place: Place) -> list[str]:
    found = problems(source.layout, place.folder(source))
    if not source.keep and not found:  # a file that is used as it is
        _require_right(source, place)
    return found


def _require_right(source: Source, place: Place) -> None:
    """Check a file that is there already; a wrong one is the user's to remove."""
    try:
        require_right(place.file(source), source)
    except InputError as error:
        raise InputError(f"{error}. Remove the file and run the same command again") from error
