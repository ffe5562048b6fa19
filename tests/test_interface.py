"""What the names of the package do with paths and numbers as people write them, and with what is neither."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_masks import IDS, RGB

from tbd_lib import OverlayWriter, davis, load_checkpoint, open_video, read_mask, sample, write_mask
from tbd_lib.files import at_home, data_folder
from tbd_lib.video.frames import FileFrames, frames_of, read_image, write_image
from tbd_lib.video.overlay import overlay


class Entry(os.PathLike[str]):
    """A path that is neither text nor a ``Path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("form", [str, Path, Entry])
def test_paths_are_taken_in_every_form(tmp_path: Path, form: type) -> None:
    write_mask(form(tmp_path / "mask.png"), IDS)
    for number in range(3):
        write_image(form(tmp_path / f"frames/{number}.png"), RGB)
    with OverlayWriter(form(tmp_path / "film.mp4"), np.float32(12)) as film:
        film.write(overlay(RGB, IDS))
    np.testing.assert_array_equal(read_mask(form(tmp_path / "mask.png")), IDS)
    np.testing.assert_array_equal(read_image(form(tmp_path / "frames/0.png")), RGB)
    assert len(list(frames_of(form(tmp_path / "frames")))) == 3 and FileFrames(form(tmp_path / "film.mp4")).fps == 12
    for masks in (form(tmp_path / "mask.png"), {np.int64(0): form(tmp_path / "mask.png")}):
        np.testing.assert_array_equal(open_video(form(tmp_path / "frames"), masks).given[0], IDS)
    data = data_folder()
    names = [video.name for video in davis(form(data / "sample"), year=np.int64(2017))]
    assert names == [video.name for video in sample("val")]
    assert not load_checkpoint(form(data / "weights/bundled-coco.safetensors")).training


def test_a_path_may_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_mask("~/mask.png", IDS)
    assert read_mask(tmp_path / "mask.png").any()
    assert at_home("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")


WRONG = """
from pathlib import Path

import numpy as np
from tbd_lib import *
from tbd_lib.errors import InputError
from tbd_lib.training.checkpoint import save_weights
from tbd_lib.video.frames import Frame, frames_of

def load_with(name, value):
    changed = bundled_model()
    object.__setattr__(changed.config, name, value)
    save_weights(Path("changed.safetensors"), changed)
    return load_checkpoint("changed.safetensors")

mask, rgb = np.ones((20, 30), np.uint8), np.zeros((20, 30, 3), np.uint8)
model = bundled_model()
training = bundled_model().train()
video = Video("v", [Frame("0", rgb)], {0: mask})
calls = dict(
    weights=lambda: track("model.safetensors", video),
    no_model=lambda: Tracker(None),
    path=lambda: track(model, "film.mp4"),
    turned=lambda: track(video, model),
    size=lambda: track(model, video, 480),
    training=lambda: track(training, video),
    half=lambda: track(bundled_model().half(), video),
    no_object=lambda: next(track(model, Video("v", [Frame("0", rgb)], {0: 0 * mask}))),
    template=lambda: load_with("templates", ["gobal", "local"]),
    encoder=lambda: load_with("encoder", "resnet50"),
    width=lambda: load_with("key_channels", "x"),
    frames=lambda: Video("v", "frames/", {0: mask}),
    given=lambda: Video("v", [], mask),
    position=lambda: Video("v", [], {"0": mask}),
    below=lambda: Video("v", [], {-1: mask}),
    soft=lambda: Video("v", [], {3: mask / 2}),
    arrays=lambda: next(track(model, Video("v", [rgb], {0: mask}))),
    shared=lambda: shared("model.safetensors"),
    twice=lambda: shared(shared(model)),
    onnx=lambda: onnx(shared(model)),
    precision=lambda: onnx(model, "int4"),
    none=lambda: read_mask(None),
    number=lambda: load_checkpoint(3),
    bytes=lambda: frames_of(b"film.mp4"),
    empty=lambda: open_video("", "mask.png"),
    root=lambda: davis(None),
    year=lambda: davis(".", "val", "2016"),
    fps=lambda: OverlayWriter("film.mp4", "25"),
    still=lambda: OverlayWriter("film.mp4", 0.0),
    no_config=lambda: TrackConfig(short_side="480"),
)
for name, call in calls.items():
    try:
        call()
        print(name, "is taken")
    except InputError as error:
        print(name, error)
"""
MESSAGES = """
weights `segmenter` is str; expected a model, as load_checkpoint(path) gives it
no_model `segmenter` is None; expected a model, as load_checkpoint(path) gives it
path `video` is str; expected a Video, as open_video(path, mask) makes it
turned `video` is tbd_lib.method.model.TBD; expected a Video, as open_video(path, mask) makes it
size `config` is int; expected a TrackConfig
training `segmenter` is a model in training mode; expected inference mode: model.eval()
half `segmenter` has weights in torch.float16; expected float32, and TrackConfig(precision='bfloat16') to compute in \
half precision
no_object v: found background (0) only in the given masks, expected at least one object; 255 beside ids is none
template changed.safetensors: templates ['gobal']; expected some of global, local, overall, short, long; expected \
safetensors written by tbd_lib
encoder changed.safetensors: encoder 'resnet50'; expected densenet121 or efficientnet_lite0; expected safetensors \
written by tbd_lib
width changed.safetensors: key_channels 'x'; expected a whole number from 1; expected safetensors written by tbd_lib
frames v: `frames` is str; expected frames, as frames_of(path) reads them
given v: `given` is a numpy array of uint8, shape (20, 30), values 1 to 1; expected masks by position: {0: mask}
position v: found a mask for frame '0', expected the frame's position as a number from 0
below v: found a mask for frame -1, expected the frame's position as a number from 0
soft v, frame 3: a mask given as a numpy array of float64, shape (20, 30), values 0.5 to 0.5; expected ids, as an \
array or tensor HxW of integers or bool, or a PIL picture of mode 1, L, P or I, for instance mask > 0.5
arrays v: found a numpy array of uint8, shape (20, 30, 3), values 0 to 0 among the frames, expected Frame(name, image)
shared `model` is str; expected a model, as load_checkpoint(path) gives it
twice `model` is Shared; expected a model, as load_checkpoint(path) gives it
onnx `model` is Shared; expected a model, as load_checkpoint(path) gives it
precision `precision` 'int4': expected float32 or int8
none `path` is None; expected a path, as text or as a Path
number `path` is int; expected a path, as text or as a Path
bytes `path` is bytes; expected a path, as text or as a Path
empty `path` '': expected a path
root `root` is None; expected a path, as text or as a Path
year `year` '2016': expected a number, 2016 or 2017
fps fps is '25', expected a positive number of frames per second
still fps is 0.0, expected a positive number of frames per second
no_config `short_side` '480': expected a whole number of pixels, 16 to 8192
"""


def test_what_makes_no_sense_is_refused_in_one_line(tmp_path: Path) -> None:
    """In a process of its own, since types are checked while other tests run, and nowhere else."""
    answer = subprocess.run([sys.executable, "-c", WRONG], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.stderr == "" and answer.stdout.splitlines() == MESSAGES.strip().splitlines()
