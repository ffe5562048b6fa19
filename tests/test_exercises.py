"""Exercises: the checker tells right from wrong and why; each exercise's own solution, stub and typical mistakes."""

from collections.abc import Callable

import nbformat
import numpy as np
import pytest
import torch
from torch import Tensor

from tbd_lib.course.exercises import LESSONS, Exercise, Mistake, check, exercises_of, judge
from tools.exercises import lesson_cells, lesson_path

EVERY = [(lesson, exercise) for lesson in LESSONS for exercise in exercises_of(lesson)]


def twice(x: Tensor) -> Tensor:
    """Two times ``x``."""
    return 2 * x


def square(x: Tensor) -> Tensor:
    return x * x


def flat(x: Tensor) -> Tensor:
    return 2 * x.flatten()


def cases() -> list[tuple[Tensor]]:
    return [(torch.arange(6.0).view(2, 3),), (torch.ones(1, 1),)]


DOUBLE = Exercise("Double it.", twice, cases, Mistake(square, "not squared"), Mistake(flat, "keep the shape"))


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda x: x + x, "twice: exact, in 2 cases"),
        (lambda x: 2 * x + 1e-6, "twice: close, in 2 cases; largest difference 1e-06"),
        (lambda x: None, "twice: not done yet, it returns nothing"),
        (square, "twice: wrong, largest difference 15. Hint: not squared"),
        (flat, "twice: in case 1 of 2, found the shape (6,), expected (2, 3). Hint: keep the shape"),
        (lambda x: 3 * x, "twice: wrong, largest difference 5"),
        (lambda x: x / 0 * torch.nan, "twice: wrong, largest difference inf"),
        (lambda x: x.tolist(), "twice: in case 1 of 2, found a list, expected a Tensor"),
        (lambda x: x @ x, "twice: raised RuntimeError in case 1: "),
    ],
)
def test_the_checker_says_how_right_an_answer_is(answer: Callable, text: str):
    verdict = judge(DOUBLE, answer)
    assert repr(verdict).startswith(text)
    assert verdict.passed == ("exact" in text or "close" in text)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(3, 4), (True, False), (0.5, np.array([0.5])), ("a", "b"), ((1, "a"), (1, "b")), ((1, 2), [1, 2]), ([1], [2])],
)
def test_results_need_not_be_tensors(right: object, wrong: object):
    exercise = Exercise("", lambda: right, lambda: [()])
    assert judge(exercise, lambda: right).passed
    assert not judge(exercise, lambda: wrong).passed


def test_an_answer_cannot_pass_by_changing_what_it_is_given():
    def spoil(x: Tensor) -> Tensor:
        return x.mul_(2)

    assert judge(DOUBLE, spoil).passed  # the solution saw its own copy


def test_check_finds_the_exercise_by_name_and_says_what_it_cannot_find():
    _, exercise = EVERY[0]
    assert check(exercise.solution).passed
    with pytest.raises(LookupError, match="'square'"):
        check(square)
    with pytest.raises(TypeError, match="expected the function itself"):
        check(3)  # pyright: ignore[reportArgumentType]


# --- every exercise


def test_every_lesson_has_two_exercises_or_more_with_names_of_their_own():
    assert all(len(exercises_of(lesson)) >= 2 for lesson in LESSONS)
    assert len({exercise.name for _, exercise in EVERY}) == len(EVERY)


@pytest.fixture(params=[exercise for _, exercise in EVERY], ids=lambda exercise: exercise.name)
def exercise(request: pytest.FixtureRequest) -> Exercise:
    return request.param


def test_the_solution_is_exact(exercise: Exercise):
    assert judge(exercise, exercise.solution).text.startswith(f"{exercise.name}: exact")


def test_the_untouched_stub_is_told_so(exercise: Exercise):
    names: dict[str, object] = vars(__import__(exercise.solution.__module__, fromlist=["_"])).copy()
    exec(exercise.stub, names)
    stub = names[exercise.name]
    assert callable(stub)
    assert judge(exercise, stub).text == f"{exercise.name}: not done yet, it returns nothing"


def test_each_typical_mistake_gets_its_own_hint(exercise: Exercise):
    assert len(exercise.mistakes) >= 2
    for mistake in exercise.mistakes:
        verdict = judge(exercise, mistake.answer)
        assert not verdict.passed and verdict.text.endswith(f". Hint: {mistake.hint}"), mistake.hint


@pytest.mark.parametrize(("lesson", "exercise"), EVERY)
def test_the_lesson_shows_the_exercise_as_it_is(lesson: str, exercise: Exercise):
    notebook = nbformat.read(lesson_path(lesson), as_version=4)
    shown = {cell.id: cell.source for cell in notebook.cells}
    assert lesson_cells(exercise).items() <= shown.items(), "run `make notebooks`"


def test_no_lesson_holds_an_exercise_that_is_not_there():
    for lesson in LESSONS:
        wanted = {name for exercise in exercises_of(lesson) for name in lesson_cells(exercise)}
        cells = {cell.id for cell in nbformat.read(lesson_path(lesson), as_version=4).cells}
        assert {name for name in cells if name.startswith(("task-", "try-"))} == wanted
