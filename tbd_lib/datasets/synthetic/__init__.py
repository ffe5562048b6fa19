"""Synthetic look-alike videos.

``textures`` (surfaces cut from photographs), ``bodies`` (shapes and limbs), ``sprites`` (things that move and are
painted), ``scenes`` (camera, light, filming, measuring), ``staging`` (planning what happens), ``clips`` (whole videos).
"""
