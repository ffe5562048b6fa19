"""The array types of pictures and id masks."""

import numpy as np
from jaxtyping import UInt8

Image = UInt8[np.ndarray, "H W 3"]
"""An RGB picture."""

Mask = UInt8[np.ndarray, "H W"]
"""An id mask: 0 is background, 1 to 255 are objects."""
