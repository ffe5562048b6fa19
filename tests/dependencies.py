"""What ``pyproject.toml`` asks for: the core, and each extra with those that it includes."""

import re
import tomllib
from pathlib import Path

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
CORE: list[str] = PROJECT["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
GROUPS: dict[str, list[str | dict[str, str]]] = PYPROJECT["dependency-groups"]


def of_extra(name: str) -> list[str]:
    """The requirements of an extra, those of the extras that it includes first, each once."""
    found: dict[str, None] = {}
    for requirement in EXTRAS[name]:
        included = re.fullmatch(r"tbd-lib\[(.*)\]", requirement)
        found |= dict.fromkeys([requirement] if included is None else _of_all(included[1].split(",")))
    return list(found)


def _of_all(names: list[str]) -> list[str]:
    return [requirement for name in names for requirement in of_extra(name)]


def of_group(name: str) -> list[str]:
    """The requirements of a dependency group, those of the groups that it includes among them."""
    found: list[str] = []
    for entry in GROUPS[name]:
        found += [entry] if isinstance(entry, str) else of_group(entry["include-group"])
    return found


def everything() -> list[str]:
    """All that is asked for anywhere."""
    return [*CORE, *of_extra("all"), *of_group("dev")]


def name_of(requirement: str) -> str:
    """The package that a requirement asks for."""
    return re.split(r"[<>=!~\[ ]", requirement)[0]
