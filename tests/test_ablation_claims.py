"""What lesson 08, README and docs say about the worth of ideas is what the intervals of results/ablations.json say."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
import numpy as np
import pytest
from course import FOLDER

from tbd_lib.files import results_folder
from tools.ablations.report import MARK, Effect, effects_of
from tools.ablations.test_sets import SHORT

ROOT = Path(__file__).parents[1]
CONTENT = json.loads((results_folder() / "ablations.json").read_text())
LONG = {short: name for name, short in SHORT.items()}
VARIANT = r"\*(?P<variant>[a-z -]+)\*(?P<longer>, 2,400 iterations)?: "
CLAIM = re.compile(VARIANT + r"J&F (?P<verb>falls|rises) on (?P<sets>[a-z, ]+)", re.IGNORECASE)
NONE = re.compile(VARIANT + "no difference was seen", re.IGNORECASE)
VERDICT = re.compile(r"\b(?:help|hurt|cost|pay|fall|rise|lose|gain)s?\b|\b(?:worse|better|worth)\b")
CELLS = ("read-text", "longer-answer", "use-answer", "learned", "questions")  # of lesson 08, on what follows


def lesson_cells() -> dict[str, str]:
    notebook = nbformat.read(FOLDER / "08_ablations.ipynb", as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "markdown"}


def docs_part() -> str:
    page = (ROOT / "docs" / "evaluate.md").read_text()
    return page[page.index("## Which idea matters?") : page.index(MARK)]


def effects_in(found: re.Match) -> Mapping[str, Effect]:
    trained = CONTENT["longer"]["trained"] if found["longer"] else CONTENT["trained"]
    return effects_of(trained[found["variant"].lower()])


def shown(effects: Mapping[str, Effect], verb: str) -> set[str]:
    return {kind for kind, e in effects.items() if e.shown and (e.mean < 0) == (verb == "falls")}


def mean(variant: str, short: str, table: Mapping = CONTENT["trained"]) -> float:
    return round(table[variant][LONG[short]]["effect"]["mean"], 2)


def at_use(variant: str) -> dict[str, float]:
    return {short: mean(variant, short, CONTENT["at_use"]) for short in LONG}


SCORE, FINE = "without the distance score", "fine templates only"
FACTS = {
    "even *global only*, whose template never changes, loses just 0.04": mean("global only", "time") == -0.04,
    "learned a score that rises with the distance": sum(
        run["learned"]["distance_score"][-1] > run["learned"]["distance_score"][0] + 0.1
        for run in CONTENT["runs"]
        if run["variant"] == "distance score from a random start"
    )
    == 1,
    "On *space* the difference has gone from -0.08 to -0.01": (
        (mean(SCORE, "space"), mean(SCORE, "space", CONTENT["longer"]["trained"])) == (-0.08, -0.01)
    ),
    "On *apart* it has not become smaller: there they are worse": (
        mean(SCORE, "apart", CONTENT["longer"]["trained"]) <= mean(SCORE, "apart")
    ),
    "in most pairs switching off costs more": np.mean(
        [mean(name, kind, CONTENT["at_use"]) < mean(name, kind) for name in CONTENT["at_use"] for kind in LONG]
    )
    > 0.75,
    "switched off at use they cost 0.46, and heads that never had them lose 0.01, which is within chance": (
        (mean(FINE, "time", CONTENT["at_use"]), mean(FINE, "time")) == (-0.46, -0.01)
    ),
    "on *space* training without it costs more than switching it off": (
        mean(SCORE, "space") < mean(SCORE, "space", CONTENT["at_use"])
    ),
    "is worth something on five of the seven sets": (len(shown(effects_of(CONTENT["trained"][SCORE]), "falls")) == 5),
    "they cost up to 0.46": min(at_use(FINE).values()) == -0.46,
}
"""What else is said of ideas, and whether it holds."""

TEXTS = {"README": (ROOT / "README.md").read_text(), "docs": docs_part(), **lesson_cells()}
TEXTS = {where: " ".join(text.split()) for where, text in TEXTS.items()}
CLAIMS = [(where, found) for where, text in TEXTS.items() for found in CLAIM.finditer(text)]
NOTHING = [(where, found) for where, text in TEXTS.items() for found in NONE.finditer(text)]


def named(part: str | re.Match) -> str:
    return part if isinstance(part, str) else part["variant"]


@pytest.mark.parametrize("where, found", CLAIMS, ids=named)
def test_a_claim_names_all_sets_on_which_the_interval_leaves_zero_out_and_no_other(where: str, found: re.Match) -> None:
    sets = {LONG[name] for name in re.split(r", | and ", found["sets"].strip())}
    assert sets == shown(effects_in(found), found["verb"])


@pytest.mark.parametrize("where, found", NOTHING, ids=named)
def test_where_no_difference_is_said_to_be_seen_no_interval_leaves_zero_out(where: str, found: re.Match) -> None:
    assert not any(effect.shown for effect in effects_in(found).values())


@pytest.mark.parametrize("where", ["docs", *CELLS])
def test_every_other_sentence_that_judges_an_idea_is_a_fact_that_holds(where: str) -> None:
    text = NONE.sub("", CLAIM.sub("", TEXTS[where]))
    for fact, holds in FACTS.items():
        if fact in text:
            assert holds, fact
            text = text.replace(fact, "")
    assert VERDICT.findall(text) == []


def test_every_fact_is_said_somewhere_and_the_strongest_claims_are_made() -> None:
    assert [fact for fact in FACTS if not any(fact in text for text in TEXTS.values())] == []
    assert {where for where, _ in CLAIMS} >= {"docs", "read-text"}
