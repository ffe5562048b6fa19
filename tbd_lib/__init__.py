"""TBD: tracking objects through a video past look-alikes in the background.

The public names are here, each imported when it is first used, so that ``import tbd_lib`` stays light. A function
that has its module's name is not among them, since Python gives the name to the module: write
``from tbd_lib.evaluation.evaluate import evaluate``, and the same for ``train``, ``coco`` and ``overlay``.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what editors and type checkers see; a test holds it to the table below
    from tbd_lib.datasets.config import AugmentConfig as AugmentConfig
    from tbd_lib.datasets.config import SyntheticConfig as SyntheticConfig
    from tbd_lib.datasets.davis import davis as davis
    from tbd_lib.datasets.davis import sample as sample
    from tbd_lib.datasets.synthetic.clips import make_videos as make_videos
    from tbd_lib.datasets.synthetic.clips import random_clip as random_clip
    from tbd_lib.datasets.youtube_vos import youtube_vos as youtube_vos
    from tbd_lib.errors import InputError as InputError
    from tbd_lib.evaluation.metrics import boundary_f as boundary_f
    from tbd_lib.evaluation.metrics import jaccard as jaccard
    from tbd_lib.evaluation.report import Report as Report
    from tbd_lib.evaluation.scoring import score as score
    from tbd_lib.files import data_folder as data_folder
    from tbd_lib.method.aggregate import aggregate as aggregate
    from tbd_lib.method.config import PAPER as PAPER
    from tbd_lib.method.config import SMALL as SMALL
    from tbd_lib.method.config import ModelConfig as ModelConfig
    from tbd_lib.method.model import TBD as TBD
    from tbd_lib.method.model import Features as Features
    from tbd_lib.method.model import build_model as build_model
    from tbd_lib.method.swap_and_attach import swap_and_attach as swap_and_attach
    from tbd_lib.method.templates import Templates as Templates
    from tbd_lib.tracking.config import BENCHMARK as BENCHMARK
    from tbd_lib.tracking.config import TrackConfig as TrackConfig
    from tbd_lib.tracking.tracker import State as State
    from tbd_lib.tracking.tracker import Step as Step
    from tbd_lib.tracking.tracker import Tracker as Tracker
    from tbd_lib.tracking.tracker import track as track
    from tbd_lib.training.checkpoint import bundled_model as bundled_model
    from tbd_lib.training.checkpoint import load_checkpoint as load_checkpoint
    from tbd_lib.training.checkpoint import save_weights as save_weights
    from tbd_lib.training.config import STAGES as STAGES
    from tbd_lib.training.config import TrainConfig as TrainConfig
    from tbd_lib.video.frames import Clip as Clip
    from tbd_lib.video.frames import Frame as Frame
    from tbd_lib.video.frames import Video as Video
    from tbd_lib.video.frames import open_video as open_video
    from tbd_lib.video.masks import read_mask as read_mask
    from tbd_lib.video.masks import write_mask as write_mask
    from tbd_lib.video.overlay import OverlayWriter as OverlayWriter

_HOMES = {
    "datasets.config": ["AugmentConfig", "SyntheticConfig"],
    "datasets.davis": ["davis", "sample"],
    "datasets.synthetic.clips": ["make_videos", "random_clip"],
    "datasets.youtube_vos": ["youtube_vos"],
    "errors": ["InputError"],
    "evaluation.metrics": ["boundary_f", "jaccard"],
    "evaluation.report": ["Report"],
    "evaluation.scoring": ["score"],
    "files": ["data_folder"],
    "method.aggregate": ["aggregate"],
    "method.config": ["ModelConfig", "PAPER", "SMALL"],
    "method.model": ["Features", "TBD", "build_model"],
    "method.swap_and_attach": ["swap_and_attach"],
    "method.templates": ["Templates"],
    "tracking.config": ["BENCHMARK", "TrackConfig"],
    "tracking.tracker": ["State", "Step", "Tracker", "track"],
    "training.checkpoint": ["bundled_model", "load_checkpoint", "save_weights"],
    "training.config": ["STAGES", "TrainConfig"],
    "video.frames": ["Clip", "Frame", "Video", "open_video"],
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
