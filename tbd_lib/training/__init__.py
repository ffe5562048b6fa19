"""Clips in, a model out: settings, the loop, checkpoints."""
