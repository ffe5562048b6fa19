"""The tracker timeline: play a tracked video, read its scores, go to the worst frame, correct it and track on."""

import numpy as np
import traitlets
from ipywidgets import Play

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.frame_and_charts import timeline
from tbd_lib.course.widgets.history import History
from tbd_lib.course.widgets.inspector import Inspector, button, menu, slider
from tbd_lib.evaluation.metrics import boundary_f, jaccard
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of


class TrackerTimeline(Inspector):
    """Plays a tracked video beside its scores and the drift of its coarse templates.

    The whole video is tracked when the inspector is made, and the rest of it after a correction.

    Args:
        model: in inference mode.
        video: with true masks, and frames that can be taken by number.
        config: of the tracker.
    """

    frame = traitlets.Int(0, help="number of a frame, from 0")
    object_id = traitlets.Int(help="id of an object")

    def __init__(self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE) -> None:
        assert video.truth is not None, f"{video.name} has no true masks to compare with"
        self.truth = list(video.truth)
        self.history = History(model, video, config)
        self.corrected: list[int] = []
        self._score()
        last = len(self.history) - 1
        frame, object_id = slider("frame", 0, last), menu("object", list(self.j))
        play = Play(min=0, max=last, interval=400, description="play")
        worst = button("worst frame", self.seek_worst, "the frame with the lowest J")
        correct = button("correct here, track on", self.correct, "put in the true mask of this frame")
        super().__init__([play, frame, object_id, worst, correct])
        self.object_id = next(iter(self.j))
        self._tie(frame=frame, object_id=object_id)
        traitlets.link((play, "value"), (frame, "value"))
        self.refresh()

    def view(self) -> Described:
        """The frame with its mask, J and F of every frame, and the drift of the coarse templates."""
        step = self.history[self.frame].step
        i = self.object_id
        drift = self.drift[i]
        sentence = f"Frame {step.name}, object {i}: J {self.j[i][self.frame]:.2f}, F {self.f[i][self.frame]:.2f}"
        if self.frame:
            cosines = ", ".join(f"{kind} {values[self.frame - 1]:.2f}" for kind, values in drift.items())
            sentence += f"; cosine with the first coarse vector: {cosines}"
        scored = self.j[i][1:-1]
        sentence += f". Whole video: mean J {scored.mean():.2f}, worst {scored.min():.2f} in frame {self.worst()}."
        if self.corrected:
            sentence += f" Corrected in {', '.join(map(str, self.corrected))}."
        scores = {"J": self.j[i], "F": self.f[i]}
        return timeline(step.image, step.mask, self.truth[self.frame], scores, drift, self.frame, sentence)

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
            self.corrected = [*(at for at in self.corrected if at < self.frame), self.frame]  # later ones are undone
            self._score()
        self.refresh()

    def _score(self) -> None:
        """J and F of every object in every frame, and the drift of its templates."""
        masks, ids = self.history.masks(), ids_of(self.history.video.given[0])
        pairs = list(zip(masks, self.truth, strict=True))
        self.j = {i: np.array([jaccard(mask == i, true == i) for mask, true in pairs]) for i in ids}
        self.f = {i: np.array([boundary_f(mask == i, true == i) for mask, true in pairs]) for i in ids}
        self.drift = {i: self.history.drift(i) for i in ids}
