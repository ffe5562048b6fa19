"""The faults of ``make mutations`` can still be put into the code, and none of them is none."""

import shutil
from pathlib import Path

import pytest

from tools.mutations import MUTATIONS, ROOT, Mutation, failed_by_file


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_every_fault_changes_the_code_it_is_meant_for(mutation: Mutation, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tbd_lib", tmp_path / "tbd_lib")
    path = tmp_path / "tbd_lib" / mutation.file
    before = path.read_text()
    mutation.put_into(tmp_path / "tbd_lib")
    assert path.read_text() != before
    compile(path.read_text(), str(path), "exec")
    with pytest.raises(ValueError, match=" 0 times"):
        mutation.put_into(tmp_path / "tbd_lib")


def test_what_failed_is_told_by_file_test_and_cell() -> None:
    report = """
FAILED tests/test_model.py::test_it[a-b] - assert 1 == 2
FAILED notebooks/02_swap.ipynb::Cell 17 - Notebook cell execution failed
FAILED notebooks/02_swap.ipynb::Cell 18 - Notebook cell execution failed
3 failed, 1 passed in 2.00s
"""
    assert failed_by_file(report) == {"test_model.py": ["test_it[a-b]"], "02_swap.ipynb": ["Cell 17", "Cell 18"]}
