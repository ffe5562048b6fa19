"""The command line: ``tbd prepare``, ``tbd train``, ``tbd evaluate``, ``tbd score``, ``tbd track``, ``tbd demo``.

Each command is one function, whose arguments are its options (tyro makes the parser). Bad input ends with one line on
standard error and exit status 2. What is heavy is imported by the command that needs it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tqdm.auto import tqdm

from tbd_lib.config import BENCHMARK, STAGES, TrainConfig
from tbd_lib.files import InputError, TrainingError, require_absent
from tbd_lib.prepare.command import prepare

ABOUT = "TBD: track objects through a video past look-alikes in the background, given their masks in one frame."
ABOUT_STAGES = {
    "coco": "The paper's first stage: clips from images.",
    "davis": "The paper's second stage, on DAVIS; begins with weights of the first (--init).",
    "youtube-vos": "The paper's second stage, on YouTube-VOS; begins with weights of the first (--init).",
    "sample": "The small model from scratch, on the bundled sample and synthetic videos: minutes on a laptop.",
}

if TYPE_CHECKING:
    from tbd_lib.model import TBD
    from tbd_lib.video import Video

    Stage = TrainConfig
else:  # a command per stage, whose options are the fields of its configuration
    Stage = Annotated[
        tyro.extras.subcommand_type_from_defaults(STAGES, ABOUT_STAGES, prefix_names=False), tyro.conf.arg(name="")
    ]

Year = Literal[2016, 2017]
INTERRUPTED = 130  # the exit status that shells expect after Ctrl-C


def train(
    stage: Stage,
    data: Path | None = None,
    init: Path | None = None,
    encoder_weights: Path | None = None,
    out: Path | None = None,
    device: str | None = None,
    override: bool = False,
) -> None:
    """Train, or go on with a run that was interrupted; on many processes with torchrun ... -m tbd_lib train ...

    Args:
        stage: Which recipe; every value of it can be set.
        data: Root folder of the data set.
        init: Weights of the whole model to begin with: .safetensors, the published .pth, or published-davis.
        encoder_weights: torchvision's weights of DenseNet-121, for a run without --init; if left out, those that tbd
            prepare fetched, else torchvision fetches them.
        out: Folder for checkpoints, weights and the log; runs/<stage> if left out.
        device: For instance cuda:1; a GPU if there is one, else the CPU, if left out.
        override: Go on although the folder holds a run of another configuration.
    """
    from tbd_lib.prepare.places import find_imagenet, find_weights
    from tbd_lib.stages import stage_model, stage_videos
    from tbd_lib.train import train as train_model

    out = out or Path("runs") / stage.dataset
    videos, held_out = stage_videos(stage, data)
    init = None if init is None else find_weights(init)
    model = stage_model(stage, init, encoder_weights or find_imagenet())
    train_model(stage, model, videos, out, held_out=held_out, device=device, override=override)
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"weights in {out / 'final.safetensors'}, the log in {out / 'log.jsonl'}")


def evaluate(
    data: Path,
    dataset: Literal["davis"] = "davis",
    year: Year = 2017,
    split: str = "val",
    weights: Path | None = None,
    out: Path | None = None,
    json: Path | None = None,
    device: str | None = None,
    overwrite: bool = False,
) -> None:
    """Track a benchmark's videos and score the masks beside doing nothing.

    Args:
        data: Root folder of the data set.
        dataset: Its layout.
        year: DAVIS-2016 joins all objects into one, DAVIS-2017 scores each.
        split: A list of videos in ImageSets/<year>.
        weights: A .safetensors file, the published .pth, or published-davis or published-ytvos (what tbd prepare
            weights fetched); the bundled small model if left out.
        out: Where to write palette masks, as <out>/<video>/<frame>.png.
        json: Where to write the scores of every object and frame.
        device: For instance cuda:1; a GPU if there is one, else the CPU, if left out.
        overwrite: Write over masks and scores that are there already.
    """
    from tbd_lib.datasets import davis
    from tbd_lib.evaluate import evaluate as evaluate_videos

    if json is not None:
        require_absent(json, overwrite)
    videos = davis(data, split, year)
    report = evaluate_videos(_model(weights, device), videos, out, BENCHMARK, joined=year == 2016, overwrite=overwrite)
    print(report.table())
    if json is not None:
        report.write_json(json)


def score(
    predictions: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PREDICTIONS")],
    truth: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TRUTH")],
    year: Year = 2017,
    json: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Score masks that are there already.

    Args:
        predictions: A folder with one folder of masks per video.
        truth: The same with true masks, or the root of a data set in DAVIS layout.
        year: DAVIS-2016 joins all objects into one, DAVIS-2017 scores each.
        json: Where to write J and F of every object and frame.
        overwrite: Write over a file of scores that is there already.
    """
    from tbd_lib.scoring import score as score_folders

    if json is not None:
        require_absent(json, overwrite)
    report = score_folders(predictions, truth, joined=year == 2016)
    print(report.table())
    if json is not None:
        report.write_json(json)


