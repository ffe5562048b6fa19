"""What lesson 08, README and docs say about the worth of ideas is what the intervals of results/ablations.json say."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
import numpy as np
import pytest
from course import FOLDER

from tbd_lib.files import results_folder
from tools.ablations.report import MARK, Effect, effects_of
from tools.ablations.statistics import mean_j_and_f
from tools.ablations.test_sets import SHORT
from tools.ablations.variants import LONGER, TWO

ROOT = Path(__file__).parents[1]
CONTENT = json.loads((results_folder() / "ablations.json").read_text())
TRAINED, LONG, USED = CONTENT["trained"], CONTENT["longer"]["trained"], CONTENT["at_use"]
NAME_OF = {short: name for name, short in SHORT.items()}
VARIANT = r"\*(?P<variant>[a-z -]+)\*(?P<longer>, 2,400 iterations)?: "
CLAIM = re.compile(VARIANT + r"J&F (?P<verb>falls|rises) on (?P<sets>[a-z, ]+)", re.IGNORECASE)
NONE = re.compile(VARIANT + "no difference was seen", re.IGNORECASE)
VERDICT = re.compile(r"\b(?:help|hurt|cost|pay|fall|rise|lose|gain)s?\b|\b(?:worse|better|worth)\b")
QUESTION = re.compile(r"[^.:?]*\?")
FIRST, LAST, SUMMARY = "effect-text", "gallery-text", ("learned", "questions")  # of lesson 08, on what the runs show


def lesson_cells() -> dict[str, str]:
    notebook = nbformat.read(FOLDER / "08_ablations.ipynb", as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "markdown"}


def on_the_runs(cells: Mapping[str, str]) -> list[str]:
    """The ids of the cells that say what the runs show."""
    ids = list(cells)
    return [*ids[ids.index(FIRST) : ids.index(LAST) + 1], *SUMMARY]


def docs_part() -> str:
    page = (ROOT / "docs" / "evaluate.md").read_text()
    return page[page.index("## Which idea matters?") : page.index(MARK)]


def effects_in(found: re.Match) -> Mapping[str, Effect]:
    return effects_of((LONG if found["longer"] else TRAINED)[found["variant"].lower()])


def shown(effects: Mapping[str, Effect], verb: str) -> set[str]:
    return {kind for kind, e in effects.items() if e.shown and (e.mean < 0) == (verb == "falls")}


def mean(variant: str, short: str, table: Mapping = TRAINED) -> float:
    return round(table[variant][NAME_OF[short]]["effect"]["mean"], 2)


def lowest(variant: str) -> set[str]:
    """The two sets with the lowest mean effects."""
    effects = effects_of(TRAINED[variant])
    return {SHORT[name] for name in sorted(effects, key=lambda name: effects[name].mean)[:2]}


def after(iterations: int, short: str) -> dict[str, float]:
    """J&F as the curves show it: the mean over two seeds, for each variant that was trained for longer, too."""
    found: dict[str, list[float]] = {name: [] for name in LONGER}
    for run in CONTENT["runs"]:
        if run["variant"] in found and run["seed"] in TWO and not run["longer"]:
            found[run["variant"]].append(mean_j_and_f(run["curve"][str(iterations)][NAME_OF[short]]))
    return {name: float(np.mean(scores)) for name, scores in found.items()}


def curves(variant: str) -> np.ndarray:
    """The learned distance scores, seeds by distances."""
    runs = [run for run in CONTENT["runs"] if run["variant"] == variant and not run["longer"]]
    return np.array([run["learned"]["distance_score"] for run in runs])


def ends(values: Iterable[float]) -> tuple[float, float]:
    return round(min(found := list(values)), 3), round(max(found), 3)


SCORE, FINE, GLOBAL = "without the distance score", "fine templates only", "global only"
PANELS = [short for short in NAME_OF if short != "time"]  # of the figure of curves
FALLS_WITHOUT_SCORE = {SHORT[name] for name in shown(effects_of(TRAINED[SCORE]), "falls")}
GAPS = {(name, short): mean(name, short) - mean(name, short, USED) for name in USED for short in NAME_OF}
RANDOM, STARTS = curves("distance score from a random start"), np.array(list(CONTENT["random_starts"].values()))
KEPT_THEIR_START = abs(RANDOM - STARTS).max() < 0.055
ONE_OF_EACH = sorted(np.round(RANDOM[:, -1] - RANDOM[:, 0], 1)) == [-0.5, 0.0, 0.5]  # falls, is level, rises
FACTS = {
    "*Without the distance score* has its lowest means on *apart* and *space*": lowest(SCORE) == {"apart", "space"},
    "*Coarse templates only* has its lowest means on *real* and *space*": (
        lowest("coarse templates only") == {"real", "space"}
    ),
    "The worth of templates in time should show on *time*, in the row *fine templates only*, and there is hardly "
    "anything to see": abs(mean(FINE, "time")) < 0.02,
    "even *global only*, whose template never changes, loses just 0.04": mean(GLOBAL, "time") == -0.04,
    "heads without the score fall on the same five sets, by amounts that differ by 0.03 at most": (
        {SHORT[name] for name in shown(effects_of(TRAINED[GLOBAL]), "falls")} == FALLS_WITHOUT_SCORE
        and max(abs(mean(GLOBAL, short) - mean(SCORE, short)) for short in FALLS_WITHOUT_SCORE) < 0.035
    ),
    "all curves still rise": all(after(600, kind)[name] > after(300, kind)[name] for kind in PANELS for name in LONGER),
    "After 150 iterations *without the distance score* lies above *full* in every panel, and after 600 below it in all "
    "but *occluders*": (
        all(after(150, kind)[SCORE] > after(150, kind)["full"] for kind in PANELS)
        and {kind for kind in PANELS if after(600, kind)[SCORE] >= after(600, kind)["full"]} == {"occluders"}
    ),
    "After 300 iterations *full* is the lowest of the four in every panel": all(
        min(scores := after(300, kind), key=scores.__getitem__) == "full" for kind in PANELS
    ),
    "heads with *local only*, which have nothing but their own masks, lose 0.28 there": (
        mean("local only", "time") == -0.28
    ),
    "all seven means are negative": all(e.mean < 0 for e in effects_of(TRAINED["inertias not learned"]).values()),
    "On *occluders*, the set that was made for it, the mean is -0.008": (
        round(LONG["without swap-and-attach"][NAME_OF["occluders"]]["effect"]["mean"], 3) == -0.008
    ),
    "On *space* the difference has gone from -0.08 to -0.01": (
        (mean(SCORE, "space"), mean(SCORE, "space", LONG)) == (-0.08, -0.01)
    ),
    "On *apart* it has not become smaller, a sign that they are worse": mean(SCORE, "apart", LONG)
    <= mean(SCORE, "apart"),
    "from our start training makes the fall steeper: four cells away 0.15 is left, where the start has 0.62": (
        (round(curves("full").mean(0)[4], 2), round(curves("distance score not learned")[0, 4], 2)) == (0.15, 0.62)
    ),
    "The curves with a random start stay where they began, within 0.05": KEPT_THEIR_START,
    "in training such curves stay within 0.05 of what chance had drawn": KEPT_THEIR_START,
    "One of them falls, one is the same at all distances, and one *rises*": ONE_OF_EACH,
    "one of the three rises with the distance": ONE_OF_EACH,
    "in most pairs switching off costs more": np.mean([gap > 0 for gap in GAPS.values()]) > 0.75,
    "The widest gap is *local only* on *time*": max(GAPS, key=GAPS.__getitem__) == ("local only", "time"),
    "switched off at use, the coarse templates cost 0.46, and heads that never had them lose 0.01, which is within "
    "chance": (mean(FINE, "time", USED), mean(FINE, "time")) == (-0.46, -0.01),
    "Switching off *short* costs 0.04 at most": min(mean("without short", kind, USED) for kind in NAME_OF) == -0.04,
    "without *overall* or without *long* the heads even gain on *apart*": all(
        mean(name, "apart", USED) > 0.03 for name in ("without overall", "without long")
    ),
    "all three coarse templates switched off cost more than *long* alone on every set": all(
        mean(FINE, kind, USED) < mean("without long", kind, USED) for kind in NAME_OF
    ),
    "for the distance score switching off costs more on three of the seven sets only": (
        sum(USED[SCORE][name]["effect"]["mean"] < TRAINED[SCORE][name]["effect"]["mean"] for name in SHORT) == 3
    ),
    "is worth something on five of the seven sets": len(FALLS_WITHOUT_SCORE) == 5,
    "they cost up to 0.46": min(mean(FINE, kind, USED) for kind in NAME_OF) == -0.46,
    "The smallest effect that would have been seen is 0.041 to 0.071, and those of the distance score, which were "
    "seen, are 0.037 to 0.084": (
        ends(e.smallest for e in effects_of(TRAINED[FINE]).values()) == (0.041, 0.071)
        and ends(-e.mean for e in effects_of(TRAINED[SCORE]).values() if e.shown) == (0.037, 0.084)
    ),
}
"""What else is said of ideas, and whether it holds."""

NEUTRAL = (  # definitions, which judge no idea
    "is negative where the variant is worse, that is, where what it leaves out was worth something",
    "an effect is what the idea was worth *given that training succeeded*",
)

PAGES = {"README": (ROOT / "README.md").read_text(), "docs": docs_part(), **lesson_cells()}
TEXTS = {where: " ".join(text.split()) for where, text in PAGES.items()}
CLAIMS = [(where, found) for where, text in TEXTS.items() for found in CLAIM.finditer(text)]
NOTHING = [(where, found) for where, text in TEXTS.items() for found in NONE.finditer(text)]


def named(part: str | re.Match) -> str:
    return part if isinstance(part, str) else part["variant"]


@pytest.mark.parametrize("where, found", CLAIMS, ids=named)
def test_a_claim_names_all_sets_on_which_the_interval_leaves_zero_out_and_no_other(where: str, found: re.Match) -> None:
    sets = {NAME_OF[name] for name in re.split(r", | and ", found["sets"].strip())}
    assert sets == shown(effects_in(found), found["verb"])


@pytest.mark.parametrize("where, found", NOTHING, ids=named)
def test_where_no_difference_is_said_to_be_seen_no_interval_leaves_zero_out(where: str, found: re.Match) -> None:
    assert not any(effect.shown for effect in effects_in(found).values())


@pytest.mark.parametrize("where", ["docs", *on_the_runs(lesson_cells())])
def test_every_other_sentence_that_judges_an_idea_is_a_fact_that_holds(where: str) -> None:
    text = NONE.sub("", CLAIM.sub("", TEXTS[where]))
    for fact, holds in (FACTS | dict.fromkeys(NEUTRAL, True)).items():
        if fact in text:
            assert holds, fact
            text = text.replace(fact, "")
    assert VERDICT.findall(QUESTION.sub("", text)) == []


def test_every_fact_is_said_somewhere_and_the_strongest_claims_are_made() -> None:
    assert [fact for fact in (*FACTS, *NEUTRAL) if not any(fact in text for text in TEXTS.values())] == []
    assert {where for where, _ in CLAIMS} >= {"docs", "read-text"}
