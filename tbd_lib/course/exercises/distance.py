"""Exercises of lesson 04: the distance score."""

import torch

from tbd_lib.course.exercises.exercise import Exercise, Mistake


def table_entry(query: int, template: int, columns: int) -> int:
    """Which entry of a table with one distance per cell belongs to a pair of positions.

    Args:
        query: number of a position, counted row by row: row * columns + column.
        template: number of another.
        columns: of the grid.

    Returns:
        The number of the position that lies as many rows below and as many columns to the right of the top left corner
        as the two positions lie apart.
    """
    rows_apart = abs(query // columns - template // columns)
    columns_apart = abs(query % columns - template % columns)
    return rows_apart * columns + columns_apart


def score_by_hand(
    distance: torch.Tensor, w: torch.Tensor, b: torch.Tensor, v: torch.Tensor, c: torch.Tensor
) -> torch.Tensor:
    """The distance score, from the network's weights.

    Args:
        distance: in grid cells, shape (n,).
        w: weight of every hidden unit, shape (units,).
        b: bias of every hidden unit, shape (units,).
        v: weight of every hidden unit in the sum, shape (units,).
        c: the last bias, a single number.

    Returns:
        The scores, between 0 and 1, shape (n,).
    """
    hidden = (distance[:, None] * w + b).clamp(min=0)
    return torch.sigmoid(hidden @ v + c)


def _networks() -> list[tuple[torch.Tensor, ...]]:
    random = torch.Generator().manual_seed(4)
    w, b, v = torch.tensor([[1.0, -1.0], [-1.0, 2.0], [-1.0, 0.5]])
    cases = [(torch.tensor([0.0, 1.5, 3.0]), w, b, v, torch.tensor(0.5))]
    for units, n in ((4, 9), (2, 5)):
        w, b, v = (torch.randn(units, generator=random) for _ in range(3))
        cases.append((torch.linspace(0, 12, n), w, b, v, torch.tensor(0.3)))
    return cases


def far_enough(score: torch.Tensor, distance: torch.Tensor, twin: float, own_score: float) -> float:
    """How far away a twin must stand, so that its local score stays below the object's.

    Args:
        score: the distance score at every distance, falling, shape (n,).
        distance: the distances, in grid cells, rising, not evenly spaced, shape (n,).
        twin: the twin's cosine with the object's templates.
        own_score: the object's local score at its place.

    Returns:
        The first of the distances, in cells, at which twin * score is below own_score; there is one.
    """
    return float(distance[(twin * score < own_score).nonzero()[0, 0]])


def _twins() -> list[tuple[torch.Tensor, torch.Tensor, float, float]]:
    few, halves = torch.tensor([0.0, 1.5, 2.0, 4.5, 8.0]), torch.tensor([1.0, 0.75, 0.5, 0.25, 0.125])
    distance = torch.arange(25.0) ** 1.5 / 2
    falling = torch.sigmoid(2 - distance * 0.5)
    drawn = [(falling, distance, *pair) for pair in ((0.6, 0.5), (0.75, 0.3), (0.85, 0.05))]
    return [
        (halves, few, 0.5, 0.22),
        (halves, few, 0.5, 0.25),
        (halves, few, 0.25, 0.5),
        *drawn,
    ]  # the second: equality


EXERCISES = (
    Exercise(
        "Most entries of the lesson's table belong to no pair of cells. A smaller table has one entry for each cell "
        "of the grid, which holds the distance of that cell from the top left corner. All pairs that lie equally many "
        "rows and equally many columns apart share an entry: which one?",
        table_entry,
        lambda: [(7, 13, 5), (0, 0, 5), (13, 7, 5), (3, 20, 9), (26, 1, 4)],
        Mistake(
            lambda query, template, columns: abs(query - template),
            "the difference of two numbers is not the number of a difference: in a grid with five columns positions 4 "
            "and 5 lie at opposite edges",
        ),
        Mistake(
            lambda query, template, columns: (
                abs(query % columns - template % columns) * columns + abs(query // columns - template // columns)
            ),
            "rows and columns have changed places: rows count times the number of columns, columns count once",
        ),
        Mistake(
            lambda query, template, columns: (
                (query // columns - template // columns) * columns + query % columns - template % columns
            ),
            "a distance has no sign; take the absolute values of rows and columns first",
        ),
        Mistake(
            lambda query, template, columns: (
                (query // columns - template // columns) ** 2 + (query % columns - template % columns) ** 2
            ),
            "this is the entry of the lesson's table, the squared distance; the number of a cell is asked for",
        ),
        Mistake(
            lambda query, template, columns: (
                abs(query // columns - template // columns) + abs(query % columns - template % columns)
            ),
            "rows and columns were added up; the number of a cell is row * columns + column",
        ),
        reasoning="Integer division and remainder turn a number into its row and column. The two differences, without "
        "their signs, are the row and column of the cell that lies as far from the corner, and its number is `row * "
        "columns + column`. Subtracting the numbers themselves goes wrong wherever the columns differ in the other "
        "direction than the rows.",
    ),
    Exercise(
        "Write the distance scorer as a formula: a hidden layer with a ReLU, then a weighted sum of its units with a "
        "bias, then the sigmoid.",
        score_by_hand,
        _networks,
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid((distance[:, None] * w + b) @ v + c),
            "without the ReLU the hidden layer is one straight line, whatever its width",
        ),
        Mistake(
            lambda distance, w, b, v, c: (distance[:, None] * w + b).clamp(min=0) @ v + c,
            "the last step is missing: the sigmoid, which makes scores lie between 0 and 1",
        ),
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid((distance[:, None] * w).clamp(min=0) @ v + c),
            "without the hidden bias all units bend at the same place, distance 0",
        ),
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid((distance[:, None] * w + b).clamp(min=0) @ v),
            "the last bias, c, is missing",
        ),
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid(torch.sigmoid(distance[:, None] * w + b) @ v + c),
            "the hidden units use a ReLU; the sigmoid comes once, at the end",
        ),
        Mistake(
            lambda distance, w, b, v, c: torch.sigmoid((distance[:, None] * w).clamp(min=0) @ v + b @ v + c),
            "the hidden bias is added after the ReLU here; it belongs inside, where it moves the bend",
        ),
        reasoning="`distance[:, None] * w + b` has one row per distance and one column per hidden unit; "
        "`clamp(min=0)` is the ReLU. The product with `v` sums each row with the units' weights, so that one number "
        "per distance is left, and the sigmoid brings it between 0 and 1.",
    ),
    Exercise(
        "A twin has the cosine `twin` with the object's templates, and the object's local score at its place is "
        "`own_score`. From which of the given distances on, in cells, does the twin score below the object? The "
        "distances are not evenly spaced.",
        far_enough,
        _twins,
        Mistake(
            lambda score, distance, twin, own_score: float(distance[(score < own_score).nonzero()[0, 0]]),
            "the twin's cosine counts too: its local score is cosine times distance score",
        ),
        Mistake(
            lambda score, distance, twin, own_score: (twin * score < own_score).nonzero()[0, 0],
            "this is the place in the list; the distance that stands there is asked for",
        ),
        Mistake(
            lambda score, distance, twin, own_score: float(distance[(twin * score <= own_score).nonzero()[0, 0]]),
            "where both scores are equal the twin is not below the object yet: compare with <",
        ),
        Mistake(
            lambda score, distance, twin, own_score: float(
                distance[max(int((twin * score >= own_score).sum()) - 1, 0)],
            ),
            "this is the last distance at which the twin is not below the object; the next one is asked for",
        ),
        Mistake(
            lambda score, distance, twin, own_score: float(score[(twin * score < own_score).nonzero()[0, 0]]),
            "this is the distance score there; the distance itself is asked for",
        ),
        Mistake(
            lambda score, distance, twin, own_score: float(distance[-1]),
            "this is the last distance at which the twin is below the object; the first is asked for",
        ),
        reasoning="The twin's local score at each distance is `twin * score`. `nonzero` gives the places at which it "
        "is below the object's, in order, and `distance` translates the first of these places into cells. Returning "
        "the place itself would be right only if the distances were 0, 1, 2, and so on.",
    ),
)
