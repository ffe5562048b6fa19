"""The paper's stages on tiny data sets in their real layouts, and what they begin with."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_coco import linked
from torchvision.models import densenet121

from tbd_lib.cli.main import main
from tbd_lib.datasets.coco import convert_masks
from tbd_lib.errors import InputError
from tbd_lib.method.config import SMALL
from tbd_lib.method.encoder import DenseNet121
from tbd_lib.method.model import build_model
from tbd_lib.training.checkpoint import bundled_model, load_checkpoint, save_weights
from tbd_lib.training.config import (
    COCO_STAGE,
    DAVIS_STAGE,
    SAMPLE_STAGE,
    STAGES,
    YOUTUBE_VOS_STAGE,
    change,
)
from tbd_lib.training.run_dir import differences, read_log
from tbd_lib.training.stages import hold_out, load_imagenet, stage_model, stage_videos
from tbd_lib.video.frames import Video
from tbd_lib.video.masks import write_mask

SIZE = (72, 96)


def write_frames(images: Path, masks: Path, count: int, step: int = 1) -> None:
    """A video of noise with a square object; ``step`` between frames' numbers."""
    images.mkdir(parents=True)
    for t in range(count):
        name, mask = f"{t * step:05d}", np.zeros(SIZE, np.uint8)
        mask[10:50, 10 + t : 60 + t] = 1
        noise = np.random.default_rng(t).integers(0, 256, (*SIZE, 3), np.uint8)
        Image.fromarray(noise).save(images / f"{name}.jpg")
        write_mask(masks / f"{name}.png", mask)


