"""The command line: ``tbd prepare``, ``train``, ``evaluate``, ``score``, ``export``, ``report``, ``track`` and more.

Each command is one function, whose arguments are its options (tyro makes the parser). Bad input ends with one line on
standard error and exit status 2. What is heavy is imported by the command that needs it.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tqdm.auto import tqdm

from tbd_lib import __version__
from tbd_lib.cli.bench import bench
from tbd_lib.cli.export_model import export_model
from tbd_lib.cli.flags import PATHS, with_flags
from tbd_lib.cli.options import SharedOptions, TrackOptions, device_of, weights_file
from tbd_lib.cli.terminal import Streams, one_line, usage_errors_in_a_line
from tbd_lib.cli.track import fps_of, track
from tbd_lib.datasets.config import Benchmark
from tbd_lib.datasets.prepare.command import prepare
from tbd_lib.errors import InputError, MissingExtraError, TrainingError, first_sentence, is_full_memory, named
from tbd_lib.files import (
    JSON_BEGINS,
    ZIP_BEGINS,
    require_absent,
    require_writable,
    solutions_notebook,
    write_copy,
    write_json,
)
from tbd_lib.training.config import STAGES, TrainConfig, check_settings

ABOUT = "TBD: track objects through a video past look-alikes in the background, given their masks in one frame."
ABOUT_STAGES = {
    "coco": "The paper's first stage: clips from images.",
    "davis": "The paper's second stage, on DAVIS; begins with weights of the first (--init).",
    "youtube-vos": "The paper's second stage, on YouTube-VOS; begins with weights of the first (--init).",
    "sample": "The small model's head, on synthetic videos: a quarter of an hour on two cores.",
}

if TYPE_CHECKING:
    from tbd_lib.evaluation.report import Report
    from tbd_lib.video.frames import Video

    Stage = TrainConfig
else:  # a command per stage, whose options are the fields of its configuration
    Stage = Annotated[
        tyro.extras.subcommand_type_from_defaults(STAGES, ABOUT_STAGES, prefix_names=False), tyro.conf.arg(name="")
    ]

Year = Literal[2016, 2017, 2018, 2019]
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}
ROOM = "; what was finished stays: make room, and run the same command again"
INTERRUPTED = 130  # the exit status that shells expect after Ctrl-C


def train(
    stage: Stage,
    data: Path | None = None,
    init: Path | None = None,
    encoder_weights: Path | None = None,
    out: Path | None = None,
    device: str | None = None,
    override: bool = False,
    rehearse: bool = False,
) -> None:
    """Train, or go on with a run that was interrupted; on many processes with torchrun ... -m tbd_lib train ...

    Args:
        stage: Which recipe; every value of it can be set.
        data: Root folder of the data set.
        init: Weights of the whole model to begin with: bundled-davis or bundled-coco; published-davis or
            published-ytvos; a .safetensors file, or the published .pth.
        encoder_weights: torchvision's weights of DenseNet-121, for a run without --init; if left out, those that tbd
            prepare fetched, else torchvision fetches them.
        out: Folder for checkpoints, weights and the log; runs/<stage> if left out.
        device: For instance cuda:1; a GPU if there is one, else the CPU, if left out.
        override: Go on although the folder holds a run of another configuration.
        rehearse: Only do some steps, and say how long the stage will take and what limits it; nothing is written.
    """
    from tbd_lib.training.distributed import is_first
    from tbd_lib.training.stages import stage_model, stage_videos
    from tbd_lib.training.train import train as train_model

    check_settings(stage)  # and the device: before the data are read
    out = out or Path("runs") / stage.data.dataset
    if device is not None:
        device_of(device)
    videos, held_out = stage_videos(stage, data)
    model = stage_model(stage, init and weights_file(init), encoder_weights)
    if rehearse:
        from tbd_lib.training.rehearsal import rehearse as rehearse_stage
        from tbd_lib.training.run_dir import precision_of

        report = rehearse_stage(stage, model, videos, device=device, began_with=precision_of(out)).report()
        if is_first():
            print(with_flags(report))
        return
    train_model(stage, model, videos, out, held_out=held_out, device=device, override=override)
    if is_first():
        print(f"weights in {out / 'final.safetensors'}, the log in {out / 'log.jsonl'}")


def evaluate(
    data: Path,
    dataset: Benchmark = "davis",
    year: Year | None = None,
    split: str = "",
    resolution: str = "480p",
    out: Path | None = None,
    json: Path | None = None,
    overwrite: bool = False,
    options: SharedOptions = TrackOptions(),  # noqa: B008 (a frozen record)
) -> None:
    """Track a benchmark's videos and score the masks beside doing nothing.

    Where only the benchmark's server has the true masks (DAVIS test-dev, YouTube-VOS), masks are written and nothing is
    scored; tbd export makes the archive. A video that cannot be tracked is named, the others go on. A run that stopped
    goes on when the same command is given again: what is in --json, or else in --out, is not tracked again.

    Args:
        data: Root folder of the data set.
        dataset: Its layout.
        year: DAVIS-2016 joins all objects into one, DAVIS-2017 (the default) scores each. YouTube-VOS: 2018 and 2019
            are folders of their own.
        split: A list of videos in ImageSets/<year>, or a folder of YouTube-VOS; val, or valid, if left out.
        resolution: Of DAVIS: 480p, or Full-Resolution (1080p in the release of 2016).
        out: Where to write palette masks, as <out>/<video>/<frame>.png.
        json: Where to write the scores of every object and frame.
        overwrite: Replace the masks and scores that the last run wrote there.
        options: The model, and how it goes over videos.
    """
    from tbd_lib.cli.benchmarks import benchmark_videos
    from tbd_lib.evaluation.evaluate import evaluate as evaluate_videos
    from tbd_lib.evaluation.evaluate import predict
    from tbd_lib.evaluation.resuming import facts_of, unfinished

    if json is not None:
        require_writable(json)
        if json.exists() and not overwrite:
            unfinished(json)  # refuses any other
    config = options.config(benchmark=True)
    videos = benchmark_videos(data, dataset, year, split, resolution)
    scored = any(video.truth is not None for video in videos)
    if not scored and (out is None or json is not None):
        raise InputError(f"{data}: has no true masks of this split to score with; expected `out` and no `json`")
    engine, joined, failed = options.segmenter(), year == 2016, list[str]()

    def name_failure(name: str, error: str) -> None:
        failed.append(name)
        tqdm.write(f"tbd: {name} is left out: {with_flags(error)}", file=sys.stderr)

    facts = facts_of(engine, config, videos, joined=joined)
    if scored:
        report = evaluate_videos(
            engine,
            videos,
            out,
            config,
            joined=joined,
            overwrite=overwrite,
            json=json,
            facts=facts,
            on_failure=name_failure,
        )
        _print_remarks(report)
        print(report.table())
    else:
        assert out is not None
        count = predict(engine, videos, out, config, overwrite=overwrite, facts=facts, on_failure=name_failure)
        print(f"{count} masks in {out}; tbd export makes the archive for the benchmark's server")
    if failed:
        again = f"; the same command{' without `overwrite`' * overwrite} goes on with them" if out or json else ""
        raise InputError(
            f"{data}: {len(failed)} of {len(videos)} videos failed ({named(failed)}), expected none{again}"
        )


def export(
    masks: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MASKS")],
    archive: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ARCHIVE.zip")],
    data: Path,
    dataset: Benchmark = "davis",
    year: Year | None = None,
    split: str = "",
    resolution: str = "480p",
    overwrite: bool = False,
) -> None:
    """Pack a benchmark's masks for its server, after a look at every one of them.

    Args:
        masks: A folder with one folder of masks per video, as tbd evaluate writes it.
        archive: The zip file to write.
        data: Root folder of the data set, which tells what is expected.
        dataset: Its layout.
        year: As for tbd evaluate.
        split: As for tbd evaluate.
        resolution: As for tbd evaluate.
        overwrite: Write over an archive that is there already.
    """
    from tbd_lib.cli.benchmarks import benchmark_videos
    from tbd_lib.evaluation.export import export as export_masks

    require_absent(archive, overwrite, ZIP_BEGINS)
    require_writable(archive)
    count = export_masks(masks, benchmark_videos(data, dataset, year, split, resolution), archive, dataset)
    print(f"{count} masks in {archive}")


def score(
    predictions: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PREDICTIONS")],
    truth: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TRUTH")],
    year: Literal[2016, 2017] = 2017,
    split: str | None = None,
    resolution: str = "480p",
    missing: Literal["error", "zero"] = "error",
    json: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Score masks that are there already: those of every video in the list, in every frame but the first and the last.

    Args:
        predictions: A folder with one folder of masks per video.
        truth: The same with true masks, whose folders are the list; or the root of a data set in DAVIS layout.
        year: DAVIS-2016 joins all objects into one, DAVIS-2017 scores each.
        split: The list in ImageSets/<year> of a root; val if left out.
        resolution: Of the true masks below a root: 480p, or Full-Resolution.
        missing: Whether a listed video without masks is an error, or scored 0.
        json: Where to write J and F of every object and frame.
        overwrite: Write over a file of scores that is there already.
    """
    from tbd_lib.evaluation.scoring import score as score_folders

    if json is not None:
        require_absent(json, overwrite, JSON_BEGINS)
        require_writable(json)
    report = score_folders(
        predictions,
        truth,
        joined=year == 2016,
        workers=None,
        split=split,
        missing=missing,
        resolution=resolution,
    )
    _print_remarks(report)
    print(report.table())
    if json is not None:
        report.write_json(json)


