"""What the table of ablations says, in words and as the table of docs/evaluate.md: written from results/ablations.json.

    python -m tools.ablations.report

The page has to hold the mark, and the end of such parts.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import tyro

from tbd_lib.files import results_folder, write_text
from tools.ablations.statistics import Effect
from tools.marked import marked

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evaluate.md"
MARK = "<!-- written by tools/ablations/report.py -->\n"

Effects = Mapping[str, Effect]


def sentence(effects: Effects) -> str:
    """What leaving an idea out changed, by sets of videos: only differences whose intervals leave zero out count."""
    parts = [
        f"J&F {verb} on {joined}"
        for verb, sign in (("falls", -1), ("rises", 1))
        if (joined := listed([clause(kind, e) for kind, e in effects.items() if e.shown and e.mean * sign > 0]))
    ]
    unseen = [e.smallest for e in effects.values() if not e.shown]
    if unseen:
        range_of = f"{min(unseen):.3f} to {max(unseen):.3f}" if len(unseen) > 1 else f"{unseen[0]:.3f}"
        where = f"on the other {len(unseen)} sets" if parts else f"on any of the {len(unseen)} sets"
        where = "on the remaining set" if parts and len(unseen) == 1 else where
        parts.append(f"no difference was seen {where} (the smallest that would have been: {range_of})")
    return "; ".join(parts) + "."


def clause(kind: str, effect: Effect) -> str:
    """A set of videos, with the size of the effect there and its interval."""
    ends = sorted((abs(effect.low), abs(effect.high)))
    return f"{kind} (by {abs(effect.mean):.3f}; {ends[0]:.3f} to {ends[1]:.3f})"


def listed(names: list[str]) -> str:
    """Names joined as in a sentence."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def effects_of(sets: Mapping[str, Mapping]) -> dict[str, Effect]:
    """The effects of a variant by set, from what the file holds of it."""
    return {kind: Effect(**summary["effect"]) for kind, summary in sets.items()}


def section(content: Mapping) -> str:
    """The tables and sentences of docs/evaluate.md."""
    empty = [f"{head['variant']} (seed {head['seed']})" for head in content["settled_on_empty_masks"]]
    longer, names = content["longer"], content["short_names"]
    lines = [*tables(content, names, content["references"]), "", extent(content)]
    if empty:
        lines += ["", f"Heads that settled on empty masks, and are in no effect: {listed(empty)}."]
    lines += ["", f"Trained for {longer['iterations']:,} iterations:", ""]
    return "\n".join([*lines, *tables(longer, names, {})]) + "\n"


def extent(content: Mapping) -> str:
    """How much was run, and how many of its verdicts chance alone would have given."""
    hours = sum(run["minutes"] for run in content["runs"]) / 60
    effects = [e for name, sets in content["trained"].items() if name != "full" for e in effects_of(sets).values()]
    return (
        f"{len(content['runs'])} trainings, {hours:.1f} hours of one core in all. Of {content['verdicts']} intervals "
        f"{sum(e.shown for e in effects)} leave zero out; if no idea had any effect, "
        f"{content['expected_false_verdicts']:.1f} would by chance."
    )


def tables(found: Mapping, sets: Mapping[str, str], references: Mapping) -> list[str]:
    """The lines of scores, of effects, and of sentences; a column for each set, under its short name."""
    names = [name for name in found["trained"] if name != "full"]
    rule = "| --- " * (len(sets) + 1) + "|"
    head = f"| J&F | {' | '.join(sets.values())} |"
    lines = [head, rule]
    for name, scores in references.items():
        lines.append(f"| {name} | {' | '.join(f'{scores[kind]:.3f}' for kind in sets)} |")
    full = found["trained"]["full"]
    lines.append(f"| full | {' | '.join(seeds_of(full[kind]['seeds']) for kind in sets)} |")
    lines += ["", head.replace("J&F", "difference to full"), rule]
    for name in names:
        effects = effects_of(found["trained"][name])
        lines.append(f"| {name} | {' | '.join(cell(effects[kind]) for kind in sets)} |")
    return lines + [""] + [f"- **{name}**: {found['sentences'][name]}" for name in names]


def seeds_of(scores: list[float]) -> str:
    """The mean over the seeds, the least and the greatest."""
    return f"{sum(scores) / len(scores):.3f} ({min(scores):.3f} to {max(scores):.3f})"


def cell(effect: Effect) -> str:
    """An effect with its interval, bold where zero lies outside."""
    text = f"{effect.mean:+.3f} ({effect.low:+.3f} to {effect.high:+.3f})"
    return f"**{text}**" if effect.shown else text


def main() -> None:
    """Write tables and sentences into docs/evaluate.md."""
    content = json.loads((results_folder() / "ablations.json").read_text())
    write_text(PAGE, marked(PAGE.read_text(encoding="utf-8"), MARK, section(content)))


if __name__ == "__main__":
    tyro.cli(main)
