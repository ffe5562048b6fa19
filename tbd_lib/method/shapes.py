"""The letters of every shape in this package.

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

A *region mask* holds two soft maps per object that sum to one. Images are ``float`` in [0, 1].
"""

STRIDE = 16  # pixels per cell of the grid on which templates live
