"""How long stages of training take on which hardware: measured where they were run, else computed.

    python -m tools.training_time

Writes ``results/training_time.json``. The operations of a step are counted on tensors without data. A GPU's time
follows from its published peak and an assumed share of that peak; that of two CPU cores for the paper's stages follows
from the speed that the logs of the small model's stages show.
"""

from pathlib import Path

import tyro
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.amp.grad_scaler import GradScaler
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.step_memory import learner_and_clips
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.training.config import COCO_STAGE, DAVIS_STAGE, TrainConfig, change
from tbd_lib.training.run_dir import read_log
from tbd_lib.training.train import step
from tools.train_bundled import STAGES, minutes

PEAKS = {  # floating-point operations per second in 16 bits, without sparsity, as the vendor's data sheets state them
    "T4": 65e12,
    "L4": 121e12,
    "A100": 312e12,
    "H100": 989e12,
}
USED = 0.25  # share of the peak that training reaches: an assumption
PAPER = {"coco": COCO_STAGE, "davis": DAVIS_STAGE}  # stages that nobody has run in full with this code
RUN = ("images", "videos_a")  # stages of the bundled models that were run on two cores of a CPU
HOUR = 3600
METHOD = {
    "operations": "additions and multiplications of convolutions and matrix products in one step, forward and "
    "backward, counted by PyTorch",
    "GPUs": "computed, not measured: operations, divided by the share `used` (an assumption) of the card's peak in 16 "
    "bits, which NVIDIA's data sheets state (T4 float16; L4, A100, H100 SXM bfloat16 without sparsity); loading and "
    "validation come on top",
    "small model's stages on GPUs": "not computed: its operations are so few that loading and calls set the pace",
    "two CPU cores": "the small model's stages: measured, by the clock, on a machine that had other work as well; the "
    "paper's stages: computed from the operations a second of those",
}


def main(results: Path = Path("results")) -> None:
    """Count, compute and write.

    Args:
        results: Folder with the logs, for the result.
    """
    stages = {**PAPER, **{name: STAGES[name].config for name in RUN}}
    operations = {name: operations_of(config) for name, config in stages.items()}
    steps = {name: config.run.iterations for name, config in stages.items()}
    measured = {name: minutes(read_log(results / f"train_bundled_{name}.jsonl")) / 60 for name in RUN}
    speed = sum(operations[name] * steps[name] for name in RUN) / (sum(measured.values()) * HOUR)
    speeds = {**{card: USED * peak for card, peak in PEAKS.items()}, "two CPU cores": speed}
    hours = {
        place: {name: computed(operations[name], steps[name], rate) for name in PAPER} for place, rate in speeds.items()
    }
    hours["two CPU cores"] |= measured
    found = {
        "operations_per_step": operations,
        "steps": steps,
        "peak_per_second": PEAKS,
        "used": USED,
        "cpu_per_second": speed,
        "hours": hours,
        "method": METHOD,
        "provenance": provenance(),
    }
    write_json(results / "training_time.json", found)


def operations_of(config: TrainConfig) -> int:
    """Floating-point operations of one step, of convolutions and matrix products."""
    config = change(config, run={"precision": "float32"})
    with FakeTensorMode():
        objective, optimiser, images, masks = learner_and_clips(config)
        with FlopCounterMode(display=False) as counter:
            step(config, objective, optimiser, GradScaler("cpu", enabled=False), images, masks)
    return counter.get_total_flops()


def computed(operations: float, steps: int, speed: float) -> float:
    """Hours of a stage, given operations a step and operations a second."""
    return operations * steps / speed / HOUR


if __name__ == "__main__":
    tyro.cli(main)
