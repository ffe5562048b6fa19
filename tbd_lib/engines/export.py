"""The method as ONNX files: a graph for each step, for any number of objects and any size of frame.

``GRAPHS`` and ``SHAPES`` say what each file takes and gives; whoever runs them (``engines/onnx.py``, a web page) holds
only the loop over frames, resizing, padding and aggregation.
"""

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jaxtyping
import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.onnx import ONNXProgram

from tbd_lib.engines.shared import decode_rest, features_halves
from tbd_lib.errors import InputError, extra
from tbd_lib.files import at_home, write_whole_folder
from tbd_lib.method.config import Template
from tbd_lib.method.matching import affinity, best_match, grid_mask, join_scores, prototype_match
from tbd_lib.method.model import TBD
from tbd_lib.method.templates import Templates, start_templates, update_templates

if TYPE_CHECKING:
    from onnx import ModelProto

FORMAT = "1"  # of these files; another number means that they must be written anew
OPSET = 20
OnnxPrecision = Literal["float32", "int8"]

GRAPHS = {
    "encode": ("image", "s4 s8 s16 key"),
    "halves": ("s4 s8 s16", "half16 half8 half4"),
    "distances": ("key", "distance_scores"),
    "affinity": ("key first_key", "far"),
    "local_affinity": ("key prev_key distance_scores", "near"),
    "match": ("key far near first_mask prev_mask overall short long", "scores"),
    "decode": ("half16 half8 half4 scores prev_mask", "logits"),
    "start": ("key regions", "mask start_area coarse"),
    "update": ("key regions area overall short long", "new_mask new_area new_overall new_short new_long"),
}
"""What each graph takes, and what it gives."""

SHAPES = {
    "image": "1 3 16h 16w",
    "regions": "1 o 2 16h 16w",
    "s4": "1 e 4h 4w",
    "s8": "1 f 2h 2w",
    "s16": "1 g h w",
    **dict.fromkeys(("key", "first_key", "prev_key"), "1 c h w"),
    "half16": "1 d h w",
    "half8": "1 d 2h 2w",
    "half4": "1 d 4h 4w",
    "distance_scores": "p p",
    **dict.fromkeys(("far", "near"), "1 p p"),
    **dict.fromkeys(("first_mask", "prev_mask"), "1 o 2 h w"),
    **dict.fromkeys(("overall", "short", "long"), "1 o 2 c"),
    "area": "1 o 2",
    "scores": "1 o 10 h w",
}
"""Axes of every input: ``h w`` the grid, ``p`` its places, ``o`` objects, others the model's widths."""

QUANTISED = ("encode", "halves")  # decode gains nothing: gates, which stay in float32, stand between its convolutions
KEPT_FLOAT = {"encode": 3}  # its first convolutions, cheap and narrow: an error made there grows in all that follows
FREE = {"h": 5, "w": 7, "p": 35, "o": 3}  # axes that may have any length, and their length in the example

Inputs = Mapping[str, np.ndarray]


