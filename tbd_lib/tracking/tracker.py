"""From the model's verbs to a video: sizes, padding, ids, and all objects together, one frame at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.errors import InputError
from tbd_lib.method.aggregate import aggregate_log_odds
from tbd_lib.method.matching import Key, grid_mask
from tbd_lib.method.model import Features, autocast
from tbd_lib.method.shapes import STRIDE
from tbd_lib.method.templates import Templates, start_templates
from tbd_lib.tracking.config import TrackConfig
from tbd_lib.tracking.geometry import Size, crop, pad, padded_size, resized, working_size
from tbd_lib.tracking.region_of_interest import log_odds
from tbd_lib.video.arrays import Image, ImageLike, Mask, MaskLike, as_image, as_mask, described
from tbd_lib.video.frames import Frame, Video
from tbd_lib.video.masks import ids_of, size_of
from tbd_lib.video.prefetch import prefetch


@dataclass(frozen=True)
class Cohort:
    """Objects that entered in the same frame: their ids, and what is remembered of them."""

    ids: tuple[int, ...]
    templates: Templates


@dataclass(frozen=True)
class State:
    """All that a tracker remembers between two frames. A kept state can be gone back to."""

    frame: Size  # the video's size in pixels, rows and columns
    work: Size  # the size at which the model works, before padding
    key: Key  # of the frame before
    cohorts: tuple[Cohort, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """All known objects, cohort by cohort."""
        return tuple(i for cohort in self.cohorts for i in cohort.ids)


@dataclass(frozen=True)
class Step:
    """What the tracker says of one frame.

    ``prob`` is at the working size, without padding: ``prob[0]`` is the background, then the objects in the order of
    ``ids``. ``scores`` are the ten maps of ``TBD.match`` on the grid of the padded frame, for the first ``k`` of
    ``ids``: those that were known before this frame (the others entered in it). None where no object was known.
    """

    name: str
    image: Image  # the frame itself
    mask: Mask  # ids at the video's own size
    ids: tuple[int, ...]
    prob: Float[Tensor, "labels y x"]
    scores: Float[Tensor, "k 10 h w"] | None


class Tracker:
    """Tracks up to 254 objects through a stream of frames.

    ``state`` is a record, None before the first object: keep it to go back to a frame, assign it to go on from there.

    Args:
        segmenter: a model in inference mode, or an engine made from it (``tbd_lib.engines``), which is faster.
        config: working size, and how many objects go through the decoder at once.

    Raises:
        InputError: no model, one in training mode or with weights in half precision; no configuration, or one whose
            precision the engine does not have.
    """

    def __init__(self, segmenter: Segmenter, config: TrackConfig | None = None) -> None:
        if not isinstance(segmenter, Segmenter):
            found = described(segmenter)
            raise InputError(f"`segmenter` is {found}; expected a model, as load_checkpoint(path) gives it")
        if getattr(segmenter, "training", False):
            raise InputError("`segmenter` is a model in training mode; expected inference mode: model.eval()")
        if segmenter.dtype not in (torch.float32, torch.float64):
            expected = "float32, and TrackConfig(precision='bfloat16') to compute in half precision"
            raise InputError(f"`segmenter` has weights in {segmenter.dtype}; expected {expected}")
        if not isinstance(config, TrackConfig | None):
            raise InputError(f"`config` is {described(config)}; expected a TrackConfig")
        self.segmenter = segmenter
        self.config = config or TrackConfig()
        if self.config.precision != "float32" and getattr(segmenter, "fixed_precision", False):
            found = f"{self.config.precision!r} with {type(segmenter).__name__}"
            raise InputError(f"`precision` {found}, which has that of its files; expected 'float32', or another engine")
        self.state: State | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The objects that are tracked, in the order of ``Step.prob``."""
        return self.state.ids if self.state else ()

    def reset(self) -> None:
        """Forget everything; the next frame may be of another video."""
        self.state = None

    def remove(self, *ids: int) -> None:
        """Stop tracking these objects.

        Raises:
            KeyError: an id that is not tracked.
        """
        if unknown := set(ids) - set(self.ids):
            raise KeyError(f"ids {sorted(unknown)} are not tracked; known are {list(self.ids)}")
        assert self.state is not None
        self.state = replace(self.state, cohorts=_without(self.state.cohorts, ids))

    @torch.no_grad()
    def correct(self, given: MaskLike) -> None:
        """Correct objects in the frame that was last seen, or add some there.

        They start anew from that frame's key and this mask; objects that the mask does not name go on as they were.

        Raises:
            InputError: what ``as_mask`` refuses, a mask of another size than the frames, or no frame with an object
                was seen yet.
        """
        given = as_mask(given)
        if self.state is None:
            raise InputError("a correction before any object was given; expected a first mask, given to step()")
        _check_size(given, self.state.frame)
        ids = tuple(ids_of(given))
        foreground = self._given_foreground(given, ids, self.state.work)
        templates = start_templates(self.state.key, grid_mask(regions_of(foreground), STRIDE))
        cohorts = (*_without(self.state.cohorts, ids), Cohort(ids, templates))
        self.state = replace(self.state, cohorts=cohorts if ids else self.state.cohorts)

    @torch.no_grad()
    def step(
        self, image: ImageLike, given: MaskLike | None = None, name: str = "", features: Features | None = None
    ) -> Step:
        """Segment the next frame.

        Args:
            image: the frame, of the same size as all others, in a form that ``as_image`` takes.
            given: an id mask, in a form that ``as_mask`` takes, of objects that enter here, or that are corrected: a
                known id that is given again starts anew from this mask (the original would track it twice). In the
                output it has the given pixels and no others, at any working size.
            name: what the ``Step`` is to be called.
            features: of this frame, if ``encode`` has given them before.

        Raises:
            InputError: what ``as_image`` and ``as_mask`` refuse, another size than before, or a given mask that does
                not fit the frame.
        """
        image, given = as_image(image), None if given is None else as_mask(given)
        size = (image.shape[0], image.shape[1])
        self._check(size, given)
        new = tuple(ids_of(given)) if given is not None else ()
        if self.state is not None:
            work = self.state.work
        elif given is not None and new:
            work = working_size(given, self.config)
        else:
            return _nothing(name, image, self.segmenter.device)
        features = features or self.encode(image, work)
        known = _without(self.state.cohorts if self.state else (), new)
        scores, odds = self._predict(features, known)
        cohorts = known
        if given is not None and new:
            admitted, given_odds = self._admit(features, given, new, work)
            cohorts, odds = (*known, admitted), [*odds, given_odds]
        together = aggregate_log_odds(torch.cat(odds)) if odds else features.key.new_ones(1, *padded_size(work))
        if self.state is not None:  # the very first masks stand as they were given; later ones join in the update
            cohorts = self._update(features, cohorts, together[1:])
        self.state = State(size, work, features.key, cohorts)
        prob = crop(together, work)
        mask = _render(prob, tuple(i for cohort in known for i in cohort.ids), given, size)
        return Step(name, image, mask, self.ids, prob, torch.cat(scores, 1)[0] if scores else None)

    def _predict(
        self, features: Features, cohorts: tuple[Cohort, ...]
    ) -> tuple[list[Float[Tensor, "1 o 10 h w"]], list[Float[Tensor, "o Y X"]]]:
        """Score maps and log-odds of the known objects, cohort by cohort (steps 4 and 5)."""
        scores = [self.segmenter.match(features, cohort.templates) for cohort in cohorts]
        with autocast(self.segmenter.device, self.config.precision):
            odds = [
                log_odds(self.segmenter, features, cohort.templates, maps, self.config)
                for cohort, maps in zip(cohorts, scores, strict=True)
            ]
        return scores, odds

    def _admit(
        self, features: Features, given: Mask, ids: tuple[int, ...], work: Size
    ) -> tuple[Cohort, Float[Tensor, "o Y X"]]:
        """A cohort of the objects that are given in this frame, and the certain log-odds of their masks (step 8)."""
        foreground = self._given_foreground(given, ids, work)
        return Cohort(ids, self.segmenter.start(features, regions_of(foreground))), foreground.logit()

    def _check(self, size: Size, given: Mask | None) -> None:
        if min(size) < STRIDE:
            raise InputError(f"a frame of {size_of(size)} pixels; expected at least {STRIDE} on each side")
        if self.state is not None and size != self.state.frame:
            raise InputError(f"a frame of {size_of(size)} pixels; expected {size_of(self.state.frame)} as before")
        if given is not None:
            _check_size(given, size)

    @torch.no_grad()
    def encode(self, image: ImageLike, work: Size) -> Features:
        """Features of a frame at the working size: resized, then padded by reflection."""
        planes = torch.from_numpy(np.ascontiguousarray(as_image(image).transpose(2, 0, 1)))
        device = self.segmenter.device
        pixels = planes[None].to(device, non_blocking=device.type == "cuda").to(self.segmenter.dtype).div_(255)
        if pixels.shape[-2:] != work:
            pixels = F.interpolate(pixels, work, mode="bilinear", antialias=True)
        with autocast(device, self.config.precision):
            return self.segmenter.encode(pad(pixels))

    def _given_foreground(self, given: Mask, ids: tuple[int, ...], work: Size) -> Float[Tensor, "o Y X"]:
        """A given mask as a 0/1 map of each object, at the working size and padded as the frame is.

        However small an object is, at least a pixel of it is left.
        """
        device = self.segmenter.device
        mask = torch.tensor(np.ascontiguousarray(given), device=device)
        maps = (mask == torch.tensor(ids, device=device)[:, None, None]).to(self.segmenter.dtype)[None]
        if maps.shape[-2:] != work:
            reduced = F.interpolate(maps, work, mode="nearest-exact")
            lost = ~reduced.any(-1).any(-1)[..., None, None]  # objects that fell between the samples
            maps = torch.where(lost, F.interpolate(maps, work, mode="area").sign(), reduced)
        return pad(maps)[0]

    def _update(
        self, features: Features, cohorts: tuple[Cohort, ...], foreground: Float[Tensor, "o Y X"]
    ) -> tuple[Cohort, ...]:
        """All cohorts after this frame (step 7), given all objects' probabilities in the order of the cohorts."""
        parts = foreground.split([len(cohort.ids) for cohort in cohorts])
        return tuple(
            Cohort(cohort.ids, self.segmenter.update(features, cohort.templates, regions_of(part)))
            for cohort, part in zip(cohorts, parts, strict=True)
        )


