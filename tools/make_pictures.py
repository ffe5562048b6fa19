"""Draw the pictures of README and docs: the method, the bundled model among look-alikes, masks of real clips.

python -m tools.make_pictures
"""

from pathlib import Path

import numpy as np
import tyro
from matplotlib import rc_context
from PIL import Image as Pictures

from tbd_lib.course.viz import Described, diagram, mask_strip
from tbd_lib.datasets.davis import sample
from tbd_lib.engines.shared import shared
from tbd_lib.evaluation.evaluate import unchanged
from tbd_lib.files import write_whole
from tbd_lib.tracking.config import BENCHMARK
from tbd_lib.tracking.tracker import Step, track
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.arrays import Image
from tbd_lib.video.frames import Video
from tbd_lib.video.overlay import OverlayWriter, overlay

FPS = 12.0


def main(
    video: str = "passing-by", split: str = "real", columns: int = 5, width: int = 480, out: Path = Path("docs")
) -> None:
    """Write ``method.svg``, ``lookalike.webp``, ``lookalike.jpg`` and ``real.jpg``, and print what the third shows.

    Args:
        video: A video of the sample.
        split: The list that it is on.
        columns: Frames in a row, evenly spaced.
        width: Of the moving picture, in pixels.
        out: Folder for the pictures.
    """
    write_drawing(diagram(), out / "method.svg")
    (shown,) = [candidate for candidate in sample(split) if candidate.name == video]
    assert shown.truth is not None
    steps = list(track(shared(bundled_model()), shown, BENCHMARK))
    write_film(steps, out / "lookalike.webp", width)
    still = list(unchanged(shown.given, len(steps)))
    chosen = np.linspace(0, len(steps) - 1, columns).astype(int).tolist()
    rows = {"TBD": [steps[t].mask for t in chosen], "unchanged": [still[t] for t in chosen]}
    figure = mask_strip([list(shown.frames)[t] for t in chosen], rows, [shown.truth[t] for t in chosen])
    with write_whole(out / "lookalike.jpg") as temporary:
        temporary.write_bytes(figure.content)
    print(figure.sentence)
    with write_whole(out / "real.jpg") as temporary:
        Pictures.fromarray(true_masks(sample("real"))).save(temporary, quality=85)


def write_drawing(described: Described, path: Path) -> None:
    """A figure as SVG that is always the same, with its sentence as title and its words as text."""
    style = rc_context({"svg.fonttype": "none", "svg.hashsalt": path.name, "font.sans-serif": ["DejaVu Sans"]})
    with write_whole(path) as temporary, style:
        metadata = {"Title": described.sentence, "Creator": None, "Date": None}
        described.figure.savefig(temporary, format="svg", metadata=metadata)


def true_masks(videos: list[Video], every: int = 10, width: int = 284) -> Image:
    """A row per video: every tenth frame with its true mask."""
    rows = []
    for video in videos:
        assert video.truth is not None
        shown = [overlay(frame.image, mask) for frame, mask in zip(video.frames, video.truth, strict=True)][::every]
        size = width, round(width * shown[0].shape[0] / shown[0].shape[1])
        rows.append(np.hstack([np.asarray(Pictures.fromarray(image).resize(size)) for image in shown]))
    widest = max(row.shape[1] for row in rows)
    return np.vstack([np.pad(row, ((0, 4), (0, widest - row.shape[1]), (0, 0)), constant_values=255) for row in rows])


def write_film(steps: list[Step], path: Path, width: int) -> None:
    """The masks over their frames, as a film of this many pixels across."""
    height = round(steps[0].image.shape[0] * width / steps[0].image.shape[1])
    with OverlayWriter(path, FPS) as film:
        for step in steps:
            picture = Pictures.fromarray(overlay(step.image, step.mask))
            film.write(np.asarray(picture.resize((width, height), Pictures.Resampling.LANCZOS)))


if __name__ == "__main__":
    tyro.cli(main)
