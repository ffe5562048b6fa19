"""An exercise from one source: the task, the solution, the student's copy made from it, and a checker that gives hints.

A lesson shows the student's copy; ``notebooks/solutions/`` shows the solution. Both are made from the functions here.
"""

import ast
import inspect
import reprlib
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

Answer = Callable[..., Any]
Case = tuple[Any, ...]
TODO = "    ...  # your code here\n"
LONGEST = 1_000  # numbers taken from an answer that is an iterator, which might never end
WHOLE = 40  # numbers of an array that is shown whole
EXPECTED, FOUND = "Expected: ", "Found:    "
DIGITS, MORE_DIGITS = 4, 10  # shown of a number, and where four are not enough to see the difference


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, and what to say to somebody whose results equal its results."""

    answer: Answer
    hint: str


@dataclass(frozen=True)
class Variant:
    """A right answer whose results differ from the solution's, and how."""

    answer: Answer
    note: str


class Exercise:
    """One exercise of a lesson.

    Args:
        task: what to do, in Markdown; shown above the student's copy.
        solution: the function to be written. Its signature and docstring are the student's copy. It returns a number,
            an array, a tensor, a list of numbers, or a tuple of these.
        cases: arguments to try it with, made anew at each call; the smallest first, since a failing one is shown.
        mistakes: typical wrong answers.
        reasoning: why the solution is right, and the answers to the task's questions, in Markdown; shown with it.
        variants: other right answers.
        example: code that uses the solution to answer the task's questions; shown after it.
        tolerance: largest difference that still counts as right.
    """

    def __init__(
        self,
        task: str,
        solution: Answer,
        cases: Callable[[], Sequence[Case]],
        *mistakes: Mistake,
        reasoning: str,
        variants: Sequence[Variant] = (),
        example: str = "",
        tolerance: float = 1e-5,
    ) -> None:
        self.task, self.solution, self.cases = task, solution, cases
        self.mistakes, self.variants, self.tolerance = mistakes, variants, tolerance
        self.reasoning, self.example = reasoning, example

    @property
    def name(self) -> str:
        """The name of the function to be written."""
        return self.solution.__name__

    @property
    def source(self) -> str:
        """The solution, as written."""
        return textwrap.dedent(inspect.getsource(self.solution))

    @property
    def stub(self) -> str:
        """The solution without its body: what the student begins with."""
        (function,) = ast.parse(self.source).body
        assert isinstance(function, ast.FunctionDef) and ast.get_docstring(function), f"{self.name} has no docstring"
        return "".join(self.source.splitlines(keepends=True)[: function.body[0].end_lineno]) + TODO


@dataclass(frozen=True)
class Verdict:
    """What the checker says; in a notebook it displays itself as its text."""

    passed: bool
    text: str

    def __repr__(self) -> str:
        return self.text


def judge(exercise: Exercise, answer: Answer) -> Verdict:
    """Compare an answer's results with the solution's on every case.

    *exact*: equal to the last bit. *close*: within the exercise's tolerance, or the rounding of a shorter kind of
    float. Arrays, tensors, lists, tuples, ranges and iterators of the right numbers are all accepted. Otherwise the
    first failing case is shown, with the hint of the typical mistake that gives the same results, if there is one
    (*Perhaps* if the results are the same in that case only). Errors of the answer are reported, not raised.
    """
    cases = exercise.cases()
    expected = [exercise.solution(*deepcopy(case)) for case in cases]
    found = [_result(answer, case) for case in cases]
    if all(result is None for result in found):
        return Verdict(False, f"{exercise.name}: not done yet, it returns nothing")
    pairs = list(zip(found, expected, strict=True))
    wrong = [not _agree(result, right, exercise.tolerance) for result, right in pairs]
    count = f"{len(cases)} cases" if len(cases) > 1 else "one case"
    if not any(wrong):
        largest = max(_distance(result, right) for result, right in pairs)
        how = "exact" if largest == 0 else "close"
        return Verdict(
            True, f"{exercise.name}: {how}, in {count}" + f"; largest difference {largest:.0e}" * (largest > 0)
        )
    for variant in exercise.variants:
        if all(
            _same(result, _result(variant.answer, case), exercise) for result, case in zip(found, cases, strict=True)
        ):
            return Verdict(True, f"{exercise.name}: right, in {count}. Note: {variant.note}")
    first = wrong.index(True)
    lines = [f"{exercise.name}: wrong in case {first + 1} of {len(cases)}", "Input:"]
    names = inspect.signature(exercise.solution).parameters
    lines += [_line(f"    {name} = ", _shown(value)) for name, value in zip(names, cases[first], strict=True)]
    lines += _comparison(found[first], expected[first], exercise.tolerance)
    return Verdict(False, "\n".join([*lines, *_hint(exercise, found, first)]))


