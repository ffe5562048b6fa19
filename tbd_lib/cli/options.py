"""Options that several commands share: which model, in which engine, and how videos go through it."""

import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import tyro

from tbd_lib.errors import InputError
from tbd_lib.method.config import Precision
from tbd_lib.tracking.config import BENCHMARK, TrackConfig

if TYPE_CHECKING:
    import torch

    from tbd_lib.engines.segmenter import Segmenter
    from tbd_lib.method.model import TBD

Engine = Literal["plain", "shared", "onnx", "onnx-int8"]
CALIBRATION_FRAMES = 4  # of each video, for the ranges of int8


@dataclass(frozen=True)
class TrackOptions:
    """The model, and how it goes over videos."""

    weights: Path | None = None
    """bundled-davis (if left out) or bundled-coco; published-davis or published-ytvos; a .safetensors file, the
    published .pth, or a folder of tbd export-model."""
    engine: Engine | None = None
    """How the model is run: as written; with work shared between objects; in ONNX Runtime on a CPU; or there in int8.

    All but int8 give the same masks. If left out, the fastest of those on the device."""
    device: str | None = None
    """For instance cuda:1; a GPU if there is one, else the CPU, if left out."""
    short_side: int = 480
    """Pixels that the shorter side of every frame becomes for tracking: 480 is the benchmarks' protocol, fewer are
    faster."""
    keep_small_objects: bool = False
    """Keep a video's own size where an object would have fewer than 1000 pixels otherwise. The benchmarks' protocol,
    and always so in tbd evaluate and demo at 480 pixels."""
    roi_margin: int | None = None
    """Faster, not exact: decode only so many cells of 16 pixels (3, say) around where each object can be."""
    precision: Precision = "float32"
    """Of the convolutions, in the engines plain and shared; bfloat16 is faster where the processor knows it."""

    def config(self, benchmark: bool = False) -> TrackConfig:
        """How videos go through the model; ``benchmark``: as its protocol has it, where the options agree with that.

        Raises:
            InputError: a size or a number of cells of no use.
        """
        return TrackConfig(
            short_side=self.short_side,
            keep_small_objects=self.keep_small_objects or (benchmark and self.short_side == BENCHMARK.short_side),
            roi_margin=self.roi_margin,
            precision=self.precision,
        )

    def segmenter(self) -> "Segmenter":
        """The model in its engine; a line on standard error says which was chosen.

        Raises:
            InputError: weights that cannot be read, a device that is not there, or an engine that cannot run on it,
                with these weights, in this precision, or for want of a library.
        """
        device = device_of(self.device)
        engine, why = (self.engine, "") if self.engine else self._fastest(device)
        if self._is_exported() and not engine.startswith("onnx"):
            raise InputError(f"--engine {engine}: found ONNX files in --weights {self.weights}; expected --engine onnx")
        if engine.startswith("onnx"):
            self._require_onnx(engine, device)
        print(f"engine: {engine}{why}", file=sys.stderr)
        if self._is_exported():
            from tbd_lib.engines.onnx import Onnx

            assert self.weights is not None
            return Onnx(self.weights)
        model = model_of(self.weights)
        if engine.startswith("onnx"):
            return cached_onnx(model, "int8" if engine == "onnx-int8" else "float32")
        if engine == "shared":
            from tbd_lib.engines.shared import shared

            return shared(model.to(device))
        return model.to(device)

    def _is_exported(self) -> bool:
        return self.weights is not None and self.weights.is_dir()

    def _fastest(self, device: "torch.device") -> tuple[Engine, str]:
        """The fastest exact engine, and a remark where a faster one could not be had."""
        if self._is_exported():
            return "onnx", ""
        if device.type != "cpu" or self.precision != "float32":
            return "shared", ""
        if missing := [name for name in ("onnxruntime", "onnx", "onnxscript") if find_spec(name) is None]:
            return "shared", f" (onnx is faster, but {missing[0]} is not installed: pip install 'tbd-lib[onnx]')"
        return "onnx", ""

    def _require_onnx(self, engine: Engine, device: "torch.device") -> None:
        if device.type != "cpu":
            raise InputError(
                f"--engine {engine}: runs on a CPU, found --device {device}; expected cpu, or another engine"
            )
        if self.precision != "float32":
            raise InputError(
                f"--engine {engine}: found --precision {self.precision}; expected float32, or another engine"
            )


