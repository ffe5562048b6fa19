"""What runs on a GPU, as far as it can be checked without one: on tensors that have shape and device, but no numbers.

On the device "meta" whole programs run, backward pass and optimiser included: whatever depends on a tensor's numbers
raises there, unless ``Transfers`` answers for it and counts it. Fake tensors, forward only, say that they are on a
GPU: PyTorch raises where one meets a tensor of another device.
"""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import TINY, VIDEOS, square_video, tiny_model
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.amp.grad_scaler import GradScaler
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks import limits, scenes, step_memory, tracking
from benchmarks.parts import parts_of
from tbd_lib.engines import shared as shared_module
from tbd_lib.engines.onnx import write
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.engines.shared import shared
from tbd_lib.errors import InputError
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.method.config import PAPER, SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking import region_of_interest
from tbd_lib.tracking import tracker as tracker_module
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.tracker import Tracker, regions_of
from tbd_lib.training import train as train_module
from tbd_lib.training.config import TrainConfig, change
from tbd_lib.training.distributed import World
from tbd_lib.training.objective import Objective
from tbd_lib.training.run_dir import RunDir
from tbd_lib.training.train import apply_swap, make_optimiser, prepare, step, train

aten = torch.ops.aten
Shape = tuple[int, ...]
SIZE = (60, 90)  # of a frame; at 48 pixels the grid has 3 x 5 cells
WORK = TrackConfig(short_side=48)
HEAD = replace(SMALL, key_channels=16, decoder_channels=8)
ENGINES: dict[str, Callable[[TBD], Segmenter]] = {"plain": lambda model: model, "shared": shared}
DEVICES = pytest.mark.parametrize("device", ["meta", "cuda"])
EITHER_ENGINE = pytest.mark.parametrize("engine", ENGINES)
SCALED = change(
    TINY,
    data={"frames": 2, "batch": 2},
    optimiser={"encoder_rate": None},
    run={"precision": "float16", "save_every": 1},
)


class Transfers(TorchDispatchMode):
    """Shapes of what crosses from and to a device other than the CPU; what is read from it are zeros.

    ``read``: copies to the CPU, and numbers that Python takes. ``awaited``: what the CPU sends and waits for, be it a
    copy that does not say ``non_blocking``, or one hidden in an operation on tensors of both (an index, say).
    """

    def __init__(self) -> None:
        super().__init__()
        self.read: list[Shape] = []
        self.awaited: list[Shape] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [tensor for tensor in tensors if tensor.device.type != "cpu"]
        here = [tensor for tensor in tensors if tensor.device.type == "cpu" and tensor.ndim]  # kernels take scalars
        target = torch.device(kwargs.get("device") or tensors[0].device) if tensors else None
        if func is aten._local_scalar_dense.default and there:
            self.read.append(())
            return 0
        if func is aten._to_copy.default and there and target == torch.device("cpu"):
            self.read.append(tuple(there[0].shape))
            return torch.zeros(there[0].shape, dtype=kwargs.get("dtype") or there[0].dtype)
        sent = func is aten._to_copy.default and target != torch.device("cpu") and not kwargs.get("non_blocking")
        if here and (there or sent):
            self.awaited.append(tuple(here[0].shape))
        return func(*args, **kwargs)

    def forget(self) -> None:
        """Count from here on."""
        self.read.clear()
        self.awaited.clear()


Pretended = Callable[[str], AbstractContextManager[Transfers]]


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """Enters a device that is not there; what depends on numbers by its nature is answered for."""

    @contextmanager
    def enter(device: str) -> Generator[Transfers]:
        monkeypatch.setattr(tracker_module, "prefetch", lambda items, count=2: iter(items))  # modes are of one thread
        with ExitStack() as stack:
            if device == "cuda":
                stack.enter_context(FakeTensorMode())
                answer_for_fake_tensors(monkeypatch)
            yield stack.enter_context(Transfers())

    return enter


def answer_for_fake_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """They become no array, cannot be copied deeply, and no object has a box in them; the GPU counts no memory."""

    def zeros(tensor: Tensor) -> np.ndarray:
        return np.zeros(tensor.shape, str(tensor.dtype).removeprefix("torch."))

    monkeypatch.setattr(Tensor, "numpy", zeros)
    monkeypatch.setattr(shared_module, "deepcopy", lambda model: model)
    monkeypatch.setattr(region_of_interest, "box_around", lambda *_: region_of_interest.Box(0, 2, 1, 4))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda *_: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda *_: 0)


def model_on(device: str) -> TBD:
    with torch.device(device):
        return build_model(HEAD).eval()


def images(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, *SIZE, 3), np.uint8))


def two_objects() -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[4:30, 4:30], mask[30:50, 40:80] = 1, 2
    return mask


