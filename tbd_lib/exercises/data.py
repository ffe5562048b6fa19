"""Exercises of a lesson that is being written."""

from tbd_lib.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
