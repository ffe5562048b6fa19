"""The template inspector against the model's own matching: scores, winners, factors, and what a position offers."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from inspected import control, drawings_of, instead_of_drawing, model, numbers, short
from small_runs import square_video, tiny_model

from tbd_lib.course.widgets import template_inspector
from tbd_lib.course.widgets.history import SCORES
from tbd_lib.course.widgets.template_inspector import CELLS, Source, TemplateInspector
from tbd_lib.method.model import build_model

FINE = [score for score in SCORES if score.startswith(("global", "local"))]
COARSE = [score for score in SCORES if score not in FINE]


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The panels that were last asked for, and what follows them."""
    return instead_of_drawing(monkeypatch, template_inspector, "grid_panels")


@pytest.fixture(scope="module")
def twins() -> TemplateInspector:
    """The bundled model on a bundled video of 240 x 427 pixels: 15 x 27 cells."""
    return TemplateInspector(model(), [short("occluded-twins")])


@pytest.fixture
def inspector() -> TemplateInspector:
    """Two squares, objects 3 and 7, on a grid of 4 x 5 cells."""
    return TemplateInspector(tiny_model().eval(), [square_video(4)])


def expected(inspector: TemplateInspector, score: str) -> SimpleNamespace:
    """Cosine, share and nearness from keys and masks, by hand: ``q p``, ``p`` and ``q p``."""
    moment = inspector.moment
    assert moment.before is not None
    (templates,) = [c.templates for c in moment.before.cohorts if inspector.object_id in c.ids]
    place = moment.before.cohorts[0].ids.index(inspector.object_id)
    kind, region = score.split()
    key, mask = (
        (templates.first_key, templates.first_mask) if kind == "global" else (templates.prev_key, templates.prev_mask)
    )
    cosine = F.cosine_similarity(moment.after.key.flatten(2)[0, :, :, None], key.flatten(2)[0, :, None, :], dim=0)
    with torch.no_grad():
        near = inspector.history.model.distance.pairs(*key.shape[-2:]) if kind == "local" else torch.ones_like(cosine)
    return SimpleNamespace(cosine=cosine, share=mask[0, place, int(region == "foreground")].flatten(), near=near)


@pytest.mark.parametrize("i", [3, 7])
@pytest.mark.parametrize("score", FINE)
def test_factors_are_the_models_and_their_best_product_is_its_score(
    inspector: TemplateInspector, score: str, i: int
) -> None:
    inspector.set(object_id=i, frame=3, score=score)
    source, known = inspector.source(), expected(inspector, score)
    assert source is not None
    for name in ("cosine", "share", "near"):
        torch.testing.assert_close(getattr(source, name), getattr(known, name), rtol=0, atol=1e-6)
    scores = inspector.moment.step.scores
    assert scores is not None
    best = (known.cosine * known.share * known.near).amax(1).view(4, 5)
    torch.testing.assert_close(scores[[3, 7].index(i), SCORES.index(score)], best, rtol=0, atol=1e-6)
    assert source.name == ("00000" if score.startswith("global") else "00002")


@pytest.mark.parametrize("score", FINE)
def test_the_caption_tells_the_score_of_the_query_and_who_won_with_which_factors(
    twins: TemplateInspector, score: str
) -> None:
    twins.set(object_id=2, frame=3, score=score)
    scores, known = twins.moment.scores(2)[SCORES.index(score)], expected(twins, score)
    product = known.cosine * known.share * known.near
    for row, column in ((5, 9), (0, 26), (14, 0)):
        twins.set(query_row=row, query_column=column)
        q = row * 27 + column
        p = int(product[q].argmax())
        assert twins.winner() == divmod(p, 27)
        torch.testing.assert_close(product[q, p], scores[row, column], rtol=0, atol=1e-6)
        factors = [scores[row, column], known.share[p], known.cosine[q, p]]
        factors += [known.near[q, p]] if score.startswith("local") else []
        caption = twins.caption.split(" Template ")[0]
        assert numbers(caption) == pytest.approx([float(factor) for factor in factors], abs=0.005001)
        assert caption.startswith(f"Frame 00003, object 2, {score}. Query (row {row}, column {column}): ")
        source = "00000" if score.startswith("global") else "00002"
        assert f", won by template (row {p // 27}, column {p % 27}) of frame {source}: share" in caption


