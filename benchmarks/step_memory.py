"""Memory of one training step in the paper's configuration, without a GPU: counted on tensors that hold no data.

    python -m benchmarks.step_memory --json-file results/step_memory.json

PyTorch's fake tensors go through the whole step at full size, forward, backward and optimiser, and know shape, type and
lifetime of every tensor, but have no values: this takes seconds on any machine, and no memory. Counted are the
storages of all tensors that live at the same time. ``METHOD`` says how each number comes about, and what is not in it.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import tyro
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.amp.grad_scaler import GradScaler
from torch.autograd.graph import saved_tensors_hooks
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.model import build_model
from tbd_lib.training.config import DAVIS_STAGE, TrainConfig, change
from tbd_lib.training.objective import Objective
from tbd_lib.training.train import make_optimiser, step

CARD = 24 * 10**9  # bytes of a common GPU
GIB = 2**30
METHOD = {
    "peak": "most bytes alive at once in the second step (Adam has its moments by then), by the CPU's operators and "
    "autocast; a GPU's kernels may keep other temporaries",
    "sum_of_parts": "inputs, weights, gradients, moments, all that is saved for backward and the encoder's transient, "
    "added up although the last two are never there in full at the same time",
    "saved_for_backward": "storages that autograd saves in the forward pass, each counted once, without parameters; "
    "by the CPU's rules of autocast",
    "saved_by_gpu_rules": "the same on tensors that say they are on a GPU, so by the GPU's rules of autocast",
    "encoder_transient": "most bytes alive at once while the frozen encoder takes all frames of the batch in one pass, "
    "beyond what was there before; its outputs are in it, and in saved_for_backward too",
    "left_out": "the GPU's context, workspaces of convolutions, gaps between the allocator's blocks, batches in flight",
}


class Held(TorchDispatchMode):
    """Counts the bytes of all storages that were made while it is active and are still alive."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._bytes: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        return result

    def peak_of(self, work: Callable[[], object]) -> int:
        """The most bytes held at any time while ``work`` runs."""
        self.peak = self.now
        work()
        return self.peak

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._bytes:
            self._bytes[storage._cdata] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._release, storage._cdata)

    def _release(self, address: int) -> None:
        self.now -= self._bytes.pop(address)


def learner_and_clips(config: TrainConfig) -> tuple[Objective, Optimizer, Tensor, Tensor]:
    """What a step needs: the objective, its optimiser, images "b t 3 H W" and masks "b t H W"."""
    objective = Objective(build_model(config.model, frozen_encoder=config.optimiser.encoder_rate is None))
    objective.train()
    shape, side = (config.data.batch, config.data.frames), config.data.augment.crop
    images, masks = torch.rand(*shape, 3, side, side), torch.zeros(*shape, side, side, dtype=torch.long)
    return objective, make_optimiser(config, objective), images, masks


@contextmanager
def half_precision(config: TrainConfig, device: str) -> Iterator[None]:
    """Autocast as in training; ``torch.autocast`` itself would refuse a GPU that is not there."""
    torch.set_autocast_dtype(device, getattr(torch, config.run.precision))
    torch.set_autocast_enabled(device, config.run.precision != "float32")
    torch.autocast_increment_nesting()
    yield
    torch.autocast_decrement_nesting()
    torch.clear_autocast_cache()
    torch.set_autocast_enabled(device, False)


def saved_storages(config: TrainConfig, device: str) -> list[tuple[tuple[int, ...], torch.dtype, int]]:
    """Shape, type and bytes of all that autograd saves in a forward pass, each storage once, without parameters."""
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with FakeTensorMode(), torch.device(device):
        objective, _, images, masks = learner_and_clips(config)
        with saved_tensors_hooks(keep, lambda tensor: tensor), half_precision(config, device):
            objective(images, masks)
    parameters = {parameter.untyped_storage()._cdata for parameter in objective.parameters()}
    found = [tensor for address, tensor in saved.items() if address not in parameters]
    return [(tuple(tensor.shape), tensor.dtype, tensor.untyped_storage().nbytes()) for tensor in found]


def step_bytes(config: TrainConfig) -> dict[str, int]:
    """Bytes of the inputs, of weights and what belongs to them, of the encoder's transient and of a step's peak."""
    held = Held()
    with FakeTensorMode(), held:
        objective, optimiser, images, masks = learner_and_clips(config)
        before = held.now
        with torch.no_grad(), half_precision(config, "cpu"):
            encoder = held.peak_of(lambda: objective.model.encoder(images.flatten(0, 1))) - before
        scaler = GradScaler("cpu", enabled=False)
        _, peak = (held.peak_of(lambda: step(config, objective, optimiser, scaler, images, masks)) for _ in range(2))
    trained = sum(parameter.nbytes for parameter in objective.parameters() if parameter.requires_grad)
    frozen = sum(parameter.nbytes for parameter in objective.parameters()) - trained
    return {
        "inputs": images.nbytes + masks.nbytes,
        "trained_parameters": trained,
        "frozen_parameters": frozen,
        "gradients": trained,
        "adam_moments": 2 * trained,
        "encoder_transient": encoder,
        "peak": peak,
    }


def measure(config: TrainConfig) -> dict[str, object]:
    """The parts of a step's memory, their sum, the peak, and whether a card of 24 GB has room for either."""
    saved, parts = saved_storages(config, "cpu"), step_bytes(config)
    peak, saved_bytes = parts.pop("peak"), sum(nbytes for *_, nbytes in saved)
    parts["saved_for_backward"] = saved_bytes
    total = sum(parts.values())
    return {
        "clips": [config.data.batch, config.data.frames, 3, *[config.data.augment.crop] * 2],
        "precision": config.run.precision,
        "peak_gib": peak / GIB,
        "sum_of_parts_gib": total / GIB,
        "under_24_gb": max(peak, total) < CARD,
        "parts_gib": {name: nbytes / GIB for name, nbytes in parts.items()},
        "saved_by_gpu_rules_gib": sum(nbytes for *_, nbytes in saved_storages(config, "cuda")) / GIB,
        "largest_saved": largest(saved),
        "method": METHOD,
    }


def largest(saved: list[tuple[tuple[int, ...], torch.dtype, int]], count: int = 8) -> list[dict[str, object]]:
    """The kinds of saved tensors that take most, by shape and type."""
    total: Counter[tuple[tuple[int, ...], torch.dtype]] = Counter()
    for shape, dtype, nbytes in saved:
        total[shape, dtype] += nbytes
    return [
        {"shape": shape, "type": str(dtype), "gib": nbytes / GIB} for (shape, dtype), nbytes in total.most_common(count)
    ]


def main(json_file: Path, batch: int = DAVIS_STAGE.data.batch) -> None:
    """Count the memory of one step of the DAVIS stage.

    Args:
        json_file: Where to write the results.
        batch: Clips of a step.
    """
    result = measure(change(DAVIS_STAGE, data={"batch": batch}, run={"precision": "bfloat16"}))
    print({name: value for name, value in result.items() if name != "method"})
    write_json(json_file, {**result, "provenance": provenance()})


if __name__ == "__main__":
    tyro.cli(main)
