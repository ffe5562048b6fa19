"""Every engine equals the plain form: one test for all of them."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from tbd_lib.engines.onnx import onnx
from tbd_lib.engines.segmenter import Segmenter
from tbd_lib.engines.shared import shared
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import OWN_SIZE
from tbd_lib.tracking.tracker import Step, Tracker

MAKERS: dict[str, Callable[[TBD], Segmenter]] = {"shared": shared, "onnx": onnx}
ENGINES = pytest.mark.parametrize("engine", MAKERS)
TIE = 1e-5  # a pixel whose two best labels are as near as that is decided by rounding


def model(**changes: object) -> TBD:
    """A small model whose probabilities are not all 0 or 1, so that differences show."""
    torch.manual_seed(0)
    made = build_model(replace(SMALL, key_channels=16, decoder_channels=8, **changes)).eval()
    with torch.no_grad():
        made.decoder.stage4.enlarge.weight.mul_(0.1)
    return made


@cache
def model_and_engine(name: str) -> tuple[TBD, Segmenter]:
    """Made once for all tests: to write ONNX files takes seconds."""
    plain = model()
    return plain, MAKERS[name](plain)


def steps(segmenter: Segmenter, size: tuple[int, int], objects: int, frames: int = 4) -> list[Step]:
    """A tracker's steps over noise: objects in the first frame, and one more cohort in the third."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (frames, *size, 3), np.uint8)
    given = np.zeros(size, np.uint8)
    for number, rows in enumerate(np.array_split(np.arange(size[0]), objects), 1):
        given[rows, 2 : size[1] // 2] = number
    late = np.zeros(size, np.uint8)
    late[: size[0] // 2, size[1] // 2 :] = objects + 1
    tracker = Tracker(segmenter, OWN_SIZE)
    masks = {0: given, 2: late}
    return [tracker.step(image, masks.get(t)) for t, image in enumerate(images)]


@ENGINES
@pytest.mark.parametrize(
    ("size", "objects"), [((64, 96), 1), ((53, 75), 5), ((80, 64), 20), ((240, 427), 2), ((480, 854), 1)], ids=str
)
def test_masks_and_probabilities_equal_those_of_the_plain_form(
    engine: str, size: tuple[int, int], objects: int
) -> None:
    plain = model()
    for expected, found in zip(
        steps(plain, size, objects), steps(model_and_engine(engine)[1], size, objects), strict=True
    ):
        torch.testing.assert_close(found.prob, expected.prob, rtol=0, atol=1e-4)
        assert (found.scores is None) == (expected.scores is None)
        if found.scores is not None and expected.scores is not None:
            torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=1e-5)
        best = expected.prob.topk(2, 0).values
        clear = (best[0] - best[1] > TIE).numpy()
        assert ((found.mask != expected.mask) & clear).mean() <= 1e-6


@ENGINES
def test_templates_that_are_left_out_are_left_out_of_engines_too(engine: str) -> None:
    """And the model stays as it was, in training mode and with gradients."""
    plain = model(templates=("local", "overall", "long"), distance_score=False).train()
    snapshot = MAKERS[engine](plain)
    assert plain.training and any(parameter.requires_grad for parameter in plain.parameters())
    expected, found = steps(plain.eval(), (48, 64), 2)[-1], steps(snapshot, (48, 64), 2)[-1]
    assert expected.scores is not None and found.scores is not None
    torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=1e-5)
    assert (
        expected.scores[:, [0, 1, 6, 7]].count_nonzero() == 0 < expected.scores[:, [2, 3, 4, 5, 8, 9]].count_nonzero()
    )


@ENGINES
def test_a_snapshot_does_not_follow_the_model(engine: str) -> None:
    plain, snapshot = model_and_engine(engine)
    before = steps(snapshot, (48, 64), 2)[-1].prob
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.mul_(0.5)
    assert torch.equal(steps(snapshot, (48, 64), 2)[-1].prob, before)
    assert not torch.allclose(steps(plain, (48, 64), 2)[-1].prob, before)


def test_features_that_are_passed_on_to_another_snapshot_are_computed_with_its_weights() -> None:
    """A student bends a layer, makes a new snapshot and keeps the features, which did not change."""
    plain, random = model(), torch.Generator().manual_seed(0)
    first, second = (torch.rand(1, 3, 32, 48, generator=random) for _ in range(2))
    regions = torch.rand(1, 1, 2, 32, 48, generator=random)
    engine = shared(plain)
    templates, features = engine.start(engine.encode(first), regions), engine.encode(second)
    engine.segment(features, templates)
    with torch.no_grad():
        plain.distance.out.bias.fill_(-3.0)
        plain.decoder.stage16.reduce.weight.mul_(0.5)
        bent = shared(plain)
        torch.testing.assert_close(bent.match(features, templates), plain.match(features, templates))
        torch.testing.assert_close(bent.segment(features, templates), plain.segment(features, templates))


def test_features_that_were_used_in_another_precision_are_used_in_this_one() -> None:
    engine, image = shared(model()), torch.rand(1, 3, 32, 48)
    features = engine.encode(image)
    templates = engine.start(features, torch.rand(1, 1, 2, 32, 48))
    expected = engine.segment(features, templates)
    with torch.autocast("cpu", torch.bfloat16):
        assert not torch.equal(engine.segment(features, templates), expected)
    assert torch.equal(engine.segment(features, templates), expected)


@ENGINES
def test_an_image_on_another_device_is_refused_in_words(engine: str) -> None:
    with pytest.raises(ValueError, match=r"image on meta; expected cpu"):
        model_and_engine(engine)[1].encode(torch.rand(1, 3, 32, 32, device="meta"))


@ENGINES
def test_engines_answer_to_the_protocol(engine: str) -> None:
    assert isinstance(model_and_engine(engine)[1], Segmenter) and isinstance(model(), Segmenter)
