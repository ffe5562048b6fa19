"""From a stage's name to what it needs: videos to learn from, videos held out, and the model it begins with."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import torch
from torchvision.models import DenseNet121_Weights

from tbd_lib.datasets.davis import davis, sample
from tbd_lib.datasets.youtube_vos import training_lists, youtube_vos
from tbd_lib.errors import InputError
from tbd_lib.method.encoder import DenseNet121
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import load_checkpoint
from tbd_lib.training.clips import drifting_videos
from tbd_lib.training.config import TrainConfig
from tbd_lib.video.frames import Video


def stage_videos(config: TrainConfig, root: Path | None) -> tuple[list[Video], list[Video]]:
    """The training videos of a stage's data set, and those held out: never the benchmark's own.

    Args:
        config: names the data set, and how many videos (or images) are held out.
        root: folder of the data set; the sample has its own. YouTube-VOS may have lists there (``training_lists``).

    Raises:
        InputError: no root, no such data set in it, or too few videos to hold any out.
    """
    if config.dataset == "sample":
        return hold_out(config, sample("train"))
    if root is None:
        raise InputError(f"--data: missing; expected the folder of the data set ({config.dataset})")
    if config.dataset == "coco":
        from tbd_lib.datasets.coco import coco  # its library is an extra, which no other stage needs

        return hold_out_images(config, coco(root, config=config.coco))
    if config.dataset == "davis":
        return hold_out(config, davis(root, "train"))
    return hold_out(config, *training_lists(root, youtube_vos(root)))


def hold_out(
    config: TrainConfig, videos: Sequence[Video], candidates: Sequence[Video] = ()
) -> tuple[list[Video], list[Video]]:
    """Split off ``config.hold_out`` videos: those whose names have the smallest SHA-256.

    So they are the same on every machine and in whatever order videos are listed, and no video that was trained with is
    ever held out because others are added.

    Args:
        config: says how many.
        videos: to learn from.
        candidates: other videos, where a list says which ones validate: they are held out instead.

    Raises:
        InputError: fewer candidates; nothing would be left to train with.
    """
    pool = candidates or videos
    if config.hold_out > len(pool) - (not candidates):
        limit = f"at most the {len(candidates)} of the list" if candidates else "fewer held out"
        raise InputError(f"--hold-out {config.hold_out}: the data has {len(pool)} videos or images; expected {limit}")
    held = sorted(pool, key=lambda video: sha256(video.name.encode()).digest())[: config.hold_out]
    names = {video.name for video in held}
    return [video for video in videos if video.name not in names], held


def hold_out_images(config: TrainConfig, images: Sequence[Video]) -> tuple[list[Video], list[Video]]:
    """The same for images, of which those held out become short videos that can be tracked.

    Raises:
        InputError: nothing would be left to train with.
    """
    kept, held = hold_out(config, images)
    return kept, drifting_videos(config, held)


def stage_model(config: TrainConfig, init: Path | None = None, encoder_weights: Path | None = None) -> TBD:
    """The model that a stage begins with.

    Args:
        config: names the architecture.
        init: weights of the whole model, of ours or the published ones (``--init``).
        encoder_weights: torchvision's weights of the encoder alone; fetched by torchvision if left out, where the
            encoder is a frozen DenseNet-121 and there is no ``init``.

    Raises:
        InputError: a file that cannot be used, weights of another architecture, or no weights to be had.
    """
    if init is not None:
        model = load_checkpoint(init)
        if model.config != config.model:
            raise InputError(f"{init}: weights of {model.config}; expected {config.model}")
        return model
    torch.manual_seed(config.seed)  # what is not loaded is drawn
    model = build_model(config.model)
    if isinstance(model.encoder, DenseNet121):
        load_imagenet(model.encoder, encoder_weights)
    elif config.encoder_rate is None:
        raise InputError("--encoder-rate None: a frozen encoder without weights; expected --init, or a learning rate")
    return model


def load_imagenet(encoder: DenseNet121, path: Path | None = None) -> None:
    """Fill the encoder with torchvision's ImageNet weights of DenseNet-121, from a file or fetched by torchvision.

    Raises:
        InputError: not such a file, or no connection.
    """
    source = path or DenseNet121_Weights.IMAGENET1K_V1.url
    try:
        if path is None:
            state = DenseNet121_Weights.IMAGENET1K_V1.get_state_dict(progress=True)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        own = {our_imagenet_name(name): value for name, value in state.items()}
        needed = {name: own[name] for name in encoder.state_dict() if not name.startswith("normalise.")}
        encoder.load_state_dict(needed, strict=False)
    except Exception as error:  # torch and urllib raise many kinds here
        kind = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise InputError(
            f"{source}: {kind}; expected torchvision's weights of DenseNet-121 (--encoder-weights FILE, or --init FILE)"
        ) from error


def our_imagenet_name(name: str) -> str:
    """Our encoder's name of a tensor of torchvision's file, which says ``norm.1`` where we say ``norm1``."""
    name = re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name.removeprefix("features."))
    prefixes = {"conv0": "stem.0", "norm0": "stem.1", "denseblock": "block"}
    for theirs, ours in prefixes.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name
