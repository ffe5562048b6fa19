"""An exercise from one source: the task, the solution, the student's copy made from it, and a checker that gives hints.

A lesson shows the student's copy; ``notebooks/solutions/`` shows the solution. Both are made from the functions here.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

Answer = Callable[..., Any]
Case = tuple[Any, ...]
NUMBERS = bool | int | float | np.number | np.bool_
TODO = "    ...  # your code here\n"


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, and what to say to somebody whose results equal its results."""

    answer: Answer
    hint: str


class Exercise:
    """One exercise of a lesson.

    Args:
        task: what to do, in Markdown; shown above the student's copy.
        solution: the function to be written. Its signature and docstring are the student's copy.
        cases: arguments to try it with, made anew at each call.
        mistakes: typical wrong answers.
        tolerance: largest difference that still counts as right.
    """

    def __init__(
        self,
        task: str,
        solution: Answer,
        cases: Callable[[], Sequence[Case]],
        *mistakes: Mistake,
        tolerance: float = 1e-5,
    ) -> None:
        self.task, self.solution, self.cases = task, solution, cases
        self.mistakes, self.tolerance = mistakes, tolerance

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
    """Compare an answer's results with the solution's on every case, and say how far they agree.

    *exact*: equal to the last bit. *close*: within the exercise's tolerance. Otherwise the largest difference, and the
    hint of the typical mistake that gives the same results, if there is one. Errors of the answer are told, not raised.
    """
    cases = exercise.cases()
    expected = [exercise.solution(*deepcopy(case)) for case in cases]
    found = []
    for number, case in enumerate(cases, 1):
        try:
            found.append(answer(*deepcopy(case)))
        except Exception as error:  # whatever a student's code raises is told to the student
            text = f"{exercise.name}: raised {type(error).__name__} in case {number}: {error}"
            return Verdict(False, text)
    if all(result is None for result in found):
        return Verdict(False, f"{exercise.name}: not done yet, it returns nothing")
    for number, (result, right) in enumerate(zip(found, expected, strict=True), 1):
        if misfit := _misfit(result, right):
            text = f"{exercise.name}: in case {number} of {len(cases)}, {misfit}"
            return Verdict(False, text + _hint(exercise, found))
    largest = max(_difference(result, right) for result, right in zip(found, expected, strict=True))
    if largest == 0:
        return Verdict(True, f"{exercise.name}: exact, in {_cases(cases)}")
    if largest <= exercise.tolerance:
        return Verdict(True, f"{exercise.name}: close, in {_cases(cases)}; largest difference {largest:.0e}")
    text = f"{exercise.name}: wrong, largest difference {largest:.3g}"
    return Verdict(False, text + _hint(exercise, found))


def _cases(cases: Sequence[object]) -> str:
    return f"{len(cases)} cases" if len(cases) > 1 else "one case"


def _hint(exercise: Exercise, found: Sequence[Any]) -> str:
    """The hint of the typical mistake whose results are the found ones, ready to be joined; empty if there is none."""
    for mistake in exercise.mistakes:
        typical = [mistake.answer(*case) for case in exercise.cases()]
        if all(_same(result, wrong, exercise.tolerance) for result, wrong in zip(found, typical, strict=True)):
            return f". Hint: {mistake.hint}"
    return ""


def _same(found: Any, typical: Any, tolerance: float) -> bool:
    return not _misfit(found, typical) and _difference(found, typical) <= tolerance


def _misfit(found: Any, right: Any) -> str:
    """How the found result is of another kind than the right one; empty if it is not."""
    if found is None:
        return "nothing is returned"
    if isinstance(right, tuple):
        if not isinstance(found, tuple) or len(found) != len(right):
            return _other_kind(found, right)
        return next(filter(None, (_misfit(a, b) for a, b in zip(found, right, strict=True))), "")
    if isinstance(right, Tensor | np.ndarray):
        if not isinstance(found, type(right)):
            return _other_kind(found, right)
        if tuple(found.shape) != tuple(right.shape):
            return f"found the shape {tuple(found.shape)}, expected {tuple(right.shape)}"
        return ""
    if isinstance(right, NUMBERS):
        return "" if isinstance(found, NUMBERS) or np.shape(found) == () else _other_kind(found, right)
    return "" if isinstance(found, type(right)) else _other_kind(found, right)


def _other_kind(found: object, right: object) -> str:
    return f"found {_kind(found)}, expected {_kind(right)}"


def _kind(thing: object) -> str:
    if isinstance(thing, tuple):
        return f"a tuple of {len(thing)}"
    return f"a {type(thing).__name__}"


def _difference(found: Any, right: Any) -> float:
    """The largest difference of two results of the same kind; infinite where they differ and are no numbers."""
    if isinstance(right, tuple):
        return max((_difference(a, b) for a, b in zip(found, right, strict=True)), default=0.0)
    if isinstance(right, Tensor):
        found, right = found.detach().cpu().numpy(), right.detach().cpu().numpy()
    if isinstance(right, np.ndarray | NUMBERS):
        numbers, expected = np.asarray(found, np.float64), np.asarray(right, np.float64)
        if np.array_equal(numbers, expected, equal_nan=True):
            return 0.0
        with np.errstate(invalid="ignore"):
            return float(np.nan_to_num(np.abs(numbers - expected), nan=np.inf).max())
    return 0.0 if found == right else float("inf")