SharedOptions = Annotated[TrackOptions, tyro.conf.OmitArgPrefixes, tyro.conf.arg(name="")]
"""The options as they stand in a command's signature: their flags have no prefix."""


def model_of(weights: Path | None) -> "TBD":
    """The model of these weights, a file or a name, on the CPU; ``bundled-davis`` for None.

    Raises:
        InputError: weights that cannot be read.
    """
    from tbd_lib.training.checkpoint import load_checkpoint

    return load_checkpoint(weights_file(weights or Path("bundled-davis")))


def weights_file(weights: Path) -> Path:
    """The file that the name of bundled or published weights stands for; any other path as it is.

    Raises:
        InputError: published weights that were not fetched yet.
    """
    from tbd_lib.datasets.prepare.places import find_weights
    from tbd_lib.training.checkpoint import Bundled, bundled_file

    name = str(weights)
    if name not in get_args(Bundled):
        return find_weights(weights)
    if name == "bundled-davis":
        mention_licence()
    return bundled_file(name)


def mention_licence() -> None:
    """Say once on a machine what the weights that learned from DAVIS may be used for."""
    from tbd_lib.datasets.prepare.places import home

    mark = home() / "bundled-davis-licence-mentioned"
    if mark.exists():
        return
    print(
        "weights bundled-davis learned from DAVIS (CC BY-NC 4.0): for non-commercial use; "
        "--weights bundled-coco may be used for any purpose",
        file=sys.stderr,
    )
    with suppress(OSError):  # a folder that cannot be written to only means that it is said again
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def device_of(name: str | None) -> "torch.device":
    """The device of this name; for None a GPU if there is one, else the CPU.

    Raises:
        InputError: a device that is not there.
    """
    import torch

    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.empty(0, device=name)
        place.cpu()  # there are some that hold no numbers
        return place.device
    except (RuntimeError, AssertionError) as error:  # torch's words for a device that is not there
        raise InputError(f"--device {name}: {str(error).splitlines()[0]}; expected a device of this machine") from error


def cached_onnx(model: "TBD", precision: Literal["float32", "int8"]) -> "Segmenter":
    """The model in ONNX Runtime; its files are written once, below ``$TBD_HOME/engines``, and again if damaged."""
    from tbd_lib.datasets.prepare.places import home
    from tbd_lib.engines.export import fingerprint
    from tbd_lib.engines.onnx import Onnx

    folder = home() / "engines" / f"{fingerprint(model)[:16]}-{precision}"
    if folder.is_dir():
        try:
            return Onnx(folder, model)
        except InputError as error:
            print(f"{error}; written anew", file=sys.stderr)
    print(f"writing the model's ONNX files to {folder}, once: seconds to a minute", file=sys.stderr)
    return Onnx(write_onnx(model, folder, precision), model)


def write_onnx(model: "TBD", folder: Path, precision: Literal["float32", "int8"]) -> Path:
    """Write a model's ONNX files; int8 is calibrated on the sample's training videos, the first frames of each."""
    from tbd_lib.engines.onnx import write

    return write(model, folder, precision, None if precision == "float32" else calibrate)


def calibrate(engine: "Segmenter") -> None:
    """Track the first frames of the sample's training videos: what int8 learns the ranges of numbers from."""
    from itertools import islice

    from tbd_lib.datasets.davis import sample
    from tbd_lib.tracking.tracker import track

    for video in sample("train"):
        for _ in islice(track(engine, video, BENCHMARK), CALIBRATION_FRAMES):
            pass
