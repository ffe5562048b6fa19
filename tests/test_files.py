"""Writes are whole or not at all."""

import stat
from pathlib import Path

import pytest

from tbd_lib.files import data_folder, results_folder, write_whole


def test_the_file_appears_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.txt"
    with write_whole(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.suffix == ".txt" and temporary.parent == path.parent
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(error), write_whole(path) as temporary:
        temporary.write_text("new")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_results_are_as_readable_as_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    with write_whole(tmp_path / "result") as temporary:
        temporary.write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "result")]
    assert modes[0] == modes[1]


def test_a_folder_where_a_file_stands_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), write_whole(tmp_path / "file" / "result"):
        pass


def test_data_and_results_are_where_they_are_looked_for() -> None:
    assert {"sample", "textures", "weights"} <= {path.name for path in data_folder().iterdir()}
    assert {"ablations.json", "bench_cpu.json", "notebooks.json"} <= {path.name for path in results_folder().iterdir()}
