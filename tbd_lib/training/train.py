"""One visible training loop, for one process or many: clips in, a model out.

A batch follows from the seed and the iteration alone, and all else is in the checkpoint: a run that was interrupted and
goes on ends with the same weights as one that was not.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import AdamW, Optimizer
from torch.utils.data import DataLoader

from tbd_lib.errors import InputError, TrainingError
from tbd_lib.evaluation.evaluate import evaluate
from tbd_lib.method.encoder import Encoder
from tbd_lib.method.model import TBD, autocast
from tbd_lib.method.swap_and_attach import swap_and_attach
from tbd_lib.training.checkpoint import save_weights
from tbd_lib.training.clips import Clips
from tbd_lib.training.config import TrainConfig
from tbd_lib.training.distillation import Imitation
from tbd_lib.training.distributed import World, join
from tbd_lib.training.objective import Objective
from tbd_lib.training.run_dir import Meter, Run
from tbd_lib.video.frames import Video

Batch = tuple[Tensor, Tensor]


def train(
    config: TrainConfig,
    model: TBD,
    videos: Sequence[Video],
    out: Path,
    *,
    held_out: Sequence[Video] = (),
    teacher: Encoder | None = None,
    device: str | None = None,
    override: bool = False,
) -> TBD:
    """Train a model in place, or go on where a run in ``out`` was interrupted; ``runs.Run`` says what is written there.

    Args:
        config: the recipe.
        model: with the weights to begin with.
        videos: what clips are cut from, with true masks; an image is a video of one frame.
        out: folder of this run.
        held_out: videos of the training data that are tracked now and then; their J&F tells the best weights.
        teacher: a frozen encoder, on the device, that the model's encoder learns to imitate (``config.imitate``).
        device: where to train; a GPU if there is one, else the CPU, if None.
        override: go on although ``out`` holds a run of another configuration.

    Returns:
        The model, in inference mode.

    Raises:
        InputError: settings or data that cannot be trained with; ``out`` holds a run of another configuration.
        TrainingError: the loss is not a number, or a process that makes clips died; the last checkpoint stays.
        OSError: a checkpoint cannot be written; the last one stays.
    """
    with join(device) as world:
        require_sense(config, world.size, teacher)
        clips = Clips(config, videos)
        torch.manual_seed(config.seed)
        objective = prepare(config, model, teacher, world.device)
        optimiser = make_optimiser(config, objective)
        scaler = GradScaler(world.device.type, enabled=config.precision == "float16")
        run = Run(out, config, {"objective": objective, "optimiser": optimiser, "scaler": scaler})
        done = run.resume(world.share(run.read(override) if world.first else None))
        learner = world.wrap(objective, unused_parameters=config.frames < 3 or not config.model.distance_score)
        if world.first:
            run.begin()
        with Meter(run, done, world.first) as meter:
            for iteration, batch in enumerate(batches(clips, world, run), done):
                rate = set_rates(config, optimiser, iteration)
                settle(config, model, iteration)
                images, masks = attach(config, batch, world, iteration)
                loss, iou = step(config, learner, optimiser, scaler, images, masks, context_share(config, iteration))
                loss, iou = world.mean(torch.stack([loss, iou])).tolist()
                if not math.isfinite(loss):
                    raise TrainingError(f"the loss is {loss} at iteration {iteration + 1}; {kept(run)}")
                now, last = iteration + 1, iteration + 1 == config.iterations
                meter.count(now, last, loss=loss, iou=iou, rate=rate)
                with meter.paused():
                    if world.first and held_out and (now % config.validate_every == 0 or last):
                        validate(model, held_out, run, now)
                    if world.first and (now % config.save_every == 0 or last):
                        run.save(now)
        if world.first:
            save_weights(out / "final.safetensors", model)
    return model.eval()


def step(
    config: TrainConfig,
    learner: nn.Module,
    optimiser: Optimizer,
    scaler: GradScaler,
    images: Float[Tensor, "b t 3 H W"],
    masks: Int64[Tensor, "b t H W"],
    context: float = 1.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """One step of the optimiser; returns this process's loss and intersection over union."""
    with autocast(images.device, config.precision):
        loss, iou = learner(images, masks, context)
    optimiser.zero_grad()
    scaler.scale(loss).backward()
    if config.clip_gradient is not None:
        scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(learner.parameters(), config.clip_gradient)
    scaler.step(optimiser)
    scaler.update()
    return loss.detach(), iou


