"""The lessons' exercises: tasks, solutions, typical mistakes, and ``check``, which a lesson calls."""

from importlib import import_module

from tbd_lib.course.exercises.exercise import Exercise, Mistake, Variant, Verdict, judge

LESSONS = {
    "00": "quickstart",
    "01": "data",
    "02": "swap",
    "03": "templates",
    "04": "distance",
    "05": "tracker",
    "06": "training",
    "07": "evaluation",
    "08": "ablations",
    "09": "cost",
    "appendix": "formats",
}
"""Which module holds the exercises of a lesson, by its number, or of the appendix."""

__all__ = ["LESSONS", "Exercise", "Mistake", "Variant", "Verdict", "check", "exercises_of", "judge"]


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """A lesson's exercises in their order."""
    return import_module(f"tbd_lib.course.exercises.{LESSONS[lesson]}").EXERCISES


def check(answer: object) -> Verdict:
    """Check the answer to the exercise that has the function's name.

    Raises:
        TypeError: not a function.
        LookupError: no exercise has that name.
    """
    if not callable(answer):
        raise TypeError(f"check was given a {type(answer).__name__}; expected the function itself, without brackets")
    name = getattr(answer, "__name__", "")
    for lesson in LESSONS:
        for exercise in exercises_of(lesson):
            if exercise.name == name:
                return judge(exercise, answer)
    raise LookupError(f"no exercise is called {name!r}; expected the name that the task gives to the function")
