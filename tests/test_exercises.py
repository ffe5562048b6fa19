"""Exercises: the checker tells right from wrong and why; each exercise's own solution, stub and typical mistakes."""

from collections.abc import Callable
from importlib import import_module
from itertools import count

import nbformat
import numpy as np
import pytest
import torch
from answers import Answers
from torch import Tensor

from tbd_lib.course.exercises import LESSONS, Exercise, Mistake, Variant, check, exercises_of, judge
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


DOUBLE = Exercise(
    "Double it.",
    twice,
    cases,
    Mistake(square, "not squared"),
    Mistake(flat, "keep the shape"),
    reasoning="Twice is the sum.",
    variants=[Variant(lambda x: 2 * x + 5, "five more is right, too")],
)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda x: x + x, "twice: exact, in 2 cases"),
        (lambda x: 2 * x + 1e-6, "twice: close, in 2 cases; largest difference 1e-06"),
        (lambda x: 2 * x + 5, "twice: right, in 2 cases. Note: five more is right, too"),
        (lambda x: None, "twice: not done yet, it returns nothing"),
    ],
)
def test_the_checker_says_how_right_an_answer_is(answer: Callable, text: str):
    verdict = judge(DOUBLE, answer)
    assert repr(verdict) == text
    assert verdict.passed == ("not done" not in text)


INPUT = """Input:
    x = [[0., 1., 2.],
         [3., 4., 5.]]
Expected: [[ 0.,  2.,  4.],
           [ 6.,  8., 10.]]
Found:    """


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda x: 3 * x, "[[ 0.,  3.,  6.],\n           [ 9., 12., 15.]]"),
        (square, "[[ 0.,  1.,  4.],\n           [ 9., 16., 25.]]\nHint: not squared"),
        (
            flat,
            "[ 0.,  2.,  4.,  6.,  8., 10.]\nExpected shape (2, 3), found shape (6,)\nHint: keep the shape",
        ),
        (lambda x: x.sum(), "15\nExpected shape (2, 3), found a single number"),
        (lambda x: x * torch.nan, "[[nan, nan, nan],\n           [nan, nan, nan]]"),
        (lambda x: x / 0, "[[nan, inf, inf],\n           [inf, inf, inf]]"),
        (lambda x: str(x.sum()), "a str, 'tensor(15.)'"),
        (lambda x: x @ x, "an error, RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
        (lambda x: None if len(x) > 1 else x, "nothing is returned"),
        (lambda x: [[1], [1, 2]], "[[1], [1, 2]]"),
        (lambda x: {1, 2}, "a set, {1, 2}"),
        (lambda x: (2 * x).to(torch.complex64), "a Tensor, "),
    ],
)
def test_the_first_failing_case_is_shown(answer: Callable, found: str):
    verdict = judge(DOUBLE, answer)
    text = f"twice: wrong in case 1 of 2\n{INPUT}{found}"
    assert verdict.text == text or (found.endswith(", ") and verdict.text.startswith(text))
    assert not verdict.passed


def test_a_case_that_is_right_is_not_shown():
    text = judge(DOUBLE, lambda x: 2 * x if len(x) > 1 else x).text
    assert text.startswith("twice: wrong in case 2 of 2\nInput:\n    x = [[1.]]\nExpected: [[2.]]\nFound:    [[1.]]")


def test_a_mistake_in_the_shown_case_alone_may_be_the_reason():
    text = judge(DOUBLE, lambda x: square(x) if len(x) > 1 else 7 * x).text
    assert text.endswith("\nPerhaps: not squared")


def large() -> np.ndarray:
    """A large picture of a cross."""
    picture = np.zeros((30, 40), np.uint8)
    picture[10], picture[:, 20] = 1, 1
    return picture


def exercise_of(solution: Callable, *case: object, tolerance: float = 1e-5) -> Exercise:
    """An exercise with a single case."""
    return Exercise("", solution, lambda: [case], reasoning="", tolerance=tolerance)


def test_of_large_results_the_first_difference_is_shown():
    text = judge(exercise_of(lambda mask: mask, large()), lambda mask: mask.T.reshape(30, 40)).text
    assert "    mask = an array of shape (30, 40), from 0 to 1\nExpected: " in text
    expected, found = large(), large().T.reshape(30, 40)
    place = [int(axis[0]) for axis in np.nonzero(expected != found)]
    count = (expected != found).sum()
    assert f"Expected: 0 at {place}\nFound:    1 at {place}; {count} of 1200 numbers differ" in text