def prepare(config: TrainConfig, model: TBD, teacher: Encoder | None, device: torch.device) -> Objective:
    """The model ready to be trained on its device, inside what is minimised."""
    model.freeze_encoder(config.encoder_rate is None)
    imitation = None
    if teacher is not None and config.imitate > 0:
        imitation = Imitation(teacher, model.channels[2])
    objective = Objective(model, imitation, config.imitate, config.imitated_frames).to(device)
    if config.channels_last:
        objective.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (torch's stub lacks it)
    if config.compile:
        model.encoder.compile()
        model.decoder.compile()
    return objective


def make_optimiser(config: TrainConfig, objective: Objective) -> Optimizer:
    """AdamW over all that is trained; the encoder, if it is, at its own rate."""
    encoder = list(objective.model.encoder.parameters()) if config.encoder_rate is not None else []
    of_encoder = {id(parameter) for parameter in objective.model.encoder.parameters()}
    others = [parameter for parameter in objective.parameters() if id(parameter) not in of_encoder]
    groups = [{"params": others}]
    groups += [{"params": encoder}] if encoder else []
    return AdamW(groups, config.learning_rate, weight_decay=config.weight_decay)


def rate_share(config: TrainConfig, iteration: int) -> float:
    """The learning rate as a share of its full height.

    A linear warm-up; then constant, or half a cosine down to zero (Loshchilov and Hutter, 2017).
    """
    if iteration < config.warm_up:
        return (iteration + 1) / config.warm_up
    if config.schedule == "constant":
        return 1.0
    share = (iteration - config.warm_up) / max(config.iterations - config.warm_up, 1)
    return 0.5 * (1 + math.cos(math.pi * share))


def set_rates(config: TrainConfig, optimiser: Optimizer, iteration: int) -> float:
    """Set the learning rates of this iteration; returns that of the head.

    They come from the configuration: a resumed optimiser brings those of its checkpoint along, which may be others.
    """
    for group, highest in zip(optimiser.param_groups, (config.learning_rate, config.encoder_rate), strict=False):
        assert highest is not None  # the second group is there only where the encoder has a rate
        group["lr"] = highest * rate_share(config, iteration)
        group["weight_decay"] = config.weight_decay
    return optimiser.param_groups[0]["lr"]


def context_share(config: TrainConfig, iteration: int) -> float:
    """How much of the image the decoder sees: nothing at first, then ever more, in full from ``context_full`` on.

    Trained from scratch with the image in full view, the decoder settles on predicting background everywhere: what the
    features say changes with every clip, and drowns the few maps that tell where the object is.
    """
    if iteration >= config.context_full:
        return 1.0
    return max(iteration - config.context_from, 0) / (config.context_full - config.context_from)


def settle(config: TrainConfig, model: TBD, iteration: int) -> None:
    """Training mode; towards the end a trained encoder's batch-norm uses its running statistics, as in inference.

    So the head gets used to them.
    """
    model.train()
    if iteration >= config.iterations * (1 - config.settle):
        model.encoder.eval()


def attach(
    config: TrainConfig, batch: Batch, world: World, iteration: int
) -> tuple[Float[Tensor, "b t 3 H W"], Int64[Tensor, "b t H W"]]:
    """The batch on its device after swap-and-attach, which seed, iteration and process determine."""
    images, masks = (part.to(world.device, non_blocking=True) for part in batch)
    generator = torch.Generator().manual_seed((config.seed * 1_000_003 + iteration) * 1024 + world.rank)
    least = math.ceil(config.augment.min_share * masks.shape[-1] * masks.shape[-2])
    return swap_and_attach(images.float() / 255, masks.long(), config.augment.swap, generator, least)


def batches(clips: Clips, world: World, run: Run) -> Iterator[Batch]:
    """This process's part of every batch that is left.

    Raises:
        InputError: what a data set's files raise, in one line.
        TrainingError: a process that makes clips died.
    """
    config = clips.config
    own = config.batch // world.size
    left = range(run.saved, config.iterations)
    numbers = [[iteration * config.batch + world.rank * own + place for place in range(own)] for iteration in left]
    pin = world.device.type == "cuda"
    loader = iter(DataLoader(clips, batch_sampler=numbers, num_workers=config.workers, pin_memory=pin))
    for iteration in left:
        try:
            images, masks = next(loader)
        except InputError as error:  # from another process it comes with a traceback, whose last line is the message
            raise InputError(str(error).strip().splitlines()[-1].rpartition("InputError: ")[2]) from error
        except RuntimeError as error:
            died = f"a process that makes clips died before iteration {iteration + 1} ({str(error).splitlines()[0]})"
            raise TrainingError(f"{died}; {kept(run)}; too little memory? try fewer --workers") from error
        yield images, masks


def validate(model: TBD, held_out: Sequence[Video], run: Run, iteration: int) -> None:
    """Track the held-out videos, log how well, and keep the weights if they are the best."""
    overall = evaluate(model.eval(), held_out, baseline=False).overall
    run.log(iteration=iteration, validation_j=overall.j.mean, validation_f=overall.f.mean)
    run.save_if_best(model, overall.j_and_f)


def kept(run: Run) -> str:
    """What remains of a run that stops."""
    path = run.out / "last.pt"
    return f"{path} holds iteration {run.saved}" if run.saved else f"{path} was not written yet"


def require_sense(config: TrainConfig, processes: int, teacher: Encoder | None) -> None:
    """Refuse settings that cannot work, before anything is written.

    Raises:
        InputError: naming the setting, its value and what was expected.
    """
    if config.batch % processes:
        raise InputError(f"--batch {config.batch}: expected a multiple of the {processes} processes")
    if config.batch // processes < 2 and config.augment.swap > 0:
        raise InputError(
            f"--batch {config.batch}: {config.batch // processes} clip per process; expected at least 2, since "
            "swap-and-attach needs a partner (or --augment.swap 0)"
        )
    if config.frames < 2:
        raise InputError(f"--frames {config.frames}: expected at least 2, the first of which is given")
    if config.augment.crop != config.synthetic_augment.crop and 0 < config.synthetic_share < 1:
        sizes = f"{config.augment.crop} and --synthetic-augment.crop {config.synthetic_augment.crop}"
        raise InputError(f"--augment.crop {sizes}: expected the same, since clips of both stand in one batch")
    if config.imitate > 0 and (teacher is None or config.encoder_rate is None):
        raise InputError(f"--imitate {config.imitate}: expected a teacher, and a trained encoder (--encoder-rate)")
