"""What the page in ``web/`` takes from the package: ``python -m tools.web_models``, which ``make web`` calls.

The model's graphs, compressed, go to ``web/build/models/``; colours go to ``web/build/constants.json``. Graphs that
are there already are written again only if the model or the code of the export has changed.
"""

import gzip
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import tyro

from tbd_lib.cli.options import model_of, write_onnx
from tbd_lib.engines.export import GRAPHS, QUANTISED, fingerprint
from tbd_lib.method.model import TBD
from tbd_lib.video.masks import PALETTE
from tbd_lib.video.overlay import COLOURS

BUILD = Path(__file__).parents[1] / "web" / "build"


def main(weights: Annotated[Path, tyro.conf.arg(help="of tbd export-model")] = Path("bundled-davis")) -> None:
    """Write the model's graphs and the package's colours for the page."""
    BUILD.mkdir(parents=True, exist_ok=True)
    about = {"palette": PALETTE.tolist(), "colours": COLOURS.tolist()}
    (BUILD / "constants.json").write_text(json.dumps(about))
    model = model_of(weights)
    stamp = BUILD / "models.txt"
    if not (stamp.exists() and stamp.read_text() == fingerprint(model)):
        write_models(model, BUILD / "models")
        stamp.write_text(fingerprint(model))


def write_models(model: TBD, folder: Path) -> None:
    """All graphs in float32, and those that differ in int8."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with TemporaryDirectory() as scratch:
        floats = write_onnx(model, Path(scratch) / "float32", "float32")
        whole = write_onnx(model, Path(scratch) / "int8", "int8")
        for name in GRAPHS:
            compress(floats / f"{name}.onnx", folder / f"{name}.onnx.gz")
        for name in QUANTISED:
            compress(whole / f"{name}.onnx", folder / f"{name}.int8.onnx.gz")


def compress(source: Path, target: Path) -> None:
    """The same bytes whenever it is done."""
    target.write_bytes(gzip.compress(source.read_bytes(), mtime=0))


if __name__ == "__main__":
    tyro.cli(main)
