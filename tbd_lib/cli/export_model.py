"""``tbd export-model``: a model as ONNX files, for ONNX Runtime anywhere."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from tbd_lib.cli.options import model_of, write_onnx
from tbd_lib.errors import InputError


def export_model(
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    weights: Path | None = None,
    precision: Literal["float32", "int8"] = "float32",
    overwrite: bool = False,
) -> None:
    """Write a model as ONNX files, a graph for each step of the method, for any number of objects and any frame size.

    tbd track --weights FOLDER runs them, and so does any program with ONNX Runtime.

    Args:
        out: Folder for the files.
        weights: bundled-davis (if left out) or bundled-coco; published-davis or published-ytvos; a .safetensors file,
            or the published .pth.
        precision: float32 is exact up to rounding; int8 is faster, its ranges learned on the bundled sample.
        overwrite: Replace a folder of such files.
    """
    from tbd_lib.engines.export import require_graphs_alone

    require_graphs_alone(out)
    if not overwrite and out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: exists already; expected a new folder (or --overwrite, for a folder of such files)")
    write_onnx(model_of(weights), out, precision)
    print(f"{', '.join(path.name for path in sorted(out.iterdir()))} in {out}")
