"""Telling ids from shades: masks that were blurred, resized or compressed hold values that are no objects."""

import numpy as np
from jaxtyping import UInt8

VOID = 255  # pixels that count as nothing; the object, where no mask of a video holds other values
LEVEL = 32  # ids are smaller as a rule, levels of grey and of colour are not
NEARLY = 240  # values from here on are nearly white


def are_shades(mask: UInt8[np.ndarray, "H W"]) -> bool:
    """Whether 255 is white beside other shades, rather than void beside ids.

    They are shades if they go up to it in even steps (85, 170, 255), as ids are drawn to be told apart, or if the white
    has a few pixels in it that are nearly so, as lossy formats leave them.
    """
    counts = np.bincount(mask.ravel(), minlength=VOID + 1)
    others = np.flatnonzero(counts[1:VOID]) + 1
    nearly = counts[NEARLY:VOID].sum()
    steps = [{shade for k in range(1, n) for shade in (VOID * k // n, -(-VOID * k // n))} for n in range(2, 8)]
    even = others.size > 0 and any(step.issuperset(others.tolist()) for step in steps)
    return even or bool(counts[LEVEL:NEARLY].sum() < nearly < counts[VOID] / 2)


def edge_values(values: np.ndarray, shown: UInt8[np.ndarray, "C H W"]) -> int:
    """How many values are those of soft edges; 0 if they are too few to be.

    A value belongs to an edge if it has no body, which is a pixel with nothing else around it, and if more than half of
    its pixels lie between a lower and a higher one. Objects that are small or thin have no body either, but do not lie
    between others.

    ``values`` tell what a pixel is (0 is background), ``shown`` how it looks. One value is enough where none is as dark
    as small ids are; else it takes three, since a thin object may well lie between two others.
    """
    low, high = _around(shown, np.minimum), _around(shown, np.maximum)
    inside, looks = values[1:-1, 1:-1], shown[:, 1:-1, 1:-1]
    body, between = (low == high).all(axis=0), ((low < looks) & (looks < high)).any(axis=0)
    bodies = np.unique(inside[body & (inside > 0)])
    rims, counts = np.unique(inside[~body & (inside > 0)], return_counts=True)
    betweens = np.bincount(np.searchsorted(rims, inside[between & (inside > 0)]), minlength=len(rims))
    edges = int((~np.isin(rims, bodies) & (2 * betweens > counts)).sum())
    enough = 1 if shown.max(axis=0)[values > 0].min(initial=VOID) >= LEVEL else 3
    return edges if edges >= enough and 3 * edges > len(np.union1d(bodies, rims)) else 0


def _around(shown: UInt8[np.ndarray, "C H W"], extreme: np.ufunc) -> UInt8[np.ndarray, "C h w"]:
    """The extreme of every pixel's 3x3 neighbourhood, without the outermost pixels."""
    rows = extreme(extreme(shown[:, :-2], shown[:, 1:-1]), shown[:, 2:])
    return extreme(extreme(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])
