"""torch.compile as an option: the same masks, each function compiled once, a clear word where it cannot run."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from tbd_lib.engines.compiled import Compiler
from tbd_lib.errors import InputError

CPU = torch.device("cpu")


def test_functions_come_back_as_they_are_until_it_is_on() -> None:
    compiler, layer = Compiler(), nn.Linear(2, 2)
    assert compiler("layer", layer) is layer
    compiler.switch_on(CPU)
    assert compiler("layer", layer) is not layer
    assert deepcopy(compiler)("layer", layer) is layer


def test_each_is_compiled_once_and_anew_where_another_takes_its_role() -> None:
    compiler, layer = Compiler(), nn.Linear(2, 2)
    compiler.switch_on(CPU)
    first = compiler("layer", layer)
    assert compiler("layer", layer) is first
    assert compiler("layer", nn.Linear(2, 2)) is not first
    assert compiler("method", layer.forward) is compiler("method", layer.forward)  # bound anew, and yet the same


def test_without_a_compiler_the_error_comes_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(InputError, match=r"--compile: found no C\+\+ compiler \(.*g\+\+.*\); expected one"):
        Compiler().switch_on(CPU)
    monkeypatch.setenv("CXX", "of-my-own")
    with pytest.raises(InputError, match="of-my-own"):
        Compiler().switch_on(CPU)


SAME_MASKS = """
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from tbd_lib.method.config import PAPER, SMALL
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.method.model import build_model
from tbd_lib.tracking.tracker import track
from tbd_lib.video.frames import Frame, Video

graphs = []


def count(graph, _):
    graphs.append(graph)  # what torch has traced, run as it is: making programs of it takes a minute
    return graph.forward


torch.set_num_threads(1)
torch.manual_seed(0)
torch.compile = partial(torch.compile, backend=count, fullgraph=True)
random = np.random.default_rng(0)
for config in (SMALL, PAPER):
    model = build_model(replace(config, key_channels=16, decoder_channels=8)).eval()
    compiled = deepcopy(model)
    graphs.clear()
    torch.compiler.reset()
    for size, expected_graphs in (((48, 64), 3), ((64, 80), 6), ((80, 48), 6)):
        given = np.zeros(size, np.uint8)
        given[8:30, 8:30], given[20:40, 34:] = 1, 2
        frames = [Frame(f"{t}", random.integers(0, 256, (*size, 3), np.uint8)) for t in range(3)]
        video = Video("noise", frames, {0: given})
        plain = [step.prob for step in track(model, video)]
        for step, expected in zip(track(compiled, video, TrackConfig(compile=True)), plain, strict=True):
            torch.testing.assert_close(step.prob, expected, rtol=0, atol=1e-5)
        assert len(graphs) == expected_graphs, (config.encoder, size, len(graphs))
"""


def test_encoder_and_decoder_are_whole_graphs_that_fit_any_size_and_masks_are_the_same() -> None:
    """Three graphs (encoder, context, decoder), and three more for a second size, which then fit every other."""
    # in a process of its own: torch cannot trace the checks of shapes that tests run under
    subprocess.run([sys.executable, "-c", SAME_MASKS], check=True)
