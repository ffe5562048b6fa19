"""The folder of a training run: its log, its weights, and all it takes to go on exactly where it was interrupted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from statistics import mean
from time import perf_counter, time
from typing import Any, get_args

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer
from tqdm.auto import tqdm

from tbd_lib.errors import InputError, TrainingError
from tbd_lib.evaluation.provenance import PACKAGES, provenance, version
from tbd_lib.files import at_home, naming, require_mounted, write_json, write_text, write_whole
from tbd_lib.method.config import Precision
from tbd_lib.method.model import TBD
from tbd_lib.texts import read_json, read_lines
from tbd_lib.training.checkpoint import save_weights
from tbd_lib.training.config import TrainConfig
from tbd_lib.video.frames import Video

NO_EFFECT = {"data.workers", "run.save_every", "run.log_every", "run.accumulate"}
"""Settings that change no weights; the last one rounding alone, where the encoder is frozen."""

Part = nn.Module | Optimizer | GradScaler


class RunDir:
    """The folder of a run, and what is written there.

    ``last.pt`` holds all it takes to go on; ``best.safetensors`` and ``final.safetensors`` are weights to track with;
    ``log.jsonl`` has a line every ``log_every`` iterations and one per validation; ``run.json`` says how it was made,
    and under ``earlier`` the same of each part of an interrupted run, ``until`` the iteration it reached.

    Args:
        out: the folder.
        config: of the run.
        parts: model, optimiser and so on, by name.
        videos: what the run learns from.

    Raises:
        InputError: the folder is on a Google Drive that is not mounted.
    """

    def __init__(self, out: Path, config: TrainConfig, parts: Mapping[str, Part], videos: Sequence[Video]) -> None:
        self.out, self.config, self.parts = require_mounted(at_home(out)), config, parts
        self.videos = fingerprint_of(videos)
        self.best: float | None = None
        self.saved = 0  # iterations that the last checkpoint holds

    @contextmanager
    def errors_say_what_is_kept(self) -> Iterator[None]:
        """Add to a ``TrainingError`` what remains of the run that it ends."""
        try:
            yield
        except TrainingError as error:
            kept = f"holds iteration {self.saved}" if self.saved else "was not written yet"
            raise TrainingError(f"{error}; {self.out / 'last.pt'} {kept}") from error

    def read(self, override: bool = False) -> dict[str, Any] | None:
        """The state of an interrupted run in this folder; None where there is none.

        Raises:
            InputError: it cannot be read, or is of another configuration or other videos (unless ``override``); the
                folder holds the weights of a finished run, and nothing to go on from.
        """
        path = self.out / "last.pt"
        if not path.exists():
            if (final := self.out / "final.safetensors").exists():
                raise InputError(f"{final}: weights of a finished run, without its last.pt; expected another `out`")
            return None
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            changed = differences(state["config"], asdict(self.config))
        except Exception as error:  # torch raises many kinds here: zip, pickle, end of file, runtime
            kind = type(error).__name__
            raise InputError(f"{path}: cannot be read ({kind}); expected the checkpoint of a run") from error
        if state.get("videos", self.videos) != self.videos:  # older checkpoints do not tell
            changed["data"] = "other videos than those it began with"
        if changed and not override:
            raise InputError(
                f"{path}: a run of another configuration: {listed(changed)}; expected the same (or `override`, or "
                "another `out`)"
            )
        return state

    def resume(self, state: Mapping[str, Any] | None) -> int:
        """Take a state over; returns how many iterations are done.

        Raises:
            InputError: it is of another model, or of one that is trained in another way.
        """
        if state is None:
            return 0
        for name, part in self.parts.items():
            try:
                part.load_state_dict(state["parts"][name])
            except (KeyError, ValueError, RuntimeError) as error:  # PyTorch's words for another architecture
                changed = listed(differences(state["config"], asdict(self.config)))
                raise InputError(
                    f"{self.out / 'last.pt'}: its {name} does not fit these settings: {changed}; expected the model, "
                    "`optimiser.encoder_rate` and `run.precision` that it began with, or another `out`"
                ) from error
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available() and state["random_cuda"]:
            torch.cuda.set_rng_state_all(state["random_cuda"])
        self.best, self.saved = state["best"], state["iteration"]
        return state["iteration"]

    def begin(self) -> None:
        """Write ``run.json``, and drop the lines that an interrupted run logged after its last checkpoint."""
        path = self.out / "run.json"
        before = read_json(path, "the settings of a run") if self.saved and path.exists() else {}
        earlier = before.pop("earlier", [])
        if before and self.saved > (earlier[-1]["until"] if earlier else 0):  # it got as far as a new checkpoint
            earlier.append({**before, "until": self.saved})
        write_json(path, {"config": asdict(self.config), "provenance": provenance(), "earlier": earlier})
        log = self.out / "log.jsonl"
        lines = read_lines(log) if log.exists() else []
        write_text(log, "".join(f"{line}\n" for line in lines if self._is_done(line)))

    def save(self, iteration: int) -> None:
        """Write ``last.pt``, whole or not at all.

        Raises:
            OSError: no space left, or no right to write; the checkpoint before stays.
        """
        state = {
            "version": version(PACKAGES[0]),
            "config": asdict(self.config),
            "videos": self.videos,
            "iteration": iteration,
            "best": self.best,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }
        content = BytesIO()  # written by ourselves, since torch.save hides what the file system says
        torch.save(state, content)
        with write_whole(self.out / "last.pt") as temporary:
            temporary.write_bytes(content.getbuffer())
        self.saved = iteration

    def save_if_best(self, model: TBD, score: float) -> None:
        """Write ``best.safetensors`` if no validation before scored as high."""
        if self.best is None or score > self.best:
            self.best = score
            save_weights(self.out / "best.safetensors", model)

    def log(self, **entry: int | float) -> None:
        """One line, with numbers that can be read."""
        line = {name: value if isinstance(value, int) else round(value, 5) for name, value in entry.items()}
        path = self.out / "log.jsonl"
        with naming(path), path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _is_done(self, line: str) -> bool:
        """Whether a line is whole, and of an iteration that the checkpoint holds."""
        try:
            return json.loads(line)["iteration"] <= self.saved
        except (ValueError, TypeError, KeyError):  # a crash cut it
            return False


def precision_of(out: Path) -> Precision | None:
    """The precision that an interrupted run in this folder computes in; None where there is none to go on with."""
    path = at_home(out) / "run.json"
    if not path.exists() or not (path.parent / "last.pt").exists():
        return None
    found = read_json(path, "the settings of a run").get("config", {}).get("run", {}).get("precision")
    return found if found in get_args(Precision) else None


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Settings that differ: ``{"data.augment.swap": "0.2, now 0.0"}``, without those that change no weights."""
    found = {}
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found |= differences(before, after, f"{prefix}{name}.")
        elif before != after and prefix + name not in NO_EFFECT:
            found[prefix + name] = f"{before}, now {after}"
    return found


