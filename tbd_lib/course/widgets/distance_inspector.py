"""The distance inspector: drag the points of the distance score, and see what becomes of maps, masks and J."""

from copy import deepcopy
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
import traitlets
from jaxtyping import Bool, Float
from torch import Tensor, nn
from traitlets.utils.bunch import Bunch

from tbd_lib.course.viz.grid import cells_of
from tbd_lib.course.viz.scene import Chart, Scene, heat, masked, on_grid
from tbd_lib.course.widgets.history import SCORES, History, Moment, true_masks
from tbd_lib.course.widgets.inspector import Inspector, button, menu, player, slider
from tbd_lib.evaluation.metrics import jaccard
from tbd_lib.method.distance import DistanceScorer, squared_distances
from tbd_lib.method.model import TBD, Features
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.tracking.tracker import Step, Tracker
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of, only

KNOTS = (0, 1, 2, 4, 6, 8, 12, 20)
"""Distances in grid cells at which the score can be set; straight lines between, constant beyond."""
READY: dict[str, tuple[float, ...]] = {
    "no distance score": (1.0,) * len(KNOTS),
    "near only": (1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0),
    "far only": (0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0),
}
"""Curves to begin with, by name, besides the learned one and that from which it was learned."""
LOCAL = SCORES.index("local foreground")
LEARNED, BY_HAND = "learned", "by hand"
GHOST, SHOWN = "learned curve", "this curve"
PATIENCE = 0.05  # seconds after which what has been tracked is shown before the next frame


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
    """Shows a video with a distance score that is drawn by hand, beside the learned one: drag the points of its curve.

    A page that shows it asks for one frame after the other, so that J grows from left to right; from code ``track``
    does all of it. Until the frame that is shown has been reached, it is matched and decoded by itself, from what the
    tracker with the learned curve remembered before it.

    Args:
        model: in inference mode, on the CPU. It is copied: what is drawn does not change it.
        video: with true masks, and frames that can be taken by number. Its first object is looked at.
        config: of the tracker.
        history: of the video with the learned curve, if it has been tracked before.

    Raises:
        InputError: fewer than three true masks; what ``History`` refuses.
    """

    frame = traitlets.Int(1, help="number of a frame, from 1")
    curve = traitlets.Unicode(LEARNED, help="name of a ready curve; 'by hand' after a point was moved")
    points = traitlets.Tuple(*(traitlets.Float(min=0, max=1) for _ in KNOTS), help="the score at each of KNOTS")

    def __init__(
        self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE, history: History | None = None
    ) -> None:
        self._given = model, video, config
        self._bent = deepcopy(model)
        self.truth = true_masks(video)
        self.history = history or History(model, video, config)
        self._object = ids_of(video.given[0])[0]
        self._encoded: dict[int, Features] = {}  # which do not depend on the curve
        start = DistanceScorer(model.config.distance_units)
        self.curves = {LEARNED: _at_knots(model.distance), "start": _at_knots(start), **READY}
        frame = slider("frame", 1, len(self.history) - 1)
        curve = menu("curve", [*self.curves, BY_HAND])
        reset = button("reset", self.reset, "the learned curve")
        super().__init__([curve, reset, player(frame), frame])
        self.points = self.curves[LEARNED]
        self._learned_j = [self._score(at, mask) for at, mask in enumerate(self.history.masks())]
        self._begin()
        self._tie(frame=frame, curve=curve)
        self.observe(self._moved, "points")
        self.refresh()

    def copy(self) -> "DistanceInspector":
        """Another inspector that shows the same curve, without tracking the learned one anew."""
        made = DistanceInspector(*self._given, history=self.history)
        made.set(points=self.points, curve=self.curve, frame=self.frame)
        return made

    def scene(self) -> Scene:
        """The curve, J of every frame, the frame with its mask, and both local score maps."""
        moment = self.moment()
        step, true, size = moment.step, self.truth[self.frame], moment.after.work
        scores = moment.scores(self._object).cpu().numpy()
        title = f"frame {step.name}" + (": mask" if self.reached else ", by itself")
        numbers = np.arange(len(self.truth), dtype=float)
        lines = {GHOST: (numbers, self.learned_j), SHOWN: (numbers[: len(self._j)], self.j)}
        at = [float(knot) for knot in KNOTS]
        curves = {GHOST: (at, self.curves[LEARNED]), SHOWN: (at, self.points)}
        mask = only(step.mask, self._object)
        parts = (
            Chart("distance score: drag its points", "distance in cells", curves, GHOST, dragged=SHOWN),
            Chart("J of every frame", "frame", lines, GHOST, self.frame, first=1, last=numbers[-1]),
            on_grid(title, masked(step.image, mask, only(true, self._object)), size, span=2),
            *(
                on_grid(f"local {region}", heat(scores[row], size, only(true, self._object)), size, scale=1.0, span=2)
                for region, row in (("foreground", LOCAL), ("background", LOCAL - 1))
            ),
        )
        return Scene(parts, self._sentence(), self._numbers(moment))

    @property
    def reached(self) -> bool:
        """Whether the video has been tracked with the drawn curve as far as the frame that is shown."""
        return self._drawn.tracked > self.frame

    @property
    def j(self) -> Float[np.ndarray, "t"]:
        """J of the frames that have been tracked with the drawn curve."""
        return np.array(self._j)

    @property
    def learned_j(self) -> Float[np.ndarray, "t"]:
        """J of every frame with the learned curve."""
        return np.array(self._learned_j)

    def moment(self) -> Moment:
        """The frame that is shown, with the drawn curve."""
        if self.reached:
            return self._drawn[self.frame]
        return replace(self.history[self.frame], step=self.step())

    def step(self) -> Step:
        """The frame with the drawn curve, from what the tracker with the learned one remembered."""
        if self.frame not in self._alone:
            moment = self.history[self.frame]
            tracker = Tracker(self._bent, self.history.config)
            tracker.state = moment.before
            given, features = self.history.video.given.get(self.frame), self._features(self.frame)
            self._alone[self.frame] = tracker.step(moment.step.image, given, moment.step.name, features)
        return self._alone[self.frame]

    def track(self) -> None:
        """Track the whole video with the drawn curve."""
        while self._has_more():
            self._track_next()
        self.refresh()

    def reset(self) -> None:
        """Go back to the learned curve."""
        self.curve = LEARNED

    def _begin(self) -> None:
        """Nothing has been tracked with the present points yet."""
        self._bent.add_module("distance", CurveScorer(tuple(self.points)))
        self._drawn = History(self._bent, self.history.video, self.history.config)
        self._drawn.encoded = self._encoded
        self._j: list[float] = []
        self._alone: dict[int, Step] = {}

    def _track_next(self) -> None:
        """Track one more frame with the drawn curve."""
        at = self._drawn.tracked
        self._features(at)
        self._j.append(self._score(at, self._drawn[at].step.mask))

    def _score(self, at: int, mask: np.ndarray) -> float:
        """J of the object."""
        return jaccard(mask == self._object, self.truth[at] == self._object)

    def _features(self, at: int) -> Features:
        """Of a frame; the same for every curve."""
        if at not in self._encoded:
            tracker = Tracker(self._bent, self.history.config)
            self._encoded[at] = tracker.encode(self.history.frames[at].image, self.history[0].after.work)
        return self._encoded[at]

    def _has_more(self) -> bool:
        return self._drawn.tracked < len(self._drawn)

    def _heard(self, content: dict[str, Any]) -> None:
        """Also ``{"drag": [point, value]}``, and ``{"more": True}``, which tracks on for a moment."""
        super()._heard(content)
        if "drag" in content:
            place, value = content["drag"]
            value = round(min(max(float(value), 0.0), 1.0), 2)
            self.points = (*self.points[: int(place)], value, *self.points[int(place) + 1 :])
        if "more" in content:
            end = perf_counter() + PATIENCE
            while self._has_more():
                self._track_next()
                if perf_counter() > end:
                    break
            self.refresh()

    def _changed(self, change: Bunch) -> None:
        """A ready curve sets the points, 'by hand' leaves them where they are."""
        with self._draw_once():
            if change.name == "curve":
                self.points = self.curves.get(str(self.curve), self.points)

    def _moved(self, change: Bunch) -> None:
        """The points changed: what was tracked no longer holds."""
        with self._draw_once():
            self._begin()
            if self.points != self.curves.get(str(self.curve), self.points):
                self.curve = BY_HAND

    def _sentence(self) -> str:
        """What to see: J with this curve and with the learned one."""
        if not self._has_more():
            ours, theirs = self.j[1:-1].mean(), self.learned_j[1:-1].mean()
            return f"Over the whole video mean J is {ours:.2f} with this curve and {theirs:.2f} with the learned one."
        ours = self._score(self.frame, self.moment().step.mask)
        both = f"J is {ours:.2f} with this curve and {self._learned_j[self.frame]:.2f} with the learned one"
        return f"In frame {self.frame}{'' if self.reached else ' by itself'} {both}."

    def _numbers(self, drawn: Moment) -> str:
        """Best scores and J of both curves, as the alternative text has them."""
        learned, true = self.history[self.frame], self.truth[self.frame]
        inside = cells_of(true == self._object, learned.after.work)
        maps = [moment.scores(self._object)[LOCAL].cpu().numpy() for moment in (drawn, learned)]
        j = [self._score(self.frame, moment.step.mask) for moment in (drawn, learned)]
        ours, theirs = (f"{_best(scores, inside)}; J {value:.2f}" for scores, value in zip(maps, j, strict=True))
        text = f"Frame {drawn.step.name}, {self.curve}: best local score {ours}. Learned: {theirs}."
        if not self._has_more():
            text += f" Whole video: mean J {self.j[1:-1].mean():.2f}; learned {self.learned_j[1:-1].mean():.2f}."
        return text


def _at_knots(scorer: DistanceScorer) -> tuple[float, ...]:
    """A curve at ``KNOTS``, as fine as it can be dragged."""
    with torch.no_grad():
        values = scorer.cpu()(torch.tensor(KNOTS, dtype=torch.float32)).tolist()
    return tuple(round(value, 2) for value in values)


def _best(scores: Float[np.ndarray, "h w"], inside: Bool[np.ndarray, "h w"]) -> str:
    """The best score inside of the object and outside, as far as there are such cells."""
    parts = {"inside the object": scores[inside], "outside": scores[~inside]}
    return ", ".join(f"{float(part.max()):.2f} {where}" for where, part in parts.items() if part.size)
