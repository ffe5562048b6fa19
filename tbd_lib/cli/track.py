"""``tbd track``: a video of your own, from a mask, a box or a polygon in any of its frames, to masks in many forms."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tqdm.auto import tqdm

from tbd_lib.cli.options import SharedOptions, TrackOptions
from tbd_lib.errors import InputError
from tbd_lib.files import at_home, require_writable
from tbd_lib.records import Record, recording
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.video.annotations import box_mask, polygon_mask
from tbd_lib.video.outputs import (
    PLACES,
    Kind,
    missing_from_outputs,
    require_libraries,
    require_no_outputs,
    write_outputs,
)

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
    threshold: int | None = None,
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
        threshold: Make one object of each mask, where it is at least so bright (1 to 255); for masks with soft edges.
        forwards_only: Leave the frames before the given one without masks.
        save: Other forms: mp4 or webp (an overlay to look at), objects (a PNG each), coco (run lengths), npz, cutouts.
        overwrite: Replace all results of the last run there.
        options: The model, and how it goes over videos.
    """
    from tbd_lib.evaluation.scoring import mask_names
    from tbd_lib.video.frames import readable
    from tbd_lib.video.headers import require_readable

    config = options.config()
    masks = out / "masks"
    if mask_names(masks) and not overwrite:
        raise InputError(f"{masks}: holds masks already; expected an empty or new folder (or --overwrite)")
    if not overwrite:
        require_no_outputs(out, save)
    require_libraries(save)
    for place in [masks / "00000.png", *(_example(out, kind) for kind in save)]:
        require_writable(place)
    found = video_of_options(video, mask, box, polygon, frame, more, masks, threshold)
    require_readable(found)
    record = Record(out)
    if overwrite:
        given = [*_numbered(more).values(), *([mask] if mask is not None else [])]
        require_replaceable(record, found, given, save)
    for line in (*found.notes, *missing_from_outputs(found, out, save)):
        print(f"tbd: {line}", file=sys.stderr)
    found = readable(found)
    segmenter = options.segmenter()
    mention_small_object(found, config)
    if overwrite:
        record.clear([masks, *(out / place for place in PLACES.values())])
    with recording(out):
        _write_masks(found, masks, segmenter, config, forwards_only)
        places = write_outputs(found, masks, out, save, fps_of(found))
    if broken := getattr(found.frames, "broken", None):
        raise broken
    print(f"masks in {masks}" + "".join(f", {kind} in {place}" for kind, place in places.items()))


def video_of_options(
    path: Path,
    mask: Path | None,
    box: tuple[int, int, int, int] | None,
    polygon: tuple[str, ...],
    frame: int,
    more: tuple[str, ...],
    out: Path,
    threshold: int | None = None,
) -> "Video":
    """A video and all that is given of it. Arguments as those of ``track``; ``out`` is where masks will be written.

    Raises:
        InputError: not exactly one of mask, box and polygon; one that cannot be used; two masks of a frame; what
            ``open_video`` refuses; a given mask that lies where results will be written; a threshold without a mask.
    """
    from tbd_lib.video.frames import open_video

    if (mask is not None) + (box is not None) + bool(polygon) != 1:
        raise InputError(f"{path}: expected exactly one of --mask, --box and --polygon, to say what to follow")
    files = _numbered(more)
    if frame in files:
        how = "--mask" if mask is not None else "--box" if box is not None else "--polygon"
        raise InputError(f"--more {frame}={files[frame]}: is of the frame of {how}, expected one mask for each frame")
    if mask is not None:
        files[frame] = mask
    for file in files.values():
        if file.resolve().parent == out.resolve():
            raise InputError(f"{file}: lies where masks will be written, and is yours; expected another --out")
    if threshold is not None and not files:
        raise InputError(f"--threshold {threshold}: expected with --mask or --more, for it makes an object of a mask")
    if mask is not None:
        return open_video(path, files, threshold=threshold)
    bare = open_video(path, files, threshold=threshold) if files else _without_masks(path)
    count = length_hint(bare.frames)
    if frame < 0 or (frame >= count if count else frame):  # one that does not tell its length is counted
        count = count or sum(1 for _ in bare.frames)
        if not 0 <= frame < count:
            raise InputError(f"--frame {frame}: expected 0 to {count - 1}")
    size = next(iter(bare.frames)).image.shape[:2]
    drawn = box_mask(size, box, "--box") if box is not None else polygon_mask(size, _corners(polygon), "--polygon")
    return replace(bare, given={frame: drawn, **bare.given})


