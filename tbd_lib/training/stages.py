"""What a stage needs: videos to learn from, videos held out for validation, and the model that it begins with."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import torch
from torchvision.models import DenseNet121_Weights

from tbd_lib.datasets.clips import drifting_videos
from tbd_lib.datasets.davis import davis, sample
from tbd_lib.datasets.prepare.places import find_imagenet
from tbd_lib.datasets.youtube_vos import training_lists, youtube_vos
from tbd_lib.errors import InputError
from tbd_lib.files import at_home
from tbd_lib.method.encoder import DenseNet121
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import bundled_model, load_checkpoint, with_our_prefix
from tbd_lib.training.config import TrainConfig
from tbd_lib.training.run_dir import differences, listed
from tbd_lib.video.frames import Video


def stage_videos(config: TrainConfig, data: Path | None) -> tuple[list[Video], list[Video]]:
    """The training videos of a stage's data set, and those held out: never the benchmark's own.

    Args:
        config: names the data set, and how many videos (or images) are held out.
        data: folder of the data set; None for the sample. YouTube-VOS may have lists there (``training_lists``).

    Raises:
        InputError: no folder, or one for the sample; no such data set in it, or too few videos to hold any out.
    """
    name, count = config.data.dataset, config.data.hold_out
    if name == "sample":
        if data is not None:
            raise InputError(
                f"`data` {data}: expected none, since the sample comes with the package (or `dataset` coco, davis or "
                "youtube-vos)"
            )
        return hold_out(count, sample("train"))
    if data is None:
        raise InputError(f"`data`: missing; expected the folder of the data set ({name})")
    if name == "coco":
        from tbd_lib.datasets.coco import coco  # its library is an extra, which no other stage needs

        images, held = hold_out(count, coco(data, config=config.data.coco))
        return images, drifting_videos(config.data, held, config.run.seed)  # images become videos that can be tracked
    if name == "davis":
        return hold_out(count, davis(data, "train"))
    return hold_out(count, *training_lists(data, youtube_vos(data)))


def hold_out(count: int, videos: Sequence[Video], candidates: Sequence[Video] = ()) -> tuple[list[Video], list[Video]]:
    """Split off the ``count`` videos whose names have the smallest SHA-256.

    So they are the same on every machine and in whatever order videos are listed, and no video that was trained with is
    ever held out because others are added.

    Args:
        count: videos to hold out.
        videos: to learn from.
        candidates: other videos, where a list says which ones validate: they are held out instead.

    Raises:
        InputError: fewer than none; fewer candidates; nothing would be left to train with.
    """
    pool = candidates or videos
    if count < 0:
        raise InputError(f"`data.hold_out` {count}: expected at least 0")
    if count > len(pool) - (not candidates):
        limit = f"at most the {len(candidates)} of the list" if candidates else "fewer held out"
        raise InputError(f"`data.hold_out` {count}: the data has {len(pool)} videos or images; expected {limit}")
    held = sorted(pool, key=lambda video: sha256(video.name.encode()).digest())[:count]
    names = {video.name for video in held}
    return [video for video in videos if video.name not in names], held


def stage_model(config: TrainConfig, init: Path | None = None, encoder_weights: Path | None = None) -> TBD:
    """The model that a stage begins with.

    Args:
        config: names the architecture.
        init: weights of the whole model, of ours or the published ones.
        encoder_weights: torchvision's weights of DenseNet-121 alone, where there is no ``init``; as in
            ``load_imagenet`` if left out. EfficientNet-Lite0 begins with the ImageNet weights that the bundled model
            holds.

    Raises:
        InputError: a file that cannot be used, or would not be; weights of another architecture.
    """
    if encoder_weights is not None and (init is not None or config.model.encoder != "densenet121"):
        why = f"the encoder is {config.model.encoder}" if init is None else f"`init` {init} holds the encoder too"
        raise InputError(f"`encoder_weights` {encoder_weights}: expected none, since {why}")
    if init is not None:
        model = load_checkpoint(init)
        if model.config != config.model:
            changed = listed(differences(asdict(model.config), asdict(config.model), "model."))
            raise InputError(f"{init}: weights of another architecture: {changed}; expected the same")
        return model
    torch.manual_seed(config.run.seed)  # what is not loaded is drawn
    model = build_model(config.model)
    if isinstance(model.encoder, DenseNet121):
        load_imagenet(model.encoder, encoder_weights)
    else:  # the first stage left the encoder as it was
        model.encoder.load_state_dict(bundled_model("bundled-coco").encoder.state_dict())
    return model


def load_imagenet(encoder: DenseNet121, path: Path | None = None) -> None:
    """Fill the encoder with torchvision's ImageNet weights of DenseNet-121.

    They come from a file: this one, or that of ``tbd prepare weights``; or else torchvision fetches them.

    Raises:
        InputError: not such a file, or no connection.
    """
    path = path or find_imagenet()
    source = path or DenseNet121_Weights.IMAGENET1K_V1.url
    try:
        if path is None:
            state = DenseNet121_Weights.IMAGENET1K_V1.get_state_dict(progress=True)
        else:
            state = torch.load(at_home(path), map_location="cpu", weights_only=True)
        ours = {our_imagenet_name(name): value for name, value in state.items()}
        needed = {name: ours[name] for name in encoder.state_dict() if not name.startswith("normalise.")}
        encoder.load_state_dict(needed, strict=False)
    except Exception as error:  # torch and urllib raise many kinds here
        kind = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise InputError(
            f"{source}: {kind}; expected torchvision's weights of DenseNet-121 (`encoder_weights`, or `init`)"
        ) from error


def our_imagenet_name(name: str) -> str:
    """Our encoder's name of a tensor of torchvision's file, which says ``norm.1`` where we say ``norm1``."""
    name = re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name.removeprefix("features."))
    return with_our_prefix(name, {"conv0": "stem.0", "norm0": "stem.1", "denseblock": "block"})
