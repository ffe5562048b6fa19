"""Properties of the templates."""

import pytest
import torch
import torch.nn.functional as F

from tbd_lib.method.templates import coarse_vectors, kept, start_templates, update_templates


def random_frame(o: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    key = F.normalize(torch.randn(1, 8, 3, 4, dtype=torch.float64), dim=1)
    fg = torch.rand(1, o, 3, 4, dtype=torch.float64)
    return key, torch.stack([1 - fg, fg], 2)


THETA = torch.tensor([1.0, 1.0], dtype=torch.float64), torch.tensor([-1.0, -1.0], dtype=torch.float64)


def test_first_frame_starts_all_means_alike() -> None:
    key, mask = random_frame()
    templates = start_templates(key, mask)
    assert templates.overall is templates.short is templates.long
    torch.testing.assert_close(templates.area, mask.sum((-2, -1)))


def test_coarse_vectors_are_clamped_per_channel() -> None:
    """Negative channels become (almost) zero before the vector is made one long: the published weights need it."""
    key, mask = random_frame()
    total = torch.einsum("borhw,bchw->borc", mask, key)
    vectors = coarse_vectors(key, mask)
    torch.testing.assert_close(vectors, F.normalize(total.clamp(min=1e-7), dim=-1))
    assert (total < 0).any() and (vectors > 0).all()


def test_update_replaces_previous_and_keeps_first() -> None:
    (key, mask), (next_key, next_mask) = random_frame(), random_frame()
    after = update_templates(start_templates(key, mask), next_key, next_mask, *THETA)
    assert after.first_key is key and after.first_mask is mask
    assert after.prev_key is next_key and after.prev_mask is next_mask


def test_overall_weighs_each_frame_by_its_area() -> None:
    """With unit steps in between, the running mean of two frames is the area-weighted mean of their vectors."""
    (key, mask), (next_key, next_mask) = random_frame(), random_frame()
    old, new = coarse_vectors(key, mask), coarse_vectors(next_key, next_mask)
    a0, a1 = mask.sum((-2, -1)), next_mask.sum((-2, -1))
    expected = F.normalize((a0[..., None] * old + a1[..., None] * new) / (a0 + a1)[..., None], dim=-1)
    after = update_templates(start_templates(key, mask), next_key, next_mask, *THETA)
    torch.testing.assert_close(after.overall, expected)
    torch.testing.assert_close(after.area, a0 + a1)


@pytest.mark.parametrize(("theta", "share"), [(1.0, 0.2689), (-1.0, 0.7311)])
def test_inertia_tells_how_much_is_kept(theta: float, share: float) -> None:
    torch.testing.assert_close(kept(torch.tensor([theta, theta])), torch.tensor([share, share]), rtol=0, atol=1e-4)


def test_short_forgets_faster_than_long() -> None:
    (key, mask), (next_key, next_mask) = random_frame(), random_frame()
    start = start_templates(key, mask)
    after = update_templates(start, next_key, next_mask, *THETA)
    for vectors, keep in ((after.short, 0.2689414213699951), (after.long, 0.7310585786300049)):
        expected = F.normalize(keep * start.short + (1 - keep) * coarse_vectors(next_key, next_mask), dim=-1)
        torch.testing.assert_close(vectors, expected)


def test_update_changes_nothing_in_place() -> None:
    key, mask = random_frame()
    start = start_templates(key, mask)
    before = start.overall.clone(), start.area.clone()
    update_templates(start, *random_frame(), *THETA)
    assert torch.equal(start.overall, before[0]) and torch.equal(start.area, before[1])


def test_take_selects_objects_everywhere() -> None:
    key, mask = random_frame(3)
    taken = start_templates(key, mask).take(torch.tensor([2, 0]))
    alone = start_templates(key, mask[:, [2, 0]])
    for name in ("first_mask", "prev_mask", "area", "overall", "short", "long"):
        torch.testing.assert_close(getattr(taken, name), getattr(alone, name))
    assert taken.first_key is key
