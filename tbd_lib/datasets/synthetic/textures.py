"""Surfaces of the synthetic videos: photographs and noise, recoloured, mirrored, turned and blended."""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image as Pictures
from PIL import ImageFilter
from PIL.Image import Resampling, Transform

from tbd_lib.errors import InputError

Picture = Pictures.Image


@lru_cache(maxsize=8)
def load_textures(folder: Path) -> tuple[Picture, ...]:
    """All JPEG textures of a folder, by name; read once per process.

    Raises:
        InputError: the folder holds no ``*.jpg``.
    """
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        raise InputError(f"{folder}: found no textures, expected files *.jpg")
    return tuple(Pictures.open(path).convert("RGB") for path in paths)


@lru_cache(maxsize=64)
def _mirrored(folder: Path, index: int, repeats: int) -> Picture:
    """A texture repeated ``repeats`` times each way, every second time as in a mirror: it has no seams."""
    tile = np.asarray(load_textures(folder)[index])
    return Pictures.fromarray(
        np.pad(tile, ((0, tile.shape[0] * (repeats - 1)), (0, tile.shape[1] * (repeats - 1)), (0, 0)), "symmetric")
    )


def surface(rng: np.random.Generator, folder: Path, width: int, height: int, zoom: float, vividness: float) -> Picture:
    """A recoloured piece of a random texture, turned by a random angle; one texture pixel covers ``zoom`` pixels."""
    textures = load_textures(folder)
    index = int(rng.integers(len(textures)))
    reach = math.hypot(width, height) / zoom  # texture pixels that any turn of the piece fits in
    tile = min(textures[index].size)
    source = _mirrored(folder, index, math.ceil(reach / tile) + 1)
    centre = rng.uniform(reach / 2, min(source.size) - reach / 2, size=2)
    turn = rng.uniform(0, 2 * math.pi)
    cos, sin = math.cos(turn) / zoom, math.sin(turn) / zoom
    left = centre[0] - (cos * width - sin * height) / 2
    top = centre[1] - (sin * width + cos * height) / 2
    piece = source.transform((width, height), Transform.AFFINE, (cos, -sin, left, sin, cos, top), Resampling.BILINEAR)
    return recolour(rng, piece, vividness)


def recolour(rng: np.random.Generator, picture: Picture, vividness: float) -> Picture:
    """The picture in other colours: its hue turned, or its brightness laid out on a ramp of three related colours.

    ``vividness`` scales the saturation; 1 is that of the photograph.
    """
    if rng.random() < 0.7:
        turn = rng.normal(0, 0.3) if rng.random() < 0.6 else rng.uniform(0, 2 * math.pi)
        return picture.convert("RGB", _hue_matrix(turn, vividness * rng.uniform(0.7, 1.2)))
    hue = rng.uniform(0, 2 * math.pi)
    ramp = [
        colour(hue + rng.normal(0, 0.5), level, vividness * strength)
        for level, strength in ((0.12, 0.08), (0.5, 0.16), (0.9, 0.08))
    ]
    table = np.stack([np.interp(np.arange(256), (10, 120, 235), channel) for channel in np.stack(ramp).T])
    return Pictures.merge("RGB", [picture.convert("L")] * 3).point(np.round(table).astype(int).ravel().tolist())


def colour(hue: float, level: float, strength: float) -> Float[np.ndarray, "3"]:
    """Red, green and blue in 0 to 255 around the brightness ``level`` (0 to 1), off grey by ``strength``."""
    return np.clip(255 * (level + strength * np.sin(hue + np.array([0.0, 2.0, 4.0]) * math.pi / 3)), 0, 255)


def _hue_matrix(turn: float, saturation: float) -> tuple[float, ...]:
    """Rows of the colour matrix that turns the chroma of NTSC's YIQ by an angle and scales it; luma stays."""
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    cos, sin = saturation * math.cos(turn), saturation * math.sin(turn)
    matrix = np.linalg.inv(to_yiq) @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ to_yiq
    return tuple(np.pad(matrix, ((0, 0), (0, 1))).ravel().tolist())


