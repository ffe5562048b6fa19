"""Frames, films, id masks, what people draw, overlays, and what a tracked video is saved as."""
