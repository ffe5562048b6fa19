"""Make the sample's real clips, and their true masks, from three films that OpenCV distributes.

    apt-get download opencv-doc && dpkg -x opencv-doc_*.deb FOLDER && gunzip -r FOLDER
    python -m tools.make_real --films FOLDER

``data/real/ORIGIN.md`` tells where the films come from and how good the masks are. People before a fixed camera are
what differs from the film's median; the cup and the hand are told apart by colour; the box is the hull of its colour.
Where people cover each other, and where the hand's shadow is as dark as the cup, outlines drawn by hand decide:
``data/real/outlines.json``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import tyro
from jaxtyping import Bool, Float
from PIL import Image as Pictures
from PIL.Image import Resampling
from scipy import ndimage as scipy_ndimage
from skimage.draw import polygon2mask
from skimage.morphology import convex_hull_image
from tqdm.auto import tqdm

from tbd_lib.errors import InputError
from tbd_lib.evaluation.metrics import boundary_f, jaccard
from tbd_lib.files import write_text, write_whole
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.masks import ids_of, read_mask, write_mask

ndimage: Any = scipy_ndimage  # its annotations leave open what comes out
DATA = Path(__file__).parents[1] / "data"
SIZE = (427, 240)  # of the clips: width and height
QUALITY = 80  # of JPEG frames

Region = Bool[np.ndarray, "y x"]
Outlines = Mapping[str, Sequence[tuple[int, Sequence[tuple[float, float]]]]]  # by frame of the film: ids, outlines
Masks = list[Mask]


@dataclass(frozen=True)
class Window:
    """The part of the film that a clip shows, in the film's pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, image: np.ndarray) -> np.ndarray:
        """This part of an image."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    def inside(self, outline: Sequence[tuple[float, float]]) -> Region:
        """What an outline encloses."""
        corners = [(y - self.top - 0.5, x - self.left - 0.5) for x, y in outline]
        return polygon2mask((self.height, self.width), corners)


@dataclass(frozen=True)
class RealClip:
    """One clip: its film, frames and window, and how its masks are made from all frames of the film."""

    name: str
    film: str
    frames: range
    window: Window
    masks: Callable[[Sequence[Image], "RealClip", Outlines], Masks]


def people(film: Sequence[Image], clip: RealClip, outlines: Outlines, *, shade: float, tint: float) -> Masks:
    """People before a fixed camera, each followed from frame to frame by where it was; outlines decide in doubt.

    Args:
        film: all frames.
        clip: which of them, and where.
        outlines: by frame; the first frame has one around each person.
        shade: what darkens the ground by no more than this factor, and
        tint: changes its colour by no more than this, is a shadow.
    """
    background = np.median([clip.window.cut(frame) for frame in film[::5]], axis=0)
    masks: Masks = []
    for number in clip.frames:
        moving = differs(clip.window.cut(film[number]), background, shade, tint)
        before = masks[-1] if masks else np.zeros(moving.shape, np.uint8)
        masks.append(follow(moving, before, outlines.get(str(number), ()), clip.window))
    return masks


def differs(image: Image, background: Float[np.ndarray, "y x 3"], shade: float, tint: float) -> Region:
    """Where an image differs from the background by more than a shadow."""
    image = ndimage.gaussian_filter(image.astype(float), (0.6, 0.6, 0))
    brightness = (image * background).sum(2) / np.maximum((background**2).sum(2), 1)
    colour = np.abs(image - brightness[..., None] * background).max(2)
    shadow = (brightness > shade) & (brightness < 1.02) & (colour < tint)
    change = np.abs(image - background).max(2)
    found = ndimage.binary_closing((change > 28) & ~shadow, iterations=2)
    for hole in pieces_of(ndimage.binary_fill_holes(found) & ~found):
        found |= hole & (hole.sum() < 25)
    rim = found & ~ndimage.binary_erosion(found, iterations=2)
    blurred = rim & (change < 0.5 * ndimage.maximum_filter(change, 5))  # the border is where half of the step is done
    return ndimage.binary_opening(found & ~blurred)


def follow(moving: Region, before: Mask, drawn: Sequence[tuple[int, Sequence]], window: Window) -> Mask:
    """Whose the moving pixels are: as drawn, else of the person that was there (or nearest) in the frame before.

    The first outline is that of the person in front: what lies outside of it is not this person.
    """
    mask, settled = np.zeros(moving.shape, np.uint8), np.zeros(moving.shape, bool)
    for identity, outline in drawn:
        part = window.inside(outline) & moving
        mask[part], settled = identity, settled | part
    known = np.setdiff1d(np.unique(before), [0, *(identity for identity, _ in drawn[:1])])
    for piece in pieces_of(moving & ~settled):
        seen = np.array([(before[piece] == identity).sum() for identity in known])
        there = known[seen > 0.08 * seen.max(initial=1)]
        if len(there):
            away = np.stack([distance_to(before == identity) for identity in there])
            mask[piece] = there[away.argmin(0)][piece]
        elif 12 <= piece.sum() < 150:  # a piece beside a person belongs to it
            beside = np.bincount(mask[ndimage.binary_dilation(piece, iterations=3)], minlength=2)[1:]
            mask[piece] = beside.argmax() + 1 if beside.any() else 0
    return mask


def cup_and_hand(film: Sequence[Image], clip: RealClip, outlines: Outlines) -> Masks:
    """The dark cup is 1 and the hand that holds it 2, before a bright wall.

    The cup is the hull of what is dark and away from the skin. An outline encloses what cannot be cup.
    """
    masks: Masks = []
    for number in clip.frames:
        image = ndimage.gaussian_filter(clip.window.cut(film[number]).astype(float), (0.7, 0.7, 0))
        red, blue, brightest = image[..., 0], image[..., 2], image.max(2)
        skin = (red - blue > 0.22 * red + 6) & (red > 60)
        dark = (brightest < 140) & ~skin
        hand = largest(ndimage.binary_opening(skin, iterations=2))
        core = dark & (distance_to(hand) > 26)
        core[-30:] &= brightest[-30:] < 100  # shadow on the floor
        for _, outline in outlines.get(str(number), ()):
            core &= ~clip.window.inside(outline)
        hull = convex_hull_image(without_specks(ndimage.binary_opening(core, iterations=3), 150))
        solid = ndimage.binary_fill_holes(ndimage.binary_closing(dark | skin, iterations=3))
        cup = largest(ndimage.binary_opening(hull & solid & ~hand))
        grip = ndimage.binary_closing(dark | skin)
        arm = largest(ndimage.binary_opening(grip & ~hull | hand & grip, iterations=2) & ~cup)
        masks.append(np.where(cup, 1, np.where(arm, 2, 0)).astype(np.uint8))
    return masks


def box(film: Sequence[Image], clip: RealClip, outlines: Outlines) -> Masks:
    """The box: the hull of what is yellow."""
    masks: Masks = []
    for number in clip.frames:
        image = ndimage.gaussian_filter(clip.window.cut(film[number]).astype(float), (0.7, 0.7, 0))
        red, green, blue = np.moveaxis(image, 2, 0)
        bright = (red > 110) & (green > 70)
        yellow = bright & (blue < 0.62 * red) & (green - blue > 25) & (red - green < 0.45 * red)
        joined = largest(ndimage.binary_closing(ndimage.binary_opening(yellow), iterations=6))
        masks.append(convex_hull_image(largest(ndimage.binary_opening(joined, iterations=3))).astype(np.uint8))
    return masks


def pieces_of(region: Region) -> list[Region]:
    """The connected pieces."""
    labels, count = ndimage.label(region)
    return [labels == number for number in range(1, count + 1)]


def largest(region: Region) -> Region:
    """The largest connected piece."""
    return max(pieces_of(region), key=np.count_nonzero)


def without_specks(region: Region, least: int) -> Region:
    """The pieces of more than ``least`` pixels."""
    return np.any([piece for piece in pieces_of(region) if piece.sum() > least], axis=0)


def distance_to(region: Region) -> Float[np.ndarray, "y x"]:
    """How far each pixel is from the region, in pixels."""
    return ndimage.distance_transform_edt(~region)


ROAD, LAWN = partial(people, shade=0.75, tint=12), partial(people, shade=0.5, tint=14)
CLIPS = (
    RealClip("dark-coats", "vtest.avi", range(478, 520), Window(448, 200, 320, 180), ROAD),
    RealClip("passing-by", "vtest.avi", range(546, 592), Window(60, 300, 491, 276), LAWN),
    RealClip("cup-in-hand", "cup.mp4", range(24, 177, 4), Window(0, 70, 640, 360), cup_and_hand),
    RealClip("turning-box", "box.mp4", range(70, 342, 6), Window(0, 0, 640, 360), box),
)
UNLABELLED = 3  # outlines use this id for passers-by whose mask is not kept


def shrink(mask: Mask) -> Mask:
    """A mask in the clip's size: the id that covers most of a pixel."""
    shares = [
        np.asarray(Pictures.fromarray((mask == identity) * np.float32(1)).resize(SIZE, Resampling.BOX))
        for identity in range(UNLABELLED)
    ]
    return np.argmax([1 - np.sum(shares[1:], axis=0), *shares[1:]], axis=0).astype(np.uint8)


