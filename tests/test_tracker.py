"""The tracker against the authors' program, and what it promises about objects, sizes and memory."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch
from golden import golden, reference_model
from PIL import Image as Pictures

from benchmarks.memory import peak_of
from tbd_lib.datasets.davis import sample
from tbd_lib.errors import InputError
from tbd_lib.method.aggregate import aggregate, aggregate_log_odds
from tbd_lib.method.config import SMALL
from tbd_lib.method.model import TBD, build_model
from tbd_lib.tracking.config import BENCHMARK, OWN_SIZE, TrackConfig
from tbd_lib.tracking.tracker import Tracker, regions_of, track
from tbd_lib.training.checkpoint import bundled_model
from tbd_lib.video.frames import Frame, Video

Given = dict[int, np.ndarray]


@pytest.fixture(scope="module")
def model() -> TBD:
    torch.manual_seed(0)
    return build_model(replace(SMALL, key_channels=16, decoder_channels=8)).eval()


def images(count: int, h: int = 48, w: int = 64) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, h, w, 3), np.uint8))


def blocks(ids: list[int], h: int = 48, w: int = 64) -> np.ndarray:
    """Objects as vertical bars beside each other, background left and right."""
    mask = np.zeros((h, w), np.uint8)
    edges = np.linspace(4, w - 4, len(ids) + 1).astype(int)
    for i, a, b in zip(ids, edges, edges[1:], strict=False):
        mask[8:-8, a:b] = i
    return mask


def run(model: TBD, frames: list[np.ndarray], given: Given, config: TrackConfig = OWN_SIZE) -> list[np.ndarray]:
    video = Video("test", [Frame(f"{t:05d}", image) for t, image in enumerate(frames)], given)
    return [step.mask for step in track(model, video, config)]


@pytest.mark.parametrize(("dtype", "differing"), [(torch.float64, 0.0), (torch.float32, 0.001)])
def test_video_equals_the_authors_program(dtype: torch.dtype, differing: float) -> None:
    """Keys, scores and logits to 1e-9 in float64, and masks pixel for pixel: padding, two objects, a late third."""
    data = golden()
    tracker = Tracker(reference_model(dtype), OWN_SIZE)
    late = int(data["new_at"])
    for t, image in enumerate(data["video"]):
        before = tracker.state
        step = tracker.step(image, {0: data["first"], late: data["new"]}.get(t))
        assert (step.mask != data["masks"][t]).mean() <= differing, f"frame {t}"
        if dtype == torch.float64 and t in (0, 1, len(data["video"]) - 1):
            compare_inside(tracker, before, image, step.scores, t)
    assert tracker.ids == (1, 5, 3)


def compare_inside(tracker: Tracker, before, image, scores, t: int) -> None:
    """The recorded insides of frame ``t``: its key, and one object's scores and logits."""
    assert tracker.state is not None
    if t == 0:
        np.testing.assert_allclose(tracker.state.key[0].numpy(), golden()["key0"], rtol=0, atol=1e-9)
        return
    name, index = ("first", 0) if t == 1 else ("last", 2)
    np.testing.assert_allclose(scores[index].numpy(), golden()[f"match_{name}"], rtol=0, atol=1e-9)
    with torch.no_grad():
        features = tracker.encode(image, before.work)
        logits = torch.cat([tracker.segmenter.segment(features, c.templates)[0] for c in before.cohorts])
    np.testing.assert_allclose(logits[index].numpy(), golden()[f"logit_{name}"], rtol=0, atol=1e-9)


def test_aggregation_is_a_distribution_over_background_and_objects() -> None:
    prob = torch.rand(3, 4, 5, dtype=torch.float64)
    together = aggregate(prob)
    torch.testing.assert_close(together.sum(0), torch.ones(4, 5, dtype=torch.float64))
    odds = [p / (1 - p) for p in ((1 - prob).amin(0), *prob)]
    torch.testing.assert_close(together[2], odds[2] / sum(odds))


def test_a_single_object_is_sharpened() -> None:
    p = torch.tensor([[[0.2, 0.5, 0.9]]], dtype=torch.float64)
    torch.testing.assert_close(aggregate(p)[1], (p**2 / (p**2 + (1 - p) ** 2))[0])


def test_log_odds_keep_apart_what_float32_probabilities_cannot() -> None:
    """At log-odds of 16 and 16.1 both probabilities round to the same float32, and the first object would win."""
    log_odds = torch.tensor([[[16.0]], [[16.1]]])
    assert log_odds.sigmoid().unique().numel() == 1
    together = aggregate_log_odds(log_odds)[:, 0, 0]
    torch.testing.assert_close(together, aggregate(log_odds.double().sigmoid())[:, 0, 0].float(), rtol=1e-5, atol=0)
    assert together.argmax() == 2