def noise(rng: np.random.Generator, width: int, height: int, cells: int, octaves: int = 3) -> Picture:
    """Smooth noise, grey levels 0 to 255: ``cells`` blobs over the longer side, and octaves of half their size."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        shape = (max(2, count * height // max(width, height)), max(2, count * width // max(width, height)))
        grid = Pictures.fromarray(rng.integers(0, 256, size=shape, dtype=np.uint8))
        total += np.asarray(grid.resize((width, height), Resampling.BICUBIC), np.float32) / 2**octave
    low, high = float(total.min()), float(total.max())
    return Pictures.fromarray(((total - low) * (255 / max(high - low, 1.0))).astype(np.uint8))


def background(rng: np.random.Generator, folder: Path, width: int, height: int) -> Picture:
    """A rich ground: surfaces that meet along smooth borders, under uneven light, slightly out of focus."""
    side = min(width, height)
    ground = surface(rng, folder, width, height, rng.uniform(0.8, 1.7) * side / 256, 0.65)
    for _ in range(int(rng.integers(1, 3))):
        other = surface(rng, folder, width, height, rng.uniform(0.8, 1.7) * side / 256, 0.65)
        softness = float(rng.uniform(4, 12))
        where = noise(rng, width, height, int(rng.integers(2, 5)), octaves=2)
        ground = Pictures.composite(other, ground, where.point(_step(float(rng.uniform(90, 165)), softness)))
    shade = noise(rng, width, height, 2, octaves=1).point([round(90 * level / 255) for level in range(256)])
    ground = Pictures.composite(Pictures.new("RGB", ground.size, (8, 10, 20)), ground, shade)
    return ground.filter(ImageFilter.BoxBlur(float(rng.uniform(0.0, 0.8))))


def skin(rng: np.random.Generator, folder: Path, side: int) -> Picture:
    """The look of an object: a surface, often with painted spots or stripes, shaded so that the body seems round."""
    look = surface(rng, folder, side, side, rng.uniform(0.35, 0.8) * side / 128, 1.15)
    if rng.random() < 0.65:
        tone = colour(rng.uniform(0, 2 * math.pi), rng.uniform(0.15, 0.85), 0.25)
        paint = Pictures.new("RGB", look.size, tuple(np.round(tone).astype(int).tolist()))
        pattern = (
            _stripes(rng, side) if rng.random() < 0.5 else noise(rng, side, side, int(rng.integers(4, 9)), octaves=1)
        )
        strength = float(rng.uniform(0.6, 0.95))
        look = Pictures.composite(paint, look, pattern.point(_step(128.0, 12.0, strength)))
    return _rounded(rng, look)


def _stripes(rng: np.random.Generator, side: int) -> Picture:
    """Wavy stripes, grey levels 0 to 255."""
    bend = np.asarray(noise(rng, side, side, 3, octaves=1), np.float32) / 255
    across = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    waves = np.sin(2 * math.pi * (rng.uniform(3, 7) * across + rng.uniform(0.3, 1.2) * bend))
    return Pictures.fromarray((127.5 + 127.5 * waves).astype(np.uint8))


def _rounded(rng: np.random.Generator, look: Picture) -> Picture:
    """Light from one side: bright there, dark towards the rim on the other."""
    axis = np.linspace(-1, 1, look.width, dtype=np.float32)
    turn = rng.uniform(0, 2 * math.pi)
    towards = axis[:, None] * math.sin(turn) + axis[None, :] * math.cos(turn)
    light = 1.12 + 0.3 * towards - 0.45 * (axis[:, None] ** 2 + axis[None, :] ** 2)
    shaded = np.asarray(look, np.float32) * np.clip(light, 0.35, 1.4)[..., None]
    return Pictures.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))


def _step(threshold: float, softness: float, height: float = 1.0) -> list[int]:
    """A table for 256 grey levels: 0 below the threshold, 255 * ``height`` above, a slope of ``softness`` between."""
    levels = (np.arange(256) - threshold) / softness + 0.5
    return np.round(255 * height * np.clip(levels, 0, 1)).astype(int).tolist()
