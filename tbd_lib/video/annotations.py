"""What people draw becomes masks: boxes and polygons, from the command line as from a notebook."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Literal, TypedDict

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from tbd_lib.errors import InputError
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import MAX_ID, size_of

FARTHEST = 1_000_000  # pixels from the frame's first one, for a corner; what Pillow counts with overflows beyond
KINDS = ("polygon", "box")
EXPECTED = "expected object, kind, corners, and remove if anything is to be taken away"


class Shape(TypedDict):
    """What is drawn at one time, as JSON holds it.

    ``object`` is an id. ``corners`` are x and y in the frame's pixels: three or more of a polygon; of a box the left
    and top, then the right and lower edge, which are not in it. ``remove`` takes the inside away from the object.
    """

    object: int
    kind: Literal["polygon", "box"]
    corners: list[list[int | float]]
    remove: bool


def box_mask(size: tuple[int, int], box: tuple[int, int, int, int], name: str = "box") -> Mask:
    """A box as the mask of object 1: left, top, right and bottom edge in pixels, the right and lower ones not in it.

    Args:
        size: rows and columns.
        box: the four edges.
        name: what errors call it.

    Raises:
        InputError: a box without a pixel inside the frame.
    """
    left, top, right, bottom = box
    mask = np.zeros(size, np.uint8)
    mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    if not mask.any():
        edges = "expected its left, top, right and bottom edge"
        raise InputError(
            f"{name} {left} {top} {right} {bottom}: no pixel of a {size_of(size)} frame lies in it, {edges}"
        )
    return mask


def polygon_mask(size: tuple[int, int], corners: Sequence[Sequence[int | float]], name: str = "polygon") -> Mask:
    """The inside of a polygon, its outline included, as the mask of object 1.

    Args:
        size: rows and columns.
        corners: x and y of three or more, in pixels.
        name: what errors call it.

    Raises:
        InputError: fewer corners, one that is nowhere near the frame (or not a number), or no pixel inside the frame.
    """
    if len(corners) < 3:
        raise InputError(f"{name}: found {len(corners)} corners, expected three or more")
    for x, y in corners:
        if not (abs(x) <= FARTHEST and abs(y) <= FARTHEST):  # NaN is not
            raise InputError(f"{name}: found the corner {x:g},{y:g}, expected one in or near the {size_of(size)} frame")
    picture = Pictures.new("L", (size[1], size[0]))
    ImageDraw.Draw(picture).polygon([(x, y) for x, y in corners], fill=1)
    mask = np.array(picture)
    if not mask.any():
        raise InputError(f"{name}: no pixel of a {size_of(size)} frame lies in it")
    return mask


def draw(start: Mask, shapes: Iterable[Shape]) -> Mask:
    """A mask with shapes drawn on it, later ones on top; ``start`` stays as it is.

    Raises:
        InputError: a shape that has no pixel in the frame.
    """
    mask = start.copy()
    for shape in shapes:
        inside = _inside((mask.shape[0], mask.shape[1]), shape, shape["kind"])
        if shape["remove"]:
            mask[inside & (mask == shape["object"])] = 0
        else:
            mask[inside] = shape["object"]
    return mask


def shapes_of(found: object, size: tuple[int, int]) -> tuple[Shape, ...]:
    """Shapes that can be drawn, of plain numbers, from whatever stands in their place.

    Args:
        found: a list of mappings with the parts of a ``Shape``; ``remove`` may be left out. A box's edges are whole
            numbers.
        size: rows and columns of the frame.

    Raises:
        InputError: no list; parts that are missing, unknown, or of no use, or no pixel of the frame inside: of a shape
            that is named by its number from 0.
    """
    if not isinstance(found, list | tuple):
        raise InputError(f"shapes: found {found!r}, expected a list")
    return tuple(_shape(shape, size, f"shape {i}") for i, shape in enumerate(found))


def _shape(found: object, size: tuple[int, int], name: str) -> Shape:
    if not isinstance(found, Mapping) or set(found) | {"remove"} != set(Shape.__annotations__):
        parts = ", ".join(map(str, found)) if isinstance(found, Mapping) else repr(found)
        raise InputError(f"{name}: found {parts or 'nothing'}, {EXPECTED}")
    number, kind, remove = found["object"], found["kind"], found.get("remove", False)
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or not 1 <= number <= MAX_ID:
        raise InputError(f"{name}: found object {number!r}, expected an id from 1 to {MAX_ID}")
    if kind not in KINDS:
        raise InputError(f"{name}: found kind {kind!r}, expected {' or '.join(KINDS)}")
    if not isinstance(remove, bool):
        raise InputError(f"{name}: found remove {remove!r}, expected True or False")
    shape = Shape(object=int(number), kind=kind, corners=_corners(found["corners"], name), remove=remove)
    _inside(size, shape, name)
    return shape


def _inside(size: tuple[int, int], shape: Shape, name: str) -> np.ndarray:
    """Where a shape is."""
    if shape["kind"] == "polygon":
        return polygon_mask(size, shape["corners"], name) > 0
    edges = [edge for corner in shape["corners"] for edge in corner]
    if len(edges) != 4 or any(edge != edge // 1 for edge in edges):  # infinity and NaN are not whole either
        raise InputError(f"{name}: found a box of {shape['corners']}, expected [left, top], [right, bottom] in pixels")
    left, top, right, bottom = map(int, edges)
    return box_mask(size, (left, top, right, bottom), name) > 0


def _corners(found: object, name: str) -> list[list[int | float]]:
    """Pairs of plain numbers."""
    try:
        pairs = [list(pair) for pair in found]  # pyright: ignore[reportGeneralTypeIssues]
    except TypeError as error:
        raise InputError(f"{name}: found corners {found!r}, expected pairs of x and y") from error
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(part, Real) and not isinstance(part, bool) for part in pair):
            raise InputError(f"{name}: found the corner {pair!r}, expected x and y in pixels")
    return [[part.item() if isinstance(part, np.generic) else part for part in pair] for pair in pairs]