def test_certain_probabilities_stay_finite() -> None:
    assert aggregate(torch.tensor([[[0.0, 1.0]], [[1.0, 1.0]]])).isfinite().all()


@pytest.mark.parametrize("count", [1, 5, 20])
@torch.no_grad()
def test_objects_together_equal_each_alone_before_aggregation(model: TBD, count: int) -> None:
    """Scores and logits, over two frames with the same region masks: sharing is exact."""
    model = build_model(model.config).double().eval()
    frames = [model.encode(torch.rand(1, 3, 32, 48, dtype=torch.float64)) for _ in range(3)]
    first, second = (torch.rand(count, 32, 48, dtype=torch.float64) for _ in range(2))
    every = model.update(frames[1], model.start(frames[0], regions_of(first)), regions_of(second))
    logits = model.segment(frames[2], every)
    for o in range(count):
        alone = model.start(frames[0], regions_of(first[o : o + 1]))
        alone = model.update(frames[1], alone, regions_of(second[o : o + 1]))
        torch.testing.assert_close(model.segment(frames[2], alone)[:, 0], logits[:, o], rtol=0, atol=1e-10)


def test_chunks_change_nothing(model: TBD) -> None:
    model = build_model(model.config).double().eval()
    trackers = [Tracker(model, replace(OWN_SIZE, objects_at_once=n)) for n in (100, 3)]
    for t, image in enumerate(images(4)):
        whole, parts = (tracker.step(image, blocks(list(range(1, 8))) if t == 0 else None) for tracker in trackers)
        torch.testing.assert_close(whole.prob, parts.prob, rtol=0, atol=1e-9)


def test_in_half_precision_masks_hardly_differ_and_what_is_remembered_stays_whole() -> None:
    video = next(video for video in sample("val") if video.name == "late-entry")
    trackers = [Tracker(bundled_model(), replace(OWN_SIZE, precision=kind)) for kind in ("float32", "bfloat16")]
    for position, frame in zip(range(4), video.frames, strict=False):
        whole, half = (tracker.step(frame.image, video.given.get(position)) for tracker in trackers)
        assert np.mean(whole.mask != half.mask) < 0.002
        assert position == 0 or not torch.equal(whole.prob, half.prob)  # it was half precision
        state = trackers[1].state
        assert state is not None and state.key.dtype == torch.float32
        assert all(cohort.templates.overall.dtype == torch.float32 for cohort in state.cohorts)


@pytest.mark.parametrize("size", [(33, 70), (70, 33), (16, 16), (100, 100)])
def test_output_has_the_size_of_the_frame(model: TBD, size: tuple[int, int]) -> None:
    masks = run(model, images(3, *size), {0: np.ones(size, np.uint8)}, TrackConfig(32))
    assert all(mask.shape == size and mask.dtype == np.uint8 for mask in masks)


def working_size_of(tracker: Tracker, size: tuple[int, int], mask: np.ndarray) -> tuple[int, int]:
    assert tracker.step(images(1, *size)[0], mask).mask.shape == size
    assert tracker.state is not None
    return tracker.state.work


@pytest.mark.parametrize(("rows", "kept"), [(63, True), (64, False)])
def test_the_shorter_side_is_bounded_unless_small_objects_are_to_be_kept(model: TBD, rows: int, kept: bool) -> None:
    size, mask = (100, 200), np.zeros((100, 200), np.uint8)
    mask[:rows, :63], mask[:, 100:] = 1, 2  # object 1 has a few pixels less or more than 4,000; a quarter after halving
    for keep, work in ((False, (50, 100)), (True, size if kept else (50, 100))):
        tracker = Tracker(model, TrackConfig(short_side=50, keep_small_objects=keep))
        assert working_size_of(tracker, size, mask) == work


@pytest.mark.parametrize(
    ("config", "work"),
    [(TrackConfig(64), (64, 128)), (TrackConfig(64, enlarge=False), (32, 64)), (OWN_SIZE, (32, 64))],
)
def test_a_smaller_frame_is_enlarged_unless_it_is_to_stay(
    model: TBD, config: TrackConfig, work: tuple[int, int]
) -> None:
    assert working_size_of(Tracker(model, config), (32, 64), np.ones((32, 64), np.uint8)) == work


@pytest.mark.parametrize(
    ("size", "work"), [((100, 200), (480, 960)), ((200, 100), (960, 480)), ((480, 500), (480, 500))]
)
def test_the_benchmarks_protocol_makes_every_shorter_side_480(
    model: TBD, size: tuple[int, int], work: tuple[int, int]
) -> None:
    assert working_size_of(Tracker(model, BENCHMARK), size, np.ones(size, np.uint8)) == work


