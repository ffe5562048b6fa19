"""Draw the README's picture: the bundled model and a look-alike.

python tools/make_pictures.py
"""

from pathlib import Path

import numpy as np
import tyro

from tbd_lib.course.viz import mask_strip
from tbd_lib.datasets.davis import sample
from tbd_lib.evaluation.evaluate import unchanged
from tbd_lib.files import write_whole
from tbd_lib.tracking.tracker import track
from tbd_lib.training.checkpoint import bundled_model


def main(video: str = "lookalike-crossing", split: str = "val", columns: int = 5, out: Path = Path("docs")) -> None:
    """Write ``lookalike.jpg`` and print what it shows.

    Args:
        video: A video of the sample.
        split: The list that it is on.
        columns: Frames shown, evenly spaced.
        out: Folder for the picture.
    """
    (shown,) = [one for one in sample(split) if one.name == video]
    assert shown.truth is not None
    steps = list(track(bundled_model(), shown))
    still = list(unchanged(shown.given, len(steps)))
    chosen = np.linspace(0, len(steps) - 1, columns).astype(int).tolist()
    frames = list(shown.frames)
    rows = {"TBD": [steps[t].mask for t in chosen], "unchanged": [still[t] for t in chosen]}
    figure = mask_strip([frames[t] for t in chosen], rows, [shown.truth[t] for t in chosen])
    with write_whole(out / "lookalike.jpg") as temporary:
        temporary.write_bytes(figure.content)
    print(figure.sentence)


if __name__ == "__main__":
    tyro.cli(main)
