"""One visible training loop, for one process or many: clips in, a model out.

A batch follows from the seed and the iteration alone, and all else is in the checkpoint: a run that was interrupted and
goes on ends with the same weights as one that was not.
"""

import math
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from tbd_lib.datasets.clips import Clips
from tbd_lib.errors import InputError, TrainingError, first_sentence, is_full_memory
from tbd_lib.evaluation.evaluate import evaluate, require_scorable
from tbd_lib.method.model import TBD, autocast
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.tracking.config import BENCHMARK
from tbd_lib.training.checkpoint import save_weights
from tbd_lib.training.config import TrainConfig, change, check_settings
from tbd_lib.training.distributed import World, gradients_stay, join
from tbd_lib.training.objective import Objective
from tbd_lib.training.precision import settle
from tbd_lib.training.run_dir import Meter, Part, RunDir, precision_of
from tbd_lib.video.frames import Video

Batch = tuple[Tensor, Tensor]


def train(
    config: TrainConfig,
    model: TBD,
    videos: Sequence[Video],
    out: Path,
    *,
    held_out: Sequence[Video] = (),
    device: str | None = None,
    override: bool = False,
) -> TBD:
    """Train a model in place, or go on where a run in ``out`` was interrupted; ``RunDir`` says what is written there.

    Args:
        config: the recipe.
        model: with the weights to begin with.
        videos: what clips are cut from, with true masks; an image is a video of one frame.
        out: folder of this run.
        held_out: videos of the training data that are tracked now and then; their J&F tells the best weights.
        device: where to train; a GPU if there is one, else the CPU, if None.
        override: go on although ``out`` holds a run of another configuration, or of other videos.

    Returns:
        The model, in inference mode.

    Raises:
        InputError: settings or data that cannot be trained with; ``out`` holds a run of another configuration or other
            videos, or a finished one without its ``last.pt``.
        TrainingError: the loss is not a number, memory is full, or a process that makes clips died or could not read a
            file; the last checkpoint stays.
        OSError: a checkpoint cannot be written; the last one stays.
    """
    with join(device) as world:
        check(config, world)
        require_scorable(held_out)
        precision = settle(config.run.precision, world.device, world.share(precision_of(out) if world.first else None))
        config = change(config, run={"precision": precision})
        clips = Clips(config.data, videos, config.run.iterations, config.run.seed)
        torch.manual_seed(config.run.seed)
        learner = Learner.of(config, model, world)
        run = RunDir(out, config, learner.parts, videos)
        done = run.resume(world.share(run.read(override) if world.first else None))
        if world.first:
            run.begin()
        shown = {"desc": f"train, {precision}", "unit": "it", "disable": not world.first}
        with tqdm(initial=done, total=clips.iterations, **shown) as bar, run.errors_say_what_is_kept():
            meter = Meter(run, bar, logs=world.first)
            for iteration, batch in enumerate(batches(clips, world, done), done):
                loss, iou, rate = learner.iterate(batch, iteration)
                now, last = iteration + 1, iteration + 1 == config.run.iterations
                meter.count(now, last, loss=loss, iou=iou, rate=rate)
                with meter.paused():
                    if world.first and held_out and (now % config.run.validate_every == 0 or last):
                        validate(model, held_out, run, now)
                    if world.first and (now % config.run.save_every == 0 or last):
                        run.save(now)
        if world.first:
            save_weights(out / "final.safetensors", model)
    return model.eval()


@dataclass(frozen=True)
class Learner:
    """A model while it is trained, and all that a step needs besides a batch.

    Args:
        config: with a settled precision.
        world: this process among all.
        objective: the model inside what is minimised, on its device.
        wrapped: the same; with many processes it averages their gradients.
        optimiser: of what is trained.
        scaler: of the loss, in float16.
    """

    config: TrainConfig
    world: World
    objective: Objective
    wrapped: nn.Module
    optimiser: Optimizer
    scaler: GradScaler

    @classmethod
    def of(cls, config: TrainConfig, model: TBD, world: World) -> "Learner":
        """The model, ready to be trained in place."""
        objective = prepare(config, model, world.device)
        wrapped = world.wrap(objective, config.data.frames < 3 or not config.model.distance_score)
        scaler = GradScaler(world.device.type, enabled=config.run.precision == "float16")
        return cls(config, world, objective, wrapped, make_optimiser(config, objective), scaler)

    @property
    def parts(self) -> dict[str, Part]:
        """What a checkpoint holds the state of."""
        return {"objective": self.objective, "optimiser": self.optimiser, "scaler": self.scaler}

    def iterate(self, batch: Batch, iteration: int) -> tuple[float, float, float]:
        """Do one iteration; returns loss and intersection over union over all processes, and the learning rate.

        Raises:
            TrainingError: memory is full, or the loss is not a number.
        """
        config = self.config
        rate = set_rates(config, self.optimiser, iteration)
        freeze_bn_stats(config, self.objective.model.train(), iteration)
        images, masks = apply_swap(config, batch, self.world, iteration)
        context = context_share(config, iteration)
        try:
            loss, iou = step(config, self.wrapped, self.optimiser, self.scaler, images, masks, context)
        except RuntimeError as error:
            if not is_full_memory(error):
                raise
            happened = f"memory was full at iteration {iteration + 1} ({first_sentence(error)})"
            raise TrainingError(f"{happened}; {less_memory(config, self.world.size)}") from error
        loss, iou = self.world.mean(torch.stack([loss, iou])).tolist()
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at iteration {iteration + 1}")
        return loss, iou, rate


