"""Exercises of lesson 04: the distance score."""

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def table_entry(query: int, template: int, columns: int) -> int:
    """Which entry of a table with one distance per cell belongs to a pair of positions.

    query, template: numbers of two positions, row by row: position = row * columns + column.
    columns: of the grid.
    Returns the number of the position that is as far from the top left corner as the two are from each other,
    in the same direction down and to the right.
    """
    rows_apart = abs(query // columns - template // columns)
    columns_apart = abs(query % columns - template % columns)
    return rows_apart * columns + columns_apart


def score_by_hand(
    distance: torch.Tensor, w: torch.Tensor, b: torch.Tensor, v: torch.Tensor, c: torch.Tensor
) -> torch.Tensor:
    """The distance score, from the network's weights.

    distance: in grid cells, of shape (n,).
    w, b: weight and bias of every hidden unit, of shape (units,).
    v: what every hidden unit contributes, of shape (units,). c: the last bias, a single number.
    Returns the scores, of shape (n,), between 0 and 1.
    """
    hidden = (distance[:, None] * w + b).clamp(min=0)
    return torch.sigmoid(hidden @ v + c)


def _networks() -> list[tuple[torch.Tensor, ...]]:
    random = torch.Generator().manual_seed(4)
    cases = []
    for units, n in ((4, 9), (2, 5)):
        w, b, v = (torch.randn(units, generator=random) for _ in range(3))
        cases.append((torch.linspace(0, 12, n), w, b, v, torch.tensor(0.3)))
    return cases


def far_enough(score: torch.Tensor, distance: torch.Tensor, twin: float, own_score: float) -> float:
    """How far away a twin must stand, so that its local score stays below the object's own.

    score: the distance score at every distance, of shape (n,), falling.
    distance: the distances, in grid cells, of shape (n,), rising.
    twin: the twin's cosine with the object's templates.
    own_score: the object's own local score at its place.
    Returns the first of the distances at which twin * score is below own_score.
    """
    return float(distance[(twin * score < own_score).nonzero()[0, 0]])


def _twins() -> list[tuple[torch.Tensor, torch.Tensor, float, float]]:
    distance = torch.arange(25.0)
    falling = torch.sigmoid(2 - distance * 0.5)
    return [(falling, distance, 0.6, 0.5), (falling, distance, 0.75, 0.3), (falling, distance, 0.85, 0.05)]


EXERCISES = (
    Exercise(
        "Most entries of the table above are never asked for. A smaller one has an entry for each cell: its distance "
        "from the top left corner. All pairs that lie equally many rows and columns apart share one entry: which one?",
        table_entry,
        lambda: [(0, 0, 5), (7, 13, 5), (13, 7, 5), (3, 20, 9), (26, 1, 4)],
        Mistake(
            lambda query, template, columns: abs(query - template),
            "the difference of two numbers is not the number of a difference: position 4 and position 5 of a grid "
            "with five columns stand at opposite edges",
        ),
        Mistake(
            lambda query, template, columns: (
                abs(query % columns - template % columns) * columns + abs(query // columns - template // columns)
            ),
            "rows count times the number of columns, columns count once",
        ),
        Mistake(
            lambda query, template, columns: (
                (query // columns - template // columns) * columns + query % columns - template % columns
            ),
            "a distance has no sign; take the absolute values first",
        ),
    ),
    Exercise(
        "Write the scorer as a formula: one hidden layer, then one number, then the sigmoid.",
        score_by_hand,
        _networks,
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid((distance[:, None] * w + b) @ v + c),
            "without the ReLU the hidden layer is one straight line, whatever its width",
        ),
        Mistake(
            lambda distance, w, b, v, c: (distance[:, None] * w + b).clamp(min=0) @ v + c,
            "the last step is missing: scores lie between 0 and 1",
        ),
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid((distance[:, None] * w).clamp(min=0) @ v + c),
            "without the hidden bias all units bend at the same place, distance 0",
        ),
    ),
    Exercise(
        "A twin looks like the object up to a cosine `twin`. The object's own local score is `own_score`. From which "
        "of the distances on is the twin beaten?",
        far_enough,
        _twins,
        Mistake(
            lambda score, distance, twin, own_score: float(distance[(score < own_score).nonzero()[0, 0]]),
            "the twin's cosine counts too: its offer is the product of cosine and score",
        ),
        Mistake(
            lambda score, distance, twin, own_score: float(distance[(twin * score >= own_score).nonzero()[-1, 0]]),
            "this is the last distance at which the twin still wins; asked is the next one",
        ),
    ),
)
