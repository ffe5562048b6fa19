"""All measurements of a machine in one run: what ``tbd bench`` does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks import films, loading, memory, scoring, tracking, training
from benchmarks.limits import limits
from benchmarks.parts import parts_of
from benchmarks.scenes import SIZES, scene
from tbd_lib.datasets.coco import missing_masks
from tbd_lib.datasets.davis import davis
from tbd_lib.method.config import PAPER
from tbd_lib.method.model import TBD, build_model
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.training.config import SMALL_STAGE, change
from tbd_lib.video.frames import Video

ROUNDS = 9  # of each part of a frame
FILM_FRAMES = 60  # of the film that is tracked from files to files
STEPS = 5  # of training, in each precision
CLIPS, CLIP_ROUNDS = 223, 3  # that are loaded, and how often
SCORED_FRAMES = 10  # of each video


@dataclass(frozen=True)
class Bench:
    """What is measured, and on what.

    Args:
        device: where the models run.
        objects: numbers of objects for tracking.
        lines: sizes of the frames for tracking: 480 or 720.
        frames: of each video that is tracked, after the first.
        davis_root: DAVIS, for J&F of the options; not run without it.
        results: masks of another program on some of DAVIS's videos, to score; not run without it.
        coco_root: COCO, whose clips are loaded; not run without it.

    Raises:
        InputError: one of these folders does not hold what is expected there.
    """

    device: torch.device
    objects: tuple[int, ...]
    lines: tuple[int, ...]
    frames: int
    davis_root: Path | None = None
    results: Path | None = None
    coco_root: Path | None = None

    def __post_init__(self) -> None:
        self._videos()  # what was named wrongly is found now, not after the minutes of other parts
        if self.results is not None:
            scoring.folders_of(self.results)
        if self.coco_root is not None:
            missing_masks(self.coco_root)

    def run(self, part: str) -> object | None:
        """The figures of a part, or None where it cannot be run: data it needs was not named, or the device differs."""
        return getattr(self, part)()

    def limits(self) -> dict[str, float]:
        """What the machine can do at most."""
        return limits(self.device)

    def tracking(self) -> list[dict[str, object]]:
        """Engines beside the plain form."""
        engines = {width: tracking.exact_engines(model) for width, model in self._models()}
        return [
            tracking.measure(engines[width], tracking.Case(width, objects, lines), self.frames)
            for lines in self.lines
            for width in engines
            for objects in self.objects
        ]

    def parts(self) -> list[dict[str, object]]:
        """Where a frame's time goes, for one object and for five."""
        return [
            {"width": width, "objects": objects, "parts": parts_of(model, scene(3, SIZES[480], objects), ROUNDS)}
            for width, model in self._models()
            for objects in (1, 5)
        ]

    def films(self) -> list[dict[str, object]]:
        """The bundled model from files to files."""
        return films.measure(bundled_model().to(self.device), FILM_FRAMES, self._videos())

    def memory(self) -> list[dict[str, object]] | None:
        """Peak memory of a process on a CPU."""
        return memory.measure() if self.device.type == "cpu" else None

    def training(self) -> dict[str, object] | None:
        """A step of the small model, on a CPU."""
        if self.device.type != "cpu":
            return None
        config = change(SMALL_STAGE, run={"precision": "bfloat16"})
        return self._with_one_thread(lambda: training.measure(config, STEPS))

    def loading(self) -> dict[str, object] | None:
        """Clips of COCO."""
        root = self.coco_root
        return None if root is None else self._with_one_thread(lambda: loading.measure(root, CLIPS, CLIP_ROUNDS))

    def scoring(self) -> dict[str, object] | None:
        """J and F of masks."""
        if self.davis_root is None or self.results is None:
            return None
        return scoring.measure(self.results, self.davis_root / "Annotations" / "480p", SCORED_FRAMES)

    def _videos(self) -> list[Video]:
        """DAVIS's validation videos; none without their folder."""
        return [] if self.davis_root is None else davis(self.davis_root, "val", 2016)

    def _models(self) -> Iterator[tuple[str, TBD]]:
        """The bundled model, and an untrained one of the paper's widths.

        Untrained logits are so large that probabilities are 1 to the last digit of float32; the plain form, which
        takes odds of probabilities, would decide most pixels by rounding. So the last layer is scaled down.
        """
        yield "small", bundled_model().to(self.device)
        torch.manual_seed(0)
        wide = build_model(PAPER).eval()
        with torch.no_grad():
            wide.decoder.stage4.enlarge.weight.mul_(0.01)
        yield "paper", wide.to(self.device)

    @staticmethod
    def _with_one_thread(measure: Callable[[], dict[str, object]]) -> dict[str, object]:
        """Processor seconds are those of one thread."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return measure()
        finally:
            torch.set_num_threads(before)
