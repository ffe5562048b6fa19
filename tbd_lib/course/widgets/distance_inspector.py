"""The distance inspector: bend the distance score by hand, and see what becomes of the local score and the mask."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
import traitlets
from ipywidgets import FloatSlider, HBox, Layout
from jaxtyping import Bool, Float
from torch import Tensor, nn
from traitlets.utils.bunch import Bunch

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.grid import Panel, cells_of, curve_and_panels
from tbd_lib.course.widgets.history import SCORES, History
from tbd_lib.course.widgets.inspector import Inspector, button, menu, slider
from tbd_lib.evaluation.metrics import jaccard, score_video
from tbd_lib.method.distance import squared_distances
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.tracking.tracker import Step, Tracker
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of

KNOTS = (0, 1, 2, 4, 6, 8, 12, 20)
"""Distances in grid cells at which the score can be set; straight lines between, constant beyond."""
READY: dict[str, tuple[float, ...]] = {
    "one everywhere": (1.0,) * len(KNOTS),
    "near only": (1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0),
    "far only": (0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0),
}
"""Curves to begin with, by name."""
LOCAL = SCORES.index("local foreground")
UPRIGHT = Layout(width="52px", height="180px")  # lower, and letters are cut off


class CurveScorer(nn.Module):
    """A distance score in place of the learned one: straight lines between its values at ``KNOTS``."""

    def __init__(self, values: tuple[float, ...]) -> None:
        super().__init__()
        self.values = values

    def forward(self, distance: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """The score of each distance (grid cells)."""
        return torch.from_numpy(np.interp(distance.cpu().double().numpy(), KNOTS, self.values)).to(distance)

    def pairs(self, h: int, w: int) -> Float[Tensor, "p p"]:
        """The score of every pair of positions on a grid of ``h`` x ``w`` cells."""
        return self(squared_distances(h, w).sqrt())


class DistanceInspector(Inspector):
    """Shows one frame with a distance score that is drawn by hand, beside the learned one.

    Args:
        model: in inference mode, on the CPU. It is copied: what is drawn does not change it.
        video: with true masks, and frames that can be taken by number. Its first object is looked at.
        config: of the tracker.
    """

    frame = traitlets.Int(1, help="number of a frame, from 1")
    curve = traitlets.Unicode("learned", help="name of a ready curve; 'by hand' after a point was moved")
    points = traitlets.Tuple(*(traitlets.Float(min=0, max=1) for _ in KNOTS), help="the score at each of KNOTS")

    def __init__(self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE) -> None:
        assert video.truth is not None, f"{video.name} has no true masks to compare with"
        self._bent, self._config = deepcopy(model), config
        self._truth = video.truth
        self._object = ids_of(video.given[0])[0]
        self._history = History(model, video, config)
        with torch.no_grad():
            learned = model.distance(torch.tensor(KNOTS, dtype=torch.float32)).tolist()
        self.curves = {"learned": tuple(round(value, 2) for value in learned), **READY}
        frame = slider("frame", 1, len(self._history) - 1)
        curve = menu("curve", [*self.curves, "by hand"])
        self._points = [_point(at, value) for at, value in zip(KNOTS, self.curves["learned"], strict=True)]
        whole = button("track the whole video", self.track, "with this curve and with the learned one")
        super().__init__([frame, curve, HBox(self._points), whole])
        self.points = self.curves["learned"]
        self.whole = ""
        self._tie(frame=frame, curve=curve)
        self.observe(self._moved, "points")
        for place, point in enumerate(self._points):
            point.observe(lambda change, place=place: self._set_point(place, change["new"]), "value")
        self.refresh()

    def view(self) -> Described:
        """Both curves, the frame with the mask, and the local score with the drawn curve."""
        learned = self._history[self.frame]
        drawn = replace(learned, step=self.step())
        true, size = self._truth[self.frame], learned.after.work
        inside = cells_of(true == self._object, size)
        maps = [moment.scores(self._object)[LOCAL].cpu().numpy() for moment in (drawn, learned)]
        j = [jaccard(moment.step.mask == self._object, true == self._object) for moment in (drawn, learned)]
        ours, theirs = (f"{_best(scores, inside)}; J {value:.2f}" for scores, value in zip(maps, j, strict=True))
        step = drawn.step
        sentence = f"Frame {step.name}, {self.curve}: best local score {ours}. Learned: {theirs}.{self.whole}"
        panels = [
            Panel(f"frame {step.name}: mask", step.image, outlined=step.mask),
            Panel("local foreground, true outline", scores=maps[0], outlined=true),
        ]
        curves = {"learned": self.curves["learned"], self.curve: self.points}
        return curve_and_panels(KNOTS, curves, panels, size, sentence)

    def step(self) -> Step:
        """The frame with the drawn curve, from what the tracker with the learned one remembered."""
        moment = self._history[self.frame]
        tracker = Tracker(self._bent_model(), self._config)
        tracker.state = moment.before
        return tracker.step(moment.step.image, self._history.video.given.get(self.frame), moment.step.name)

    def track(self) -> None:
        """Track the whole video with the drawn curve and with the learned one; the caption compares their J."""
        drawn = History(self._bent_model(), self._history.video, self._config)
        ours, theirs = (
            score_video(history.masks(), list(self._truth))[self._object].j.mean() for history in (drawn, self._history)
        )
        self.whole = f" Whole video: J {ours:.2f}; learned {theirs:.2f}."
        self.refresh()

    def _bent_model(self) -> TBD:
        self._bent.add_module("distance", CurveScorer(tuple(self.points)))
        return self._bent

    def _set_point(self, place: int, value: float) -> None:
        """A slider was moved, by somebody or because the points were."""
        if value != self.points[place]:
            self.points = (*self.points[:place], round(value, 2), *self.points[place + 1 :])

    def _changed(self, change: Bunch) -> None:
        """A ready curve sets the points, 'by hand' leaves them where they are."""
        with self._draw_once():
            if change.name == "curve":
                self.points = self.curves.get(str(self.curve), self.points)

    def _moved(self, change: Bunch) -> None:
        """The points changed: J of the whole video no longer holds, and the sliders follow."""
        with self._draw_once():
            self.whole = ""
            for point, value in zip(self._points, self.points, strict=True):
                point.value = value
            if self.points != self.curves.get(str(self.curve), self.points):
                self.curve = "by hand"


def _best(scores: Float[np.ndarray, "h w"], inside: Bool[np.ndarray, "h w"]) -> str:
    """The best score inside of the object and outside, as far as there are such cells."""
    parts = {"inside the object": scores[inside], "outside": scores[~inside]}
    return ", ".join(f"{float(part.max()):.2f} {where}" for where, part in parts.items() if part.size)


def _point(at: int, value: float) -> FloatSlider:
    """A slider for the score at a distance, as fine as the curves: a browser moves a slider to the nearest step."""
    form = {"orientation": "vertical", "readout_format": ".2f", "layout": UPRIGHT}
    return FloatSlider(value, min=0, max=1, step=0.01, description=f"{at}", **form)
