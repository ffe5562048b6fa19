"""TBD: tracking objects through a video past look-alikes in the background.

The names that most programs need are here, each imported when it is first used, so that ``import tbd_lib`` stays light.
All others stand in the rooms: ``from tbd_lib.evaluation.evaluate import evaluate``.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what editors and type checkers see; a test holds it to the table below
    from tbd_lib.datasets.davis import davis as davis
    from tbd_lib.datasets.davis import sample as sample
    from tbd_lib.engines.onnx import onnx as onnx
    from tbd_lib.engines.shared import shared as shared
    from tbd_lib.errors import InputError as InputError
    from tbd_lib.method.model import TBD as TBD
    from tbd_lib.tracking.config import TrackConfig as TrackConfig
    from tbd_lib.tracking.tracker import Step as Step
    from tbd_lib.tracking.tracker import Tracker as Tracker
    from tbd_lib.tracking.tracker import track as track
    from tbd_lib.training.checkpoint import bundled_model as bundled_model
    from tbd_lib.training.checkpoint import load_checkpoint as load_checkpoint
    from tbd_lib.video.frames import Video as Video
    from tbd_lib.video.frames import open_video as open_video
    from tbd_lib.video.masks import read_mask as read_mask
    from tbd_lib.video.masks import write_mask as write_mask
    from tbd_lib.video.overlay import OverlayWriter as OverlayWriter

_HOMES = {
    "datasets.davis": ["davis", "sample"],
    "engines.onnx": ["onnx"],
    "engines.shared": ["shared"],
    "errors": ["InputError"],
    "method.model": ["TBD"],
    "tracking.config": ["TrackConfig"],
    "tracking.tracker": ["Step", "Tracker", "track"],
    "training.checkpoint": ["bundled_model", "load_checkpoint"],
    "video.frames": ["Video", "open_video"],
    "video.masks": ["read_mask", "write_mask"],
    "video.overlay": ["OverlayWriter"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]

try:
    __version__ = version("tbd-lib")
except PackageNotFoundError:  # used from a folder, not installed
    __version__ = "unknown"


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'tbd_lib' has no attribute {name!r}")
    return getattr(import_module(f"tbd_lib.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
