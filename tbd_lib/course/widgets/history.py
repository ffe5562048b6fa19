"""A tracked video that keeps its states: every frame can be gone back to, looked into and corrected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tbd_lib.errors import InputError
from tbd_lib.method.model import TBD, Features
from tbd_lib.method.templates import Templates
from tbd_lib.tracking.config import OWN_SIZE, TrackConfig
from tbd_lib.tracking.tracker import State, Step, Tracker
from tbd_lib.video.arrays import Mask, MaskLike, as_mask
from tbd_lib.video.frames import Video

KINDS = ("global", "local", "overall", "short", "long")
SCORES = tuple(f"{kind} {region}" for kind in KINDS for region in ("background", "foreground"))
"""The ten score maps in the order of ``TBD.match``."""


def true_masks(video: Video) -> list[Mask]:
    """The true masks of a video whose scores are shown.

    Raises:
        InputError: none, or fewer than three: the first and the last frame are not scored.
    """
    found = "no" if video.truth is None else len(video.truth)
    if video.truth is None or len(video.truth) < 3:
        raise InputError(f"{video.name}: found {found} true masks, expected three or more")
    return list(video.truth)


@dataclass(frozen=True)
class Moment:
    """One frame: what was remembered before it, what came out, what was remembered after it."""

    before: State | None
    step: Step
    after: State

    def templates(self, object_id: int) -> Templates:
        """The templates of one object with which this frame was matched.

        Raises:
            LookupError: the object was not known before this frame.
        """
        for cohort in self.before.cohorts if self.before else ():
            if object_id in cohort.ids:
                return cohort.templates.take(torch.tensor([cohort.ids.index(object_id)]))
        raise LookupError(f"object {object_id} was not known before frame {self.step.name}")

    def known(self) -> tuple[int, ...]:
        """The objects with which this frame was matched: those remembered, but for any that is given anew here."""
        return () if self.step.scores is None else self.step.ids[: len(self.step.scores)]

    def scores(self, object_id: int) -> Float[Tensor, "10 h w"]:
        """The score maps of one object, in the order of ``SCORES``.

        Raises:
            LookupError: this frame was not matched with the object.
        """
        if self.step.scores is None or object_id not in self.known():
            raise LookupError(f"frame {self.step.name} was not matched with object {object_id}; it is first given here")
        return self.step.scores[self.known().index(object_id)]


class History:
    """The moments of a video, tracked as far as somebody has looked: the first view needs no whole video.

    Args:
        model: in inference mode.
        video: with frames that can be taken by number.
        config: of the tracker.

    ``encoded`` may be given features of frames, by number, that need not be computed then.

    Raises:
        InputError: frames that come in a stream, fewer than two of them, or no mask for the first frame.
    """

    def __init__(self, model: TBD, video: Video, config: TrackConfig = OWN_SIZE) -> None:
        if not isinstance(video.frames, Sequence):
            raise InputError(f"{video.name}: its frames come in a stream; expected frames that can be taken by number")
        if len(video.frames) < 2:
            raise InputError(f"{video.name}: found {len(video.frames)} frames, expected two or more")
        if 0 not in video.given:
            raise InputError(f"{video.name}: no mask for the first frame; expected one")
        self.model, self.video = model, video
        self.frames = video.frames
        self.config = config
        self._tracker = Tracker(model, config)
        self._moments: list[Moment] = []
        self.encoded: dict[int, Features] = {}

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, position: int) -> Moment:
        """The moment of a frame, from 0; frames before it are tracked first if they were not."""
        if not 0 <= position < len(self):
            raise IndexError(f"{self.video.name}: frame {position}; expected 0 to {len(self) - 1}")
        while len(self._moments) <= position:
            self._moments.append(self._next())
        return self._moments[position]

    def copy(self) -> "History":
        """Another history with the same moments: a correction of one of them does not change the other."""
        made = History(self.model, self.video, self.config)
        made._moments = [*self._moments]
        return made

    @property
    def tracked(self) -> int:
        """How many frames have been tracked so far."""
        return len(self._moments)

    def _next(self) -> Moment:
        place = len(self._moments)
        before = self._moments[-1].after if self._moments else None
        frame = self.frames[place]
        self._tracker.state = before
        step = self._tracker.step(frame.image, self.video.given.get(place), frame.name, self.encoded.get(place))
        assert self._tracker.state is not None  # a mask was given in the first frame
        return Moment(before, step, self._tracker.state)

    def masks(self) -> list[Mask]:
        """The predicted masks of all frames."""
        return [self[i].step.mask for i in range(len(self))]

    def correct(self, position: int, given: MaskLike) -> None:
        """Correct objects in a frame: the mask stands there, and later frames are tracked anew when looked at.

        Raises:
            InputError: a mask of another size than the frame.
        """
        moment, given = self[position], as_mask(given)
        self._tracker.state = moment.after
        self._tracker.correct(given)
        mask = np.where(np.isin(moment.step.mask, np.unique(given[given > 0])), 0, moment.step.mask)
        step = replace(moment.step, mask=np.where(given > 0, given, mask).astype(np.uint8))
        self._moments[position:] = [Moment(moment.before, step, self._tracker.state)]

    def drift(self, object_id: int) -> dict[str, Float[np.ndarray, "t"]]:
        """How far the coarse foreground templates have turned away from their start: cosines with the first vector."""
        moments = [self[i] for i in range(1, len(self))]
        templates = [
            moment.templates(object_id) for moment in moments if moment.before and object_id in moment.before.ids
        ]
        return {
            kind: np.array([float(getattr(now, kind)[0, 0, 1] @ templates[0].overall[0, 0, 1]) for now in templates])
            for kind in ("overall", "short", "long")
        }
