"""Processor seconds of two forms of the same work, measured in turn."""

from collections.abc import Callable, Mapping
from statistics import median
from time import process_time


def in_turn(forms: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of every form in every round; each runs once before, unmeasured, to warm up.

    Processor time is what one thread takes on a machine that does nothing else; taking turns makes ratios hold on one
    whose clock or caches are shared.
    """
    for work in forms.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, work in forms.items():
            start = process_time()
            work()
            seconds[name].append(process_time() - start)
    return seconds


def ratios(slow: list[float], fast: list[float]) -> dict[str, float]:
    """How many times longer the slow form takes: median, smallest and largest of the rounds."""
    found = [a / b for a, b in zip(slow, fast, strict=True)]
    return {"median": median(found), "min": min(found), "max": max(found)}
