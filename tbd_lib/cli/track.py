"""``tbd track``: a video of your own, from a mask, a box or a polygon in any of its frames, to masks in many forms."""

from dataclasses import replace
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tqdm.auto import tqdm

from tbd_lib.cli.options import SharedOptions, TrackOptions
from tbd_lib.errors import InputError
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.video.annotations import box_mask, polygon_mask
from tbd_lib.video.outputs import Kind, require_libraries, require_room, write_outputs

if TYPE_CHECKING:
    from tbd_lib.engines.segmenter import Segmenter
    from tbd_lib.video.frames import Video

FPS = 24.0  # of films made from a folder of frames, which does not tell


def track(
    video: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER_OR_VIDEO")],
    out: Path,
    mask: Path | None = None,
    box: tuple[int, int, int, int] | None = None,
    polygon: tuple[str, ...] = (),
    frame: int = 0,
    more: tuple[str, ...] = (),
    forwards_only: bool = False,
    save: tuple[Kind, ...] = ("mp4",),
    overwrite: bool = False,
    options: SharedOptions = TrackOptions(),  # noqa: B008 (a frozen record)
) -> None:
    """Track objects through your own video: masks in <out>/masks, and in other forms beside them.

    Args:
        video: A folder of frames, or a video file.
        out: Folder for the results.
        mask: The objects in one frame, as a PNG of the frame's size; or else a box, or a polygon.
        box: Instead of a mask, the one object's left, top, right and bottom edge, in pixels.
        polygon: Instead of a mask, the one object's corners, as x,y x,y x,y in pixels.
        frame: Number of the frame in which the objects are given, from 0; earlier frames are tracked backwards.
        more: Masks of further frames, as 40=late.png: objects that appear there, or corrections.
        forwards_only: Leave the frames before the given one without masks.
        save: Other forms: mp4 or webp (an overlay to look at), objects (a PNG each), coco (run lengths), npz, cutouts.
        overwrite: Write over results that are there already.
        options: The model, and how it goes over videos.
    """
    from tbd_lib.evaluation.scoring import mask_names

    masks = out / "masks"
    if mask_names(masks) and not overwrite:
        raise InputError(f"{masks}: holds masks already; expected an empty or new folder (or --overwrite)")
    if not overwrite:
        require_room(out, save)
    require_libraries(save)
    found = own_video(video, mask, box, polygon, frame, more, masks)
    _write_masks(found, masks, options.segmenter(), options.config(), forwards_only)
    places = write_outputs(found, masks, out, save, fps_of(found))
    print(f"masks in {masks}" + "".join(f", {kind} in {place}" for kind, place in places.items()))


def own_video(
    path: Path,
    mask: Path | None,
    box: tuple[int, int, int, int] | None,
    polygon: tuple[str, ...],
    frame: int,
    more: tuple[str, ...],
    out: Path,
) -> "Video":
    """A video and all that is given of it. Arguments as those of ``track``; ``out`` is where masks will be written.

    Raises:
        InputError: not exactly one of mask, box and polygon; one that cannot be used; what ``open_video`` refuses;
            a given mask that lies where results will be written.
    """
    from tbd_lib.video.frames import open_video

    if (mask is not None) + (box is not None) + bool(polygon) != 1:
        raise InputError(f"{path}: expected exactly one of --mask, --box and --polygon, to say what to follow")
    files = _numbered(more) | ({frame: mask} if mask is not None else {})
    for file in files.values():
        if file.resolve().parent == out.resolve():
            raise InputError(f"{file}: lies where masks will be written, and is yours; expected another --out")
    if mask is not None:
        return open_video(path, files)
    bare = open_video(path, files) if files else _without_masks(path)
    count = length_hint(bare.frames)
    if frame < 0 or (count and frame >= count):
        raise InputError(
            f"--frame {frame}: expected 0 to {count - 1}" if count else f"--frame {frame}: expected 0 or more"
        )
    size = next(iter(bare.frames)).image.shape[:2]
    drawn = box_mask(size, box, "--box") if box is not None else polygon_mask(size, _corners(polygon), "--polygon")
    return replace(bare, given={frame: drawn, **bare.given})


def fps_of(video: "Video") -> float:
    """Frames per second of a video file; a folder of frames does not tell."""
    return float(getattr(video.frames, "fps", None) or FPS)


def _corners(polygon: tuple[str, ...]) -> list[tuple[int | float, int | float]]:
    corners: list[tuple[int | float, int | float]] = []
    for text in polygon:
        try:
            x, y = (float(part) for part in text.split(","))
        except ValueError as error:
            raise InputError(f"--polygon: found {text!r}, expected x,y in pixels") from error
        corners.append((x, y))
    return corners


def _numbered(more: tuple[str, ...]) -> dict[int, Path]:
    """Files by frame."""
    files = {}
    for text in more:
        number, equals, name = text.partition("=")
        if not (equals and name and number.isdigit()):
            raise InputError(f"--more: found {text!r}, expected a frame's number and a file, as 40=late.png")
        files[int(number)] = Path(name)
    return files


def _without_masks(path: Path) -> "Video":
    """A folder of frames or a video file of which no mask is a file."""
    from tbd_lib.video.frames import Video, frames_of

    return Video(path.resolve().stem if path.is_file() else path.resolve().name, frames_of(path), {})


def _write_masks(video: "Video", masks: Path, segmenter: "Segmenter", config: TrackConfig, forwards_only: bool) -> None:
    """Write every frame's mask as it comes."""
    from tbd_lib.tracking.bidirectional import track_bidirectional
    from tbd_lib.tracking.tracker import track as track_forwards
    from tbd_lib.video.masks import write_mask
    from tbd_lib.video.prefetch import Behind

    passes = track_forwards if forwards_only else track_bidirectional
    steps = passes(segmenter, video, config)
    written = 0
    with Behind() as writer:
        for step in tqdm(steps, desc=video.name, total=length_hint(video.frames) or None, unit="frame"):
            writer.do(write_mask, masks / f"{step.name}.png", step.mask)
            written += 1
    if max(video.given) >= written:  # only now known of a film that does not tell its length
        last = (written or sum(1 for _ in video.frames)) - 1
        raise InputError(f"{video.name}: found a mask for frame {max(video.given)}, expected 0 to {last}")
