"""A rehearsal: some steps of a stage, from which follow how long it will take and what limits it. Nothing is kept."""

import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from time import perf_counter

import torch
from tqdm.auto import tqdm

from tbd_lib.datasets.clips import Clips
from tbd_lib.evaluation.evaluate import peak_memory
from tbd_lib.method.config import Precision
from tbd_lib.method.model import TBD
from tbd_lib.training.config import TrainConfig, change
from tbd_lib.training.distributed import World, join
from tbd_lib.training.precision import settle
from tbd_lib.training.train import Learner, batches, check, less_memory
from tbd_lib.video.frames import Video

STEPS = 50
MUCH_WAITING = 0.1  # share of a step's time from which on loading is called the limit
MUCH_MEMORY = 0.9  # share of the memory there is
HOUR, MINUTE, GB = 3600, 60, 1e9


@dataclass(frozen=True)
class Rehearsal:
    """What some steps of a stage took.

    Args:
        config: of the stage, with the precision that was settled.
        hardware: the GPU's name, or "CPU".
        processes: that trained together.
        steps: that were timed; those before them, in which caches fill, are not counted.
        waiting: seconds a step until the next batch was there.
        computing: seconds a step for all else.
        loading: clips a second that this process's workers make while nothing else runs.
        peak: most bytes in use: of a GPU by tensors, of a CPU by the process; None where that cannot be told.
        memory: bytes that there are, of the GPU or the machine.
    """

    config: TrainConfig
    hardware: str
    processes: int
    steps: int
    waiting: float
    computing: float
    loading: float
    peak: int | None
    memory: int | None

    @property
    def seconds(self) -> float:
        """A step, from batch to batch."""
        return self.waiting + self.computing

    @property
    def hours(self) -> float:
        """The whole stage, without validation."""
        return self.config.run.iterations * self.seconds / HOUR

    @property
    def minutes_to_checkpoint(self) -> float:
        """From one checkpoint to the next: what an interruption costs at most."""
        return self.config.run.save_every * self.seconds / MINUTE

    @property
    def clips_per_process(self) -> int:
        """Of one step."""
        return self.config.data.batch // self.processes

    def warnings(self) -> list[str]:
        """What limits the stage, and the setting that helps."""
        found = []
        if self.peak and self.memory and self.peak > MUCH_MEMORY * self.memory:
            found.append(f"memory is nearly full: {less_memory(self.config, self.processes)}")
        if self.waiting > MUCH_WAITING * self.seconds:
            found.append(f"{self.waiting / self.seconds:.0%} of the time passes waiting for clips: {self._faster()}")
        return found

    def report(self) -> str:
        """All of it, line by line."""
        run, workers = self.config.run, self.config.data.workers
        makers = f"{workers} worker{'s' * (workers != 1)}" if workers else "the same process"
        lines = [
            f"{self.steps} steps timed of {run.iterations:,}, in {run.precision} on {self.hardware}",
            f"{self.seconds:.2f} s a step; clips a second: {self.clips_per_process / self.computing:.1f} computed, "
            f"{self.loading:.1f} loaded by {makers}",
            self._memory_line(),
            f"{_time(self.hours)} for the whole stage, {_time(self.minutes_to_checkpoint / MINUTE)} from one "
            "checkpoint to the next; validation comes on top",
        ]
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings())])

    def _memory_line(self) -> str:
        if self.peak is None:
            return "peak memory: not measured on this system"
        whole = f" of {self.memory / GB:.1f}" if self.memory else ""
        return f"peak memory: {self.peak / GB:.1f}{whole} GB"

    def _faster(self) -> str:
        """What helps where loading is the limit."""
        cores = os.cpu_count() or 1
        if self.config.data.workers < cores:
            return f"more `data.workers` than {self.config.data.workers} help (there are {cores} processor cores)"
        if self.config.data.dataset == "coco":
            return "`tbd prepare coco --png` once writes masks that are read faster"
        return "data on the machine's own disk are read faster than over a network; more processor cores help"


def rehearse(
    config: TrainConfig,
    model: TBD,
    videos: Sequence[Video],
    steps: int = STEPS,
    *,
    device: str | None = None,
    began_with: Precision | None = None,
    clock: Callable[[], float] = perf_counter,
) -> Rehearsal:
    """Do the first steps of a stage, on a copy of the model, and measure. Nothing is written and nothing changes.

    Args:
        config: the recipe.
        model: with the weights to begin with.
        videos: what clips are cut from.
        steps: to time, at least one; before them come half as many for loading alone, and some that are not timed.
        device: as for ``train``.
        began_with: the precision of a run that would go on.
        clock: seconds; it is read before a batch is waited for, when it is there, and when it is computed.

    Raises:
        InputError: settings or data that cannot be trained with.
        TrainingError: the loss is not a number, memory is full, or a process that makes clips died or could not read a
            file.
    """
    with join(device) as world, torch.random.fork_rng([world.device] if world.device.type == "cuda" else []):
        check(config, world)
        config = change(config, run={"precision": settle(config.run.precision, world.device, began_with)})
        warm = max(2, config.data.workers * 2)  # batches that the workers have ready when training begins
        clips = Clips(config.data, videos, max(config.run.iterations, warm + steps), config.run.seed)
        loading = loading_speed(clips, world, max(steps // 2, 1), clock)
        torch.manual_seed(config.run.seed)
        learner = Learner.of(config, deepcopy(model), world)
        if world.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(world.device)
        waited = computed = 0.0
        stream = batches(clips, world)
        with tqdm(total=warm + steps, desc="rehearsal", unit="it", leave=False, disable=not world.first) as bar:
            for iteration in range(warm + steps):
                start = clock()
                batch = next(stream)
                there = clock()
                learner.iterate(batch, iteration)  # returns numbers, so a GPU has done its work
                done = clock()
                if iteration >= warm:
                    waited, computed = waited + there - start, computed + done - there
                bar.update()
        stream.close()
        peak, memory = peak_memory(world.device), memory_of(world.device)
        name = torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else world.device.type.upper()
    return Rehearsal(config, name, world.size, steps, waited / steps, computed / steps, loading, peak, memory)


def loading_speed(clips: Clips, world: World, count: int, clock: Callable[[], float]) -> float:
    """Clips a second that workers make while nothing else runs; the first batch, for which they start, not counted."""
    stream = batches(clips, world)
    next(stream)
    start = clock()
    for _ in range(count):
        next(stream)
    seconds = clock() - start
    stream.close()
    return count * clips.config.batch / world.size / seconds


def memory_of(device: torch.device) -> int | None:
    """Bytes that there are, of the GPU or the machine; None on Windows, which does not tell."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None


def _time(hours: float) -> str:
    """Hours, minutes or seconds, whichever reads best."""
    if hours >= 1:
        return f"{hours:.1f} hours"
    minutes = hours * MINUTE
    return f"{minutes:.1f} minutes" if minutes >= 1 else f"{minutes * MINUTE:.1f} seconds"
