"""One visible training loop: clips in, a model out, with a log, and checkpoints to go on from."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from tqdm.auto import tqdm

from tbd_lib.augment import swap_and_attach
from tbd_lib.clips import Clips
from tbd_lib.config import TrainConfig
from tbd_lib.files import InputError, write_whole
from tbd_lib.model import TBD, build_model
from tbd_lib.video import Video

Batch = tuple[Tensor, Tensor]
LOG_EVERY = 20  # iterations


def train(
    config: TrainConfig, pictures: Sequence[Video], out: Path, init: TBD | None = None, device: str = "cpu"
) -> TBD:
    """Train a model from scratch, or go on where a run in ``out`` was interrupted.

    Writes ``out/last.pt`` (all it takes to go on) and ``out/log.jsonl`` (a line every 20 iterations).

    Args:
        config: the recipe.
        pictures: images with object masks, as videos of one frame.
        out: folder of this run.
        init: a model whose weights to begin with; None begins from scratch.
        device: where to train.

    Raises:
        InputError: ``out`` holds a run with another configuration.
        FloatingPointError: the loss is not a number; the last checkpoint stays.
    """
    torch.manual_seed(config.seed)
    model = build_model(config.model, frozen_encoder=False).to(device).train()
    if init is not None:
        model.load_state_dict(init.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate)
    done = _resume(out, config, model, optimiser)
    progress = tqdm(_batches(config, pictures, done), initial=done, total=config.iterations, desc="train")
    recent: list[dict[str, float]] = []
    for iteration, (images, masks) in enumerate(progress, done):
        _set_rate(optimiser, learning_rate(config, iteration))
        settle(model, iteration >= config.iterations * (1 - config.settle))
        images, masks = attach(config, images.to(device).float() / 255, masks.to(device).long(), iteration)
        loss, iou = step(config, model, optimiser, images, masks, context_share(config, iteration))
        if not math.isfinite(loss):
            raise FloatingPointError(f"loss {loss} at iteration {iteration}; {out / 'last.pt'} is the last good state")
        recent.append({"loss": loss, "iou": iou})
        progress.set_postfix(loss=f"{loss:.3f}", iou=f"{iou:.3f}")
        if (iteration + 1) % LOG_EVERY == 0:
            _log(out, iteration + 1, recent)
            recent = []
        if (iteration + 1) % config.save_every == 0 or iteration + 1 == config.iterations:
            _save(out, config, model, optimiser, iteration + 1)
    return model.eval()


def step(
    config: TrainConfig,
    model: TBD,
    optimiser: torch.optim.Optimizer,
    images: Float[Tensor, "b t 3 H W"],
    masks: Int64[Tensor, "b t H W"],
    context: float = 1.0,
) -> tuple[float, float]:
    """One step of the optimiser; returns the loss and the mean intersection over union after the first frame."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=config.half):
        logits = model(images, F.one_hot(masks[:, :1], 2).permute(0, 1, 4, 2, 3).float(), context)[:, :, 0]
    loss = F.cross_entropy(logits.flatten(0, 1), masks[:, 1:].flatten(0, 1))
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_gradient)
    optimiser.step()
    predicted, true = logits[:, :, 1] > logits[:, :, 0], masks[:, 1:] > 0
    both, either = (predicted & true).sum((1, 2, 3)), (predicted | true).sum((1, 2, 3)).clamp(min=1)
    return loss.item(), (both / either).mean().item()


def attach(
    config: TrainConfig, images: Float[Tensor, "b t 3 H W"], masks: Int64[Tensor, "b t H W"], iteration: int
) -> tuple[Float[Tensor, "b t 3 H W"], Int64[Tensor, "b t H W"]]:
    """Swap-and-attach, drawn from the seed and the iteration alone."""
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + iteration)
    least = math.ceil(config.augment.min_share * masks.shape[-1] * masks.shape[-2])
    return swap_and_attach(images, masks, config.augment.swap, generator, least)


def learning_rate(config: TrainConfig, iteration: int) -> float:
    """A linear warm-up, then half a cosine down to zero (Loshchilov and Hutter, 2017)."""
    if iteration < config.warm_up:
        return config.learning_rate * (iteration + 1) / config.warm_up
    share = (iteration - config.warm_up) / max(config.iterations - config.warm_up, 1)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def context_share(config: TrainConfig, iteration: int) -> float:
    """How much of the image the decoder sees: nothing at first, then ever more, in full from ``context_full`` on.

    Trained from scratch with the image in full view, the decoder settles on predicting background everywhere: what the
    features say changes with every clip, and drowns the few maps that tell where the object is.
    """
    if iteration >= config.context_full:
        return 1.0
    return max(iteration - config.context_from, 0) / (config.context_full - config.context_from)


def settle(model: TBD, still: bool) -> None:
    """Let batch-norm use its running statistics, as in inference, towards the end: the head gets used to them."""
    model.encoder.train(not still)


def _batches(config: TrainConfig, pictures: Sequence[Video], done: int) -> Iterator[Batch]:
    """The batches that are left; each is determined by the seed and its number."""
    clips = Clips(config, pictures)
    left = Subset(clips, range(done * config.batch, len(clips)))
    return iter(DataLoader(left, config.batch, num_workers=config.workers, drop_last=True))


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _log(out: Path, iteration: int, recent: list[dict[str, float]]) -> None:
    mean = {name: round(sum(one[name] for one in recent) / len(recent), 5) for name in ("loss", "iou")}
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps({"iteration": iteration, **mean, "time": round(time.time(), 1)}) + "\n")


def _save(out: Path, config: TrainConfig, model: TBD, optimiser: torch.optim.Optimizer, done: int) -> None:
    state = {"config": asdict(config), "done": done, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
    with write_whole(out / "last.pt") as temporary:
        torch.save(state, temporary)


def _resume(out: Path, config: TrainConfig, model: TBD, optimiser: torch.optim.Optimizer) -> int:
    """Load ``out/last.pt`` where there is one; returns the number of iterations that are done."""
    path = out / "last.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    changed = {name for name, value in asdict(config).items() if state["config"][name] != value}
    if changed:
        raise InputError(f"{path}: a run with another {', '.join(sorted(changed))}; expected the same configuration")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["done"]
