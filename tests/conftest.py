"""What all tests share: one thread, and the folder of real data beside the repository."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``shared`` beside the repository: real videos, official scores. Tests skip where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("real data (the folder `shared` beside the repository) is absent")
    return folder
