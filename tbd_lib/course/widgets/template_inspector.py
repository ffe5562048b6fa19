"""The template inspector: which stored cell matches a query best, and why: share, cosine similarity, distance score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import traitlets
from jaxtyping import Float
from torch import Tensor
from traitlets.utils.bunch import Bunch

from tbd_lib.course.viz.grid import Cell, best_cell, cells_of
from tbd_lib.course.viz.scene import Mark, Scene, Table, heat, masked, on_grid
from tbd_lib.course.widgets.history import KINDS, SCORES, History, Moment
from tbd_lib.course.widgets.inspector import PointedInspector, button, menu, slider
from tbd_lib.method.matching import affinity
from tbd_lib.method.model import TBD
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.tracking.tracker import Step
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import ids_of, only

REGIONS = ("foreground", "background")
WHERE = {"global": "first frame", "local": "frame before"}
HEAD = ("", "best match", "share of the cell", "x cosine similarity", "x distance score", "= score")


@dataclass(frozen=True)
class Source:
    """What a fine score compares a frame with: how similar, how much of the cell, how near."""

    step: Step  # of the stored frame
    cosine: Float[Tensor, "q p"]
    share: Float[Tensor, "p"]  # of each cell that belongs to the region
    near: Float[Tensor, "q p"]  # the distance score, 1 where none is used

    @property
    def product(self) -> Float[Tensor, "q p"]:
        """The product of each query with each template cell; its maximum over ``p`` is the score."""
        return self.cosine * self.share * self.near


@dataclass(frozen=True)
class Match:
    """The best match of a query: the template cell, and the factors whose product is the score."""

    template: Cell
    share: float
    cosine: float
    near: float
    score: float


class TemplateInspector(PointedInspector):
    """Looks into the score maps of a tracked video, cell by cell: point at a cell of the frame or of a map.

    Args:
        model: in inference mode.
        videos: to choose from, each with a mask in its first frame and frames that can be taken by number.
        config: of the tracker.
        histories: of the videos by name, as far as they have been tracked before.

    Raises:
        InputError: what ``History`` refuses.
    """

    PLACE = "query"
    video = traitlets.Unicode(help="name of a video")
    kind = traitlets.Unicode("local", help="of the templates: one of KINDS")
    object_id = traitlets.Int(help="id of an object")
    frame = traitlets.Int(1, help="number of a frame, from 1")
    query = traitlets.Tuple(
        traitlets.Int(), traitlets.Int(), default_value=(0, 0), help="row and column of a cell of the frame"
    )

    def __init__(
        self,
        model: TBD,
        videos: Sequence[Video],
        config: TrackConfig = OWN_SIZE,
        histories: Mapping[str, History] | None = None,
    ) -> None:
        self._given = model, videos, config
        tracked = histories or {}
        self._histories = {video.name: tracked.get(video.name) or History(model, video, config) for video in videos}
        offered = [kind for kind in KINDS if kind in model.config.templates]  # the scores of others are 0 everywhere
        start = "local" if "local" in offered else offered[-1]
        video, kind = menu("video", list(self._histories)), menu("templates", offered, value=start)
        self._objects, self._frames = menu("object", []), slider("frame", 1, 1)
        alike = button("best look-alike", self.seek_outside, "the cell outside of the object that scores highest")
        super().__init__([video, kind, self._objects, self._frames, alike])
        with self._draw_once():
            self.video = video.value
            self._open()
            self._tie(video=video, kind=kind, object_id=self._objects, frame=self._frames)
            self.seek_outside()

    @property
    def history(self) -> History:
        """The video that is looked at."""
        return self._histories[str(self.video)]

    @property
    def moment(self) -> Moment:
        """The frame that is looked at."""
        return self.history[self.frame]

    def copy(self) -> "TemplateInspector":
        """Another inspector that shows the same, without tracking anew."""
        made = TemplateInspector(*self._given, histories=self._histories)
        names = ("video", "kind", "object_id", "frame", "query", "held")
        made.set(**{name: getattr(self, name) for name in names})
        return made

    def grid(self) -> Cell:
        """Rows and columns of the frame's cells."""
        rows, columns = self.moment.after.key.shape[-2:]
        return rows, columns

    def scene(self) -> Scene:
        """The stored frame with the best matches, this frame with the query, and both score maps."""
        step, size = self.moment.step, self.moment.after.work
        matches = {region: self.match(region) for region in REGIONS}
        scores = {region: float(self.score_map(region)[self.query]) for region in REGIONS}
        query = (Mark("query", self.query),)
        found = {region: match for region, match in matches.items() if match}
        marks = _marks({region: match.template for region, match in found.items()})
        stored = self._stored()
        title = f"frame {stored.name}, stored" if found else f"frame {stored.name}: one vector for each region"
        parts = [
            on_grid(title, self._outlined(stored), size, marks=marks),
            on_grid(f"frame {step.name}: choose the query", self._outlined(step), size, marks=query, points="query"),
        ]
        mask = only(step.mask, self.object_id)
        for region in REGIONS:
            picture = heat(self.score_map(region).numpy(), size, mask)
            name = f"{self.kind} score of the {region}"
            parts.append(on_grid(name, picture, size, marks=query, points="query", scale=1.0))
        rows = tuple(self._row(region, matches[region], scores[region]) for region in REGIONS)
        return Scene((*parts, Table(HEAD, rows)), self._sentence(scores), self._numbers(matches, scores))

    def source(self, region: str = "foreground") -> Source | None:
        """What the chosen fine score compares this frame with; None for a coarse score."""
        if self.kind not in WHERE:
            return None
        templates, r = self.moment.templates(self.object_id), int(region == "foreground")
        key, mask = ("first_key", "first_mask") if self.kind == "global" else ("prev_key", "prev_mask")
        with torch.no_grad():
            cosine = affinity(self.moment.after.key, getattr(templates, key))[0]
            near = torch.ones_like(cosine)
            if self._has_distance():
                near = self.history.model.distance.pairs(*self.grid())
        share = getattr(templates, mask)[0, 0, r].flatten()
        return Source(self._stored(), cosine.cpu(), share.cpu(), near.cpu())

    def match(self, region: str = "foreground") -> Match | None:
        """The best match of the query among the stored cells; None for a coarse score, which has one vector only."""
        if (source := self.source(region)) is None:
            return None
        columns = self.grid()[1]
        q = self.query[0] * columns + self.query[1]
        p = int(source.product[q].argmax())
        factors = source.share[p], source.cosine[q, p], source.near[q, p], source.product[q, p]
        return Match(divmod(p, columns), *map(float, factors))

    def score_map(self, region: str = "foreground") -> Float[Tensor, "h w"]:
        """The chosen score of the chosen object."""
        return self.moment.scores(self.object_id)[SCORES.index(f"{self.kind} {region}")].cpu()

    def seek_outside(self) -> None:
        """Choose as query the cell outside of the object's mask whose foreground score is highest, and hold it.

        Where the object covers all cells the query stays.
        """
        inside = cells_of(self.moment.step.mask == self.object_id, self.moment.after.work)
        self.set(query=best_cell(self.score_map().numpy(), ~inside) or self.query, held=True)

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
        rows, columns = self.grid()
        self.query = min(self.query[0], rows - 1), min(self.query[1], columns - 1)

    def _has_distance(self) -> bool:
        return self.kind == "local" and self.history.model.config.distance_score

    def _stored(self) -> Step:
        """The frame of the chosen templates; for a coarse score, which holds all frames, the one before."""
        given = self.history.video.given
        known = [place for place in given if place < self.frame and (given[place] == self.object_id).any()]
        return self.history[max(known) if self.kind == "global" else self.frame - 1].step

    def _outlined(self, step: Step) -> np.ndarray:
        """A frame with the outline of the chosen object."""
        return masked(step.image, only(step.mask, self.object_id), opacity=0.0)

    def _row(self, region: str, match: Match | None, score: float) -> tuple[str, ...]:
        """The factors of one region's score."""
        if match is None:
            return region, "one vector of the whole region", "", f"{score:.2f}", "", f"{score:.2f}"
        near = f"{match.near:.2f}" if self._has_distance() else "not used"
        return (
            region,
            _at(match.template).strip("()"),
            f"{match.share:.2f}",
            f"{match.cosine:.2f}",
            near,
            f"{score:.2f}",
        )

    def _sentence(self, scores: Mapping[str, float]) -> str:
        """What to see: which region matches better at the query, and where the lines lead."""
        better = max(REGIONS, key=lambda region: scores[region])
        compared = f"the {better} matches better ({max(scores.values()):.2f} against {min(scores.values()):.2f})"
        if self.kind in WHERE:
            return f"At the query {compared}; the lines lead to the best matches in the {WHERE[str(self.kind)]}."
        return f"At the query {compared}; each region is a single vector here, so no line leads to a cell."

    def _numbers(self, matches: Mapping[str, Match | None], scores: Mapping[str, float]) -> str:
        """All factors, as the alternative text has them."""
        clauses = []
        for region, match in matches.items():
            clause = f"{region} {scores[region]:.2f}"
            if match:
                clause += f" from template {_at(match.template)} of frame {self._stored().name}: "
                clause += f"share {match.share:.2f} x cosine similarity {match.cosine:.2f}"
                clause += f" x distance score {match.near:.2f}" if self._has_distance() else ""
            clauses.append(clause)
        start = f"Frame {self.moment.step.name}, object {self.object_id}, {self.kind}. Query {_at(self.query)}: "
        return f"{start}{'; '.join(clauses)}."


def _at(cell: Cell) -> str:
    return f"(row {cell[0]}, column {cell[1]})"


def _marks(found: Mapping[str, Cell]) -> tuple[Mark, ...]:
    """The best matches; the name of the lower one stands below it, so that names do not lie on one another."""
    upper = min(found, key=lambda region: found[region][0], default="")
    return tuple(Mark(region, cell, joined=True, below=region != upper) for region, cell in found.items())
