"""Cut the texture patches of the synthetic videos out of photographs that are free of rights.

The photographs come with scikit-image (a development dependency; the library itself reads only the patches).
Run from the repository: ``python tools/make_textures.py``.
"""

from dataclasses import dataclass
from pathlib import Path

import tyro
from PIL import Image, ImageOps
from skimage import data

from tbd_lib.files import write_text, write_whole

FOLDER = Path(__file__).parents[1] / "data" / "textures"
SIDE = 256  # pixels of a patch
QUALITY = 88  # of its JPEG file


@dataclass(frozen=True)
class Photograph:
    """One photograph of scikit-image, and who made it."""

    name: str
    author: str
    rights: str


@dataclass(frozen=True)
class Cut:
    """A square of a photograph, in its pixels, that becomes the patch ``name``."""

    name: str
    photograph: Photograph
    left: int
    top: int
    side: int
    ramp: tuple[str, str, str] | None = None  # colours given to the dark, middle and bright levels of a grey photograph


ASTRONAUT = Photograph("astronaut", "NASA (Great Images collection)", "public domain")
BRICK = Photograph("brick", "CC0Textures (Bricks25)", "CC0 1.0")
CHELSEA = Photograph("chelsea", "Stefan van der Walt", "CC0 1.0")
COFFEE = Photograph("coffee", "Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0 1.0")
GRASS = Photograph("grass", "linolafett (DeviantArt, Grass 01)", "CC0 1.0")
GRAVEL = Photograph("gravel", "CC0Textures (Gravel04)", "CC0 1.0")
RETINA = Photograph("retina", "Mikael Häggström", "CC0 1.0")
ROCKET = Photograph("rocket", "SpaceX", "public domain")

CUTS = (
    Cut("suit", ASTRONAUT, 60, 300, 180),
    Cut("flag", ASTRONAUT, 0, 30, 76),
    Cut("bricks", BRICK, 0, 0, 320, ("#2c1712", "#a2523a", "#e6cdb8")),
    Cut("fur", CHELSEA, 130, 0, 92),
    Cut("cheek", CHELSEA, 90, 120, 130),
    Cut("wood", COFFEE, 0, 20, 150),
    Cut("table", COFFEE, 470, 240, 130),
    Cut("lawn", GRASS, 0, 0, 256, ("#0c1a0b", "#4f7a35", "#dbe6a6")),
    Cut("stones", GRAVEL, 0, 0, 320, ("#14161c", "#7d7a74", "#efe6d8")),
    Cut("veins", RETINA, 420, 760, 520),
    Cut("tower", ROCKET, 20, 0, 200),
    Cut("dusk", ROCKET, 60, 270, 157),
)


def cut_patch(cut: Cut) -> Image.Image:
    """The patch as an RGB picture of SIDE x SIDE pixels."""
    photograph = Image.fromarray(getattr(data, cut.photograph.name)()).convert("RGB")
    box = (cut.left, cut.top, cut.left + cut.side, cut.top + cut.side)
    patch = photograph.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)
    return ImageOps.colorize(patch.convert("L"), cut.ramp[0], cut.ramp[2], cut.ramp[1]) if cut.ramp else patch


def origin_table() -> str:
    """Markdown that tells where every patch comes from."""
    head = [
        "# Where these textures come from",
        "",
        "Every patch is cut from a photograph that ships with scikit-image and is in the public domain or under CC0.",
        f"`tools/make_textures.py` cuts the square, resizes it to {SIDE} x {SIDE} pixels and saves it as JPEG.",
        "Grey photographs are coloured with a ramp from dark over middle to bright.",
        "",
        "| file | photograph (`skimage.data`) | author | rights | square: left, top, side in pixels | colours |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows = [
        f"| {cut.name}.jpg | {cut.photograph.name} | {cut.photograph.author} | {cut.photograph.rights} "
        f"| {cut.left}, {cut.top}, {cut.side} "
        f"| {', '.join(cut.ramp) if cut.ramp else 'as in the photograph'} |"
        for cut in CUTS
    ]
    return "\n".join([*head, *rows]) + "\n"


def main(folder: Path = FOLDER) -> None:
    """Write all patches and ``ORIGIN.md`` into a folder (by default the project's own ``data/textures``)."""
    for cut in CUTS:
        with write_whole(folder / f"{cut.name}.jpg") as path:
            cut_patch(cut).save(path, quality=QUALITY)
    write_text(folder / "ORIGIN.md", origin_table())


if __name__ == "__main__":
    tyro.cli(main)
