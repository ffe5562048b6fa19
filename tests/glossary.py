"""The glossary's terms, and where a text uses one: what its tests and those of the lessons share."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "glossary.md"
ENTRY = re.compile(
    r"^- \*\*(?P<name>[^*]+)\*\* \(\[(?P<lesson>\d\d)\]\((?P<link>[^)]+)\)\): (?P<meaning>.+)$", re.MULTILINE
)
CODE = re.compile(r"^(```|~~~).*?^\1|(`+).+?\2|\$\$.+?\$\$|\$[^$\n]+\$|\]\([^)]*\)|<[^>]+>", re.MULTILINE | re.DOTALL)
"""What in a cell is not read as words: code, formulas, addresses and tags."""


@dataclass(frozen=True)
class Term:
    """An entry of the glossary: the lesson that introduces it is named by two digits."""

    name: str
    lesson: str
    link: str
    meaning: str

    @property
    def pattern(self) -> str:
        """The term in singular or plural, with hyphens or spaces; capitals count in symbols such as J and FLOP only."""
        words = re.escape(self.name).replace(r"\-", "[- ]").replace(r"\ ", r"[-\s]+")
        plural = rf"(?:{words}(?:s|es)?" + (rf"|{words[:-1]}ies)" if words.endswith("y") else ")")
        return rf"(?<![\w&-]){plural if self.name.isupper() else f'(?i:{plural})'}(?![\w&]|-\w)"


def terms() -> list[Term]:
    """All entries, in the order of the page."""
    return [Term(**found.groupdict()) for found in ENTRY.finditer(PAGE.read_text())]


def uses(term: Term, text: str, others: list[Term]) -> bool:
    """Whether a cell's text uses a term, and not merely a longer one that contains it."""
    text = CODE.sub(" ", text)
    for longer in others:
        if longer != term and re.search(term.pattern, longer.name):
            text = re.sub(longer.pattern, " ", text)
    return re.search(term.pattern, text) is not None


def defines(term: Term, text: str) -> bool:
    """Whether a cell's text has the term in bold."""
    return re.search(rf"\*\*(?:{term.pattern})\*\*", text) is not None
