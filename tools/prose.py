"""Find numbers in the lessons' prose that nothing in the same notebook bears out.

    python -m tools.prose [notebooks/00_quickstart.ipynb ...]

A number in a text goes stale when code, weights or results change, and no run notices. So every decimal, every
percentage and every whole number from 100 on has to be found in the notebook's code or text outputs, in
``docs/method.md``, or in a file of ``results/`` that the notebook reads (but for files of ``TOO_MANY`` numbers). What
counts is the precision shown: 0.81 is borne out by 0.8064, 45 % by 0.452, 1.8 M by 1,842,482, and "about 2,000" by
1,984.
"""

import io
import re
import tokenize
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import tyro
from nbformat import NotebookNode

REPOSITORY = Path(__file__).resolve().parents[1]
METHOD = REPOSITORY / "docs" / "method.md"
RESULTS = REPOSITORY / "results"
TOO_MANY = {"ablations.json"}  # scores of every run and video: any number could be found among them
LEAST = 100  # a smaller whole number is a count that a reader checks by eye

NUMBER = re.compile(
    r"(?<![\w.])(?P<digits>\d{1,3}(?:[,_]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<exponent>e[-+]?\d+)?(?!\d|\.\d)"
    r"(?P<percent>\s?\\?%|\sper\s?cent\b)?(?:[ ~](?P<unit>[A-Za-z]+)\b)?"
)
ROUGHLY = re.compile(r"\b(?:about|almost|nearly|roughly|some)\s$", re.IGNORECASE)
COUNTS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "M": 1e6, "G": 1e9}
UNITS = {f"{prefix}{thing}": COUNTS[prefix] for prefix in "kMG" for thing in ("B", "FLOP")}
FACTORS = {**COUNTS, **UNITS, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "ms": 1e-3}
"""Units by which the number found may have been divided before it was written down."""

YEAR = r"(?:19|20)\d\d"
UNIFORM = (  # notations of one and the same
    (r"\{,\}|(?<=\d)\\,(?=\d{3})", ","),
    (r"(?<=\d)\s*(?:\u00d7|x|\\times)\s*(?=\d)", " x "),
)
SILENT = (  # what in a text states nothing about this course
    (r"^(```|~~~).*?^\1", ""),  # code, which is checked by running it
    (r"(`+).+?\1", ""),
    (r"!?\[([^\]]*)\]\([^)]*\)", r"\1"),  # of a link only what one reads
    (r"https?://\S+|<[^>]+>", ""),
    (r"(?<=\*\*Run time:\*\* about )\d+", ""),  # measured, and tested by itself
    (r"\\tag\{\d+\}|\\qquad\s*\(\d+\)", ""),  # numbers of equations
    (r"\barXiv[ :]\d{4}\.\d{4,5}", ""),
    (r"\b[A-Z][A-Za-z]*-\d+\b", ""),  # names: DenseNet-121, DAVIS-2017
    (r"\b(?:Python|PyTorch|torch|torchvision|NumPy|CUDA) \d+\.\d+", ""),
    (rf"{YEAR}-\d\d-\d\d|\b[Ii]n {YEAR}\b", ""),  # dates
    (rf"\b[A-Z]{{3,}} {YEAR}\b", ""),  # YouTube-VOS 2018, ECCV 2022
    (rf"(?:\(|(?<=[A-Za-z.],) ){YEAR}(?=[);,.])", ""),  # citations: (Perazzi et al., 2016), Okabe and Ito (2008)
)
EXEMPT = {
    ("00_quickstart", "questions"): {"0.90", "0.88", "0.40"},  # scores that a question imagines
    ("08_ablations", "questions"): {"0.4", "2.1"},  # so are these gains
}
"""Numbers, by notebook and cell id, that need no support. Each has its reason beside it."""


@dataclass(frozen=True)
class Number:
    """A number as a text shows it. Percentages are fractions."""

    shown: str
    value: float
    tolerance: float  # half of one more in its last digit
    factor: float = 1.0  # the value may have been divided by this
    checked: bool = True  # whether it could be wrong without a reader's noticing

    def is_borne_out(self, evidence: Sequence[float]) -> bool:
        """Whether one of the numbers, in ascending order, is the same at this one's precision."""
        return any(_holds(evidence, factor * self.value, factor * self.tolerance) for factor in {1.0, self.factor})


