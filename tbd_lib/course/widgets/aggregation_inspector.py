"""The aggregation inspector: every object's odds at one pixel, before and after they are brought together."""

import math

import numpy as np
import torch
import traitlets
from jaxtyping import Float
from torch import Tensor

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.frame_and_charts import odds_figure
from tbd_lib.course.widgets.history import History
from tbd_lib.course.widgets.inspector import Inspector, button, slider
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.video.frames import Video


class AggregationInspector(Inspector):
    """Shows the objects' probabilities at a pixel, alone and together (step 6).

    Args:
        model: in inference mode.
        video: with frames that can be taken by number; several objects make it interesting.
        config: of the tracker.
    """

    frame = traitlets.Int(1, help="number of a frame, from 1")
    row = traitlets.Int(0, help="row of a pixel, at the tracker's working size")
    column = traitlets.Int(0, help="column of a pixel")

    def __init__(self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE) -> None:
        self.history = History(model, video, config)
        rows, columns = self.history[0].after.work
        frame = slider("frame", 1, len(self.history) - 1)
        row, column = slider("row", 0, rows - 1), slider("column", 0, columns - 1)
        disputed = button("most disputed pixel", self.seek_disputed, "where the two best are nearest to each other")
        super().__init__([frame, row, column, disputed])
        self._tie(frame=frame, row=row, column=column)
        self.seek_disputed()

    def view(self) -> Described:
        """The frame with the pixel marked, and bars of every object's probability alone and together."""
        step = self.history[self.frame].step
        alone, together = self.alone(), step.prob[:, self.row, self.column].cpu().double().tolist()
        names = ["background", *(f"object {i}" for i in step.ids)]
        before = dict(zip(names, [1 - max(alone), *alone], strict=True))
        after = dict(zip(names, together, strict=True))
        labels = ["background: least 1 - p", *(f"{name}: alone" for name in names[1:])]
        parts = [
            f"{label} {p:.3f}, odds {_odds(p)}, together {share:.3f}"
            for label, p, share in zip(labels, before.values(), together, strict=True)
        ]
        winner = max(after, key=lambda name: after[name])
        sentence = f"Frame {step.name}, row {self.row}, column {self.column}: {winner}. {'; '.join(parts)}."
        return odds_figure(step.image, step.mask, self.place(), before, after, sentence)

    def alone(self) -> list[float]:
        """Each object's own probability at the pixel, as the decoder gave it."""
        prob = self.history[self.frame].step.prob[:, self.row, self.column]
        return log_odds_of(prob.cpu().double()[:, None, None]).sigmoid().flatten().tolist()

    def place(self) -> tuple[float, float]:
        """Row and column of the pixel in the video's own size."""
        state = self.history[self.frame].after
        row, column = (
            (place + 0.5) * size / worked - 0.5
            for place, size, worked in zip((self.row, self.column), state.frame, state.work, strict=True)
        )
        return row, column

    def seek_disputed(self) -> None:
        """Choose the pixel that two objects claim most nearly alike; a single object and the background."""
        prob = self.history[self.frame].step.prob
        rivals = prob[1:] if len(prob) > 2 else prob
        second = torch.topk(rivals, 2, dim=0).values[1].cpu().numpy()
        row, column = np.unravel_index(int(second.argmax()), second.shape)
        self.set(row=int(row), column=int(column))


def log_odds_of(together: Float[Tensor, "labels H W"]) -> Float[Tensor, "labels-1 H W"]:
    """Undo ``aggregate_log_odds``: every object's own log-odds (unless they were beyond the clamp).

    Against the background an object has ``l + max l``, of which the largest is twice its own.
    """
    against = together[1:].log() - together[:1].log()
    return against - against.amax(0, keepdim=True) / 2


def _odds(p: float) -> str:
    """``p / (1 - p)``, in short; ``p`` is never 0 or 1, since the tracker clamps log-odds."""
    odds = p / (1 - p)
    return f"{odds:.3g}" if 1e-3 <= odds < 1e4 else f"10^{math.log10(odds):.0f}"