@pytest.mark.parametrize("score", FINE)
def test_where_the_template_fires_maximised_over_all_templates_is_the_score_map(
    inspector: TemplateInspector, score: str, asked: list[Any]
) -> None:
    inspector.set(frame=2, score=score)
    best = np.full((4, 5), -np.inf)
    for row, column in np.ndindex(4, 5):
        inspector.set(template_row=row, template_column=column)
        fires, template = asked[0][-1], asked[0][0]
        assert fires.title == "where the template fires" and fires.scores is not None
        assert fires.marked == template.marked == {"template": (row, column)}
        best = np.maximum(best, fires.scores)
    np.testing.assert_allclose(best, inspector.moment.scores(3)[SCORES.index(score)], rtol=0, atol=1e-6)


def test_the_caption_tells_where_the_template_fires_most_or_that_it_does_not(inspector: TemplateInspector) -> None:
    inspector.set(frame=2, template_row=1, template_column=1)
    known = expected(inspector, "local foreground")
    fires = (known.cosine * known.share * known.near)[:, 6]
    row, column = divmod(int(fires.argmax()), 5)
    assert inspector.caption.endswith(
        f" Template (row 1, column 1) fires most at (row {row}, column {column}): {fires.max():.2f}."
    )
    inspector.set(frame=1, score="global foreground", template_row=3, template_column=0)
    assert expected(inspector, "global foreground").share[15] == 0
    assert inspector.caption.endswith("Template (row 3, column 0) fires nowhere: it does not belong to the region.")


@pytest.mark.parametrize("score", COARSE)
def test_a_coarse_score_is_a_cosine_with_one_vector_and_has_no_positions(
    inspector: TemplateInspector, score: str, asked: list[Any]
) -> None:
    inspector.set(frame=3, score=score, object_id=7, query_row=1, query_column=2)
    kind, region = score.split()
    vector = getattr(inspector.moment.templates(7), kind)[0, 0, int(region == "foreground")]
    maps = [
        torch.einsum("chw,c->hw", key[0], vector)
        for key in (inspector.history[2].after.key, inspector.moment.after.key)
    ]
    assert inspector.caption == (
        f"Frame 00003, object 7, {score}. Query (row 1, column 2): {maps[1][1, 2]:.2f}, "
        "the cosine with one vector of the whole region."
    )
    np.testing.assert_allclose(asked[0][1].scores, maps[1], rtol=0, atol=1e-6)
    np.testing.assert_allclose(asked[0][2].scores, maps[0], rtol=0, atol=1e-6)
    assert inspector.source() is None
    with pytest.raises(LookupError, match=f"{score}: a coarse score has no template positions"):
        inspector.winner()
    before = inspector.query, inspector.template
    inspector.seek_winner()
    assert (inspector.query, inspector.template) == before


@pytest.mark.parametrize("score", ["local foreground", "global background", "short foreground"])
def test_the_strongest_query_outside_and_its_winner_are_found(twins: TemplateInspector, score: str) -> None:
    inspector = twins
    inspector.set(object_id=1, frame=3, score=score)
    control(inspector, "query: strongest outside").click()
    padded = np.pad(inspector.moment.step.mask == 1, ((0, 0), (3, 2)), mode="reflect")
    scores = inspector.moment.scores(1)[SCORES.index(score)]
    outside = {
        (row, column): float(scores[row, column])
        for row, column in np.ndindex(15, 27)
        if not padded[16 * row : 16 * row + 16, 16 * column : 16 * column + 16].any()
    }
    assert len(outside) < 15 * 27 and outside[inspector.query] == max(outside.values())
    assert score in COARSE or inspector.template == inspector.winner()


def test_the_winner_is_taken_as_template(inspector: TemplateInspector) -> None:
    inspector.set(frame=2, query_row=3, query_column=4)
    control(inspector, "template: the winner").click()
    assert inspector.template == inspector.winner()


def test_it_begins_with_the_strongest_query_outside_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawings_of(monkeypatch, TemplateInspector)
    inspector = TemplateInspector(tiny_model().eval(), [square_video(4)])
    cells = inspector.query, inspector.template
    assert len(drawn) == 1
    inspector.seek_outside()
    assert (inspector.query, inspector.template) == cells and len(drawn) == 2