def report(
    results: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RESULT.json")] = (),
) -> None:
    """Put the scores that the authors published beside ours: J&F on the same objects, the gap, and whether they agree.

    Args:
        results: Files of tbd evaluate --json; if left out, those that come with the package.
    """
    from tbd_lib.evaluation.published import compare, per_video, table, verdict
    from tbd_lib.files import results_folder

    ours = list(results) or [results_folder() / name for name in ("davis2016_six.json", "trunk.json")]
    print(table(compare(ours)))
    print("\nWhether each agrees with the published scores, as the published weights should:")
    for file in ours:
        print(f"{file}: {verdict(per_video(file))}")


def demo(
    out: Path = Path("outputs/demo"),
    json: Path | None = None,
    overwrite: bool = False,
    options: SharedOptions = TrackOptions(),  # noqa: B008 (a frozen record)
) -> None:
    """Track the sample's real clips, score them, and leave masks and overlays.

    Args:
        out: Folder for the results; those of an earlier demo are written over.
        json: Where to write the scores of every object and frame.
        overwrite: Write over a file of scores that is there already.
        options: The model, and how it goes over videos.
    """
    from tbd_lib.datasets.davis import sample
    from tbd_lib.evaluation.evaluate import evaluate as evaluate_videos
    from tbd_lib.video.outputs import require_libraries

    if json is not None:
        require_absent(json, overwrite, JSON_BEGINS)
        require_writable(json)
    require_libraries(["mp4"])
    videos = sample("real")
    for video in videos:
        require_writable(out / f"{video.name}.mp4")
    report = evaluate_videos(options.segmenter(), videos, out / "masks", options.config(benchmark=True), overwrite=True)
    for video in tqdm(videos, desc="overlays", unit="video"):
        _overlay_of_masks(video, out / "masks" / video.name, out / f"{video.name}.mp4")
    print(f"{report.table()}\n")
    if json is not None:
        write_json(json, report.as_json())
    print(f"masks in {out / 'masks'}, to look at: {out}/*.mp4")