def track(segmenter: Segmenter, video: Video, config: TrackConfig | None = None) -> Iterator[Step]:
    """Track the objects given in a video; yields one ``Step`` per frame, and remembers only what the method needs.

    Raises:
        InputError: what ``Tracker`` refuses, or no video; while steps are taken: a frame or a given mask of another
            size than the first frame, no given mask or none with an object, or one for a frame that the video does not
            have.
    """
    require_video(video)
    return steps_of(Tracker(segmenter, config), video)


def steps_of(tracker: Tracker, video: Video, start: int = 0) -> Iterator[Step]:
    """The steps of a video from a position on, where its ``frames`` begin; ``given`` counts from the video's own start.

    Raises:
        InputError: as ``track``.
    """
    if isinstance(video.frames, Sequence):  # else it shows when the frames end
        _require_positions(video, start + len(video.frames))
    if isinstance(video.given, dict):  # others read files when asked
        _require_objects(video, any(mask.any() for mask in video.given.values()))
    count = start
    for frame, features in prefetch(_encoded(tracker, video), 1):
        try:
            yield tracker.step(frame.image, video.given.get(count), frame.name, features)
        except InputError as error:
            raise InputError(f"{video.name}, frame {frame.name}: {error}") from error
        count += 1
    _require_positions(video, count)
    _require_objects(video, tracker.state is not None)


