"""Draw the pictures of README and docs: the bundled model and a look-alike, moving and in a row.

python -m tools.make_pictures
"""

from pathlib import Path

import numpy as np
import tyro
from PIL import Image as Pictures

from tbd_lib.course.viz import mask_strip
from tbd_lib.datasets.davis import sample
from tbd_lib.engines.shared import shared
from tbd_lib.evaluation.evaluate import unchanged
from tbd_lib.files import write_whole
from tbd_lib.tracking.tracker import Step, track
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.overlay import OverlayWriter, overlay

FPS = 12.0


def main(
    video: str = "lookalike-crossing", split: str = "val", columns: int = 5, width: int = 480, out: Path = Path("docs")
) -> None:
    """Write ``lookalike.webp`` and ``lookalike.jpg``, and print what the second shows.

    Args:
        video: A video of the sample.
        split: The list that it is on.
        columns: Frames in a row, evenly spaced.
        width: Of the moving picture, in pixels.
        out: Folder for the pictures.
    """
    (shown,) = [candidate for candidate in sample(split) if candidate.name == video]
    assert shown.truth is not None
    steps = list(track(shared(bundled_model()), shown))
    write_film(steps, out / "lookalike.webp", width)
    still = list(unchanged(shown.given, len(steps)))
    chosen = np.linspace(0, len(steps) - 1, columns).astype(int).tolist()
    rows = {"TBD": [steps[t].mask for t in chosen], "unchanged": [still[t] for t in chosen]}
    figure = mask_strip([list(shown.frames)[t] for t in chosen], rows, [shown.truth[t] for t in chosen])
    with write_whole(out / "lookalike.jpg") as temporary:
        temporary.write_bytes(figure.content)
    print(figure.sentence)


def write_film(steps: list[Step], path: Path, width: int) -> None:
    """The masks over their frames, as a film of this many pixels across."""
    height = round(steps[0].image.shape[0] * width / steps[0].image.shape[1])
    with OverlayWriter(path, FPS) as film:
        for step in steps:
            picture = Pictures.fromarray(overlay(step.image, step.mask))
            film.write(np.asarray(picture.resize((width, height), Pictures.Resampling.LANCZOS)))


if __name__ == "__main__":
    tyro.cli(main)
