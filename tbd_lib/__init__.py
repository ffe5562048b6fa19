"""TBD: tracking objects through a video past look-alikes in the background.

The public names are here, each imported when it is first used, so that ``import tbd_lib`` stays light. A function
that has its module's name is not among them, since Python gives the name to the module: write
``from tbd_lib.evaluate import evaluate``, and the same for ``train``, ``coco`` and ``overlay``.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

_HOMES = {
    "config": ["PAPER", "SMALL", "AugmentConfig", "ModelConfig", "SyntheticConfig", "TrackConfig", "TrainConfig"],
    "files": ["InputError", "data_folder"],
    "video": ["Clip", "Frame", "Video"],
    "masks": ["read_mask", "write_mask"],
    "overlay": ["OverlayWriter"],
    "datasets": ["davis", "folder", "sample"],
    "synthetic": ["make_videos", "random_clip"],
    "augment": ["swap_and_attach"],
    "model": ["TBD", "Features", "build_model"],
    "templates": ["Templates"],
    "tracker": ["State", "Step", "Tracker", "aggregate", "track"],
    "checkpoint": ["bundled_model", "load_checkpoint", "save_weights"],
    "metrics": ["boundary_f", "jaccard"],
    "report": ["Report"],
    "scoring": ["score"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)

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