def test_another_video_fits_every_control_and_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four frames of 60 x 72 pixels with objects 3 and 7; six of 90 x 40 with object 5: 4 x 5 and 6 x 3 cells."""
    wide, high = square_video(4), square_video(6, name="high")
    truth = [np.rot90(mask)[:, :40].clip(max=5) * (np.rot90(mask)[:, :40] == 3) for mask in high.truth or ()]
    truth = [np.pad(np.where(mask > 0, 5, 0), ((0, 18), (0, 0))).astype(np.uint8) for mask in truth]
    frames = [replace(f, image=np.pad(np.rot90(f.image)[:, :40], ((0, 18), (0, 0), (0, 0)))) for f in high.frames]
    high = replace(high, frames=frames, truth=truth, given={0: truth[0]})
    inspector = TemplateInspector(tiny_model().eval(), [wide, high])
    inspector.set(frame=3, object_id=7, **dict(zip(CELLS, (3, 4, 3, 4), strict=True)))
    drawn = drawings_of(monkeypatch, TemplateInspector)
    for name, objects, last, rows, columns in (("high", (5,), 5, 6, 3), ("square", (3, 7), 3, 4, 5)):
        control(inspector, "video").value = name
        assert control(inspector, "object").options == objects and inspector.object_id == objects[0]
        assert control(inspector, "frame").max == last and inspector.frame == control(inspector, "frame").value == 1
        assert [control(inspector, cell.replace("_", " ")).max for cell in CELLS] == [rows - 1, columns - 1] * 2
        assert all(0 <= getattr(inspector, cell) <= control(inspector, cell.replace("_", " ")).max for cell in CELLS)
        assert inspector.caption.startswith(f"Frame 00001, object {objects[0]}, local foreground.")
    assert len(drawn) == 2
    inspector.set(video="high", frame=5, query_row=5)
    assert len(drawn) == 3 and inspector.caption.startswith("Frame 00005, object 5, local foreground. Query (row 5")
    with pytest.raises(Exception, match="query_column is 3; expected 0 to 2"):
        inspector.query_column = 3


def test_an_object_that_is_given_again_is_compared_with_that_frame_from_then_on() -> None:
    video = square_video(4)
    assert video.truth is not None
    video = replace(video, given={0: video.truth[0], 2: np.where(video.truth[2] == 3, 3, 0).astype(np.uint8)})
    inspector = TemplateInspector(tiny_model().eval(), [video])
    inspector.set(frame=3, score="global foreground")
    source = inspector.source()
    assert isinstance(source, Source) and source.name == "00002"
    best = source.product.amax(1).view(4, 5)
    torch.testing.assert_close(best, inspector.moment.scores(3)[SCORES.index("global foreground")])
    inspector.object_id = 7
    source = inspector.source()
    assert source is not None and source.name == "00000"
    inspector.set(frame=2)
    with pytest.raises(LookupError, match="frame 00002 was not matched with object 3"):
        inspector.object_id = 3


def test_without_a_distance_score_every_position_is_near() -> None:
    config = replace(tiny_model().config, distance_score=False)
    torch.manual_seed(5)
    inspector = TemplateInspector(build_model(config).eval(), [square_video(3)])
    inspector.frame = 2
    source = inspector.source()
    assert source is not None and (source.near == 1).all()
    best = source.product.amax(1).view(4, 5)
    torch.testing.assert_close(best, inspector.moment.scores(3)[SCORES.index("local foreground")])


def test_scores_that_the_model_does_not_use_are_not_offered() -> None:
    config = replace(tiny_model().config, templates=("global", "short"))
    inspector = TemplateInspector(build_model(config).eval(), [square_video(3)])
    assert control(inspector, "score").options == tuple(s for s in SCORES if re.match("global|short", s))
    assert inspector.score == "short foreground"


def test_panels_show_frames_masks_and_maps(inspector: TemplateInspector, asked: list[Any]) -> None:
    inspector.set(frame=3, score="local background", query_row=1, query_column=3)
    here, before = inspector.moment.step, inspector.history[2].step
    panels = asked[0]
    assert [panel.title for panel in panels] == [
        "frame 00002: template",
        "frame 00003: query",
        "local background",
        "where the template fires",
    ]
    for panel, step in ((panels[0], before), (panels[1], here)):
        assert panel.picture is step.image and np.array_equal(panel.outlined, step.mask)
    np.testing.assert_array_equal(panels[2].scores, inspector.moment.scores(3)[SCORES.index("local background")])
    assert panels[1].marked == panels[2].marked == {"query": (1, 3)}
