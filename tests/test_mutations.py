"""The faults of ``make mutations`` can still be put into the code, and none of them is none."""

import shutil
from pathlib import Path

import pytest

from tools.mutations import MUTATIONS, ROOT, Mutation


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