def solutions(out: Path = Path("solutions/solutions.ipynb"), overwrite: bool = False) -> None:
    """Write the notebook that solves and explains the exercises of all lessons.

    Args:
        out: The notebook to write; if left out, where the links of lessons in this folder lead.
        overwrite: Write over a notebook that is there already.
    """
    require_absent(out, overwrite, JSON_BEGINS)
    require_writable(out)
    write_copy(out, solutions_notebook())
    print(f"solutions in {out}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 for bad input, 130 after Ctrl-C, 141 if its reader is gone.

    Args:
        arguments: those of this process if left out, whose streams are then made safe for the work.

    Raises:
        SystemExit: of status 0 after --help or --version, of status 2 for arguments that no command has.
    """
    if arguments is not None:
        return _run(arguments)
    streams = Streams()
    try:
        return streams.status(_run(sys.argv[1:]))
    except SystemExit as stop:
        raise SystemExit(streams.status(int(stop.code or 0))) from None


def _run(arguments: Sequence[str]) -> int:
    """Run a command; returns its exit status."""
    try:
        _command_of(arguments)()
        return 0
    except (InputError, TrainingError, MissingExtraError) as error:
        status, line = 2, f"tbd: {one_line(with_flags(str(error)))}"
    except OSError as error:
        status, line = 2, f"tbd: {one_line(str(error))}{ROOM * (error.errno in FULL)}"
    except Exception as error:
        if not is_full_memory(error):
            raise
        less = "to track, a smaller --short-side or --roi-margin 3 need less"
        status, line = 2, f"tbd: memory is full ({one_line(first_sentence(error))}); {less}"
    except KeyboardInterrupt:
        status, line = INTERRUPTED, "\ntbd: interrupted; what was written before is whole and stays"
    print(line, file=sys.stderr)  # only now have the error's frames let go of their progress bars, which would write on
    return status


def _command_of(arguments: Sequence[str]) -> Callable[[], None]:
    """The command that is asked for, with its options."""
    if list(arguments) == ["--version"]:
        return lambda: print(f"tbd {__version__}")
    every = (prepare, train, evaluate, score, export, report, track, demo, bench, export_model, solutions)
    commands = {command.__name__.replace("_", "-"): _later(command) for command in every}
    how = (tyro.conf.FlagCreatePairsOff, tyro.conf.CascadeSubcommandArgs)
    with usage_errors_in_a_line():
        return tyro.extras.subcommand_cli_from_dict(
            commands, prog="tbd", description=ABOUT, args=arguments, config=how, registry=PATHS
        )


def _later(command: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """A function of the same options, which returns what is to be done with them."""

    @wraps(command)
    def bound(*args: object, **options: object) -> Callable[[], None]:
        return partial(command, *args, **options)

    return bound


def _print_remarks(report: "Report") -> None:
    for remark in report.remarks():
        print(f"tbd: {remark}", file=sys.stderr)


def _overlay_of_masks(video: "Video", masks: Path, path: Path) -> None:
    """An overlay video of masks that lie in a folder."""
    from tbd_lib.video.masks import read_mask
    from tbd_lib.video.overlay import OverlayWriter, overlay

    with OverlayWriter(path, fps_of(video)) as writer:
        for frame in video.frames:
            writer.write(overlay(frame.image, read_mask(masks / f"{frame.name}.png")))
