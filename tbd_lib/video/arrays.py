"""The array types of pictures and id masks, and how what people have at hand becomes one of them."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Pictures
from PIL import ImageFile, ImageOps

from tbd_lib.errors import InputError
from tbd_lib.video.soft_edges import LEVEL, VOID, are_shades, edge_values

Image = UInt8[np.ndarray, "H W 3"]
"""An RGB picture."""

Mask = UInt8[np.ndarray, "H W"]
"""An id mask: 0 is background, 1 to 254 are objects."""

if TYPE_CHECKING:
    from torch import Tensor

    ImageLike = np.ndarray | Pictures.Image | Tensor
    MaskLike = np.ndarray | Pictures.Image | Tensor
else:  # a checker at run time would refuse the rest before it is refused here, in words
    Tensor = ImageLike = MaskLike = object

CHANNELS = (1, 3, 4)  # grey; red, green, blue; these and opacity
ID_MODES = ("1", "L", "P", "I", "I;16", "I;16L", "I;16B")
IMAGES = "RGB as a uint8 array HxWx3, a PIL picture of 8 bits, or a torch tensor 3xHxW of uint8 or of floats in [0, 1]"
MASKS = "ids, as an array or tensor HxW of integers or bool, or a PIL picture of mode 1, L, P or I"


def as_image(found: ImageLike) -> Image:
    """An RGB picture from what people have at hand; a ``uint8`` array HxWx3 is given back as it is, not copied.

    ==================  ========================================================================================
    arrays              ``uint8``: HxWx3 (RGB, not BGR), HxWx4 (opacity is left out, as of files), HxWx1 or HxW (grey)
    tensors of PyTorch  the same channels, first or last, on any device: ``uint8``, or floats in [0, 1]
    pictures of Pillow  8 bits per channel; as ``Pictures.open`` gave it, it is turned upright as its EXIF orientation
                        says; one that something was done to is taken as it is
    ==================  ========================================================================================

    Raises:
        InputError: anything else, floats in arrays above all, since nobody can tell whether they end at 1 or at 255.
    """
    if isinstance(found, Pictures.Image):
        return _rgb(found)
    array = _pixels_of_tensor(found) if _is_tensor(found) else found
    if not _is_whole(array) or array.dtype != np.uint8:
        raise _refused("frame", found, IMAGES)
    array = np.asarray(array[..., None] if array.ndim == 2 else array)
    if array.ndim != 3 or array.shape[2] not in CHANNELS:
        raise _refused("frame", found, IMAGES)
    if array.shape[2] == 3:
        return array
    return array.repeat(3, 2) if array.shape[2] == 1 else array[..., :3]


def as_mask(found: MaskLike) -> Mask:
    """An id mask from what people have at hand: what ``as_values`` takes, with the meaning that it has in files.

    255 is one object, id 1, where nothing else but 0 occurs; beside other ids it is void, and becomes background.

    Raises:
        InputError: what ``as_values`` refuses; soft edges, whose values would become objects.
    """
    return _without_void({0: _hard_values(found)})[0]


def as_masks(found: Mapping[int, MaskLike]) -> dict[int, Mask]:
    """The masks of one video, by position: what 255 means is decided from all of them together.

    Raises:
        InputError: what ``as_mask`` refuses, with the position.
    """
    values: dict[int, Mask] = {}
    for position, mask in found.items():
        try:
            values[position] = _hard_values(mask)
        except InputError as error:
            raise InputError(f"frame {position}: {error}") from error
    return _without_void(values)


def _without_void(values: Mapping[int, Mask]) -> dict[int, Mask]:
    if any(((mask > 0) & (mask < VOID)).any() for mask in values.values()):
        return {at: np.where(mask == VOID, 0, mask) if mask.max() == VOID else mask for at, mask in values.items()}
    return {at: mask // VOID for at, mask in values.items()}


def as_values(found: MaskLike) -> Mask:
    """The values of a mask as they are: of an array or a tensor of integers or ``bool``, or of a picture of Pillow.

    HxW, HxWx1 or 1xHxW; a ``uint8`` array HxW is given back as it is, not copied. Pictures have the mode 1, L, P or I.

    Raises:
        InputError: anything else: floats, colours, a JPEG, values below 0 or above 255.
    """
    if isinstance(found, Pictures.Image):
        if found.format in ("JPEG", "MPO") or found.mode not in ID_MODES:
            raise _refused("mask", found, MASKS)
        array = np.array(_upright(found, "mask"))
    elif _is_tensor(found):
        whole = _is_plain(found) and not found.is_floating_point() and not found.is_complex()
        array = found.detach().cpu().numpy() if whole else None
    else:
        array = found
    if not _is_whole(array) or array.dtype.kind not in "biu":
        raise _refused("mask", found, MASKS)
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array[..., 0] if array.shape[2] == 1 else array[0]
    if array.ndim != 2:
        raise _refused("mask", found, MASKS)
    for extreme in (int(array.min()), int(array.max())):
        if not 0 <= extreme <= 255:
            raise InputError(f"a mask with the id {extreme}; expected ids from 0 to 255")
    return np.asarray(array).astype(np.uint8, copy=False)


def _hard_values(found: MaskLike) -> Mask:
    """``as_values`` without values that are shades rather than ids; small numbers are taken at their word."""
    mask = as_values(found)
    levels = np.count_nonzero(np.bincount(mask.ravel())[1:])
    if min(mask.shape) < 3 or levels < 2 or mask.max() < LEVEL:
        return mask
    # An array has no palette to tell ids from shades: one or two values between others may be thin objects.
    if (mask.max() == VOID and are_shades(mask)) or edge_values(mask, mask[None]) > 2:
        raise InputError(f"a mask with soft edges, of {levels} levels; expected ids, for instance mask > 127")
    return mask


def _is_whole(found: Any) -> TypeGuard[np.ndarray]:
    """Whether it is an array with a number in every place, and some places: masked arrays have none in some."""
    return isinstance(found, np.ndarray) and not isinstance(found, np.ma.MaskedArray) and found.size > 0


def _is_tensor(found: Any) -> TypeGuard[Tensor]:
    """Whether it is a tensor of PyTorch, which need not be imported to know that nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.Tensor)


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds a number for every place."""
    return tensor.layout is sys.modules["torch"].strided and not tensor.is_quantized and not tensor.is_meta


def _pixels_of_tensor(tensor: Tensor) -> np.ndarray | None:
    """Channels last, in ``uint8``; None if its numbers cannot be pixels."""
    if not _is_plain(tensor) or not tensor.numel():
        return None
    tensor = tensor.detach()
    if tensor.ndim == 3 and tensor.shape[0] in CHANNELS:
        tensor = tensor.movedim(0, 2)
    if tensor.is_floating_point():
        scaled = (tensor.float() * 255).round()  # a rounding error beyond 0 or 1 is nothing, NaN is
        if not (scaled.min() >= 0 and scaled.max() <= 255):
            return None
        tensor = scaled.byte()
    return tensor.cpu().numpy()


def _rgb(picture: Pictures.Image) -> Image:
    if picture.mode.startswith(("I", "F")):
        raise _refused("frame", picture, IMAGES)
    upright = _upright(picture, "frame")
    try:
        return np.array(upright.convert("RGB"))
    except ValueError as error:  # a mode that Pillow does not convert
        raise _refused("frame", picture, IMAGES) from error


def _upright(picture: Pictures.Image, what: str) -> Pictures.Image:
    """The picture, decoded. Only one that comes straight from a file is turned: others may have been turned before."""
    try:
        if isinstance(picture, ImageFile.ImageFile):
            picture = ImageOps.exif_transpose(picture)
        picture.load()
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, EOFError, struct.error ...
        reason = " ".join(str(error).split()) or "its file is closed"  # Pillow's assertions have no words
        raise InputError(
            f"a {what} given as a PIL picture that cannot be read ({reason}); expected all of it"
        ) from error
    return picture


def _refused(what: str, found: Any, expected: str) -> InputError:
    """What came and what is expected instead; of floats also what makes them fit."""
    hint = ""
    if what == "mask" and "float" in str(getattr(found, "dtype", "")):
        hint = ", for instance mask > 0.5"
    elif isinstance(found, np.ma.MaskedArray):
        hint = ", for instance array.filled(0)"
    elif isinstance(found, np.ndarray) and found.dtype.kind == "f" and found.size:
        hint = f", for instance {'(frame * 255)' if found.max() <= 1 else 'frame'}.round().astype('uint8')"
    return InputError(f"a {what} given as {described(found)}; expected {expected}{hint}")


def described(found: Any) -> str:
    """What people passed, in a few words: type, numbers, shape, range."""
    if isinstance(found, Pictures.Image):
        return f"a PIL picture of mode {found.mode}" + (f" from a {found.format}" if found.format else "")
    if _is_tensor(found):
        kind, has_range = "torch tensor", _is_plain(found) and not found.is_complex()
    elif isinstance(found, np.ndarray):
        masked = isinstance(found, np.ma.MaskedArray)
        kind, has_range = f"{'masked ' * masked}numpy array", not masked and found.dtype.kind in "biuf"
    else:
        return "None" if found is None else f"{type(found).__module__}.{type(found).__name__}".removeprefix("builtins.")
    words = f"a {kind} of {str(found.dtype).removeprefix('torch.')}, shape {tuple(found.shape)}"
    if has_range and 0 not in found.shape:
        numbers = found.double() if _is_tensor(found) else found  # PyTorch finds no least number of some types
        words += f", values {float(numbers.min()):g} to {float(numbers.max()):g}"
    return words
