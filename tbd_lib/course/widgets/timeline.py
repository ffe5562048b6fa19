"""The tracker timeline: play a tracked video, go to the worst frame, correct it, and see what the correction gains."""

import numpy as np
import traitlets
from jaxtyping import Float

from tbd_lib.course.viz.scene import Chart, Picture, Scene, Table, masked, whole
from tbd_lib.course.widgets.history import History, true_masks
from tbd_lib.course.widgets.inspector import Inspector, button, menu, player, slider
from tbd_lib.evaluation.metrics import boundary_f, jaccard
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of

Scores = dict[int, Float[np.ndarray, "t"]]
BEFORE = "J before correction"


class TrackerTimeline(Inspector):
    """Plays a tracked video beside its scores and the drift of its coarse templates.

    The whole video is tracked when the inspector is made, and the rest of it after a correction. ``before`` is J of
    every object and frame without corrections, ``j`` and ``f`` are the scores now.

    Args:
        model: in inference mode.
        video: with true masks, and frames that can be taken by number.
        config: of the tracker.
        history: of the video, if it has been tracked before; it is not changed.

    Raises:
        InputError: fewer than three true masks; what ``History`` refuses.
    """

    frame = traitlets.Int(0, help="number of a frame, from 0")
    object_id = traitlets.Int(help="id of an object")

    def __init__(
        self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE, history: History | None = None
    ) -> None:
        self._given = model, video, config
        self.truth = true_masks(video)
        self._first = history or History(model, video, config)
        self._begin()
        last = len(self.history) - 1
        frame, object_id = slider("frame", 0, last), menu("object", list(self.j))
        worst = button("worst frame", self.seek_worst, "the frame with the lowest J")
        correct = button("correct here, track on", self.correct, "put in the true mask of this frame")
        reset = button("reset", self.reset, "take all corrections back")
        super().__init__([player(frame), frame, object_id, worst, correct, reset])
        self.object_id = next(iter(self.j))
        self._tie(frame=frame, object_id=object_id)
        self.refresh()

    def copy(self) -> "TrackerTimeline":
        """Another timeline with the same corrections, without tracking anew."""
        made = TrackerTimeline(*self._given, history=self._first)
        made.history, made.corrected = self.history.copy(), [*self.corrected]
        made.j, made.f, made.drift = dict(self.j), dict(self.f), dict(self.drift)
        made.set(object_id=self.object_id, frame=self.frame)
        return made

    def scene(self) -> Scene:
        """The frame with its mask, J of every frame now and before, drift, and what the corrections gain."""
        step, i, truth = self.history[self.frame].step, self.object_id, self.truth[self.frame]
        numbers = np.arange(len(self.history), dtype=float)
        ghost = {BEFORE: (numbers, self.before[i])} if self._frames() else {}
        drift = {kind: (numbers[-len(values) :], values) for kind, values in self.drift[i].items()}
        least = min(float(values.min(initial=1)) for values in self.drift[i].values())
        parts = [
            Picture(
                f"frame {step.name}: mask, true outline in white",
                masked(step.image, step.mask, truth),
                whole(truth.shape),
            ),
            Chart("J of every frame", "frame", {**ghost, "J": (numbers, self.j[i])}, BEFORE, self.frame),
            self._table(),
            Chart(
                "cosine similarity with the first coarse vector",
                "frame",
                drift,
                at=self.frame,
                least=min(0.9, float(np.floor(10 * least) / 10)),  # cosines stay near 1
                last=numbers[-1],
            ),
        ]
        return Scene(tuple(parts), self._sentence(), self._numbers())

    @property
    def gain(self) -> dict[str, float]:
        """What the corrections add to the chosen object's mean J: in the corrected frames, and in those after them."""
        parts = self._parts()
        return {name: part for name, (_, _, part) in parts.items()}

    def worst(self) -> int:
        """The number of the frame with the lowest J, the first and the last left out as the benchmark does."""
        return 1 + int(self.j[self.object_id][1:-1].argmin())

    def seek_worst(self) -> None:
        """Go to the frame with the lowest J."""
        self.frame = self.worst()

    def correct(self) -> None:
        """Put the true mask of the chosen object in, and track the rest of the video anew."""
        given = np.where(self.truth[self.frame] == self.object_id, self.object_id, 0).astype(np.uint8)
        if given.any():  # an object that is hidden here has no mask to be corrected with
            self.history.correct(self.frame, given)
            kept = [
                (at, i) for at, i in self.corrected if at < self.frame or (at == self.frame and i != self.object_id)
            ]
            self.corrected = [*kept, (self.frame, self.object_id)]  # later ones are undone
            self._score()
        self.refresh()

    def reset(self) -> None:
        """Take all corrections back."""
        self._begin()
        self.refresh()

    def _begin(self) -> None:
        """Everything as it was tracked first."""
        self.history = self._first.copy()
        self.corrected: list[tuple[int, int]] = []  # frames and objects
        self._score()
        self.before = dict(self.j)

    def _score(self) -> None:
        """J and F of every object in every frame, and the drift of its templates."""
        masks, ids = self.history.masks(), ids_of(self.history.video.given[0])
        pairs = list(zip(masks, self.truth, strict=True))
        self.j: Scores = {i: np.array([jaccard(mask == i, true == i) for mask, true in pairs]) for i in ids}
        self.f: Scores = {i: np.array([boundary_f(mask == i, true == i) for mask, true in pairs]) for i in ids}
        self.drift = {i: self.history.drift(i) for i in ids}

    def _frames(self) -> list[int]:
        """The frames in which something was corrected."""
        return sorted({at for at, _ in self.corrected})

    def _parts(self) -> dict[str, tuple[float, float, float]]:
        """Of groups of frames: mean J before and now, and their part of the gain in the mean of all scored frames."""
        before, now = self.before[self.object_id], self.j[self.object_id]
        scored = np.arange(len(now))[1:-1]
        corrected = np.isin(scored, [at for at, i in self.corrected if i == self.object_id])
        groups = {
            "corrected": scored[corrected],
            "after": scored[~corrected & (scored > min(self._frames(), default=len(now)))],
            "whole": scored,
        }
        return {
            name: (_mean(before[at]), _mean(now[at]), float((now[at] - before[at]).sum() / len(scored)))
            for name, at in groups.items()
        }

    def _table(self) -> Table:
        """How the gain is split."""
        names = {"corrected": "corrected", "after": "after them", "whole": "all that are scored"}
        rows = [
            (names[name], _short(before), _short(now), f"{part:+.3f}")
            for name, (before, now, part) in self._parts().items()
        ]
        return Table(("frames", "mean J before", "mean J now", "part of the gain"), tuple(rows), span=3)

    def _sentence(self) -> str:
        """What to see: where J is lowest, or what the corrections gain."""
        if not self.corrected:
            low = f"Among all frames but the first and the last, J of object {self.object_id} is lowest in"
            return f"{low} frame {self.worst()}; correct a frame and compare the new curve with the old one, in grey."
        gain, frames = self.gain, ", ".join(map(str, self._frames()))
        split = (
            f"{gain['after']:+.3f} in the frames after it and {gain['corrected']:+.3f} in the corrected frame itself"
        )
        return f"Correcting frame {frames} changes mean J by {gain['whole']:+.3f}: {split}."

    def _numbers(self) -> str:
        """The scores of the frame and of the video, as the alternative text has them."""
        i = self.object_id
        name = self.history[self.frame].step.name
        text = f"Frame {name}, object {i}: J {self.j[i][self.frame]:.2f}, F {self.f[i][self.frame]:.2f}"
        if self.frame:
            cosines = (f"{kind} {values[self.frame - 1]:.2f}" for kind, values in self.drift[i].items())
            text += f"; cosine similarity with the first coarse vector: {', '.join(cosines)}"
        scored = self.j[i][1:-1]
        text += f". Whole video: mean J {scored.mean():.2f}, worst {scored.min():.2f} in frame {self.worst()}."
        if self.corrected:
            gain = ", ".join(f"{part:+.3f} {name}" for name, part in self.gain.items())
            text += f" Corrected in {', '.join(map(str, self._frames()))}; gain in mean J: {gain}."
        return text


def _mean(values: Float[np.ndarray, "n"]) -> float:
    """NaN of no value."""
    return float(values.mean()) if len(values) else float("nan")


def _short(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