@DEVICES
@EITHER_ENGINE
@pytest.mark.parametrize("margin", [None, 1])
def test_a_frame_is_sent_without_waiting_and_only_its_mask_is_read(
    pretended: Pretended, device: str, engine: str, margin: int | None
) -> None:
    """A region of interest depends on numbers by its nature: where each object can be is read too, of all at once."""
    with pretended(device) as transfers:
        tracker = Tracker(ENGINES[engine](model_on(device)), replace(WORK, roi_margin=margin))
        for position, image in enumerate(images(3)):
            transfers.forget()
            found = tracker.step(image, two_objects() if position == 0 else None)
            assert (found.prob.device.type, found.prob.shape, found.mask.shape) == (device, (3, 48, 72), SIZE)
            if position > 0:  # with the first frame masks are sent
                assert transfers.read == ([SIZE] if margin is None else [(2, 3, 5), SIZE])
                assert device == "meta" or not transfers.awaited


@DEVICES
@EITHER_ENGINE
def test_shapes_and_types_are_those_of_the_cpu_and_nothing_is_moved_by_the_verbs(
    pretended: Pretended, device: str, engine: str
) -> None:
    def verbs(segmenter: Segmenter) -> list[tuple[Shape, torch.dtype, str]]:
        with torch.no_grad(), torch.device(segmenter.device):
            first, second = (segmenter.encode(torch.zeros(1, 3, 48, 80)) for _ in range(2))
            templates = segmenter.start(first, regions_of(torch.zeros(2, 48, 80)))
            scores = segmenter.match(second, templates)
            logits = segmenter.segment(second, templates, scores)
            after = segmenter.update(second, templates, logits.softmax(2))
        found = [getattr(record, name) for record in (second, after) for name in record.__dataclass_fields__]
        return [(tuple(x.shape), x.dtype, x.device.type) for x in (*found, scores, logits) if isinstance(x, Tensor)]

    expected = verbs(ENGINES[engine](model_on("cpu")))
    with pretended(device) as transfers:
        segmenter = ENGINES[engine](model_on(device))
        transfers.forget()
        assert verbs(segmenter) == [(shape, dtype, device) for shape, dtype, _ in expected]
    assert not transfers.read and not transfers.awaited


@DEVICES
def test_an_evaluation_reads_one_mask_for_each_frame(pretended: Pretended, device: str) -> None:
    video = square_video(4)
    with pretended(device) as transfers:
        segmenter = shared(model_on(device))
        transfers.forget()
        report = evaluate(segmenter, [video], config=WORK)
    assert transfers.read == [(60, 72)] * 4
    assert report.videos[0].frames == 4


@torch.no_grad()
def test_the_paper_at_full_size_with_ten_objects_takes_no_numbers() -> None:
    with torch.device("meta"):
        segmenter = shared(build_model(PAPER).eval())
        features = segmenter.encode(torch.empty(1, 3, 480, 864))
        templates = segmenter.start(features, regions_of(torch.empty(10, 480, 864)))
        logits = segmenter.segment(features, templates)
    assert logits.shape == (1, 10, 2, 480, 864) and features.key.shape == (1, 512, 30, 54)


