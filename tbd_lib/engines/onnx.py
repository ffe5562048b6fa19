"""The method in ONNX Runtime, on the CPU: float32 equals the plain form up to rounding, int8 nearly and is faster."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tbd_lib.engines.export import (
    FORMAT,
    GRAPHS,
    QUANTISED,
    OnnxPrecision,
    export,
    fingerprint,
    quantise,
    require_graphs_alone,
)
from tbd_lib.engines.segmenter import FrameFeatures, Segmenter, once, require_model
from tbd_lib.errors import InputError, extra
from tbd_lib.files import at_home
from tbd_lib.method.model import TBD, Features
from tbd_lib.method.templates import Templates

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, OrtValue

Calibrate = Callable[[Segmenter], object]


class Onnx:
    """Runs the files that ``export`` or ``quantise`` wrote.

    Args:
        folder: with a file for each graph.
        model: whose files they should be; None takes them as they are.

    Raises:
        InputError: a file is missing, cannot be read, was written by another version, or belongs to another model than
            the others or than ``model``.
        MissingExtraError: ONNX Runtime is not installed.
    """

    device = torch.device("cpu")
    dtype = torch.float32
    fixed_precision = True  # that of the graphs

    def __init__(self, folder: Path, model: TBD | None = None) -> None:
        folder = at_home(folder)
        expected = None if model is None else fingerprint(model)
        precision = ""
        self._sessions: dict[str, InferenceSession] = {}
        for name in GRAPHS:
            session = _open(folder / f"{name}.onnx")
            about = session.get_modelmeta().custom_metadata_map
            expected = expected or about["tbd_weights"]
            if about["tbd_weights"] != expected:
                raise InputError(
                    _again(folder / f"{name}.onnx", "is of another model or version", "the files of this model")
                )
            self._sessions[name], precision = session, about["tbd_precision"]
        self.fingerprint = f"{expected} {precision}"  # of the weights, and of the numbers that they are computed with
        self._pool = ThreadPoolExecutor(torch.get_num_threads())
        self._recorded: dict[str, list[dict[str, np.ndarray]]] | None = None
        self._distances: tuple[torch.Size, OrtValue] | None = None  # of the grid's size

    def encode(self, image: Float[Tensor, "1 3 H W"]) -> FrameFeatures:
        """Features of an image in [0, 1] whose sides are multiples of 16."""
        if image.device != self.device:
            raise ValueError(f"image on {image.device}; expected {self.device}, where this snapshot runs")
        s4, s8, s16, key = map(_tensor, self._run("encode", image))
        features = FrameFeatures(s4, s8, s16, key)
        self._halves(features)  # here, since track() encodes beside its other work
        return features

    def start(self, features: Features, regions: Float[Tensor, "1 o 2 H W"]) -> Templates:
        """Templates of objects that are given in this frame."""
        mask, area, coarse = map(_tensor, self._run("start", features.key, regions))
        return Templates(features.key, mask, features.key, mask, area, coarse, coarse, coarse)

    def match(self, features: Features, templates: Templates) -> Float[Tensor, "1 o 10 h w"]:
        """Ten score maps per object, in the order of ``TBD.match``."""
        (far,) = self._run("affinity", features.key, templates.first_key)
        near = once(self, features, "near", templates.prev_key, lambda: self._near(features, templates.prev_key))

        def match(t: Templates) -> Tensor:
            remembered = (t.first_mask, t.prev_mask, t.overall, t.short, t.long)
            return _tensor(self._run("match", features.key, far, near, *remembered)[0])

        return torch.cat(self._each(match, templates), 1)

    def segment(
        self, features: Features, templates: Templates, scores: Float[Tensor, "1 o 10 h w"] | None = None
    ) -> Float[Tensor, "1 o 2 H W"]:
        """Logits of background and foreground per object; ``scores`` where ``match`` has given them before."""
        if scores is None:
            scores = self.match(features, templates)
        halves, all_scores = self._halves(features), scores.split(1, 1)

        def decode(t: Templates, part: Tensor) -> Tensor:
            return _tensor(self._run("decode", *halves, part, t.prev_mask)[0])

        return torch.cat(self._each(decode, templates, all_scores))[None]

    def update(self, features: Features, templates: Templates, regions: Float[Tensor, "1 o 2 H W"]) -> Templates:
        """Templates after this frame, in which the objects have these region masks."""
        before = (templates.area, templates.overall, templates.short, templates.long)
        mask, area, overall, short, long = map(_tensor, self._run("update", features.key, regions, *before))
        after = replace(templates, prev_key=features.key, prev_mask=mask, area=area)
        return replace(after, overall=overall, short=short, long=long)

    def _near(self, features: Features, prev_key: Tensor) -> "OrtValue":
        """The affinity with the previous frame times the distance score."""
        if self._distances is None or self._distances[0] != prev_key.shape:
            self._distances = (prev_key.shape, self._run("distances", prev_key)[0])
        return self._run("local_affinity", features.key, prev_key, self._distances[1])[0]

    def _each(self, work: Callable[..., Tensor], templates: Templates, *more: Sequence[Tensor]) -> list[Tensor]:
        """``work`` on every object's templates, as many at a time as there are threads."""
        objects = [templates.take(slice(i, i + 1)) for i in range(templates.area.shape[1])]
        return list(map(work, objects, *more) if len(objects) == 1 else self._pool.map(work, objects, *more))

    def _halves(self, features: Features) -> "list[OrtValue]":
        """The features' halves of the decoder's convolutions, coarse to fine."""
        levels = features.s4, features.s8, features.s16
        return once(self, features, "halves", None, lambda: self._run("halves", *levels))

    def _run(self, name: str, *inputs: "Tensor | OrtValue") -> "list[OrtValue]":
        """A graph's outputs, in memory of ONNX Runtime's own; inputs are not copied unless they lie scattered."""
        from onnxruntime import OrtValue

        names, outputs = (text.split() for text in GRAPHS[name])
        values = [OrtValue.from_dlpack(x.contiguous()) if isinstance(x, Tensor) else x for x in inputs]
        given = dict(zip(names, values, strict=True))
        if self._recorded is not None and name in QUANTISED:
            self._recorded.setdefault(name, []).append({key: value.numpy().copy() for key, value in given.items()})
        return list(self._sessions[name].run_with_ort_values(outputs, given))

    @contextmanager
    def recording(self) -> Generator[dict[str, list[dict[str, np.ndarray]]]]:
        """Inputs of the graphs that can be quantised, as they occur inside the block."""
        self._recorded = {}
        try:
            yield self._recorded
        finally:
            self._recorded = None