def listed(changed: Mapping[str, str]) -> str:
    """The differences of settings in one line."""
    return "; ".join(f"`{name}` {change}" for name, change in changed.items())


def fingerprint_of(videos: Sequence[Video]) -> str:
    """A hash of training videos' names and lengths, in order: of all that batches follow from, but for pixels."""
    lines = "".join(f"{video.name} {len(video.truth or ())}\n" for video in videos)
    return sha256(lines.encode(errors="surrogateescape")).hexdigest()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, ``log.jsonl``: of training, and of validation."""
    return [json.loads(line) for line in at_home(path).read_text().splitlines()]


class Meter:
    """Progress on the bar and in the log.

    Args:
        run: where to log.
        bar: shows the iterations.
        logs: whether this process writes the log.
    """

    def __init__(self, run: RunDir, bar: tqdm, logs: bool) -> None:
        self.run, self.bar, self.logs = run, bar, logs
        self.batch, self.log_every = run.config.data.batch, run.config.run.log_every
        self._begin()

    def count(self, iteration: int, last: bool, loss: float, iou: float, rate: float) -> None:
        """One more iteration is done."""
        self.recent.append((loss, iou))
        speed = len(self.recent) * self.batch / (perf_counter() - self.start)
        self.bar.set_postfix(loss=f"{loss:.3f}", iou=f"{iou:.3f}", clips_per_s=f"{speed:.1f}", refresh=False)
        self.bar.update()
        if not (iteration % self.log_every == 0 or last):
            return
        if self.logs:
            losses, ious = zip(*self.recent, strict=True)
            values = {"loss": mean(losses), "iou": mean(ious), "rate": rate, "clips_per_second": speed, "time": time()}
            self.run.log(iteration=iteration, **values)
        self._begin()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that does not count: the clips' speed is that of training alone."""
        began = perf_counter()
        yield
        self.start += perf_counter() - began

    def _begin(self) -> None:
        self.recent: list[tuple[float, float]] = []
        self.start = perf_counter()