def test_a_benchmark_counts_the_same_operations_on_tensors_without_numbers(
    pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WARM_UP", 0)
    monkeypatch.setitem(scenes.SIZES, 480, (48, 64))
    counted = {}
    for device in ("cpu", "meta"):
        with pretended(device):
            parts = parts_of(model_on(device), scenes.scene(3, (48, 64), 2), rounds=1)
            counted[device] = {name: part.get("operations") for name, part in parts.items()}
    assert counted["meta"] == counted["cpu"]
    with pretended("meta"):
        row = tracking.measure(tracking.exact_engines(model_on("meta")), tracking.Case("small", 2, 480), 1)
        assert row["ratio_onnx"] is None and row["pixels_that_differ"] == 0
        assert all(limits.limits(torch.device("meta")).values())


def test_onnx_files_are_not_written_from_another_device(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"on meta; expected float32 on the CPU"):
        write(model_on("meta"), tmp_path / "model")


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_loss_is_computed_on_a_gpu_alone(pretended: Pretended, precision: str) -> None:
    """Nothing is read, and nothing waited for: what seed and iteration draw is sent on the way."""
    config = change(TINY, run={"precision": precision})
    with pretended("cuda") as transfers, torch.no_grad():
        objective = Objective(model_on("cuda")).train()
        transfers.forget()
        moved = apply_swap(config, batch(), World(0, 1, torch.device("cuda")), 1)
        with step_memory.half_precision(config, "cuda"):
            loss, iou = objective(*moved, 0.5)
    assert {(x.device.type, tuple(x.shape), x.dtype) for x in (loss, iou)} == {("cuda", (), torch.float32)}
    assert not transfers.read and not transfers.awaited


def batch() -> tuple[Tensor, Tensor]:
    """Four clips of three frames, as they are loaded."""
    return torch.zeros(4, 3, 3, 48, 48, dtype=torch.uint8), torch.zeros(4, 3, 48, 48, dtype=torch.uint8)


def test_a_run_of_training_reads_the_loss_and_iou_once_a_step(
    pretended: Pretended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward, backward and optimiser; the loss is read in every step, so that a checkpoint never holds one of NaN."""
    monkeypatch.setattr(RunDir, "save", lambda self, iteration: None)  # weights without numbers cannot be written
    monkeypatch.setattr(train_module, "save_weights", lambda path, model: None)
    config = change(TINY, optimiser={"clip_gradient": 1.0}, run={"iterations": 2})
    with pretended("meta") as transfers:
        train(config, tiny_model(), VIDEOS, tmp_path, device="meta")
    assert transfers.read == [(2,)] * config.run.iterations


class Reads(TorchDispatchMode):
    """Counts the numbers that Python takes from tensors."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


Parts = tuple[TrainConfig, Objective, torch.optim.Optimizer]


def ready(config: TrainConfig) -> Parts:
    """What a step needs besides a scaler and a batch."""
    objective = prepare(config, tiny_model(), torch.device("cpu")).train()
    return config, objective, make_optimiser(config, objective)


def clips() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.rand(2, 2, 3, 48, 48), torch.randint(0, 2, (2, 2, 48, 48))


def weights(parts: Parts) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in parts[1].parameters()]


def test_scaling_the_gradient_reads_one_number_more_a_step() -> None:
    """Whether one of them is infinite, for all weights together."""
    counts = []
    for enabled in (False, True):
        parts, scaler = ready(SCALED), GradScaler("cpu", enabled=enabled, init_scale=2.0)
        with Reads() as reads:
            step(*parts, scaler, *clips())
        counts.append(reads.count)
    assert counts[1] == counts[0] + 1


@pytest.mark.parametrize("clip_gradient", [None, 1e-3])
def test_the_scaled_gradient_is_the_plain_one_when_the_optimiser_takes_it(clip_gradient: float | None) -> None:
    """A scale that is a power of two changes no digit of a gradient in float32."""
    config, after = change(SCALED, optimiser={"clip_gradient": clip_gradient}, run={"precision": "float32"}), []
    for enabled in (False, True):
        parts = ready(config)
        step(*parts, GradScaler("cpu", enabled=enabled, init_scale=2.0**10), *clips())
        after.append(weights(parts))
    assert not all(map(torch.equal, after[0], weights(ready(config))))
    for plain, scaled in zip(*after, strict=True):
        torch.testing.assert_close(scaled, plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("clip_gradient", [None, 1.0])
def test_a_step_with_an_infinite_gradient_is_skipped_and_the_scale_halved(clip_gradient: float | None) -> None:
    parts = ready(change(SCALED, optimiser={"clip_gradient": clip_gradient}))
    before, scaler = weights(parts), GradScaler("cpu", init_scale=2.0**100)
    loss, _ = step(*parts, scaler, *clips())
    assert loss.isfinite() and all(map(torch.equal, weights(parts), before))
    assert scaler.get_scale() == 2.0**99 and not parts[2].state
    scaler.update(1.0)
    step(*parts, scaler, *clips())
    assert not all(map(torch.equal, weights(parts), before))


def test_a_run_in_float16_is_resumed_with_its_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scale begins so high that steps are skipped: a run that began with it anew would skip more."""
    monkeypatch.setattr(
        train_module, "GradScaler", lambda device, enabled: GradScaler(device, 2.0**40, enabled=enabled)
    )
    states = {}
    for name, stops in (("whole", (4,)), ("parts", (2, 4))):
        for stop in stops:
            config = change(SCALED, run={"iterations": stop})
            train(config, tiny_model(), VIDEOS, tmp_path / name, device="cpu", override=True)
        states[name] = torch.load(tmp_path / name / "last.pt", weights_only=True)["parts"]
    assert states["parts"]["scaler"] == states["whole"]["scaler"]
    assert states["parts"]["scaler"]["scale"] == 2.0**36
    for name, value in states["whole"]["objective"].items():
        assert torch.equal(states["parts"]["objective"][name], value), name


def test_the_memory_computed_for_a_step_is_what_the_allocator_gives_out(tmp_path: Path) -> None:
    """Within a twentieth: kernels take a little for themselves, which is not computed."""
    config = change(TINY, data={"augment": {"crop": 64}}, run={"precision": "bfloat16"})
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        objective, optimiser, images, masks = step_memory.learner_and_clips(config)
        for _ in range(2):  # in the second there are gradients and moments of the first
            step(config, objective, optimiser, GradScaler("cpu", enabled=False), images, masks)
    measured = most_allocated(profiled, tmp_path / "trace.json")
    assert step_memory.step_bytes(config)["peak"] == pytest.approx(measured, rel=0.05)


def most_allocated(profiled: profile, trace: Path) -> int:
    """The most bytes held at any time of all that was allocated while it watched."""
    profiled.export_chrome_trace(str(trace))
    events = [event for event in json.loads(trace.read_text())["traceEvents"] if event["name"] == "[memory]"]
    changes = [event["args"]["Bytes"] for event in sorted(events, key=lambda event: event["ts"])]
    return int(np.cumsum(changes).max())