class Steps(nn.Module):
    """The graphs as functions, each named as its file."""

    def __init__(self, model: TBD) -> None:
        super().__init__()
        self.model = model

    def encode(self, image: Tensor) -> tuple[Tensor, ...]:
        """Steps 1 and 2."""
        features = self.model.encode(image)
        return features.s4, features.s8, features.s16, features.key

    def halves(self, s4: Tensor, s8: Tensor, s16: Tensor) -> tuple[Tensor, ...]:
        """The part of step 5 that is the same for all objects."""
        return features_halves(self.model.decoder, s4, s8, s16)

    def distances(self, key: Tensor) -> Tensor:
        """The distance score of all pairs of places on a grid of the key's size (step 4)."""
        h, w = key.shape[-2:]
        if self.model.config.distance_score:
            return self.model.distance.pairs(h, w)
        return key.new_ones(h * w, h * w)

    def affinity(self, key: Tensor, first_key: Tensor) -> Tensor:
        """Similarities with the frame in which objects were given (step 4)."""
        return affinity(key, first_key)

    def local_affinity(self, key: Tensor, prev_key: Tensor, distance_scores: Tensor) -> Tensor:
        """Similarities with the previous frame, weighted by distance (step 4)."""
        return affinity(key, prev_key) * distance_scores

    def match(
        self,
        key: Tensor,
        far: Tensor,
        near: Tensor,
        first_mask: Tensor,
        prev_mask: Tensor,
        overall: Tensor,
        short: Tensor,
        long: Tensor,
    ) -> Tensor:
        """The ten score maps (step 4)."""
        scores: dict[Template, Tensor] = {
            "global": best_match(far, first_mask),
            "local": best_match(near, prev_mask),
            "overall": prototype_match(key, overall),
            "short": prototype_match(key, short),
            "long": prototype_match(key, long),
        }
        used = self.model.config.templates
        # not zeros: a graph has to use every input that it declares
        return join_scores({kind: maps if kind in used else maps * 0 for kind, maps in scores.items()})

    def decode(self, half16: Tensor, half8: Tensor, half4: Tensor, scores: Tensor, prev_mask: Tensor) -> Tensor:
        """The part of step 5 that each object has for itself."""
        return decode_rest(self.model.decoder, (half16, half8, half4), scores, prev_mask)

    def start(self, key: Tensor, regions: Tensor) -> tuple[Tensor, ...]:
        """Step 7 for objects that are given: their grid mask, its area, and the vector that all means start with."""
        templates = start_templates(key, grid_mask(regions))
        return templates.first_mask, templates.area, templates.overall

    def update(
        self, key: Tensor, regions: Tensor, area: Tensor, overall: Tensor, short: Tensor, long: Tensor
    ) -> tuple[Tensor, ...]:
        """Step 7: the previous mask, the area and the three means after this frame."""
        mask = grid_mask(regions)
        before = Templates(key, mask, key, mask, area, overall, short, long)
        after = update_templates(before, key, mask, self.model.short_inertia, self.model.long_inertia)
        return after.prev_mask, after.area, after.overall, after.short, after.long


class _Step(nn.Module):
    """A function of ``Steps`` as the module that torch exports."""

    def __init__(self, steps: Steps, name: str) -> None:
        super().__init__()
        self.steps = steps
        self.function: Callable[..., Tensor | tuple[Tensor, ...]] = getattr(steps, name)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the function gives."""
        return self.function(*inputs)


def export(model: TBD, folder: Path) -> None:
    """Write the model's graphs as ONNX files, float32, all of them or none.

    Args:
        model: in float32 on the CPU.
        folder: is made, and replaced if it is there and holds such files alone.

    Raises:
        InputError: the folder holds anything else.
        MissingExtraError: a library that writes ONNX files is not installed.
        OSError: no room for them, which is found before the work.
    """
    require_graphs_alone(folder)
    with extra("onnx"):
        import onnx
        import onnxscript

    del onnx, onnxscript  # torch takes them from here
    about = {"tbd_format": FORMAT, "tbd_weights": fingerprint(model), "tbd_precision": "float32"}
    about["tbd_config"] = json.dumps(asdict(model.config))
    steps = Steps(deepcopy(model)).eval().requires_grad_(False)
    with write_whole_folder(folder) as temporary, torch.no_grad():
        _require_disk_space(temporary, sum(weight.nbytes for weight in steps.state_dict().values()))
        for name, (inputs, outputs) in GRAPHS.items():
            program = _export_graph(_Step(steps, name), inputs.split(), outputs.split(), _widths(model))
            program.model.metadata_props.update(about | {"tbd_graph": name})
            program.save(temporary / f"{name}.onnx")


def require_graphs_alone(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but a model's graphs.

    Raises:
        InputError: it does, or something of this name is no folder.
    """
    folder = at_home(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; expected a new one, or one of a model's graphs")
    graphs = {folder / f"{name}.onnx" for name in GRAPHS}
    if others := sorted(path for path in folder.iterdir() if path not in graphs or path.is_dir()):
        raise InputError(f"{others[0]}: would be removed; expected a folder of a model's graphs alone")


def _require_disk_space(folder: Path, size: int) -> None:
    """Raise an OSError where so many bytes cannot be written: the exporter's own would be a page on its insides."""
    place = folder / "room"
    place.write_bytes(bytes(size))
    place.unlink()


def quantise(floats: Path, folder: Path, records: Mapping[str, Iterable[Inputs]]) -> None:
    """Write the graphs, those in ``QUANTISED`` with convolutions in int8; their ranges are what occurs in the records.

    Args:
        floats: the folder that ``export`` wrote.
        folder: for the int8 graphs; is made, and replaced if it is there and holds such files alone.
        records: inputs of the graphs in ``QUANTISED``, as they occurred on some video.

    Raises:
        InputError: the folder holds anything else.
        MissingExtraError: a library that quantises is not installed.
    """
    require_graphs_alone(folder)
    with extra("onnx"):
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quant_pre_process, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self, inputs: Iterable[Inputs]) -> None:
            self.left = iter(inputs)

        def get_next(self) -> Inputs | None:  # pyright: ignore[reportIncompatibleMethodOverride]
            return next(self.left, None)

    with write_whole_folder(folder) as temporary, _quiet():
        for name in GRAPHS:
            source, target = floats / f"{name}.onnx", temporary / f"{name}.onnx"
            if name in QUANTISED:
                folded = temporary / "folded.onnx"
                quant_pre_process(source, folded, skip_symbolic_shape=True)
                quantize_static(
                    folded,
                    target,
                    Reader(records[name]),
                    per_channel=True,
                    op_types_to_quantize=["Conv", "Relu", "Clip"],  # so that ranges are those behind an activation
                    nodes_to_exclude=_convolutions(onnx.load(folded))[: KEPT_FLOAT.get(name, 0)],
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                )
                folded.unlink()
            else:
                shutil.copyfile(source, target)
            graph, about = onnx.load(target), onnx.load(source, load_external_data=False).metadata_props
            properties = {entry.key: entry.value for entry in about} | {"tbd_precision": "int8"}
            onnx.helper.set_model_props(graph, properties)
            onnx.save(graph, target)


