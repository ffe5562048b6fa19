"""The letters of every shape in this package, and the array types that video and model share.

============  =====================================================================
``b``         clip of a batch
``o``         object
``r``         region of an object: 0 background, 1 foreground (always of size 2)
``t``         frame of a clip
``c``         channel
``h w``       grid at stride 16, rows and columns
``p``, ``q``  template position and query position of that grid, row by row (h * w)
``H W``       pixels, rows and columns
============  =====================================================================

An *id mask* holds integers, 0 is background. A *region mask* holds two soft maps per object that sum to one.
Images are ``uint8`` in files and videos, ``float`` in [0, 1] for the model.
"""

import numpy as np
from jaxtyping import UInt8

STRIDE = 16  # pixels per cell of the grid on which templates live

Image = UInt8[np.ndarray, "H W 3"]
"""An RGB picture."""

Mask = UInt8[np.ndarray, "H W"]
"""An id mask: 0 is background, 1 to 255 are objects."""
