"""COCO's id masks as PNG files, and beside them a record of what they were made from: no others are ever read."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from tqdm.auto import tqdm

from tbd_lib.datasets.config import CocoConfig
from tbd_lib.errors import InputError
from tbd_lib.files import write_json
from tbd_lib.texts import read_json
from tbd_lib.video.arrays import Mask
from tbd_lib.video.masks import read_mask, require_size, write_mask

Size = tuple[int, int]  # rows, columns
HOW = "`tbd prepare coco --png` or convert_masks() writes it"


class PngMasks:
    """The masks ``root/masks/<split>/<image>.png`` and their record ``root/masks/<split>.json``.

    Args:
        root: folder of the data set.
        split: name of the images' folder.
        annotations: the file that the masks follow from.
        config: which of its regions are objects.

    Raises:
        InputError: the record cannot be read, or names other annotations or another configuration.
    """

    def __init__(self, root: Path, split: str, annotations: Path, config: CocoConfig) -> None:
        self.folder, self.record = root / "masks" / split, root / "masks" / f"{split}.json"
        self.complete = False
        self.sizes: dict[str, Size] = {}  # of the images with objects, by their file's name, in the annotations' order
        self._annotations, self._config = annotations, config
        if self.record.is_file():
            self._read_record()

    def path(self, image: str) -> Path:
        """The mask of an image: matched by name."""
        return self.folder / Path(image).with_suffix(".png")

    def read(self, image: str) -> Mask:
        """The id mask of an image.

        Raises:
            InputError: no such file, no mask, or not of the image's size.
        """
        return require_size(read_mask(self.path(image)), self.sizes[image], self.path(image))

    def missing(self) -> list[str]:
        """What is left to be written, a line each; nothing if all is there."""
        if not self.complete:
            return [f"{self.record}: found no record of a complete conversion; expected one ({HOW})"]
        paths = [self.path(image) for image in self.sizes]
        return [f"{path}: missing; expected the mask of an image ({HOW})" for path in paths if not path.is_file()]

    def write(self, sizes: Mapping[str, Size], decode: Callable[[str], Mask]) -> int:
        """Write the masks of these images, each whole or not at all, but for those that are there; returns how many.

        Raises:
            InputError: two images differ by their suffix alone.
            OSError: no space left, or no right to write; what was written stays, and is not written again.
        """
        self._require_names(sizes)
        self._write_record(sizes, complete=False)
        left = [image for image in sizes if not self.path(image).exists()]
        for image in tqdm(left, desc="masks", unit="file"):
            write_mask(self.path(image), decode(image))
        self._write_record(sizes, complete=True)
        return len(left)

    def _require_names(self, sizes: Mapping[str, Size]) -> None:
        images = {self.path(image): image for image in sizes}
        if twice := [image for image in sizes if images[self.path(image)] != image]:
            raise InputError(f"{twice[0]}: found {images[self.path(twice[0])]} too; expected names without suffix once")

    @cached_property
    def _made_from(self) -> dict[str, bool | int | str]:
        """All that the masks depend on."""
        with self._annotations.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {**asdict(self._config), "annotations": f"sha256 {digest}"}

    def _write_record(self, sizes: Mapping[str, Size], complete: bool) -> None:
        write_json(self.record, {"made_from": self._made_from, "complete": complete, "sizes": dict(sizes)})

    def _read_record(self) -> None:
        expected = f"the record of a conversion ({HOW})"
        content = read_json(self.record, expected)
        try:
            found, self.complete = content["made_from"], content["complete"] is True
            self.sizes = {image: (int(rows), int(columns)) for image, (rows, columns) in content["sizes"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise InputError(f"{self.record}: {error!r}; expected {expected}") from error
        if found != self._made_from:
            raise InputError(
                f"{self.record}: masks made with {_listed(found)}; expected {_listed(self._made_from)} "
                f"(or remove this file and {self.folder})"
            )


def _listed(made_from: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in made_from.items())