def onnx(model: TBD, precision: OnnxPrecision = "float32", calibrate: Calibrate | None = None) -> Onnx:
    """A snapshot of the model that runs in ONNX Runtime; later changes of the model do not reach it.

    Args:
        model: in float32 on the CPU.
        precision: float32 is exact up to rounding; int8 is faster.
        calibrate: for int8, tracks some frames with the engine that it is given, for instance
            ``lambda engine: list(islice(track(engine, video), 8))``: the ranges of numbers come from there. What the
            quantised graphs take is kept in memory meanwhile, about 10 MB a frame at 480x864.

    Raises:
        InputError: no model, or not as above; another precision; int8 without ``calibrate``, or it tracked no frame.
        MissingExtraError: a library that this needs is not installed.
    """
    with TemporaryDirectory() as folder:  # sessions hold the graphs in memory
        return Onnx(write(model, Path(folder) / "graphs", precision, calibrate))


def write(model: TBD, folder: Path, precision: OnnxPrecision = "float32", calibrate: Calibrate | None = None) -> Path:
    """Write the model's files to a folder; arguments as for ``onnx``.

    The folder is made, or replaced if it is there and holds such files alone.

    Raises:
        InputError: as ``onnx``; the folder holds anything else.
        MissingExtraError: a library that this needs is not installed.
    """
    require_model(model)
    if (model.device.type, model.dtype) != ("cpu", torch.float32):
        raise InputError(f"`model` in {model.dtype} on {model.device}; expected float32 on the CPU")
    if precision not in get_args(OnnxPrecision):
        raise InputError(f"`precision` {precision!r}: expected {' or '.join(get_args(OnnxPrecision))}")
    folder = at_home(folder)
    if precision == "float32":
        export(model, folder)
        return folder
    if calibrate is None:
        raise InputError("int8 without calibrate(); expected a video to be tracked, for the ranges of numbers")
    require_graphs_alone(folder)  # before the work
    with TemporaryDirectory() as scratch:
        floats = Path(scratch) / "float32"
        export(model, floats)
        engine = Onnx(floats)
        with engine.recording() as records:
            calibrate(engine)
        if set(records) != set(QUANTISED):
            raise InputError("calibrate() tracked no frame; expected it to take steps: list(track(engine, video))")
        quantise(floats, folder, records)
    return folder


def _open(path: Path) -> "InferenceSession":
    with extra("onnx"):
        import onnxruntime
    if not path.is_file():
        raise InputError(_again(path, "no such file", "a graph of the model"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, torch.get_num_threads() // 2)  # track() encodes a frame meanwhile
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # nine pools would spin against each other
    _keep_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises kinds of its own for each reason
        raise InputError(
            _again(path, str(error).splitlines()[0][:120], "an ONNX file that this runtime reads")
        ) from error
    found = session.get_modelmeta().custom_metadata_map
    if found.get("tbd_format") != FORMAT:
        raise InputError(_again(path, f"format {found.get('tbd_format')}", f"format {FORMAT}"))
    return session


@cache
def _keep_memory() -> None:
    """One store of memory for all graphs: what a run has taken stays for the next one, and no more than that.

    Without it every frame asks the system for the encoder's widest maps again. With one for each graph, which is the
    runtime's default, each doubles what it takes.
    """
    import onnxruntime

    kinds = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    as_requested = onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(onnxruntime.OrtMemoryInfo("Cpu", *kinds), as_requested)


def _again(path: Path, found: str, expected: str) -> str:
    return f"{path}: {found}; expected {expected} (`tbd export-model` writes it)"


def _tensor(value: "OrtValue") -> Tensor:
    return torch.from_dlpack(value)