def test_objects_enter_late_and_given_pixels_win(model: TBD) -> None:
    masks = run(model, images(5), {1: blocks([4]), 3: blocks([9, 7])})
    assert not masks[0].any()
    assert np.array_equal(masks[1], blocks([4]))
    assert (masks[3][blocks([9, 7]) > 0] == blocks([9, 7])[blocks([9, 7]) > 0]).all()
    assert set(np.unique(masks[4])) <= {0, 4, 7, 9}


@pytest.mark.parametrize("short_side", [None, 24, 36, 80])
def test_given_objects_have_the_given_pixels_and_no_others_at_any_working_size(
    model: TBD, short_side: int | None
) -> None:
    config = TrackConfig(short_side)
    first, late = blocks([1, 2]), blocks([0, 7, 2])  # 2 is corrected
    masks = run(model, images(3), {0: first, 2: late}, config)
    assert np.array_equal(masks[0], first)
    for i in (2, 7):
        assert np.array_equal(masks[2] == i, late == i)


def test_254_objects_have_their_ids_and_255_is_void(model: TBD) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:32, :] = np.arange(1, 257).clip(max=255).reshape(16, 16).repeat(2, 0).repeat(4, 1)
    tracker = Tracker(model, OWN_SIZE)
    tracker.step(images(1, 64, 64)[0], mask)
    step = tracker.step(images(2, 64, 64)[1])
    assert step.ids == tuple(range(1, 255)) and step.prob.shape[0] == 255


def test_a_known_id_given_again_is_corrected_not_doubled(model: TBD) -> None:
    frames, again = images(4), blocks([0, 1])
    tracker, fresh = Tracker(model, OWN_SIZE), Tracker(model, OWN_SIZE)
    tracker.step(frames[0], blocks([1]))
    tracker.step(frames[1])
    assert tracker.step(frames[2], again).ids == (1,)
    fresh.step(frames[1], blocks([2]))  # any object: a tracker that is under way
    fresh.step(frames[2], again)
    fresh.remove(2)
    ours, theirs = tracker.state.cohorts[0].templates, fresh.state.cohorts[0].templates  # type: ignore[union-attr]
    torch.testing.assert_close(ours.first_mask, theirs.first_mask)
    torch.testing.assert_close(ours.first_key, theirs.first_key)


def test_correct_restarts_an_object_from_the_frame_just_seen(model: TBD) -> None:
    frames = images(3)
    tracker, fresh = Tracker(model, OWN_SIZE), Tracker(model, OWN_SIZE)
    tracker.step(frames[0], blocks([1, 2]))
    tracker.step(frames[1])
    kept = tracker.state
    tracker.correct(blocks([0, 2]))
    assert tracker.ids == (1, 2)
    fresh.step(frames[1], blocks([0, 2]))
    corrected = tracker.state.cohorts[1].templates  # type: ignore[union-attr]
    expected = fresh.state.cohorts[0].templates  # type: ignore[union-attr]
    torch.testing.assert_close(corrected.overall, expected.overall)
    torch.testing.assert_close(corrected.prev_mask, expected.prev_mask)
    tracker.state = kept  # a kept state can be gone back to
    assert tracker.ids == (1, 2) and len(kept.cohorts) == 1  # type: ignore[union-attr]


def test_removed_objects_are_gone_and_the_others_go_on(model: TBD) -> None:
    tracker = Tracker(model, OWN_SIZE)
    tracker.step(images(1)[0], blocks([1, 2, 3]))
    tracker.remove(2)
    step = tracker.step(images(2)[1])
    assert step.ids == (1, 3) and 2 not in step.mask
    with pytest.raises(KeyError, match=r"\[2\] are not tracked; known are \[1, 3\]"):
        tracker.remove(2)
    tracker.remove(1, 3)
    assert not tracker.step(images(3)[2]).mask.any()


def test_a_kept_state_replays_to_the_same_masks(model: TBD) -> None:
    frames, tracker = images(5), Tracker(model, OWN_SIZE)
    tracker.step(frames[0], blocks([1, 2]))
    kept = tracker.state
    first = [tracker.step(image).mask for image in frames[1:]]
    tracker.state = kept
    again = [tracker.step(image).mask for image in frames[1:]]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_reset_forgets(model: TBD) -> None:
    tracker = Tracker(model, OWN_SIZE)
    tracker.step(images(1)[0], blocks([1]))
    tracker.reset()
    assert tracker.ids == ()
    assert not tracker.step(images(1, 32, 32)[0]).mask.any()