def track(
    video: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER_OR_VIDEO")],
    mask: Path,
    out: Path,
    weights: Path | None = None,
    overlay: Literal["mp4", "webp"] = "mp4",
    device: str | None = None,
    overwrite: bool = False,
) -> None:
    """Track objects through your own video: masks in <out>/masks, and <out>/overlay.mp4 to look at.

    Args:
        video: A folder of frames, or a video file.
        mask: The objects in the first frame, as a PNG of the same size.
        out: Folder for the results.
        weights: A .safetensors file, the published .pth, or published-davis or published-ytvos (what tbd prepare
            weights fetched); the bundled small model if left out.
        overlay: Kind of the overlay video.
        device: For instance cuda:1; a GPU if there is one, else the CPU, if left out.
        overwrite: Write over results that are there already.
    """
    from tbd_lib.datasets import folder

    found = folder(video, mask)
    _track_into(out, found, _model(weights, device), overlay, overwrite)
    print(f"masks in {out / 'masks'}, to look at: {out / f'overlay.{overlay}'}")


def demo(
    out: Path = Path("outputs/demo"), weights: Path | None = None, json: Path | None = None, device: str | None = None
) -> None:
    """Track the bundled sample's validation videos, score them, and leave masks and overlay videos.

    Args:
        out: Folder for the results; those of an earlier demo are written over.
        weights: A .safetensors file, the published .pth, or published-davis or published-ytvos (what tbd prepare
            weights fetched); the bundled small model if left out.
        json: Where to write the scores of every object and frame.
        device: For instance cuda:1; a GPU if there is one, else the CPU, if left out.
    """
    from tbd_lib.datasets import sample
    from tbd_lib.evaluate import evaluate as evaluate_videos

    if json is not None:
        require_absent(json, overwrite=False)
    videos = sample("val")
    report = evaluate_videos(_model(weights, device), videos, out / "masks", BENCHMARK, overwrite=True)
    for video in tqdm(videos, desc="overlays", unit="video"):
        _overlay_of_masks(video, out / "masks" / video.name, out / f"{video.name}.mp4")
    print(report.table())
    if json is not None:
        report.write_json(json)
    print(f"\nmasks in {out / 'masks'}, to look at: {out}/*.mp4")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 for bad input, 130 after Ctrl-C."""
    commands = {"prepare": prepare, "train": train, "evaluate": evaluate, "score": score, "track": track, "demo": demo}
    how = (tyro.conf.FlagCreatePairsOff, tyro.conf.CascadeSubcommandArgs)
    try:
        tyro.extras.subcommand_cli_from_dict(commands, prog="tbd", description=ABOUT, args=arguments, config=how)
    except (InputError, TrainingError, OSError) as error:
        print(f"tbd: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntbd: interrupted; what was written before is whole and stays", file=sys.stderr)
        return INTERRUPTED
    return 0


def _model(weights: Path | None, device: str | None) -> "TBD":
    """The model on its device."""
    import torch

    from tbd_lib.checkpoint import bundled_model, load_checkpoint
    from tbd_lib.prepare.places import find_weights

    model = bundled_model() if weights is None else load_checkpoint(find_weights(weights))
    try:
        return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except (RuntimeError, AssertionError) as error:  # torch's words for a device that is not there
        raise InputError(
            f"--device {device}: {str(error).splitlines()[0]}; expected a device of this machine"
        ) from error


def _track_into(out: Path, video: "Video", model: "TBD", kind: str, overwrite: bool) -> None:
    """Write every mask as it comes, and the overlay video beside them."""
    from operator import length_hint

    from tbd_lib.masks import write_mask
    from tbd_lib.overlay import OverlayWriter, overlay
    from tbd_lib.scoring import mask_names
    from tbd_lib.tracker import track as track_video

    masks, picture = out / "masks", out / f"overlay.{kind}"
    if mask_names(masks) and not overwrite:
        raise InputError(f"{masks}: holds masks already; expected an empty or new folder (or --overwrite)")
    require_absent(picture, overwrite)
    steps = track_video(model, video, BENCHMARK)
    with OverlayWriter(picture, _fps(video)) as writer:
        for step in tqdm(steps, desc=video.name, total=length_hint(video.frames) or None, unit="frame"):
            write_mask(masks / f"{step.name}.png", step.mask)
            writer.write(overlay(step.image, step.mask))


def _overlay_of_masks(video: "Video", masks: Path, path: Path) -> None:
    """An overlay video of masks that lie in a folder."""
    from tbd_lib.masks import read_mask
    from tbd_lib.overlay import OverlayWriter, overlay

    with OverlayWriter(path, _fps(video)) as writer:
        for frame in video.frames:
            writer.write(overlay(frame.image, read_mask(masks / f"{frame.name}.png")))


def _fps(video: "Video", default: float = 24.0) -> float:
    """Frames per second of a video file; a folder of frames does not tell."""
    return float(getattr(video.frames, "fps", None) or default)
