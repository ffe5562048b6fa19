"""How long an inspector takes to answer when a control is moved by one step.

    python -m benchmarks.inspectors --json-file results/inspectors.json

The time is that from the move, or from what a page says when people point or drag, to the new pictures, encoded, and
all text; the way to the browser is not in it. Two buttons track a video to its end, or search for a seed, as they are
meant to: they stand apart.

With one thread the processor's time is what the move takes on a machine that does nothing else. With two it says less,
since a thread that waits for the other is busy too.
"""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import torch
import tyro
from ipywidgets import Box, Button, Dropdown

from tbd_lib.course.widgets import (
    AggregationInspector,
    AugmentationInspector,
    DistanceInspector,
    TemplateInspector,
    TrackerTimeline,
)
from tbd_lib.course.widgets.inspector import Inspector
from tbd_lib.datasets.davis import find, sample
from tbd_lib.evaluation.provenance import provenance
from tbd_lib.files import write_json
from tbd_lib.method.model import TBD
from tbd_lib.training.checkpoint import bundled_model

TARGET = 0.15  # seconds, on one core: what still feels like an answer
WHOLE_VIDEO = ("correct here, track on", "next paste that covers")
MESSAGES: dict[str, list[dict[str, Any]]] = {
    "template": [{"point": [row, row + 3], "hold": True} for row in range(10)],
    "distance": [{"drag": [4, 0.05 * tenth]} for tenth in range(10)] + [{"more": True}] * 10,
    "timeline": [{"scrub": frame} for frame in range(10)],
    "aggregation": [{"point": [10 * row, 20 * row], "hold": True} for row in range(10)],
}
"""What a page sends, by inspector: pointing, dragging, and asking for the next frame."""


class Seconds(NamedTuple):
    """How long a move takes by the clock, and how long the processor works for it."""

    wall: float
    processor: float


def makers(model: TBD) -> dict[str, Callable[[], Inspector]]:
    """What makes each of the inspectors, on the bundled sample."""
    twins = find("occluded-twins")  # two objects: every menu has a choice
    videos = [twins, *(video for video in sample("val") if video.name != twins.name)]
    return {
        "template": lambda: TemplateInspector(model, videos),
        "distance": lambda: DistanceInspector(model, twins),
        "augmentation": lambda: AugmentationInspector(videos),
        "timeline": lambda: TrackerTimeline(model, twins),
        "aggregation": lambda: AggregationInspector(model, twins),
    }


def controls(inspector: Inspector) -> dict[str, Any]:
    """An inspector's controls by their labels."""
    found, boxes = {}, [inspector.children[0]]
    for box in boxes:
        boxes += [child for child in box.children if isinstance(child, Box)]
        found |= {child.description: child for child in box.children if not isinstance(child, Box)}
    return found


def seconds_of_messages(inspector: Inspector, messages: list[dict[str, Any]]) -> dict[str, list[Seconds]]:
    """The time of each answer to the page, by the kind of message."""
    seconds: dict[str, list[Seconds]] = {}
    for content in messages:
        start, busy = perf_counter(), process_time()
        inspector.board.hear({**content, "number": "1"})
        seconds.setdefault(next(iter(content)), []).append(Seconds(perf_counter() - start, process_time() - busy))
    return seconds


def step(control: Any) -> None:
    """Move a control by one step: a menu to the next choice, a slider up, and from its end back to the beginning."""
    if isinstance(control, Button):
        control.click()
    elif isinstance(control, Dropdown):
        control.value = control.options[(control.options.index(control.value) + 1) % len(control.options)]
    else:
        up = round(control.value + control.step, 6)
        control.value = up if up <= control.max else control.min


def seconds_of_controls(inspector: Inspector, moves: int) -> dict[str, list[Seconds]]:
    """The time of each move, by the control's label, after which all but the frame is as it was.

    Before a button is pressed the frame is another one.
    """
    every, seconds = controls(inspector), {}
    every.pop("reset", None)  # which would take back what the others do
    for label, control in every.items():
        seconds[label], begun = [], None if isinstance(control, Button) else control.value
        for _ in range(1 if label in WHOLE_VIDEO else moves):
            if isinstance(control, Button) and "frame" in every:
                step(every["frame"])
            start, busy = perf_counter(), process_time()
            step(control)
            seconds[label].append(Seconds(perf_counter() - start, process_time() - busy))
        if not isinstance(control, Button) and label not in ("frame", "play"):
            control.value = begun
    return seconds


def measure(name: str, make: Callable[[], Inspector], moves: int, repeats: int) -> list[dict[str, object]]:
    """A row for each control of one inspector and each number of threads."""
    found: dict[int, list[dict[str, list[Seconds]]]] = {1: [], 2: []}
    for _ in range(repeats):
        for threads, parts in found.items():  # in turn
            torch.set_num_threads(threads)
            inspector = make()
            parts.append(seconds_of_controls(inspector, moves) | seconds_of_messages(inspector, MESSAGES.get(name, [])))
            held = (*controls(inspector).values(), inspector.board, inspector)
            for widget in held:  # what is not closed is kept, with all its frames
                widget.close()
    return [
        row(name, label, threads, [part[label] for part in parts])
        for threads, parts in found.items()
        for label in parts[0]
    ]


def row(name: str, label: str, threads: int, parts: list[list[Seconds]]) -> dict[str, object]:
    """The figures of one control with one number of threads, in seconds."""
    rest = {kind: figures([[getattr(seconds, kind) for seconds in part] for part in parts]) for kind in Seconds._fields}
    return {"inspector": name, "control": label, "threads": threads, "moves": sum(map(len, parts)), **rest}


def figures(parts: list[list[float]]) -> dict[str, float]:
    """The median of all moves, and the median over the repeats of the largest move of each.

    On a machine that does other things too one move always waits: that is ``largest_of_all``.
    """
    every = [second for part in parts for second in part]
    return {"median": median(every), "largest": median(map(max, parts)), "largest_of_all": max(every)}


def main(json_file: Path, moves: int = 10, repeats: int = 3) -> None:
    """Time every control of the five inspectors with one thread and with two.

    Args:
        json_file: Where to write the results.
        moves: Of each control, one after the other.
        repeats: All moves are made so often, each time on a new inspector.
    """
    every, load = makers(bundled_model()), [os.getloadavg()[0]]
    for make in every.values():  # what is loaded when it is first used does not count
        make()
    rows = []
    for name, make in every.items():
        new = measure(name, make, moves, repeats)
        rows += new
        for measured in new:
            print("{inspector:12} {control:26} {threads} {wall[median]:.3f} {wall[largest]:.3f}".format(**measured))
    load.append(os.getloadavg()[0])
    whole = [measured for measured in rows if measured["control"] in WHOLE_VIDEO]
    rows = [measured for measured in rows if measured not in whole]
    result = {"target": TARGET, "rows": rows, "whole_video": whole, "load_before_and_after": load}
    write_json(json_file, {**result, "provenance": provenance()})


if __name__ == "__main__":
    tyro.cli(main)
