"""Augmentation of clips: parameters are sampled first, then applied to images and masks alike, in one resampling.

One image becomes a clip through an affine drift; a clip of a video drifts gently (``docs/method.md``, training recipe).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, UInt8
from PIL import Image as Pictures
from PIL.Image import Resampling, Transform
from torch import Tensor

from tbd_lib.datasets.config import AugmentConfig
from tbd_lib.video.arrays import Image, Mask

Matrix = Float64[np.ndarray, "3 3"]
Picture = Float[Tensor, "3 H W"]
FILL = (124, 116, 104)  # the ImageNet mean: outside the picture there is nothing to see after normalising
GREY = torch.tensor(FILL, dtype=torch.float32).view(3, 1, 1)


@dataclass(frozen=True)
class Augmentation:
    """How one clip is cut from its frames: for every frame, where in the frame an output pixel comes from."""

    size: tuple[int, int]  # rows and columns of the output
    to_input: tuple[Matrix, ...]  # homogeneous (x, y, 1) in output pixels -> in the frame's pixels

    def image(self, t: int, image: Image) -> UInt8[np.ndarray, "Y X 3"]:
        """Frame ``t`` of the clip (bilinear)."""
        return self.picture(t, as_picture(image)).permute(1, 2, 0).numpy()

    def picture(self, t: int, picture: Picture) -> UInt8[Tensor, "3 Y X"]:
        """The same for a frame that was made ready once and is cut more than once."""
        to_input = self.to_input[t]
        shrink = int(np.sqrt(abs(np.linalg.det(to_input))) + 1e-6)
        if shrink > 1:  # bilinear looks at four pixels only: large pictures would alias
            picture = F.avg_pool2d(picture, shrink, ceil_mode=True)
            to_input = np.diag([1 / shrink, 1 / shrink, 1.0]) @ to_input
        places = self._places(to_input, picture.shape[-2:])
        cut = F.grid_sample(picture[None], places[None], align_corners=False)[0]
        return cut.add_(GREY).round_().to(torch.uint8)

    def mask(self, t: int, mask: Mask) -> UInt8[np.ndarray, "Y X"]:
        """The id mask of frame ``t`` (nearest)."""
        data = tuple(self.to_input[t][:2].ravel().tolist())
        cut = Pictures.fromarray(mask).transform(
            (self.size[1], self.size[0]), Transform.AFFINE, data, Resampling.NEAREST
        )
        return np.asarray(cut)

    def _places(self, to_input: Matrix, size: tuple[int, ...]) -> Float[Tensor, "Y X 2"]:
        """Where each output pixel's centre lies in a picture of ``size``, which runs from -1 to 1 both ways."""
        height, width = size
        to_unit = (np.array([[2 / width, 0, -1], [0, 2 / height, -1]]) @ to_input).tolist()
        rows, columns = (torch.arange(side) + 0.5 for side in self.size)
        places = torch.empty(*self.size, 2)
        for axis, (by_column, by_row, constant) in enumerate(to_unit):
            torch.add((rows * by_row + constant)[:, None], columns * by_column, out=places[..., axis])
        return places


def as_picture(image: Image) -> Picture:
    """An image ready to be cut: grey is zero, which is what lies outside of it."""
    return torch.from_numpy(image).permute(2, 0, 1).contiguous().float().sub_(GREY)


def sample_augmentation(
    config: AugmentConfig, random: np.random.Generator, frames: int, size: tuple[int, int]
) -> Augmentation:
    """Draw the affine drift, the crop and the flips of one clip of frames of ``size`` (rows, columns)."""
    crop = _crop(config, random, size)
    drift, matrices = np.eye(3), []
    for _ in range(frames):
        drift = drift @ _affine(config, random, size)
        matrices.append(drift @ crop)
    return Augmentation((config.crop, config.crop), tuple(matrices))


def _affine(config: AugmentConfig, random: np.random.Generator, size: tuple[int, int]) -> Matrix:
    """A random rotation, scaling and shear about the middle of the frame."""
    angle, shear_x, shear_y = np.radians(random.uniform(-1, 1, 3) * [config.rotate, config.shear, config.shear])
    scale = np.exp(random.uniform(-1, 1) * np.log(config.scale))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.array([[1, np.tan(shear_x)], [np.tan(shear_y), 1]])
    middle = np.array([size[1] / 2, size[0] / 2])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear, middle - linear @ middle
    return matrix


def _crop(config: AugmentConfig, random: np.random.Generator, size: tuple[int, int]) -> Matrix:
    """A random crop, flipped or not: from output pixels to the pixels of the drifted frame."""
    area = size[0] * size[1] * random.uniform(*config.area)
    aspect = np.exp(random.uniform(-1, 1) * np.log(config.aspect))
    width = min(np.sqrt(area * aspect), size[1])
    height = min(np.sqrt(area / aspect), size[0])
    left, top = random.uniform(0, size[1] - width), random.uniform(0, size[0] - height)
    matrix = np.diag([width / config.crop, height / config.crop, 1.0])
    matrix[:2, 2] = left, top
    flip_x, flip_y = (random.random(2) < config.flip).tolist()
    return matrix @ _flip(config.crop, flip_x, flip_y)


def _flip(side: int, x: bool, y: bool) -> Matrix:
    """Mirror a square of ``side`` pixels."""
    matrix = np.diag([-1.0 if x else 1.0, -1.0 if y else 1.0, 1.0])
    matrix[:2, 2] = side * x, side * y
    return matrix
