"""``tbd prepare``: a subcommand per data set, each with the parts that one may want."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from tbd_lib.datasets.config import INSTANCES, CocoConfig
from tbd_lib.errors import InputError

if TYPE_CHECKING:
    from tbd_lib.datasets.prepare.places import Place

MOST_LINES = 20  # of what is missing, on the terminal


@dataclass(frozen=True)
class Davis:
    """DAVIS at 480p. Part trainval serves the protocols of 2017 and 2016; part 2016 is the old release, not needed."""

    parts: tuple[Literal["trainval", "test-dev", "2016"], ...] = ("trainval",)
    """Archives to prepare."""


@dataclass(frozen=True)
class Coco:
    """COCO 2017: training images (19 GB) and instance annotations."""

    parts: tuple[Literal["annotations", "images"], ...] = ("annotations", "images")
    """Archives to prepare."""
    png: bool = False
    """Also write the id masks to PNG files, once, so that training need not decode the annotations."""
    objects: tyro.conf.OmitArgPrefixes[CocoConfig] = INSTANCES
    """Which regions those masks show; tbd train coco needs the same settings."""


@dataclass(frozen=True)
class YouTubeVos:
    """YouTube-VOS. It needs an account, so its archives are fetched by hand; this says where to put them."""

    year: Literal[2018, 2019] = 2018
    """Which release."""
    parts: tuple[Literal["train", "valid", "valid_all_frames"], ...] = ("train", "valid", "valid_all_frames")
    """Archives to prepare."""


@dataclass(frozen=True)
class Weights:
    """Weights: of TBD as the authors published them (non-commercial research), of DenseNet-121 as torchvision has."""

    parts: tuple[Literal["davis", "ytvos", "densenet121"], ...] = ("davis", "ytvos", "densenet121")
    """Files to prepare."""


if TYPE_CHECKING:
    What = Davis | Coco | YouTubeVos | Weights
else:
    What = (
        Annotated[Davis, tyro.conf.subcommand("davis")]
        | Annotated[Coco, tyro.conf.subcommand("coco")]
        | Annotated[YouTubeVos, tyro.conf.subcommand("youtube-vos")]
        | Annotated[Weights, tyro.conf.subcommand("weights")]
    )


def prepare(
    what: Annotated[What, tyro.conf.arg(name="")],
    root: Path | None = None,
    check: bool = False,
) -> None:
    """Fetch, check and unpack data sets and weights; run again, and it repairs what is missing.

    Args:
        what: The data set, or the weights.
        root: Folder of all data sets, or of this one if it is there already; $TBD_HOME or ~/.cache/tbd if left out.
        check: Only look: list what is missing, and fetch nothing.
    """
    from tbd_lib.datasets.prepare.places import HOME_VARIABLE, Place, home
    from tbd_lib.datasets.prepare.sources import SOURCES
    from tbd_lib.datasets.prepare.steps import prepare as prepare_sources

    if not what.parts:
        raise InputError("`parts`: found none; expected at least one")
    place, table = Place(root or home()), SOURCES[_key(what)]
    sources = [table[part] for part in what.parts]
    left = prepare_sources(sources, place, print, only_look=check)
    if isinstance(what, Coco) and what.png and not left:
        left = _masks(what, place, check)
    if left:
        raise InputError(_summary(left, place.root, _key(what)))
    prefix = "" if place.root == home() else f"{HOME_VARIABLE}={quote(str(place.root.absolute()))} "
    for source in sources:
        if source.then:
            folders = {"folder": quote(str(place.folder(source))), "root": quote(str(place.root))}
            print(f"next, for instance: {prefix}{source.then.format(**folders)}")


def _masks(what: Coco, place: "Place", check: bool) -> list[str]:
    """COCO's masks as PNG files, or what is missing of them."""
    from tbd_lib.datasets.coco import convert_masks, missing_masks
    from tbd_lib.datasets.prepare.file_lock import locked
    from tbd_lib.datasets.prepare.sources import SOURCES

    folder = place.folder(SOURCES["coco"]["annotations"])
    if not check:
        with locked(place.root, print):
            written = convert_masks(folder, config=what.objects)
        print(f"COCO 2017, masks: complete in {folder / 'masks'}, {written:,} of them new")
    return missing_masks(folder, config=what.objects)


def _summary(left: list[str], root: Path, name: str) -> str:
    """One line; where there are many problems the first of them are printed."""
    if len(left) == 1:
        return left[0]
    for line in left[:MOST_LINES]:
        print(f"  {line}")
    shown = f"{MOST_LINES} of them listed above" if len(left) > MOST_LINES else "listed above"
    return f"{root}: found {len(left):,} problems ({shown}); expected {name} to be complete"


def _key(what: What) -> str:
    """Name in the table."""
    if isinstance(what, YouTubeVos):
        return f"youtube-vos-{what.year}"
    return {Davis: "davis", Coco: "coco", Weights: "weights"}[type(what)]
