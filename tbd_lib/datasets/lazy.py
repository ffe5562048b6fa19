"""Frames and masks of data sets that are read when asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tbd_lib.video.arrays import Mask
from tbd_lib.video.frames import FolderFrames
from tbd_lib.video.masks import MaskReader, ids_of, require_objects, require_size


class Lazy(Sequence):  # its items' type is not named, since a checker at run time would read one to look at it
    """A sequence whose items are read whenever they are asked for: ``read(position)``, positions from 0."""

    def __init__(self, count: int, read: Callable[[int], Any]) -> None:
        self._positions, self._read = range(count), read

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, position: int | slice) -> Any:
        if isinstance(position, slice):
            return [self._read(at) for at in self._positions[position]]
        return self._read(self._positions[position])


class MaskFiles(Lazy):
    """The id masks of a video, all of the size of these frames; ``joined`` makes one object, id 1, of all objects.

    ``reader`` decides from all of ``paths`` what their pixels mean.

    Raises:
        InputError: when a mask is read: it cannot be, or has not the size of the frames.
    """

    def __init__(self, paths: Sequence[Path], frames: FolderFrames, joined: bool = False) -> None:
        super().__init__(len(paths), self._mask)
        self.paths, self._frames, self._joined = paths, frames, joined
        self.reader = MaskReader(paths)

    def _mask(self, number: int) -> Mask:
        path = self.paths[number]
        mask = require_size(self.reader.read(path), self._frames.shape, path)
        return (mask > 0).astype(np.uint8) if self._joined else mask


class GivenMasks(Mapping):  # of int to Mask; see above
    """The masks that are given to the tracker, by position: each with those objects only that no earlier mask shows.

    To find where objects are new all of them are read, once, when the first is asked for.

    Args:
        masks: of a video, which may show objects that were given before.
        positions: of the frames of these masks, ascending; masks beyond are not given.

    Raises:
        InputError: when a mask is read: it cannot be, has not the size of its frame, or the first has no objects.
    """

    def __init__(self, masks: MaskFiles, positions: Sequence[int]) -> None:
        self._masks, self._positions = masks, positions
        self.paths = masks.paths[: len(positions)]

    def __len__(self) -> int:
        return len(self._new_ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._new_ids)

    def __getitem__(self, position: int) -> Mask:
        new_ids = self._new_ids[position]
        mask = self._masks[self._positions.index(position)]
        return np.where(np.isin(mask, new_ids), mask, np.uint8(0))

    @cached_property
    def _new_ids(self) -> dict[int, list[int]]:
        """Ids that are new in a frame, for every frame that has some."""
        require_objects(self._masks[0], self._masks.paths[0])
        known, entries = set[int](), {}
        for position, mask in zip(self._positions, self._masks, strict=False):
            if new_ids := [i for i in ids_of(mask) if i not in known]:
                entries[position] = new_ids
                known.update(new_ids)
        return entries