def step(
    config: TrainConfig,
    learner: nn.Module,
    optimiser: Optimizer,
    scaler: GradScaler,
    images: Float[Tensor, "b t 3 H W"],
    masks: Int64[Tensor, "b t H W"],
    context: float = 1.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """One step of the optimiser; returns this process's loss and intersection over union.

    A batch is computed in ``run.accumulate`` parts, whose gradients add up to those of the whole. Only a layer that
    looks at its batch tells the difference: the batch normalisation of an encoder that learns sees one part at a time.
    """
    assert config.run.precision != "auto"  # ``train`` has settled it
    count = config.run.accumulate
    parts = list(zip(images.chunk(count), masks.chunk(count), strict=True))
    measured = []
    optimiser.zero_grad()
    for part in parts:
        with nullcontext() if part is parts[-1] else gradients_stay(learner):
            with autocast(images.device, config.run.precision):
                loss, iou = learner(*part, context)
            scaler.scale(loss / count).backward()  # the mean over parts of equal size is the mean over the batch
        measured.append(torch.stack([loss.detach(), iou]))
    if config.optimiser.clip_gradient is not None:
        scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(learner.parameters(), config.optimiser.clip_gradient)
    scaler.step(optimiser)
    scaler.update()
    loss, iou = torch.stack(measured).mean(0)
    return loss, iou


def check(config: TrainConfig, world: World) -> None:
    """Refuse settings that cannot work, here or anywhere, before anything is written.

    Raises:
        InputError: naming the setting, its value and what was expected.
    """
    check_settings(config)
    data = config.data
    if data.batch % world.size:
        raise InputError(f"`data.batch` {data.batch}: expected a multiple of the {world.size} processes")
    if data.batch // world.size < 2 and data.augment.swap > 0:
        raise InputError(
            f"`data.batch` {data.batch}: {data.batch // world.size} clip per process; expected at least 2, since "
            "swap-and-attach needs a partner (or `data.augment.swap` 0)"
        )
    clips, parts = data.batch // world.size, config.run.accumulate
    if parts < 1 or clips % parts:
        raise InputError(f"`run.accumulate` {parts}: expected a divisor of the {clips} clips of a process")
    if config.run.compile:
        try:  # without what was compiled before: only a compilation shows whether there is a compiler
            torch.compile(torch.sin, options={"fx_graph_cache": False})(torch.ones(1, device=world.device))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"`run.compile`: {reason}; expected what torch.compile needs, a C++ compiler") from error


def less_memory(config: TrainConfig, processes: int) -> str:
    """The setting with which a step needs less memory, and what it does."""
    clips, parts = config.data.batch // processes, config.run.accumulate
    if parts < clips:
        more = next(count for count in range(parts + 1, clips + 1) if clips % count == 0)
        return f"`run.accumulate` {more} computes a batch in {more} parts, with the same gradients"
    return f"a smaller `data.augment.crop` than {config.data.augment.crop}, or fewer `data.frames`, need less"


def prepare(config: TrainConfig, model: TBD, device: torch.device) -> Objective:
    """The model ready to be trained on its device, inside what is minimised."""
    model.freeze_encoder(config.optimiser.encoder_rate is None)
    objective = Objective(model)
    objective.to(device).to(memory_format=torch.channels_last)  # with which convolutions are fastest
    if config.run.compile:
        model.encoder.compile()
        model.decoder.compile()
    return objective


def make_optimiser(config: TrainConfig, objective: Objective) -> Optimizer:
    """AdamW over all that is trained; the encoder, if it is, at a rate of its own."""
    settings, encoder = config.optimiser, list(objective.model.encoder.parameters())
    others = [value for name, value in objective.named_parameters() if not name.startswith("model.encoder.")]
    groups = [others] if settings.encoder_rate is None else [others, encoder]
    return AdamW([{"params": group} for group in groups], settings.learning_rate, weight_decay=settings.weight_decay)