def coco_tree(root: Path) -> Path:
    """Three images with an instance each, as COCO publishes them."""
    folder = root / "train2017"
    folder.mkdir(parents=True)
    (root / "annotations").mkdir()
    images, annotations = [], []
    for i in range(1, 4):
        name = f"{i:012d}.jpg"
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (*SIZE, 3), np.uint8)).save(folder / name)
        images.append({"id": i, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
        polygon = [10, 10, 80, 10, 80, 60, 10, 60]
        box = {"id": i, "image_id": i, "category_id": 1, "iscrowd": 0, "area": 3500, "bbox": [10, 10, 70, 50]}
        annotations.append(box | {"segmentation": [polygon]})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (root / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
    return root


def davis_tree(root: Path) -> Path:
    """Two training videos and one of the benchmark's, as DAVIS publishes them."""
    for name in ("one", "two", "benchmark"):
        write_frames(root / "JPEGImages" / "480p" / name, root / "Annotations" / "480p" / name, 11)
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "train.txt").write_text("one\ntwo\n")
    (root / "ImageSets" / "2017" / "val.txt").write_text("benchmark\n")
    return root


def youtube_vos_tree(root: Path, *names: str) -> Path:
    """Videos, two unless named, of every fifth frame, as YouTube-VOS publishes them."""
    for name in names or ("0a1b2c", "3d4e5f"):
        write_frames(root / "train" / "JPEGImages" / name, root / "train" / "Annotations" / name, 11, step=5)
    return root


TREES = {"coco": coco_tree, "davis": davis_tree, "youtube-vos": youtube_vos_tree}
QUICK = ["--batch", "2", "--augment.crop", "32", "--hold-out", "1", "--workers", "0", "--log-every", "1"]


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torchvision publishes it: names with ``norm.1``, and layers that are not used here."""
    torch.manual_seed(0)
    state = densenet121(weights=None).state_dict()
    old = {name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value for name, value in state.items()}
    path = tmp_path_factory.mktemp("weights") / "densenet121.pth"
    torch.save(old, path)
    return path


@pytest.mark.parametrize("name", TREES)
def test_each_stage_of_the_paper_starts_runs_and_resumes(name: str, imagenet: Path, tmp_path: Path) -> None:
    root, out = TREES[name](tmp_path / "data"), tmp_path / "run"
    command = ["train", name, "--data", str(root), "--out", str(out), "--encoder-weights", str(imagenet), *QUICK]
    frames = ["--frames", "3"] if name == "coco" else []  # the others with their ten
    command += [*frames, "--iterations", "3", "--save-every", "2", "--device", "cpu", "--precision", "float32"]
    assert main(command) == 0
    first = (out / "final.safetensors").read_bytes()
    log = read_log(out / "log.jsonl")
    assert [line["iteration"] for line in log] == [1, 2, 3, 3] and "validation_j" in log[-1]
    assert main(command) == 0  # all is done: nothing changes
    assert (out / "final.safetensors").read_bytes() == first
    assert main([*command, "--learning-rate", "0.1"]) == 2  # another configuration
    assert load_checkpoint(out / "best.safetensors").config.encoder == "densenet121"


def test_the_first_stage_on_real_images_learns_the_same_from_png_masks(shared: Path, tmp_path: Path) -> None:
    real, root = shared / "data" / "COCO", tmp_path / "COCO"
    if not real.is_dir():
        pytest.skip("real COCO images (../shared/data/COCO) are absent")
    assert convert_masks(linked(real, root)) == 223
    command = ["train", "coco", *QUICK, "--augment.crop", "64", "--frames", "3", "--iterations", "3"]
    command += ["--model.encoder", "efficientnet_lite0", "--model.key-channels", "16", "--model.decoder-channels", "16"]
    command += ["--encoder-rate", "1e-3", "--device", "cpu", "--precision", "float32"]
    for folder, out in ((real, "json"), (root, "png")):
        assert main([*command, "--data", str(folder), "--out", str(tmp_path / out)]) == 0
    from_json, from_png = ((tmp_path / out / "final.safetensors").read_bytes() for out in ("json", "png"))
    assert from_json == from_png


def test_a_stage_under_torchrun(imagenet: Path, tmp_path: Path) -> None:
    """The command of the README, with two processes; it resumes under one."""
    root, out = davis_tree(tmp_path / "data"), tmp_path / "run"
    options = ["davis", "--data", str(root), "--out", str(out), "--encoder-weights", str(imagenet), *QUICK]
    options += ["--batch", "4", "--iterations", "3", "--frames", "3", "--device", "cpu", "--save-every", "1"]
    many = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "tbd_lib"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    answer = subprocess.run(
        [*many, "train", *options], capture_output=True, text=True, timeout=280, check=False, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("weights in") == 1
    assert torch.load(out / "last.pt", weights_only=True)["iteration"] == 3
    assert main(["train", *options, "--iterations", "4", "--override"]) == 0
    assert torch.load(out / "last.pt", weights_only=True)["iteration"] == 4


def test_the_presets_are_the_papers() -> None:
    """The table of docs/method.md, "Training recipe of the authors"."""
    for stage, frames, batch in ((COCO_STAGE, 5, 16), (DAVIS_STAGE, 10, 8), (YOUTUBE_VOS_STAGE, 10, 8)):
        data, optimiser, augment = stage.data, stage.optimiser, stage.data.augment
        assert (data.frames, data.batch, data.synthetic_share, stage.run.iterations) == (frames, batch, 0, 64_000)
        assert (optimiser.learning_rate, optimiser.schedule, optimiser.weight_decay) == (1e-4, "constant", 0.0)
        assert optimiser.encoder_rate is None and stage.model.encoder == "densenet121"
        assert (augment.crop, augment.flip, augment.swap, augment.tries) == (384, 0.5, 0.2, 10)
        assert augment.min_share * 384**2 == 256 and augment.aspect == 4 / 3
    image, video = COCO_STAGE.data.augment, DAVIS_STAGE.data.augment
    assert (image.rotate, image.scale, image.shear, image.area) == (20, 1.25, 20, (0.5, 1.0))
    assert (video.rotate, video.scale, video.shear, video.area) == (5, 1.05, 5, (0.8, 1.0))
    assert YOUTUBE_VOS_STAGE.data.augment == video
    assert all(stage.data.dataset == name for name, stage in STAGES.items())


def test_a_setting_is_changed_where_it_is_and_no_other() -> None:
    stage = change(DAVIS_STAGE, data={"batch": 2, "augment": {"crop": 96}}, run={"seed": 1})
    found = differences(asdict(DAVIS_STAGE), asdict(stage))
    assert found == {"data.augment.crop": "384, now 96", "data.batch": "8, now 2", "run.seed": "0, now 1"}
    with pytest.raises(TypeError, match="steps"):
        change(DAVIS_STAGE, run={"steps": 1})


def named(*names: str) -> list[Video]:
    return [Video(name, [], {}) for name in names]


def names_of(videos: Sequence[Video]) -> list[str]:
    return [video.name for video in videos]


def test_held_out_videos_are_the_same_on_every_machine() -> None:
    videos = named(*"0123456789")
    kept, held = hold_out(2, videos)
    assert names_of(held) == ["9", "8"] and names_of(kept) == list("01234567")  # sha256sum: 19581e 9, 2c6242 8
    assert names_of(hold_out(2, videos[::-1])[1]) == ["9", "8"]
    assert hold_out(0, videos) == (videos, [])
    assert names_of(hold_out(9, videos)[0]) == ["5"]  # ef2d12, the largest
    with pytest.raises(InputError, match=r"`data.hold_out` 10: the data has 10 videos or images; expected fewer"):
        hold_out(10, videos)
    with pytest.raises(InputError, match=r"^`data.hold_out` -1: expected at least 0"):
        hold_out(-1, videos)


@given(st.sets(st.text(max_size=4), min_size=3), st.sets(st.text(max_size=4)))
def test_no_video_that_was_trained_with_is_held_out_when_others_are_added(before: set[str], added: set[str]) -> None:
    trained = set(names_of(hold_out(2, named(*before))[0]))
    kept, held = (set(names_of(part)) for part in hold_out(2, named(*before, *(added - before))))
    assert not trained & held and kept | held == before | added


def test_nothing_of_the_benchmark_is_trained_or_validated_with(tmp_path: Path) -> None:
    training, validation = stage_videos(change(DAVIS_STAGE, data={"hold_out": 1}), davis_tree(tmp_path))
    assert {video.name for video in [*training, *validation]} == {"one", "two"}  # nothing of the benchmark


def test_lists_of_youtube_vos_say_what_to_learn_from_and_what_validates(tmp_path: Path) -> None:
    """Of those that validate, as many are tracked as are held out; the others are not trained with either."""
    root = youtube_vos_tree(tmp_path, "a", "b", "c", "d", "e")

    def split(count: int) -> list[list[str]]:
        stage = change(YOUTUBE_VOS_STAGE, data={"hold_out": count})
        return [names_of(part) for part in stage_videos(stage, root)]

    assert split(1) == [list("abce"), ["d"]]  # sha256sum: 18ac3e d
    lists = root / "ImageSets"
    lists.mkdir()
    (lists / "val.txt").write_text("c\nd\n")
    assert split(1) == [list("abe"), ["d"]]
    (lists / "train.txt").write_text("b\ne\n")
    assert split(2) == [["b", "e"], ["d", "c"]]
    with pytest.raises(InputError, match=r"`data.hold_out` 3: .* 2 videos or images; expected at most the 2 of the li"):
        split(3)


def test_the_first_stage_takes_the_regions_it_is_told(tmp_path: Path) -> None:
    """Those of the made-up images have 3,500 pixels."""
    root = coco_tree(tmp_path)
    config = change(COCO_STAGE, data={"hold_out": 0, "coco": {"min_area": 3500}})
    assert len(stage_videos(config, root)[0]) == 3
    with pytest.raises(InputError, match=r"the data has 0 videos or images"):
        stage_videos(change(config, data={"coco": {"min_area": 3501}}), root)


def test_the_sample_stage_needs_no_folder_the_others_do() -> None:
    training, validation = stage_videos(SAMPLE_STAGE, None)
    assert len(training) == 4 and len(validation) == 1
    with pytest.raises(InputError, match=r"`data`: missing; expected the folder of the data set \(coco\)"):
        stage_videos(COCO_STAGE, None)
    with pytest.raises(InputError, match=r"^`data` mine: expected none, since the sample comes with the package"):
        stage_videos(SAMPLE_STAGE, Path("mine"))


def test_weights_of_the_encoder_that_would_not_be_read_are_refused() -> None:
    for stage, init, why in (
        (SAMPLE_STAGE, None, "the encoder is efficientnet_lite0"),
        (COCO_STAGE, Path("whole.pth"), "`init` whole.pth holds the encoder too"),
    ):
        with pytest.raises(InputError, match=rf"^`encoder_weights` mine.pth: expected none, since {why}$"):
            stage_model(stage, init, Path("mine.pth"))


def test_imagenet_weights_fill_the_whole_encoder(imagenet: Path) -> None:
    encoder, features = DenseNet121(), densenet121(weights=None)
    state = torch.load(imagenet, weights_only=True)
    features.load_state_dict(
        {name.replace(".norm.1.", ".norm1.").replace(".conv.2.", ".conv2."): value for name, value in state.items()}
    )
    load_imagenet(encoder, imagenet)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        ours = encoder.eval()(image)[2]
        theirs = encoder.normalise(image)
        for name, layer in features.eval().features.named_children():
            theirs = layer(theirs)
            if name == "denseblock3":
                break
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("content", [b"nonsense", None])
def test_a_file_that_is_not_imagenets_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if content is None:
        torch.save({"features.conv0.weight": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights.pth: .*; expected torchvision's weights of DenseNet-121"):
        load_imagenet(DenseNet121(), path)


def test_a_model_begins_with_given_weights_of_its_architecture(tmp_path: Path) -> None:
    model = build_model(SMALL)
    save_weights(tmp_path / "init.safetensors", model)
    loaded = stage_model(SAMPLE_STAGE, tmp_path / "init.safetensors")
    assert torch.equal(loaded.key_head.conv.weight, model.key_head.conv.weight)
    line = (
        r"init.safetensors: weights of another architecture: `model.encoder` efficientnet_lite0, now densenet121; `mod"
    )
    with pytest.raises(InputError, match=line):
        stage_model(COCO_STAGE, tmp_path / "init.safetensors")


def test_a_small_models_head_begins_anew_on_the_bundled_encoder() -> None:
    model, bundled = stage_model(SAMPLE_STAGE), bundled_model("bundled-coco")
    assert model.frozen_encoder
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, bundled.encoder.state_dict()[name])
    assert not torch.equal(model.key_head.conv.weight, bundled.key_head.conv.weight)


def test_the_same_seed_begins_with_the_same_weights() -> None:
    seeds = [change(SAMPLE_STAGE, run={"seed": seed}) for seed in (0, 0, 1)]
    first, again, other = (stage_model(stage).key_head.conv.weight for stage in seeds)
    assert torch.equal(first, again) and not torch.equal(first, other)
