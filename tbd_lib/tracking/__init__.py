"""From the model's verbs to a video: all objects together, one frame at a time."""