def read_film(path: Path) -> list[Image]:
    """All frames of a film."""
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def agreement(root: Path = DATA / "sample") -> dict[tuple[str, int, int], tuple[float, float]]:
    """J and F of the clips' masks against ``data/real/second.json``: outlines that somebody else drew by eye.

    By clip, frame and object.
    """
    second, found = json.loads((DATA / "real" / "second.json").read_text()), {}
    whole = Window(0, 0, *SIZE)
    for name, frames in second.items():
        for frame, drawn in frames.items():
            theirs = np.zeros(SIZE[::-1], np.uint8)
            for identity, outline in drawn:
                theirs[whole.inside(outline)] = identity
            ours = read_mask(root / "Annotations" / "480p" / name / f"{int(frame):05d}.png")
            for identity in ids_of(ours):
                pair = ours == identity, theirs == identity
                found[name, int(frame), identity] = (jaccard(*pair), boundary_f(*pair))
    return found


def main(films: Path, out: Path = DATA / "sample") -> None:
    """Write the clips beside the sample's synthetic videos, as its split ``real``.

    Args:
        films: Folder, at any depth, with vtest.avi, cup.mp4 and box.mp4.
        out: Data set in DAVIS layout.
    """
    outlines = json.loads((DATA / "real" / "outlines.json").read_text())
    loaded: dict[str, list[Image]] = {}
    for clip in tqdm(CLIPS, unit="clip"):
        if clip.film not in loaded:
            paths = sorted(films.rglob(clip.film))
            if not paths:
                raise InputError(f"{films}: no {clip.film} in it; expected the unpacked package opencv-doc")
            loaded[clip.film] = read_film(paths[0])
        write_clip(clip, loaded[clip.film], outlines.get(clip.name, {}), out)
    write_text(out / "ImageSets" / "2017" / "real.txt", "".join(f"{clip.name}\n" for clip in CLIPS))


def write_clip(clip: RealClip, film: Sequence[Image], outlines: Outlines, out: Path) -> None:
    """Write a clip's frames and masks."""
    for index, (number, mask) in enumerate(zip(clip.frames, clip.masks(film, clip, outlines), strict=True)):
        mask[mask == UNLABELLED] = 0
        picture = Pictures.fromarray(clip.window.cut(film[number])).resize(SIZE, Resampling.LANCZOS)
        with write_whole(out / "JPEGImages" / "480p" / clip.name / f"{index:05d}.jpg") as temporary:
            picture.save(temporary, quality=QUALITY, optimize=True)
        write_mask(out / "Annotations" / "480p" / clip.name / f"{index:05d}.png", shrink(mask))


if __name__ == "__main__":
    tyro.cli(main)
