"""Data sets as lists of videos, synthetic videos, and augmentation."""
