"""Find numbers in the lessons' prose that nothing in the same notebook bears out.

    python -m tools.prose [notebooks/00_quickstart.ipynb ...]

A number in the text goes stale when code, weights or results change, and no run notices. So every decimal, every
percentage and every whole number from 100 on has to be found, at the precision shown, in the notebook's code or text
outputs, in ``docs/method.md``, or in a file of ``results/`` that the notebook reads: 0.81 is borne out by 0.8064, 45 %
by 0.452 or by "45.2 %", 1.8 M by 1,842,482, and "about 2,000" by 1,984.
"""

import io
import json
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import tyro
from nbformat import NotebookNode

REPOSITORY = Path(__file__).resolve().parents[1]
METHOD = REPOSITORY / "docs" / "method.md"
RESULTS = REPOSITORY / "results"
LEAST = 100  # smaller whole numbers are counts that a reader can check by eye

NUMBER = re.compile(
    r"(?<![\w.])(?P<digits>\d{1,3}(?:[,_]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<exponent>e[-+]?\d+)?(?!\d|\.\d)"
    r"(?P<percent>\s?\\?%)?(?:\s(?P<unit>[A-Za-z]+)\b)?"
)
ROUGHLY = re.compile(r"\b(?:about|almost|nearly|roughly|some)\s$", re.IGNORECASE)
UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "M": 1e6, "G": 1e9, "ms": 1e-3}
UNITS |= {f"{prefix}{thing}": UNITS[prefix] for prefix in "kMG" for thing in ("B", "FLOP")}
UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
"""What a number with such a word behind it may have been divided by."""

SILENT = [  # parts of a text cell that are no statements of ours
    (r"^(```|~~~).*?^\1", ""),  # code is checked by running it
    (r"(`+).+?\1", ""),
    (r"!?\[([^\]]*)\]\([^)]*\)", r"\1"),  # of a link, what is read
    (r"https?://\S+", ""),
    (r"<[^>]+>", ""),
    (r"\*\*Run time:\*\* about \d+ s", ""),  # held to results/notebooks.json by a test of its own
    (r"\\tag\{\d+\}|\\qquad\s*\(\d+\)", ""),  # numbers of equations
    (r"\d{4}-\d{2}-\d{2}", ""),  # dates
    (r"arXiv[ :]\d{4}\.\d{4,5}", ""),
    (r"\b[A-Z][A-Za-z]*-\d+\b", ""),  # names: DenseNet-121, DAVIS-2016
    (r"(?<=\bVOS )20\d\d\b", ""),  # YouTube-VOS 2018
    (r"\b(?:Python|PyTorch|torch|torchvision|NumPy|CUDA)\s\d+\.\d+", ""),  # versions
    (r"(?<=[a-z.,A-Z]\s)(?:19|20)\d\d(?=[);\],])|(?<=\()(?:19|20)\d\d(?=\))", ""),  # years of citations: (Cho et al., 2022)
]
SILENT_PATTERNS = [(re.compile(pattern, re.MULTILINE | re.DOTALL), kept) for pattern, kept in SILENT]


@dataclass(frozen=True)
class Number:
    """A number as a text shows it."""

    shown: str
    value: float
    step: float  # what one more in its last digit adds
    percent: bool
    factor: float  # the number may stand for ``value * factor``: a million, a thousandth

    @property
    def is_checked(self) -> bool:
        """Whether it is a statement that could be wrong unseen."""
        return self.percent or self.step < 1 or self.value >= LEAST
