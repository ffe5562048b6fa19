"""The template inspector: where a template position fires, and which template wins at a query position, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import traitlets
from ipywidgets import IntSlider
from jaxtyping import Float
from torch import Tensor
from traitlets.utils.bunch import Bunch

from tbd_lib.course.viz.described import Described
from tbd_lib.course.viz.grid import Cell, Panel, cells_of, grid_panels
from tbd_lib.course.widgets.history import SCORES, History, Moment
from tbd_lib.course.widgets.inspector import Inspector, button, menu, slider
from tbd_lib.method.matching import affinity, prototype_match
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.video.arrays import Image, Mask
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of


@dataclass(frozen=True)
class Source:
    """What a fine score compares a frame with: how similar, how much of the region, how near."""

    name: str  # of the frame
    image: Image
    mask: Mask
    cosine: Float[Tensor, "q p"]
    share: Float[Tensor, "p"]  # of each cell that belongs to the region
    near: Float[Tensor, "q p"]  # the distance score, 1 where none is used

    @property
    def product(self) -> Float[Tensor, "q p"]:
        """What each template position offers each query position; its maximum over ``p`` is the score."""
        return self.cosine * self.share * self.near


class TemplateInspector(Inspector):
    """Looks into the ten score maps of a tracked video, cell by cell.

    Args:
        model: in inference mode.
        videos: to choose from, each with a mask in its first frame and frames that can be taken by number.
        config: of the tracker.
    """

    video = traitlets.Unicode(help="name of a video")
    score = traitlets.Unicode("local foreground", help="one of the ten score maps")
    object_id = traitlets.Int(help="id of an object")
    frame = traitlets.Int(1, help="number of a frame, from 1")
    template_row = traitlets.Int(0)
    template_column = traitlets.Int(0)
    query_row = traitlets.Int(0)
    query_column = traitlets.Int(0)

    def __init__(self, model: TBD, videos: Sequence[Video], config: TrackConfig = OWN_SIZE) -> None:
        self._model = model
        self._histories = {video.name: History(model, video, config) for video in videos}
        offered = [score for score in SCORES if score.split()[0] in model.config.templates]  # others: 0 everywhere
        start = "local foreground" if "local foreground" in offered else offered[-1]
        video, score = menu("video", list(self._histories)), menu("score", offered, value=start)
        self._objects, self._frames = menu("object", []), slider("frame", 1, 1)
        self._cells = {name: _cell_slider(name.replace("_", " ")) for name in CELLS}
        outside = button("query: strongest outside", self.seek_outside, "the highest score outside of the object")
        winner = button("template: the winner", self.seek_winner, "the template position that wins at the query")
        super().__init__([video, score, self._objects, self._frames, *self._cells.values(), outside, winner])
        with self._draw_once():
            self.video = video.value
            self._open()
            self._tie(video=video, score=score, object_id=self._objects, frame=self._frames, **self._cells)
            self.seek_outside()

    @property
    def history(self) -> History:
        """The video that is looked at."""
        return self._histories[str(self.video)]

    @property
    def moment(self) -> Moment:
        """The frame that is looked at."""
        return self.history[self.frame]

    @property
    def query(self) -> Cell:
        """The place in this frame that is looked at."""
        return self.query_row, self.query_column

    @property
    def template(self) -> Cell:
        """The place in the template's frame that is looked at."""
        return self.template_row, self.template_column

    def view(self) -> Described:
        """The template's frame, this frame, the score map, and where the template position fires."""
        step, size, scores = self.moment.step, self.moment.after.work, self._map()
        marked = {"query": self.query}
        panels = [
            Panel(f"frame {step.name}: query", step.image, outlined=step.mask, marked=marked),
            Panel(self.score, scores=scores.numpy(), outlined=step.mask, marked=marked),
        ]
        sentence = f"Frame {step.name}, object {self.object_id}, {self.score}. "
        sentence += f"Query {_at(self.query)}: {float(scores[self.query]):.2f}, "
        if (source := self.source()) is None:
            panels.append(Panel("the frame before: same vector", scores=self._coarse_before(), marked=marked))
            return grid_panels(panels, size, sentence + "the cosine with one vector of the whole region.")
        marked = {"template": self.template}
        fires = source.product[:, self._flat(self.template)].reshape(scores.shape)
        panels.insert(0, Panel(f"frame {source.name}: template", source.image, outlined=source.mask, marked=marked))
        panels.append(Panel("where the template fires", scores=fires.numpy(), marked=marked))
        sentence += f"{self._why(source)} {_fires(self.template, fires)}"
        return grid_panels(panels, size, sentence, columns=2)

    def source(self) -> Source | None:
        """What the chosen fine score compares this frame with; None for a coarse score."""
        kind, region = self.score.split()
        if kind not in ("global", "local"):
            return None
        templates, r = self.moment.templates(self.object_id), int(region == "foreground")
        key, mask = ("first_key", "first_mask") if kind == "global" else ("prev_key", "prev_mask")
        with torch.no_grad():
            cosine = affinity(self.moment.after.key, getattr(templates, key))[0]
            near = torch.ones_like(cosine)
            if kind == "local" and self._model.config.distance_score:
                near = self._model.distance.pairs(*self.moment.after.key.shape[-2:])
        place = self._entry() if kind == "global" else self.frame - 1
        step = self.history[place].step
        share = getattr(templates, mask)[0, 0, r].flatten()
        return Source(step.name, step.image, step.mask, cosine.cpu(), share.cpu(), near.cpu())

    def winner(self) -> Cell:
        """The template position that wins at the query position.

        Raises:
            LookupError: the score is a coarse one, which has no positions.
        """
        if (source := self.source()) is None:
            raise LookupError(f"{self.score}: a coarse score has no template positions; expected global or local")
        return divmod(int(source.product[self._flat(self.query)].argmax()), self._map().shape[1])

    def seek_winner(self) -> None:
        """Choose the template position that wins at the query position (nothing changes for a coarse score)."""
        if self.source() is not None:
            row, column = self.winner()
            self.set(template_row=row, template_column=column)

    def seek_outside(self) -> None:
        """Choose as query the cell outside of the object's mask that scores highest, and its winner as template."""
        inside = cells_of(self.moment.step.mask == self.object_id, self.moment.after.work)
        scores = np.where(inside, -np.inf, self._map().numpy())
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        with self._draw_once():
            self.set(query_row=int(row), query_column=int(column))
            self.seek_winner()

    def _changed(self, change: Bunch) -> None:
        with self._draw_once():
            if change.name == "video":
                self._open()

    def _open(self) -> None:
        """Fit the controls to the video."""
        self._frames.max = len(self.history) - 1
        self._frames.value = 1
        self._objects.options = objects = ids_of(self.history.video.given[0])
        self._objects.value = objects[0]
        rows, columns = self.moment.after.key.shape[-2:]
        for name, cell in self._cells.items():
            cell.max = (rows if name.endswith("row") else columns) - 1

    def _map(self) -> Float[Tensor, "h w"]:
        """The chosen score map of the chosen object."""
        return self.moment.scores(self.object_id)[SCORES.index(self.score)].cpu()

    def _entry(self) -> int:
        """The frame in which the object was given, the last time before this one."""
        given = self.history.video.given
        return max(place for place in given if place < self.frame and (given[place] == self.object_id).any())

    def _coarse_before(self) -> Float[np.ndarray, "h w"]:
        """The chosen coarse vector on the frame before."""
        kind, region = self.score.split()
        templates = self.moment.templates(self.object_id)
        with torch.no_grad():
            both = prototype_match(templates.prev_key, getattr(templates, kind))
        return both[0, 0, int(region == "foreground")].cpu().numpy()

    def _why(self, source: Source) -> str:
        """Which template wins at the query position, and the factors of its score."""
        winner = self.winner()
        q, p = self._flat(self.query), self._flat(winner)
        factors = f"share {float(source.share[p]):.2f} x cosine {float(source.cosine[q, p]):.2f}"
        if self.score.startswith("local"):
            factors += f" x distance score {float(source.near[q, p]):.2f}"
        return f"won by template {_at(winner)} of frame {source.name}: {factors}."

    def _flat(self, cell: Cell) -> int:
        """The number of a cell, row by row."""
        return cell[0] * self._map().shape[1] + cell[1]


CELLS = ("template_row", "template_column", "query_row", "query_column")


def _cell_slider(name: str) -> IntSlider:
    made = slider(name, 0, 0)
    made.style.description_width = "120px"
    return made


def _at(cell: Cell) -> str:
    return f"(row {cell[0]}, column {cell[1]})"


def _fires(template: Cell, fires: Float[Tensor, "h w"]) -> str:
    """Where a template position fires most."""
    best, place = float(fires.max()), divmod(int(fires.argmax()), fires.shape[1])
    if not fires.any():
        return f"Template {_at(template)} fires nowhere: it does not belong to the region."
    return f"Template {_at(template)} fires most at {_at(place)}: {best:.2f}."