def test_of_several_results_the_one_that_differs_is_shown():
    both = exercise_of(lambda: (np.zeros((2, 2)), 1.0))
    assert judge(both, lambda: [[[0, 0], [0, 0]], torch.tensor(1)]).passed
    text = judge(both, lambda: (np.zeros((2, 2)), 2)).text
    assert text.endswith("The first result to differ is number 2 of 2:\nExpected: 1\nFound:    2")
    assert "Found:    [[0., 0.],\n           [0., 0.]]" in judge(both, lambda: np.zeros((2, 2))).text


def test_numbers_that_differ_in_late_digits_are_shown_with_these():
    text = judge(exercise_of(lambda: 0.5), lambda: 0.50002).text
    assert text.endswith("Expected: 0.5\nFound:    0.50002")


NUMBERS = [1, 0, 3]


@pytest.mark.parametrize(
    "found",
    [
        NUMBERS,
        tuple(NUMBERS),
        np.array(NUMBERS, np.uint8),
        np.array(NUMBERS, np.float16),
        *(torch.tensor(NUMBERS, dtype=kind) for kind in (torch.int8, torch.bfloat16, torch.float64)),
        torch.tensor(NUMBERS, dtype=torch.float32, requires_grad=True),
        [torch.tensor(1.0, requires_grad=True), np.float32(0), 3],
    ],
    ids=lambda found: type(found).__name__,
)
@pytest.mark.parametrize("kind", [np.array, torch.tensor, list])
def test_every_container_of_the_right_numbers_is_accepted(kind: Callable, found: object):
    assert judge(exercise_of(lambda: kind(NUMBERS)), lambda: found).text == "<lambda>: exact, in one case"
    assert judge(exercise_of(lambda: kind(NUMBERS)), lambda: iter(NUMBERS)).passed


@pytest.mark.parametrize(
    ("right", "found"),
    [(1 / 3, np.float16(1 / 3)), (torch.tensor(100 / 3), torch.tensor(100 / 3).bfloat16()), (2, 2.0), (1, True)],
)
def test_floats_of_fewer_digits_are_accepted(right: object, found: object):
    assert judge(exercise_of(lambda: right), lambda: found).passed


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (3, 4),
        (True, False),
        (0.5, np.array([0.5])),
        (0.5, "0.5"),
        (1 / 3, 0.3333),
        (1000, np.float16(1001)),
        (1, np.nan),
        ((1, 2), [1, 2, 3]),
        ([1], [2]),
        ([1, 2], {1, 2}),
        (np.zeros(3), np.zeros((3, 1))),
        (np.zeros(0), [[]]),
        ([1, 2], dict),
    ],
)
def test_other_numbers_shapes_and_kinds_are_refused(right: object, wrong: object):
    exercise = exercise_of(lambda: right)
    assert judge(exercise, lambda: right).passed
    assert not judge(exercise, lambda: wrong).passed


def test_an_iterator_that_never_ends_is_refused():
    assert not judge(exercise_of(lambda: NUMBERS), count).passed


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
    assert all(len(exercises_of(lesson)) >= 2 for lesson in LESSONS if lesson != "appendix")
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
    assert len(exercise.mistakes) >= 4
    for mistake in exercise.mistakes:
        with np.errstate(all="ignore"):
            verdict = judge(exercise, mistake.answer)
        assert not verdict.passed and verdict.text.endswith(f"\nHint: {mistake.hint}"), mistake.hint


ANSWERS: dict[str, Answers] = {}
for module in LESSONS.values():
    ANSWERS |= import_module(f"answers.{module}").ANSWERS


def test_each_exercise_has_answers_to_be_tried():
    assert ANSWERS.keys() == {exercise.name for _, exercise in EVERY}
    assert all(len(answers.right) >= 2 and len(answers.wrong) >= 6 for answers in ANSWERS.values())


def test_right_answers_in_other_forms_are_accepted(exercise: Exercise):
    refused = {what: judge(exercise, answer) for what, answer in ANSWERS[exercise.name].right.items()}
    assert {what: verdict for what, verdict in refused.items() if not verdict.passed} == {}


def test_wrong_answers_are_refused_with_the_right_hint(exercise: Exercise):
    for what, (answer, words) in ANSWERS[exercise.name].wrong.items():
        with np.errstate(all="ignore"):
            verdict = judge(exercise, answer)
        *_, last = verdict.text.splitlines()
        assert not verdict.passed, what
        assert last.startswith(("Hint: ", "Perhaps: ")) == bool(words) and words in last, f"{what}: {verdict.text}"


def test_each_solution_has_its_reasoning(exercise: Exercise):
    assert 100 < len(exercise.reasoning) < 900
    assert bool(exercise.example) == ("printed below" in exercise.reasoning.lower())


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
