"""Answers to every exercise, a module per lesson: right ones in other forms than the solution, and wrong ones.

Each is written on its own, as a student might, and not by means of the solution.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Answers(NamedTuple):
    """Answers to one exercise, by what is special about them; with a wrong one, words of the hint that it must get."""

    right: dict[str, Callable[..., Any]]
    wrong: dict[str, tuple[Callable[..., Any], str]]