def require_video(video: Video) -> None:
    """Refuse what people take for a video: its path, above all.

    Raises:
        InputError: it is no ``Video``.
    """
    if not isinstance(video, Video):
        raise InputError(f"`video` is {described(video)}; expected a Video, as open_video(path, mask) makes it")


def _require_positions(video: Video, count: int) -> None:
    """Refuse a video of so many frames in which nothing is given, or something beyond its end."""
    if not video.given:
        raise InputError(f"{video.name}: found no given mask, expected at least one to track from")
    for position in (min(video.given), max(video.given)):
        if not 0 <= position < count:
            raise InputError(f"{video.name}: found a mask for frame {position}, expected 0 to {count - 1}")


def _require_objects(video: Video, found: bool) -> None:
    """Refuse a video whose given masks hold no object."""
    if video.given and not found:
        raise InputError(
            f"{video.name}: found background (0) only in the given masks, expected at least one object; 255 beside ids "
            "is none"
        )


def _encoded(tracker: Tracker, video: Video) -> Iterator[tuple[Frame, Features | None]]:
    """Every frame with its features; without them as long as the working size is not known."""
    for frame in prefetch(video.frames):
        if not isinstance(frame, Frame):
            raise InputError(f"{video.name}: found {described(frame)} among the frames, expected Frame(name, image)")
        yield frame, tracker.encode(frame.image, tracker.state.work) if tracker.state else None