def _result(answer: Answer, case: Case) -> Any:
    """What an answer returns for a case; the error if it raises one."""
    try:
        result = answer(*deepcopy(case))
        return list(islice(result, LONGEST)) if isinstance(result, Iterator) else result
    except Exception as error:  # whatever a student's code raises is shown to the student
        return error


def _hint(exercise: Exercise, found: Sequence[Any], first: int) -> list[str]:
    """The hint of the typical mistake whose results are the found ones; none if there is no such mistake."""
    similar = []
    for mistake in exercise.mistakes:
        with warnings.catch_warnings(action="ignore"):
            typical = [_result(mistake.answer, case) for case in exercise.cases()]
        same = [_same(result, wrong, exercise) for result, wrong in zip(found, typical, strict=True)]
        if all(same):
            return [f"Hint: {mistake.hint}"]
        if same[first]:
            similar.append(f"Perhaps: {mistake.hint}")
    return similar if len(similar) == 1 else []


def _same(found: Any, other: Any, exercise: Exercise) -> bool:
    """Whether two results are the same, where either may be an error or nothing."""
    if found is None or isinstance(found, Exception):
        return type(found) is type(other)
    return _agree(found, other, exercise.tolerance)


def _agree(found: Any, right: Any, tolerance: float) -> bool:
    return all(_distance(a, b) <= _allowed(a, b, tolerance) for a, b in _parts(found, right))


def _parts(found: Any, right: Any) -> list[tuple[Any, Any]]:
    """Pairs to be compared: one, unless the right result is a tuple of several and the found one has as many."""
    several = isinstance(right, tuple) and _array(right) is None
    if several and isinstance(found, tuple | list) and len(found) == len(right):
        return list(zip(found, right, strict=True))
    return [(found, right)]


def _distance(found: Any, right: Any) -> float:
    """The largest difference of two results; infinite where they are no numbers, or their shapes differ."""
    return max((float(_differences(a, b).max(initial=0)) for a, b in _parts(found, right)), default=0.0)


def _differences(found: Any, right: Any) -> np.ndarray:
    """The difference at every place, not a number counting as infinitely far; a single infinity if not comparable."""
    a, b = _array(found), _array(right)
    if a is None or b is None or a.shape != b.shape:
        return np.array(np.inf)
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        away = np.nan_to_num(np.abs(a - b), nan=np.inf)
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, away)


def _allowed(found: Any, right: Any, tolerance: float) -> float:
    """The largest difference that counts as right: more than the tolerance if the answer's floats are coarser."""
    numbers = _array(right)
    if numbers is None or numbers.dtype.kind != "f":
        return tolerance
    largest = np.abs(numbers[np.isfinite(numbers)]).max(initial=1)
    return max(tolerance, 4 * _precision(found) * float(largest))


def _precision(thing: Any) -> float:
    """The spacing of an answer's floats near 1; 0 for Python's numbers and whole ones."""
    if isinstance(thing, Tensor):
        return torch.finfo(thing.dtype).eps if thing.is_floating_point() else 0.0
    if isinstance(thing, np.ndarray | np.floating):
        return float(np.finfo(thing.dtype).eps) if thing.dtype.kind == "f" else 0.0
    return max(map(_precision, thing), default=0.0) if isinstance(thing, list | tuple) else 0.0


