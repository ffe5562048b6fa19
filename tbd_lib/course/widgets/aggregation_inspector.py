"""The aggregation inspector: every object's odds at one pixel, before and after aggregation."""

import math

import numpy as np
import torch
import traitlets
from jaxtyping import Float
from torch import Tensor

from tbd_lib.course.viz.grid import Cell
from tbd_lib.course.viz.scene import Mark, Picture, Scene, Table, colours, masked, whole
from tbd_lib.course.widgets.history import History
from tbd_lib.course.widgets.inspector import PointedInspector, button, slider
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.video.frames import Video

HEAD = ("", "claim p", "odds p / (1 - p)", "share after aggregation")


class AggregationInspector(PointedInspector):
    """Shows the objects' claims to a pixel, and what aggregation makes of them (step 6). Point at a pixel.

    The whole video is tracked when the inspector is made. It opens at the pixel whose second greatest claim is the
    greatest in the video: there two claims are above one half, if they are anywhere.

    Args:
        model: in inference mode.
        video: with frames that can be taken by number; several objects make it interesting.
        config: of the tracker.
        history: of the video, if it has been tracked before.

    Raises:
        InputError: what ``History`` refuses.
    """

    PLACE = "pixel"
    frame = traitlets.Int(1, help="number of a frame, from 1")
    pixel = traitlets.Tuple(
        traitlets.Int(), traitlets.Int(), default_value=(0, 0), help="row and column, at the tracker's working size"
    )

    def __init__(
        self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE, history: History | None = None
    ) -> None:
        self._given = model, video, config
        self.history = history or History(model, video, config)
        frame = slider("frame", 1, len(self.history) - 1)
        here = button("most disputed pixel here", self.seek_disputed, "of this frame")
        anywhere = button("... in the whole video", self.seek_disputed_frame, "most disputed pixel of all frames")
        super().__init__([frame, here, anywhere])
        self._tie(frame=frame)
        self.seek_disputed_frame()

    def copy(self) -> "AggregationInspector":
        """Another inspector that shows the same, without tracking anew."""
        made = AggregationInspector(*self._given, history=self.history)
        made.set(frame=self.frame, pixel=self.pixel, held=self.held)
        return made

    def grid(self) -> Cell:
        """Rows and columns of pixels at the working size."""
        return self.history[0].after.work

    def scene(self) -> Scene:
        """The frame and a map of the second greatest claim, with the pixel marked, and a table of all claims."""
        step = self.history[self.frame].step
        alone, together = self.alone(), step.prob[:, self.pixel[0], self.pixel[1]].cpu().double().tolist()
        names = ["background", *(f"object {i}" for i in step.ids)]
        claims = [1 - max(alone), *alone]
        extent, marks = whole(self.grid()), (Mark("pixel", self.pixel),)
        second = colours(second_claims(step.prob).numpy())
        parts = (
            Picture(f"frame {step.name}: choose a pixel", masked(step.image, step.mask), extent, marks, "pixel"),
            Picture("second greatest claim", second, extent, marks, "pixel", scale=1.0),
            Table(HEAD, tuple(_row(*row) for row in zip(names, claims, together, strict=True))),
        )
        winner = names[int(np.argmax(together))]
        clauses = [
            f"{name} claim {p:.3f}, odds {_odds(p)}, share {share:.3f}"
            for name, p, share in zip(names, claims, together, strict=True)
        ]
        place = f"Frame {step.name}, row {self.pixel[0]}, column {self.pixel[1]}"
        return Scene(parts, _sentence(names, claims, together), f"{place}: {winner}. {'; '.join(clauses)}.")

    def alone(self) -> list[float]:
        """Each object's own probability at the pixel, as the decoder gave it."""
        prob = self.history[self.frame].step.prob[:, self.pixel[0], self.pixel[1]]
        return log_odds_of(prob.cpu().double()[:, None, None]).sigmoid().flatten().tolist()

    def seek_disputed(self) -> None:
        """Choose and hold the pixel of this frame whose second greatest claim is the greatest."""
        second = second_claims(self.history[self.frame].step.prob).numpy()
        row, column = np.unravel_index(int(second.argmax()), second.shape)
        self.set(pixel=(int(row), int(column)), held=True)

    def seek_disputed_frame(self) -> None:
        """The same among all frames of the video; the first has no claims, since its masks are given."""
        greatest = [float(second_claims(self.history[at].step.prob).max()) for at in range(1, len(self.history))]
        with self._draw_once():
            self.frame = 1 + int(np.argmax(greatest))
            self.seek_disputed()


def log_odds_of(together: Float[Tensor, "labels H W"]) -> Float[Tensor, "labels-1 H W"]:
    """Undo ``aggregate_log_odds``: every object's own log-odds (unless they were beyond the clamp).

    Against the background an object has ``l + max l``, of which the largest is twice its own.
    """
    against = together[1:].log() - together[:1].log()
    return against - against.amax(0, keepdim=True) / 2


def second_claims(together: Float[Tensor, "labels H W"]) -> Float[Tensor, "H W"]:
    """The second greatest of all objects' claims to each pixel; with a single object its rival is the background."""
    claims = log_odds_of(together.cpu()).sigmoid()
    rivals = claims if len(claims) > 1 else torch.cat([claims, 1 - claims])
    return rivals.topk(2, 0).values[1]


def _row(name: str, claim: float, share: float) -> tuple[str, ...]:
    """One label's numbers; the background claims what the strongest object leaves."""
    label = "background (1 - greatest p)" if name == "background" else name
    return label, f"{claim:.3f}", _odds(claim), f"{share:.3f}"


def _sentence(names: list[str], claims: list[float], together: list[float]) -> str:
    """What to see: how the claims add up, and to what aggregation turns the greatest."""
    first, *rest = sorted(range(1, len(names)), key=lambda i: -claims[i])
    if not rest:
        return (
            f"Object and background claim this pixel with {claims[1]:.2f} and {claims[0]:.2f}: what aggregation keeps."
        )
    second = rest[0]
    both = f"Claims of {claims[first]:.2f} by {names[first]} and {claims[second]:.2f} by {names[second]}"
    return f"{both} become shares of {together[first]:.2f} and {together[second]:.2f}: all shares add up to one."


def _odds(p: float) -> str:
    """``p / (1 - p)``, in short; ``p`` is never 0 or 1, since the tracker clamps log-odds."""
    odds = p / (1 - p)
    return f"{odds:.3g}" if 1e-3 <= odds < 1e4 else f"10^{math.log10(odds):.0f}"
