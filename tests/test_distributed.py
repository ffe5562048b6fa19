"""Two processes train as one does: the same gradients, the same weights; and one that fails ends all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tbd_lib.errors import InputError
from tbd_lib.training.distributed import join

TRAIN = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import torch
torch.set_num_threads(1)
import tbd_lib.training.train as module
from small_runs import TINY, VIDEOS, tiny_model
from tbd_lib.training.config import change

apply_swap, count = module.apply_swap, 0
def exactly(*arguments):  # in double precision, so that the order of sums does not show
    global count
    count += 1
    if {fails} and os.environ["RANK"] == "1" and count == 4:
        raise ValueError("this process fails")
    images, masks = apply_swap(*arguments)
    return images.double(), masks
module.apply_swap = exactly
settings = {{"data": {{"augment": {{"swap": 0.0}}}}, "run": {{"accumulate": {parts}}}}}
config = change(TINY, optimiser={{"encoder_rate": None}}, **settings)
model = tiny_model().double()
module.train(config, model, VIDEOS, Path({out!r}), held_out=VIDEOS[:1] if {fails} else (), device="cpu")
gradients = {{name: value.grad for name, value in model.named_parameters() if value.grad is not None}}
torch.save(gradients, Path({out!r}) / f"gradients-{{os.environ.get('RANK', '0')}}.pt")
"""


def run(out: Path, processes: int, fails: bool = False, parts: int = 1) -> subprocess.CompletedProcess[str]:
    """Train in so many processes, each of which computes its clips in so many parts."""
    out.mkdir(parents=True, exist_ok=True)
    script = out / "script.py"
    script.write_text(TRAIN.format(tests=str(Path(__file__).parent), out=str(out), fails=fails, parts=parts))
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [sys.executable, *(many if processes > 1 else []), str(script)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environment)


@pytest.mark.parametrize("parts", [1, 2])
def test_two_processes_train_as_one_with_the_same_clips(tmp_path: Path, parts: int) -> None:
    for processes in (1, 2):
        answer = run(tmp_path / str(processes), processes, parts=1 if processes == 1 else parts)
        assert answer.returncode == 0, answer.stderr
    alone, first, second = (
        torch.load(tmp_path / name, weights_only=True)
        for name in ("1/gradients-0.pt", "2/gradients-0.pt", "2/gradients-1.pt")
    )
    assert alone.keys() == first.keys() == second.keys() and len(alone) > 20
    for name, gradient in alone.items():
        assert gradient.any() and torch.equal(first[name], second[name]), name
        assert torch.allclose(gradient, first[name], rtol=1e-9, atol=1e-14), name
    weights = [load_file(tmp_path / name / "final.safetensors") for name in ("1", "2")]
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], rtol=1e-6, atol=1e-9), name
    assert (tmp_path / "1" / "log.jsonl").read_text().count("\n") == 2
    assert (tmp_path / "2" / "log.jsonl").read_text().count("\n") == 2  # the first process logs, alone


def test_one_process_that_fails_ends_all(tmp_path: Path) -> None:
    answer = run(tmp_path, 2, fails=True)
    assert answer.returncode != 0
    assert "this process fails" in answer.stderr
    assert torch.load(tmp_path / "last.pt", weights_only=True)["iteration"] == 2
    assert not (tmp_path / "final.safetensors").exists()


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join("cpu") as world:
        assert world.first and world.size == 1 and world.device.type == "cpu"
        assert world.mean(torch.tensor(3.0)) == 3 and world.share({"a": 1}) == {"a": 1}
        module = torch.nn.Linear(1, 1)
        assert world.wrap(module, False) is module


def test_each_process_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for name, value in {"init_process_group": None, "get_rank": 1, "destroy_process_group": None}.items():
        monkeypatch.setattr(torch.distributed, name, lambda *_, value=value, **__: value)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    for device in (None, "cuda"):
        with join(device) as world:
            assert world.device == torch.device("cuda:1") == taken.pop()
    with pytest.raises(InputError, match=r"^`device` cuda:1: expected cuda, for each of the 2 processes takes"):
        join("cuda:1").__enter__()
    monkeypatch.setenv("WORLD_SIZE", "1")
    with join("cuda:1") as world:
        assert world.device == torch.device("cuda:1") and not taken