def _convolutions(graph: "ModelProto") -> list[str]:
    """Names of a graph's convolutions, in its order."""
    return [node.name for node in graph.graph.node if node.op_type == "Conv"]


def fingerprint(model: TBD) -> str:
    """A hash of the model's configuration and weights and of the code that is exported: by it its files are known."""
    digest = hashlib.sha256(json.dumps(asdict(model.config), sort_keys=True).encode())
    here = Path(__file__).parent
    for path in (*sorted((here.parent / "method").glob("*.py")), here / "shared.py", here / "export.py"):
        digest.update(path.read_bytes())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _widths(model: TBD) -> dict[str, int]:
    """Lengths of the axes that the model sets."""
    config = model.config
    return dict(zip("efgcd", (*model.channels, config.key_channels, config.decoder_channels), strict=True))


def _export_graph(step: _Step, inputs: list[str], outputs: list[str], widths: dict[str, int]) -> ONNXProgram:
    """One graph, from examples of its inputs; the axes in ``FREE`` keep open how long they are."""
    lengths = widths | FREE
    dims: dict[str, Any] = {axis: Dim.AUTO if axis == "p" else Dim(axis, min=1) for axis in FREE}
    examples, free = [], []
    for name in inputs:
        axes = [_times_axis(text) for text in SHAPES[name].split()]
        examples.append(torch.rand([times * lengths.get(axis, 1) for times, axis in axes]))
        free.append(
            {
                i: dims[axis] if times == 1 else times * dims[axis]
                for i, (times, axis) in enumerate(axes)
                if axis in dims
            }
        )
    with _quiet():
        program = torch.onnx.export(
            step,
            tuple(examples),
            dynamo=True,
            dynamic_shapes=(tuple(free),),
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    return program


def _times_axis(text: str) -> tuple[int, str]:
    """``"16h"`` is 16 times ``h``; ``"3"`` is 3 of no axis."""
    axis = text.lstrip("0123456789")
    return int(text.removesuffix(axis) or 1), axis


@contextmanager
def _quiet() -> Generator[None]:
    """Without remarks of the exporter on its own workings, and without checks of shapes, which are symbols there."""
    logged, checked = logging.root.manager.disable, jaxtyping.config.jaxtyping_disable
    logging.disable(logging.WARNING)
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logged)
        jaxtyping.config.update("jaxtyping_disable", checked)