def set_rates(config: TrainConfig, optimiser: Optimizer, iteration: int) -> float:
    """Set the learning rates of this iteration; returns that of all but the encoder.

    They come from the configuration: a resumed optimiser brings those of its checkpoint along, which may be others.
    """
    settings = config.optimiser
    for group, highest in zip(optimiser.param_groups, (settings.learning_rate, settings.encoder_rate), strict=False):
        assert highest is not None  # the second group is there only where the encoder has a rate
        group["lr"] = highest * rate_share(config, iteration)
        group["weight_decay"] = settings.weight_decay
    return optimiser.param_groups[0]["lr"]


def rate_share(config: TrainConfig, iteration: int) -> float:
    """The learning rate as a share of its full height.

    A linear warm-up; then constant, or half a cosine down to zero (Loshchilov and Hutter, 2017).
    """
    warm_up = config.optimiser.warm_up
    if iteration < warm_up:
        return (iteration + 1) / warm_up
    if config.optimiser.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (iteration - warm_up) / max(config.run.iterations - warm_up, 1)))


def freeze_bn_stats(config: TrainConfig, model: TBD, iteration: int) -> None:
    """Towards the end of a run, let a trained encoder's batch-norm use its running statistics, as in inference.

    So the head gets used to them.
    """
    if iteration >= config.run.iterations * (1 - config.optimiser.freeze_bn_stats):
        model.encoder.eval()


def context_share(config: TrainConfig, iteration: int) -> float:
    """How much of the image the decoder sees: nothing at first, then ever more, in full from ``context_full`` on.

    Trained from scratch with the image in full view, the decoder settles on predicting background everywhere: what the
    features say changes with every clip, and drowns the few maps that tell where the object is.
    """
    begin, full = config.optimiser.context_from, config.optimiser.context_full
    return 1.0 if iteration >= full else max(iteration - begin, 0) / (full - begin)


def apply_swap(
    config: TrainConfig, batch: Batch, world: World, iteration: int
) -> tuple[Float[Tensor, "b t 3 H W"], Int64[Tensor, "b t H W"]]:
    """The batch on its device after swap-and-attach, which seed, iteration and process determine."""
    images, masks = (part.to(world.device, non_blocking=True) for part in batch)
    generator = torch.Generator().manual_seed((config.run.seed * 1_000_003 + iteration) * 1024 + world.rank)
    augment = config.data.augment
    least = math.ceil(augment.min_share * masks.shape[-1] * masks.shape[-2])
    return swap_and_attach(images.float() / 255, masks.long(), augment.swap, generator, least)


def batches(clips: Clips, world: World, done: int = 0) -> Generator[Batch, None, None]:
    """This process's part of every batch that is left after the first ``done``.

    Raises:
        InputError: what a data set's files raise, in one line.
        TrainingError: a process that makes clips died, or could not read a file.
        OSError: a file cannot be read, where this process makes the clips.
    """
    batch, workers = clips.config.batch, clips.config.workers
    share = batch // world.size
    left = range(done, clips.iterations)
    numbers = [list(range(begin, begin + share)) for begin in (i * batch + world.rank * share for i in left)]
    pin = world.device.type == "cuda"
    loader = iter(DataLoader(clips, batch_sampler=numbers, num_workers=workers, pin_memory=pin))
    for iteration in left:
        try:
            images, masks = next(loader)
        except InputError as error:  # from another process it comes with a traceback, whose last line is the message
            raise InputError(str(error).strip().splitlines()[-1].rpartition("InputError: ")[2]) from error
        except OSError as error:
            if error.errno is not None:  # raised in this process, and so as the system raised it
                raise
            line = str(error).strip().splitlines()[-1]
            raise TrainingError(f"a clip could not be read before iteration {iteration + 1} ({line})") from error
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker (pid"):  # PyTorch's words for one that is gone
                raise
            died = f"a process that makes clips died before iteration {iteration + 1} ({str(error).splitlines()[0]})"
            raise TrainingError(f"{died}; too little memory? try fewer `data.workers`") from error
        yield images, masks


def validate(model: TBD, held_out: Sequence[Video], run: RunDir, iteration: int) -> None:
    """Track the held-out videos, log how well, and keep the weights if they are the best."""
    not_enlarged = replace(BENCHMARK, enlarge=False)  # for the time
    overall = evaluate(model.eval(), held_out, config=not_enlarged, baseline=False).overall
    run.log(iteration=iteration, validation_j=overall.j.mean, validation_f=overall.f.mean)
    run.save_if_best(model, overall.j_and_f)