def test_misfits_are_refused_with_both_sizes(model: TBD) -> None:
    frames = [*images(1), *images(1, 48, 48)]
    with pytest.raises(InputError, match=r"test, frame 00001: a frame of 48x48.*expected 64x48"):
        run(model, frames, {0: blocks([1])})
    with pytest.raises(InputError, match=r"a mask of 64x20.*expected 64x48"):
        run(model, images(1), {0: np.ones((20, 64), np.uint8)})
    with pytest.raises(InputError, match=r"a frame of 64x8.*at least 16"):
        run(model, images(1, 8, 64), {0: np.ones((8, 64), np.uint8)})
    with pytest.raises(InputError, match="before any object was given"):
        Tracker(model, OWN_SIZE).correct(blocks([1]))


def test_frames_and_masks_in_other_forms_give_the_same_masks(model: TBD) -> None:
    """Tensors for frames, a picture for the first mask and a tensor for a correction, through all that takes them."""
    frames, config = images(3), TrackConfig(32)
    plain, other = Tracker(model, config), Tracker(model, config)
    first, again = blocks([1, 2]), blocks([0, 2])
    expected = [plain.step(frames[0], first), plain.step(frames[1])]
    plain.correct(again)
    expected.append(plain.step(frames[2]))
    tensors = [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in frames]
    found = [other.step(tensors[0], Pictures.fromarray(first)), other.step(tensors[1])]
    other.correct(torch.from_numpy(again)[None].long())
    assert plain.state is not None
    features = other.encode(tensors[2], plain.state.work)
    found.append(other.step(tensors[2], features=features))
    for step, same in zip(found, expected, strict=True):
        assert np.array_equal(step.mask, same.mask) and np.array_equal(step.image, same.image)


def test_what_is_no_frame_or_mask_is_refused_by_all_that_take_them(model: TBD) -> None:
    tracker = Tracker(model, OWN_SIZE)
    image, mask = images(1)[0], blocks([1])
    for action in (
        lambda: tracker.step(image / 255, mask),
        lambda: tracker.step(image, mask / 1),
        lambda: tracker.correct(mask / 1),
        lambda: tracker.encode(image / 255, (48, 64)),
    ):
        with pytest.raises(InputError, match="float64"):
            action()
    assert tracker.state is None


@pytest.mark.parametrize("read", [False, True], ids=["in memory", "read when asked for"])
def test_masks_without_an_object_are_refused(model: TBD, read: bool) -> None:
    """In memory before any frame is read; a frame without one is no error if an object follows."""
    frames, empty, seen = images(3), blocks([]), []

    def stream() -> Iterator[Frame]:
        for t, image in enumerate(frames):
            seen.append(t)
            yield Frame(f"{t:05d}", image)

    given = MappingProxyType({0: empty, 2: empty}) if read else {0: empty, 2: empty}
    with pytest.raises(InputError, match=r"test: found background \(0\) only in the given masks"):
        list(track(model, Video("test", stream(), given), OWN_SIZE))
    assert bool(seen) == read
    assert [mask.any() for mask in run(model, frames, {0: empty, 1: blocks([1])})][:2] == [False, True]


def test_an_object_between_the_samples_of_a_smaller_size_keeps_a_pixel(model: TBD) -> None:
    """It could never be found again, and the others are as they would be without it."""
    mask = np.zeros((96, 120), np.uint8)
    mask[16:64, 40:100] = 2
    alone = mask.copy()
    mask[8, 62] = 1
    states = []
    for given in (mask, alone):
        tracker = Tracker(model, TrackConfig(32))
        tracker.step(images(1, 96, 120)[0], given)
        assert tracker.state is not None
        states.append(tracker.state.cohorts[0].templates.first_mask[0, :, 1])
    (tiny, large), (expected,) = states
    assert tiny.sum() == pytest.approx(1 / 256)  # of a cell
    assert torch.equal(large, expected)


@pytest.mark.parametrize("known", [True, False], ids=["list", "stream"])
@pytest.mark.parametrize(
    ("positions", "words"),
    [
        ([], "test: found no given mask"),
        ([0, 3], "test: found a mask for frame 3, expected 0 to 2"),
    ],
)
def test_a_mask_must_be_given_for_a_frame_that_is_there(
    model: TBD, positions: list[int], words: str, known: bool
) -> None:
    frames = [Frame(f"{t:05d}", image) for t, image in enumerate(images(3))]
    video = Video("test", frames if known else iter(frames), dict.fromkeys(positions, blocks([1])))
    steps = track(model, video, OWN_SIZE)
    with pytest.raises(InputError, match=words):
        next(steps) if known else list(steps)


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read through resource.getrusage")
def test_memory_does_not_grow_with_the_video() -> None:
    """Two new processes, small frames: 540 more of them may cost 5 % at most."""
    short, long = (peak_of("small", 2, frames, (64, 96))[1] for frames in (60, 600))
    assert long <= 1.05 * short, f"{short} bytes for 60 frames, {long} for 600"
