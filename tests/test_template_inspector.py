"""The template inspector against the model's own matching: scores, best matches and their factors, in both regions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from inspected import control, drawings_of, model, numbers, pictures, say, short, table
from small_runs import square_video, tiny_model

from tbd_lib.course.viz.scene import heat
from tbd_lib.course.widgets.history import SCORES, History
from tbd_lib.course.widgets.template_inspector import REGIONS, Source, TemplateInspector
from tbd_lib.method.model import build_model

FINE, COARSE = ("global", "local"), ("overall", "short", "long")


@pytest.fixture(scope="module")
def twins() -> TemplateInspector:
    """The bundled model on a bundled video of 240 x 427 pixels: 15 x 27 cells."""
    return TemplateInspector(model(), [short("occluded-twins")])


@pytest.fixture
def inspector() -> TemplateInspector:
    """Two squares, objects 3 and 7, on a grid of 4 x 5 cells."""
    return TemplateInspector(tiny_model().eval(), [square_video(4)])


def expected(inspector: TemplateInspector, region: str) -> SimpleNamespace:
    """Cosine, share and nearness from keys and masks, by hand: ``q p``, ``p`` and ``q p``."""
    moment = inspector.moment
    assert moment.before is not None
    (templates,) = [c.templates for c in moment.before.cohorts if inspector.object_id in c.ids]
    place = moment.before.cohorts[0].ids.index(inspector.object_id)
    first = inspector.kind == "global"
    key, mask = (templates.first_key, templates.first_mask) if first else (templates.prev_key, templates.prev_mask)
    cosine = F.cosine_similarity(moment.after.key.flatten(2)[0, :, :, None], key.flatten(2)[0, :, None, :], dim=0)
    with torch.no_grad():
        near = torch.ones_like(cosine) if first else inspector.history.model.distance.pairs(*key.shape[-2:])
    return SimpleNamespace(cosine=cosine, share=mask[0, place, int(region == "foreground")].flatten(), near=near)


@pytest.mark.parametrize("i", [3, 7])
@pytest.mark.parametrize("kind", FINE)
@pytest.mark.parametrize("region", REGIONS)
def test_factors_are_the_models_and_their_best_product_is_its_score(
    inspector: TemplateInspector, kind: str, region: str, i: int
) -> None:
    inspector.set(object_id=i, frame=3, kind=kind)
    source, known = inspector.source(region), expected(inspector, region)
    assert source is not None
    for name in ("cosine", "share", "near"):
        torch.testing.assert_close(getattr(source, name), getattr(known, name), rtol=0, atol=1e-6)
    scores = inspector.moment.step.scores
    assert scores is not None
    best = (known.cosine * known.share * known.near).amax(1).view(4, 5)
    row = SCORES.index(f"{kind} {region}")
    torch.testing.assert_close(scores[[3, 7].index(i), row], best, rtol=0, atol=1e-6)
    assert source.step.name == ("00000" if kind == "global" else "00002")


@pytest.mark.parametrize("kind", FINE)
def test_table_and_description_have_the_best_match_of_both_regions_and_its_factors(
    twins: TemplateInspector, kind: str
) -> None:
    twins.set(object_id=2, frame=3, kind=kind)
    for at in ((5, 9), (0, 26), (14, 0)):
        twins.query = at
        q, clauses = at[0] * 27 + at[1], twins.description.split("): ", 1)[1].split("; ")
        start = f"Frame 00003, object 2, {kind}. Query (row {at[0]}, column {at[1]}): foreground"
        assert twins.description.startswith(start) and len(clauses) == 2
        for region, row, clause in zip(REGIONS, table(twins).rows, clauses, strict=True):
            known = expected(twins, region)
            product = known.cosine * known.share * known.near
            p = int(product[q].argmax())
            factors = [float(known.share[p]), float(known.cosine[q, p]), float(known.near[q, p]), float(product[q, p])]
            match = twins.match(region)
            assert match is not None and match.template == divmod(p, 27)
            assert [match.share, match.cosine, match.near, match.score] == pytest.approx(factors)
            assert float(twins.score_map(region)[at]) == pytest.approx(match.score, abs=1e-6)
            assert match.score == pytest.approx(match.share * match.cosine * match.near)
            local = kind == "local"
            shown = [*factors[:2], *(factors[2:3] if local else []), factors[3]]
            assert row[0] == region and row[1] == f"row {p // 27}, column {p % 27}"
            assert [float(cell) for cell in row[2:] if cell != "not used"] == pytest.approx(shown, abs=0.005001)
            source = "00002" if local else "00000"
            assert f" from template (row {p // 27}, column {p % 27}) of frame {source}: share" in clause
            assert numbers(clause) == pytest.approx([shown[-1], *shown[:-1]], abs=0.005001)


def test_the_sentence_says_which_region_matches_better_and_where_the_lines_lead(twins: TemplateInspector) -> None:
    twins.set(object_id=1, frame=2, kind="local", query=(0, 0))
    foreground, background = (float(twins.score_map(region)[0, 0]) for region in REGIONS)
    assert background > foreground
    assert twins.caption == (
        f"At the query the background matches better ({background:.2f} against {foreground:.2f}); "
        "the lines lead to the best matches in the frame before."
    )
    twins.kind = "global"
    assert twins.caption.endswith("the first frame.")
    twins.kind = "short"
    assert twins.caption.endswith("each region is a single vector here, so no line leads to a cell.")


@pytest.mark.parametrize("kind", COARSE)
def test_a_coarse_score_is_a_cosine_with_one_vector_and_has_no_best_match(
    inspector: TemplateInspector, kind: str
) -> None:
    inspector.set(frame=3, kind=kind, object_id=7, query=(1, 2))
    key, scores = inspector.moment.after.key[0], []
    for r, region in ((1, "foreground"), (0, "background")):
        vector = getattr(inspector.moment.templates(7), kind)[0, 0, r]
        scores.append(torch.einsum("chw,c->hw", key, vector))
        torch.testing.assert_close(inspector.score_map(region), scores[-1], rtol=0, atol=1e-6)
        assert inspector.source(region) is None and inspector.match(region) is None
    assert numbers(inspector.description) == pytest.approx([float(score[1, 2]) for score in scores], abs=0.005001)
    assert not any(mark.joined for picture in pictures(inspector) for mark in picture.marks)


@pytest.mark.parametrize("kind", ["local", "global", "short"])
def test_the_best_look_alike_is_found_and_held(twins: TemplateInspector, kind: str) -> None:
    inspector = twins
    inspector.set(object_id=1, frame=3, kind=kind, held=False)
    control(inspector, "best look-alike").click()
    padded = np.pad(inspector.moment.step.mask == 1, ((0, 0), (3, 2)), mode="reflect")
    scores = inspector.moment.scores(1)[SCORES.index(f"{kind} foreground")]
    outside = {
        (row, column): float(scores[row, column])
        for row, column in np.ndindex(15, 27)
        if not padded[16 * row : 16 * row + 16, 16 * column : 16 * column + 16].any()
    }
    assert len(outside) < 15 * 27 and outside[inspector.query] == max(outside.values()) and inspector.held


def test_without_a_cell_outside_of_the_object_the_query_stays() -> None:
    video, untrained = square_video(2), tiny_model().eval()
    history = History(untrained, video)
    history.correct(1, np.full_like(video.given[0], 3))
    inspector = TemplateInspector(untrained, [video], histories={video.name: history})
    inspector.set(query=(2, 1), held=False)
    inspector.seek_outside()
    assert inspector.query == (2, 1) and inspector.held


def test_pointing_leads_the_query_until_a_click_holds_it(inspector: TemplateInspector) -> None:
    inspector.held = False
    say(inspector, point=[1, 1], hold=False)
    assert inspector.query == (1, 1)
    say(inspector, point=[2, 3], hold=True)
    say(inspector, point=[0, 0], hold=False)
    assert inspector.query == (2, 3) and inspector.held
    say(inspector, release=True)
    say(inspector, point=[0, 9], hold=False)  # beyond the grid of 4 x 5 cells
    assert inspector.query == (0, 4) and not inspector.held
    with pytest.raises(Exception, match=r"query is \(0, 5\); expected rows 0 to 3, columns 0 to 4"):
        inspector.query = (0, 5)
    assert inspector.query == (0, 4)


def test_pictures_show_frames_and_maps_with_query_and_best_matches(twins: TemplateInspector) -> None:
    twins.set(object_id=2, frame=3, kind="local", query=(4, 20))
    stored, here, *maps = pictures(twins)
    assert (stored.title, here.title) == ("frame 00002, stored", "frame 00003: choose the query")
    assert not stored.points and {picture.points for picture in (here, *maps)} == {"query"}
    joined = {mark.name: mark.cell for mark in stored.marks if mark.joined}
    assert list(joined) == list(REGIONS)
    for region, picture in zip(REGIONS, maps, strict=True):
        match = twins.match(region)
        assert match is not None and joined[region] == match.template
        assert picture.title == f"local score of the {region}" and picture.scale == 1
        mask = np.where(twins.moment.step.mask == 2, 2, 0).astype(np.uint8)
        expected_picture = heat(twins.score_map(region).numpy(), (240, 427), mask)
        assert np.array_equal(picture.image, expected_picture)
    for picture in (here, *maps):
        assert [(mark.name, mark.cell) for mark in picture.marks] == [("query", (4, 20))]
    for picture, at in ((stored, 2), (here, 3)):
        step = twins.history[at].step
        inside = step.mask == 2
        assert picture.image.shape == step.image.shape
        assert np.array_equal(picture.image[:20], step.image[:20]) and not np.array_equal(picture.image, step.image)
        assert inside.any()


def test_it_begins_with_the_best_look_alike_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawings_of(monkeypatch, TemplateInspector)
    inspector = TemplateInspector(tiny_model().eval(), [square_video(4)])
    query = inspector.query
    assert len(drawn) == 1 and inspector.held
    inspector.seek_outside()
    assert inspector.query == query


def test_another_video_fits_every_control_and_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four frames of 60 x 72 pixels with objects 3 and 7; six of 90 x 40 with object 5: 4 x 5 and 6 x 3 cells."""
    wide, high = square_video(4), square_video(6, name="high")
    truth = [np.rot90(mask)[:, :40].clip(max=5) * (np.rot90(mask)[:, :40] == 3) for mask in high.truth or ()]
    truth = [np.pad(np.where(mask > 0, 5, 0), ((0, 18), (0, 0))).astype(np.uint8) for mask in truth]
    frames = [replace(f, image=np.pad(np.rot90(f.image)[:, :40], ((0, 18), (0, 0), (0, 0)))) for f in high.frames]
    high = replace(high, frames=frames, truth=truth, given={0: truth[0]})
    inspector = TemplateInspector(tiny_model().eval(), [wide, high])
    inspector.set(frame=3, object_id=7, query=(3, 4))
    drawn = drawings_of(monkeypatch, TemplateInspector)
    for name, objects, last, grid in (("high", (5,), 5, (6, 3)), ("square", (3, 7), 3, (4, 5))):
        control(inspector, "video").value = name
        assert control(inspector, "object").options == objects and inspector.object_id == objects[0]
        assert control(inspector, "frame").max == last and inspector.frame == control(inspector, "frame").value == 1
        assert inspector.grid() == grid and inspector.query[0] < grid[0] and inspector.query[1] < grid[1]
        assert inspector.description.startswith(f"Frame 00001, object {objects[0]}, local. Query")
    assert len(drawn) == 2
    inspector.set(video="high", frame=5, query=(5, 2))
    assert len(drawn) == 3 and inspector.description.startswith("Frame 00005, object 5, local. Query (row 5")


def test_a_copy_shows_the_same_without_tracking_and_goes_its_own_way(twins: TemplateInspector) -> None:
    twins.set(object_id=2, frame=3, kind="global", query=(7, 7), held=True)
    other = twins.copy()
    assert other.description == twins.description and other.history is twins.history and other.held
    other.set(frame=1, query=(1, 1))
    assert twins.frame == 3 and twins.query == (7, 7)


def test_an_object_that_is_given_again_is_compared_with_that_frame_from_then_on() -> None:
    video = square_video(4)
    assert video.truth is not None
    video = replace(video, given={0: video.truth[0], 2: np.where(video.truth[2] == 3, 3, 0).astype(np.uint8)})
    inspector = TemplateInspector(tiny_model().eval(), [video])
    inspector.set(frame=3, kind="global")
    source = inspector.source()
    assert isinstance(source, Source) and source.step.name == "00002"
    best = source.product.amax(1).view(4, 5)
    torch.testing.assert_close(best, inspector.moment.scores(3)[SCORES.index("global foreground")])
    inspector.object_id = 7
    source = inspector.source()
    assert source is not None and source.step.name == "00000"
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
    assert control(inspector, "templates").options == ("global", "short") and inspector.kind == "short"