def regions_of(foreground: Float[Tensor, "o H W"]) -> Float[Tensor, "1 o 2 H W"]:
    """Background and foreground of every object, as a batch of one clip."""
    return torch.stack([1 - foreground, foreground], 1)[None]


def _render(prob: Float[Tensor, "labels y x"], ids: tuple[int, ...], given: Mask | None, size: Size) -> Mask:
    """The id mask at the video's size. Objects given in this frame are where they are given, and nowhere else."""
    mask = _ids_at_size(prob[: 1 + len(ids)], ids, size)
    return mask if given is None else np.where(given > 0, given, mask)


def _ids_at_size(prob: Float[Tensor, "labels y x"], ids: tuple[int, ...], size: Size) -> Mask:
    """The most probable id of every pixel: probabilities are resized first, and one object at a time.

    (The original takes the maximum at the working size.) A tie goes to the background, then to the earlier object.
    """
    best = resized(prob[0], size)
    winner = torch.zeros(size, dtype=torch.uint8, device=prob.device)
    for label, i in zip(prob[1:], ids, strict=True):
        chance = resized(label, size)
        winner.masked_fill_(chance > best, i)
        best = torch.maximum(best, chance)
    return winner.cpu().numpy()


def _without(cohorts: tuple[Cohort, ...], ids: Iterable[int]) -> tuple[Cohort, ...]:
    """The cohorts without some objects; a cohort that is left empty goes."""
    gone = set(ids)
    left = []
    for cohort in cohorts:
        keep = [n for n, i in enumerate(cohort.ids) if i not in gone]
        if len(keep) == len(cohort.ids):
            left.append(cohort)
        elif keep:
            index = torch.tensor(keep, device=cohort.templates.area.device)
            left.append(Cohort(tuple(cohort.ids[n] for n in keep), cohort.templates.take(index)))
    return tuple(left)


def _check_size(given: Mask, size: Size) -> None:
    if given.shape != size:
        raise InputError(f"a mask of {size_of(given.shape)} pixels; expected {size_of(size)} as the frame")


def _nothing(name: str, image: Image, device: torch.device) -> Step:
    """The step of a frame before any object is known."""
    size = image.shape[:2]
    return Step(name, image, np.zeros(size, np.uint8), (), torch.ones(1, *size, device=device), None)