def require_replaceable(record: Record, video: "Video", given: Sequence[Path], save: Sequence[Kind]) -> None:
    """Refuse to replace what is needed or what no run wrote, and to leave older results among the new ones.

    Args:
        record: of the output folder.
        video: what will be tracked.
        given: files of its masks.
        save: forms of the results.

    Raises:
        InputError: there is such a file.
    """
    from tbd_lib.evaluation.scoring import mask_names
    from tbd_lib.video.frames import FolderFrames
    from tbd_lib.video.headers import files_of

    out, known = record.folder.resolve(), record.path.exists()
    masks, recorded = out / "masks", record.files()
    results = recorded | {out / PLACES[kind] for kind in save}
    for path in [*files_of(video), *given]:
        if path.resolve() in results or path.resolve().parent == masks:
            raise InputError(f"{path}: lies where results will be written; expected another --out")
    present = {masks / name for name in mask_names(masks)}
    frames = video.frames
    names = frames.names if isinstance(frames, FolderFrames) else [f"{at:05}" for at in range(length_hint(frames))]
    coming = {f"{name}.png" for name in names}  # none of a film that does not tell its length: any may then be replaced
    coming = coming or {path.name for path in present if known}
    record.require_replaceable(present, coming, recorded)
    for kind, name in PLACES.items():
        if kind in save or present:
            files, replaced = set(out.glob(name if "." in name else f"{name}/[!.]*/[!.]*.png")), set[str]()
            if kind in save:  # of an object's older pictures none is known to be replaced
                replaced = {name} if "." in name else coming if known else set()
            record.require_replaceable(files, replaced, recorded)


def _example(out: Path, kind: Kind) -> Path:
    """A file of this form of the results."""
    place = out / PLACES[kind]
    return place if place.suffix else place / "1" / "00000.png"


def mention_small_object(video: "Video", config: TrackConfig) -> None:
    """Say which object gets very small at the working size, or that the video keeps its size for an object's sake."""
    from tbd_lib.tracking.geometry import small_object, working_size
    from tbd_lib.video.masks import size_of

    first = min(video.given)
    work = size_of(working_size(video.given[first], config))
    for position, mask in sorted(video.given.items()):
        if (small := small_object(mask, config)) is None:
            continue
        i, pixels = small
        if position == first and config.keep_small_objects:
            where = f"would have about {pixels:.0f} pixels at --short-side {config.short_side}"
            then = f"--keep-small-objects keeps the video's own size, {work}"
        else:
            where = f"of frame {position} has only about {pixels:.0f} pixels at the working size, {work}"
            keep = "--keep-small-objects keeps the video's own size"
            then = keep if position == first else "a larger --short-side leaves it more"
        print(f"object {i} {where}; {then}", file=sys.stderr)
        return


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
    files: dict[int, Path] = {}
    for text in more:
        number, equals, name = text.partition("=")
        if not (equals and name and number.isdecimal()):
            raise InputError(f"--more: found {text!r}, expected a frame's number and a file, as 40=late.png")
        if (at := int(number)) in files:
            raise InputError(f"--more: found {files[at]} and {name} for frame {at}, expected one mask for each frame")
        files[at] = at_home(name)
    return files


def _without_masks(path: Path) -> "Video":
    """A folder of frames or a video file of which no mask is a file."""
    from tbd_lib.video.frames import Video, frames_of

    frames = frames_of(path)
    return Video(path.resolve().stem if path.is_file() else path.resolve().name, frames, {})


def _write_masks(video: "Video", masks: Path, segmenter: "Segmenter", config: TrackConfig, forwards_only: bool) -> None:
    """Write every frame's mask as it comes."""
    from tbd_lib.tracking.bidirectional import track_bidirectional
    from tbd_lib.tracking.tracker import track as track_forwards
    from tbd_lib.video.masks import write_mask
    from tbd_lib.video.prefetch import BackgroundWriter

    passes = track_forwards if forwards_only else track_bidirectional
    steps = passes(segmenter, video, config)
    try:
        with BackgroundWriter() as writer:
            for step in tqdm(steps, desc=video.name, total=length_hint(video.frames) or None, unit="frame"):
                writer.submit(write_mask, masks / f"{step.name}.png", step.mask)
    except InputError as error:  # of a mask behind the place where a film breaks off
        raise getattr(video.frames, "broken", None) or error from None