def _holds(evidence: Sequence[float], value: float, tolerance: float) -> bool:
    slack = tolerance + 1e-9 * max(value, tolerance)  # 0.85 is 0.9 and 0.8, whatever it is in binary
    place = bisect_left(evidence, value - slack)
    return place < len(evidence) and evidence[place] <= value + slack


def numbers(text: str) -> Iterator[Number]:
    """All numbers of a text."""
    for found in NUMBER.finditer(text):
        digits = re.sub("[,_]", "", found["digits"])
        unit = found["unit"] if found["unit"] in FACTORS else ""
        scale = float(f"1{found['exponent'] or ''}") / (100 if found["percent"] else 1)
        step = _step(digits, ROUGHLY.search(text[: found.start()]) is not None)
        size = float(digits) * COUNTS.get(unit, 1.0)
        yield Number(
            shown="".join(filter(None, (found["digits"], found["exponent"], found["percent"], unit and f" {unit}"))),
            value=float(digits) * scale,
            tolerance=step * scale / 2,
            factor=FACTORS.get(unit, 1.0),
            checked=step < 1 or size >= LEAST or bool(found["percent"] or found["exponent"]),
        )


def _step(digits: str, roughly: bool) -> float:
    """One more in the last digit that counts. Of "about 2,000" two count: final zeros may have been rounded to."""
    whole, _, decimals = digits.partition(".")
    if decimals or not roughly:
        return 10.0 ** -len(decimals)
    zeros = len(whole) - len(whole.rstrip("0"))
    return 10.0 ** max(0, min(zeros, len(whole) - 2))


def statements(text: str) -> list[Number]:
    """The numbers of a text cell that have to be borne out."""
    for pattern, put in (*SILENT, *UNIFORM):
        text = re.sub(pattern, put, text, flags=re.MULTILINE | re.DOTALL)
    return [number for number in numbers(text) if number.checked]


def code_without_comments(source: str) -> str:
    """A comment is prose too: it bears nothing out."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):  # lines that only IPython understands
        return source
    return " ".join(token.string for token in tokens if token.type != tokenize.COMMENT)


def evidence_of(notebook: NotebookNode) -> Iterator[str]:
    """The texts that bear numbers out: code, text outputs, the results that are read, and the method's description."""
    sources = [code_without_comments(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    yield from sources
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield str(output.get("text", ""))
            yield from (str(text) for kind, text in output.get("data", {}).items() if kind.startswith("text/"))
    read = set(re.findall(r"[\w-]+\.jsonl?\b", "\n".join(sources)))
    yield from (path.read_text() for path in sorted(RESULTS.glob("*.json*")) if path.name in read - TOO_MANY)
    yield METHOD.read_text()


def unexplained(notebook: NotebookNode, exempt: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """The numbers in a notebook's text that nothing bears out, each after the id of its cell.

    Args:
        notebook: with its outputs.
        exempt: such pairs that need no support.
    """
    evidence = sorted({number.value for text in evidence_of(notebook) for number in numbers(text)})
    found = [
        (cell.id, number.shown)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for number in statements(cell.source)
        if not number.is_borne_out(evidence)
    ]
    return [pair for pair in found if pair not in set(exempt)]


def exempt_of(name: str) -> list[tuple[str, str]]:
    """The pairs of cell id and number that need no support in the notebook of this name."""
    return [(cell, shown) for (notebook, cell), numbers in EXEMPT.items() if notebook == name for shown in numbers]


def main(notebooks: tyro.conf.Positional[tuple[Path, ...]] = ()) -> None:
    """Say which numbers of the notebooks that are named, or of all lessons, nothing bears out."""
    found = False
    for path in notebooks or sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        for cell, shown in unexplained(nbformat.read(path, as_version=4), exempt_of(path.stem)):
            print(
                f"{path.name}, cell {cell}: {shown} occurs in no code, output, result that is read, or docs/method.md"
            )
            found = True
    raise SystemExit(int(found))


if __name__ == "__main__":
    tyro.cli(main)
