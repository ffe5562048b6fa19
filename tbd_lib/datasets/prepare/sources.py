"""The table: where data sets and weights come from, and what they hold. Every address and fact stands here.

Sizes and hashes of DAVIS-2017 and COCO are those that TensorFlow Datasets records for the same addresses; numbers of
videos and images are those of the data sets' own pages. What is not known for sure is None: then the first file that
is fetched is recorded, and later ones have to equal it (``checks.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

GIB = 2**30


@dataclass(frozen=True)
class Listed:
    """Videos named by lists, as in DAVIS: ``JPEGImages/480p/<video>``, ``Annotations/480p/<video>``."""

    lists: Mapping[str, int]  # file below the data set's folder, and the number of videos it names
    first_masks_only: bool = False  # masks of later frames are kept by the benchmark


@dataclass(frozen=True)
class Foldered:
    """A folder per video, as in YouTube-VOS: ``<part>/JPEGImages/<video>``, ``<part>/Annotations/<video>``."""

    part: str
    videos: int
    masks: bool = True  # with masks, and with the list of videos (meta.json)
    at_least: str | None = None  # the part whose frames have to be among these


@dataclass(frozen=True)
class Pictures:
    """A folder of images that an annotation file names, as in COCO."""

    folder: str
    annotations: str
    count: int


@dataclass(frozen=True)
class Single:
    """One file."""

    path: str


Layout = Listed | Foldered | Pictures | Single


@dataclass(frozen=True)
class Source:
    """One file to fetch: an archive, or weights."""

    title: str
    folder: str  # of the data set, below the root
    file: str  # what it is called in the downloads folder
    layout: Layout  # what has to be there in the end
    page: str  # where a person finds it
    urls: tuple[str, ...] = ()  # tried in this order; none: it has to be fetched by hand
    size: int | None = None  # bytes
    sha256: str | None = None  # hexadecimal: all 64 digits, or as many of the first as are known
    keep: tuple[str, ...] = ()  # files and folders of the archive to unpack; none: the file itself is what is wanted
    into: str = ""  # folder below the data set's into which the archive is unpacked
    marks: tuple[str, ...] = ()  # a root that holds one of them is the data set's own folder
    most_bytes: int = 4 * GIB  # limits of what is unpacked; real archives stay far below
    most_files: int = 100_000
    notice: str = ""  # said before it is fetched
    then: str = ""  # a command to go on with, in which {folder} is the data set's, {root} that of all


_DAVIS = Source(
    title="DAVIS-2017, training and validation, 480p",
    folder="DAVIS",
    file="DAVIS-2017-trainval-480p.zip",
    layout=Listed(
        {
            "ImageSets/2017/train.txt": 60,
            "ImageSets/2017/val.txt": 30,
            "ImageSets/2016/train.txt": 30,
            "ImageSets/2016/val.txt": 20,
        }
    ),
    page="https://davischallenge.org/davis2017/code.html",
    urls=(
        "https://data.vision.ee.ethz.ch/csergi/share/davis/DAVIS-2017-trainval-480p.zip",
        "https://data.vision.ee.ethz.ch/jpont/davis/DAVIS-2017-trainval-480p.zip",
        "https://drive.google.com/uc?id=1kiaxrX_4GuW6NmiVuKGSGVoKGWjOdp6d",
    ),
    size=832_766_765,
    sha256="e3d0b5b77c3d031b000a19e0e25e3e2cac65d183755601bc2cf066df1a2aa492",
    keep=(
        "JPEGImages/480p",
        "Annotations/480p",
        "ImageSets/2016",
        "ImageSets/2017",
        "README.md",
        "SOURCES.md",
    ),
    marks=("ImageSets/2017", "ImageSets/2016"),
    notice="DAVIS comes under terms of its own (README.md and SOURCES.md in its folder, https://davischallenge.org).",
    then="tbd evaluate --data {folder} --weights published-davis",
)
_YOUTUBE_VOS = Source(
    title="YouTube-VOS 2018, training",
    folder="YouTube-VOS-2018",
    file="train.zip",
    layout=Foldered("train", 3471),
    page="https://youtube-vos.org/dataset/vos/ (2018 version; an account is needed)",
    keep=("JPEGImages", "Annotations", "meta.json"),
    into="train",
    marks=("train/JPEGImages", "valid/JPEGImages"),
    most_bytes=200 * GIB,
    most_files=2_000_000,
    notice="YouTube-VOS comes under terms of its own (https://youtube-vos.org).",
    then="tbd train youtube-vos --data {folder} --init runs/coco/final.safetensors",
)
_YOUTUBE_VOS_VALID = replace(
    _YOUTUBE_VOS,
    title="YouTube-VOS 2018, validation",
    file="valid.zip",
    layout=Foldered("valid", 474),
    into="valid",
    then="",
)
_YOUTUBE_VOS_ALL = replace(
    _YOUTUBE_VOS_VALID,
    title="YouTube-VOS 2018, validation, all frames",
    file="valid_all_frames.zip",
    layout=Foldered("valid_all_frames", 474, masks=False, at_least="valid"),
    keep=("JPEGImages",),
    into="valid_all_frames",
)
_COCO_TERMS = "COCO's images carry the licences of their photographers (https://cocodataset.org/#termsofuse)."
_TBD = Source(
    title="TBD, published weights (davis)",
    folder="weights",
    file="TBD_davis.pth",
    layout=Single("TBD_davis.pth"),
    page="https://drive.google.com/file/d/1bL5sew3b76XhXe7vlC57gYZSPjkbmaPb/view",
    urls=("https://drive.google.com/uc?id=1bL5sew3b76XhXe7vlC57gYZSPjkbmaPb",),
    notice="The authors of TBD ask that their weights be used for non-commercial research only.",
    then="tbd evaluate --data {root}/DAVIS --weights published-davis",
)


def _of_2019(source: Source, layout: Foldered) -> Source:
    """The same of YouTube-VOS 2019."""
    titles = {name: getattr(source, name).replace("2018", "2019") for name in ("title", "folder", "page")}
    return replace(source, layout=layout, **titles)


SOURCES: Mapping[str, Mapping[str, Source]] = {
    "davis": {
        "trainval": _DAVIS,
        "test-dev": replace(
            _DAVIS,
            title="DAVIS-2017, test-dev, 480p",
            file="DAVIS-2017-test-dev-480p.zip",
            layout=Listed({"ImageSets/2017/test-dev.txt": 30}, first_masks_only=True),
            urls=(
                "https://data.vision.ee.ethz.ch/csergi/share/davis/DAVIS-2017-test-dev-480p.zip",
                "https://data.vision.ee.ethz.ch/jpont/davis/DAVIS-2017-test-dev-480p.zip",
                "https://drive.google.com/uc?id=1fmkxU2v9cQwyb62Tj1xFDdh2p4kDsUzD",
            ),
            size=None,
            sha256=None,
            keep=("JPEGImages/480p", "Annotations/480p", "ImageSets/2017/test-dev.txt"),
            then="",
        ),
        "2016": replace(  # the 2017 archive holds the same videos; only this one has masks of 0 and 255
            _DAVIS,
            title="DAVIS-2016 in its own release, 480p",
            folder="DAVIS-2016",
            file="DAVIS-data.zip",
            layout=Listed({"ImageSets/480p/train.txt": 30, "ImageSets/480p/val.txt": 20}),
            page="https://davischallenge.org/davis2016/code.html",
            urls=(
                "https://graphics.ethz.ch/Downloads/Data/Davis/DAVIS-data.zip",
                "https://cgl.ethz.ch/Downloads/Data/Davis/DAVIS-data.zip",
                "https://drive.google.com/uc?id=198aRlh5CpAoFz0hfRgYbiNenn_K8DxWD",
            ),
            size=None,  # about 1.9 GB
            sha256=None,
            keep=("JPEGImages/480p", "Annotations/480p", "ImageSets/480p"),
            marks=("ImageSets/480p",),
            then="tbd evaluate --data {folder} --year 2016 --weights published-davis",
        ),
    },
    "coco": {
        "annotations": Source(
            title="COCO 2017, instance annotations",
            folder="COCO",
            file="annotations_trainval2017.zip",
            layout=Single("annotations/instances_train2017.json"),
            page="https://cocodataset.org/#download",
            urls=(
                "http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
                "https://s3.amazonaws.com/images.cocodataset.org/annotations/annotations_trainval2017.zip",
            ),
            size=252_907_541,
            sha256="113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            keep=("annotations/instances_train2017.json",),
            marks=("annotations/instances_train2017.json", "train2017"),
            notice=_COCO_TERMS,
        ),
        "images": Source(
            title="COCO 2017, training images",
            folder="COCO",
            file="train2017.zip",
            layout=Pictures("train2017", "annotations/instances_train2017.json", 118_287),
            page="https://cocodataset.org/#download",
            urls=(
                "http://images.cocodataset.org/zips/train2017.zip",
                "https://s3.amazonaws.com/images.cocodataset.org/zips/train2017.zip",
            ),
            size=19_336_861_798,
            sha256="69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
            keep=("train2017",),
            marks=("annotations/instances_train2017.json", "train2017"),
            most_bytes=40 * GIB,
            most_files=200_000,
            notice=_COCO_TERMS,
            then="tbd train coco --data {folder}",
        ),
    },
    "youtube-vos-2018": {
        "train": _YOUTUBE_VOS,
        "valid": _YOUTUBE_VOS_VALID,
        "valid_all_frames": _YOUTUBE_VOS_ALL,
    },
    "youtube-vos-2019": {
        "train": _of_2019(_YOUTUBE_VOS, Foldered("train", 3471)),
        "valid": _of_2019(_YOUTUBE_VOS_VALID, Foldered("valid", 507)),
        "valid_all_frames": _of_2019(
            _YOUTUBE_VOS_ALL, Foldered("valid_all_frames", 507, masks=False, at_least="valid")
        ),
    },
    "weights": {
        "davis": _TBD,
        "ytvos": replace(
            _TBD,
            title="TBD, published weights (ytvos)",
            file="TBD_ytvos.pth",
            layout=Single("TBD_ytvos.pth"),
            page="https://drive.google.com/file/d/1mDHAj5Utih9aNmmexsXzoUGZQzzeb-Tf/view",
            urls=("https://drive.google.com/uc?id=1mDHAj5Utih9aNmmexsXzoUGZQzzeb-Tf",),
            then="",
        ),
        "densenet121": Source(
            title="DenseNet-121, torchvision's ImageNet weights",
            folder="weights",
            file="densenet121-a639ec97.pth",
            layout=Single("densenet121-a639ec97.pth"),
            page="https://download.pytorch.org/models/densenet121-a639ec97.pth",
            urls=("https://download.pytorch.org/models/densenet121-a639ec97.pth",),
            sha256="a639ec97",  # torchvision names its files by the first digits
        ),
    },
}