def _array(thing: Any) -> np.ndarray | None:
    """A number, array or tensor, or a nested list, tuple or range of them, as an array; None for anything else."""
    if isinstance(thing, Tensor):
        thing = thing.detach().cpu()
        thing = (thing.double() if thing.is_floating_point() else thing).numpy()  # NumPy has no bfloat16
    elif isinstance(thing, list | tuple | range):
        parts = [_array(part) for part in thing]
        if any(part is None or parts[0] is None or part.shape != parts[0].shape for part in parts):
            return None
        thing = np.array(parts)
    elif isinstance(thing, Fraction):
        thing = float(thing)
    array = np.asarray(thing) if isinstance(thing, bool | int | float | np.generic | np.ndarray) else None
    return array if array is not None and array.dtype.kind in "biuf" else None


# --- what is shown of a failing case


def _comparison(found: Any, right: Any, tolerance: float) -> list[str]:
    """Lines with the expected and the found result, or with the first place at which large ones differ."""
    pairs = _parts(found, right)
    number, (found, right) = next((i, pair) for i, pair in enumerate(pairs, 1) if not _agree(*pair, tolerance))
    part = [f"The first result to differ is number {number} of {len(pairs)}:"] if len(pairs) > 1 else []
    a, b = _array(found), _array(right)
    if a is not None and b is not None and a.shape == b.shape and b.size > WHOLE:
        away = _differences(found, right) > _allowed(found, right, tolerance)
        place = tuple(map(int, np.argwhere(away)[0]))
        more = f"; {away.sum()} of {away.size} numbers differ"
        texts = [f"{text} at {list(place)}" for text in _apart(b[place], a[place])]
        return [*part, EXPECTED + texts[0], FOUND + texts[1] + more]
    texts = _apart(right, found)
    lines = [*part, _line(EXPECTED, texts[0]), _line(FOUND, texts[1])]
    if a is not None and b is not None and a.shape != b.shape:
        shapes = [f"shape {shape}" if shape else "a single number" for shape in (b.shape, a.shape)]
        lines.append(f"Expected {shapes[0]}, found {shapes[1]}")
    return lines


def _apart(right: Any, found: Any) -> tuple[str, str]:
    """Both results as text, with more digits if they look alike with few."""
    texts = _shown(right), _shown(found)
    return texts if texts[0] != texts[1] else (_shown(right, MORE_DIGITS), _shown(found, MORE_DIGITS))


def _line(start: str, text: str) -> str:
    """A line that starts in this way; further lines of the text are indented below the first."""
    return start + text.replace("\n", "\n" + " " * len(start))


def _shown(thing: Any, digits: int = DIGITS) -> str:
    """A result or an argument as text; of a large array the shape and the range."""
    if thing is None:
        return "nothing is returned"
    if isinstance(thing, Exception):
        return f"an error, {type(thing).__name__}: {thing}"
    array = _array(thing)
    if array is None and isinstance(thing, list | tuple):
        brackets = "[]" if isinstance(thing, list) else "()"
        parts = (" ".join(_shown(part, digits).split()) for part in thing)
        return brackets[0] + ", ".join(parts) + brackets[1]
    if array is None:
        return f"a {type(thing).__name__}, {reprlib.repr(thing)}"
    if array.dtype.kind == "b":
        array = array.astype(int) if array.shape else array
    if not array.shape:
        return f"{array:.{digits}g}" if array.dtype.kind == "f" else str(array)
    if array.size > WHOLE:
        return f"an array of shape {array.shape}, from {_shown(array.min())} to {_shown(array.max())}"
    text = np.array2string(array, precision=digits, suppress_small=True, separator=", ", max_line_width=100)
    return "\n".join(filter(str.strip, text.split("\n")))
