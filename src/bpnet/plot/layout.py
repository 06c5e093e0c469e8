"""Where the boxes of a graph stand: in rows, each below all that it needs, with few crossings and short lines.

Sugiyama, Tagawa and Toda 1981: rows by the longest way from an input; a place in each row that a line passes; an order
within the rows by the mean of the neighbours; positions that are nearest to those of the neighbours, in that order.
Tall graphs are folded into columns. Lengths are in any one unit; y grows downwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

SWEEPS = 24
STILL = 1e-3
"""Items that move less are where they belong."""
FEW = 3
"""Lines that may lead from one column to the next."""
PASSING = 0.22
"""The width that a line needs where it passes a row."""


@dataclass(eq=False)
class Item:
    """A box, or the place where a line passes a row."""

    width: float
    height: float
    row: int
    box: int | None = None
    above: list[Item] = field(default_factory=list)
    below: list[Item] = field(default_factory=list)
    x: float = 0.0


def rows_of(boxes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The row of each box, counted from 0: one more than that of the lowest box it needs.

    One that needs none stands right above the first that needs it. Boxes are numbered so that edges lead upwards.
    """
    rows = [0] * boxes
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        rows[target] = max(rows[target], rows[source] + 1)
    for box in range(boxes):
        if box not in {target for _, target in edges}:
            rows[box] = min((rows[target] for source, target in edges if source == box), default=1) - 1
    return rows


def placed(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], gap: float
) -> tuple[list[list[Item]], dict[tuple[int, int], list[Item]]]:
    """The rows, and of each edge the items that it goes through, from box to box; x is the middle of an item."""
    row = rows_of(len(sizes), edges)
    boxes = [Item(*size, row[box], box) for box, size in enumerate(sizes)]
    rows: list[list[Item]] = [[] for _ in range(max(row) + 1)]
    for item in boxes:
        rows[item.row].append(item)
    ways = {}
    for source, target in edges:
        between = [Item(PASSING, 0.0, at) for at in range(row[source] + 1, row[target])]
        for item in between:
            rows[item.row].append(item)
        ways[source, target] = way = [boxes[source], *between, boxes[target]]
        for upper, lower in itertools.pairwise(way):
            upper.below.append(lower)
            lower.above.append(upper)
    _order(rows)
    _align(rows, gap)
    return rows, ways


def _order(rows: list[list[Item]]) -> None:
    """Sort each row by the mean place of the neighbours above, then below, in turn; keep what crosses least."""
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            places = {id(item): i for other in rows for i, item in enumerate(other)}

            def middle(item: Item, places: dict[int, int] = places, downwards: bool = downwards) -> float:
                near = item.above if downwards else item.below
                return sum(places[id(other)] for other in near) / len(near) if near else places[id(item)]

            row.sort(key=middle)
        if (found := _crossings(rows)) < fewest:
            best, fewest = [list(row) for row in rows], found
    rows[:] = best


def _crossings(rows: list[list[Item]]) -> int:
    """How many pairs of lines between neighbouring rows cross."""
    count = 0
    for upper, lower in itertools.pairwise(rows):
        place = {id(item): i for i, item in enumerate(lower)}
        ends = [place[id(below)] for item in upper for below in sorted(item.below, key=lambda it: place[id(it)])]
        count += sum(first > second for i, first in enumerate(ends) for second in ends[i + 1 :])
    return count


def _align(rows: list[list[Item]], gap: float) -> None:
    """Move each row's items as near as possible to their neighbours, in their order and `gap` apart."""
    from sklearn.isotonic import isotonic_regression

    for row in rows:
        for item, start in zip(row, _starts(row, gap), strict=True):
            item.x = start - _starts(row, gap)[-1] / 2
    for sweep in range(4 * SWEEPS):
        far = 0.0
        for row in rows if sweep % 2 == 0 else reversed(rows):
            starts = _starts(row, gap)
            wanted, weight = map(np.array, zip(*(_wanted(item) for item in row), strict=True))
            moved = starts + (isotonic_regression(wanted - starts, sample_weight=weight) if row[1:] else wanted)
            for item, x in zip(row, moved, strict=True):
                far = max(far, abs(item.x - float(x)))
                item.x = float(x)
        if far < STILL:
            break


def _starts(row: list[Item], gap: float) -> np.ndarray:
    """The middles of the items, standing as close as they may."""
    steps = [(left.width + right.width) / 2 + gap for left, right in itertools.pairwise(row)]
    return np.concatenate([[0.0], np.cumsum(steps)])


def _wanted(item: Item) -> tuple[float, float]:
    """Where the sum of the distances to the neighbours is least, and how much it matters: long lines shall be straight.

    Distances, not squares: one bend rather than many. The mean, with weights of 1 / distance, comes near it in turns.
    """
    near = [*item.above, *item.below]
    pull = [(8.0 if item.box is None and other.box is None else 1.0) / (0.05 + abs(other.x - item.x)) for other in near]
    if not near:
        return item.x, 1.0
    return sum(p * other.x for p, other in zip(pull, near, strict=True)) / sum(pull), sum(pull)


def breaks(rows: list[list[Item]], heights: Sequence[float], columns: int) -> list[int]:
    """The rows at which columns begin: about equally high, where few lines lead over, and nowhere where many would."""
    ends = np.cumsum(heights)
    found = [0]
    for column in range(1, columns):
        near = int(np.searchsorted(ends, ends[-1] * column / columns)) + 1
        far = max(2, len(rows) // (3 * columns))
        choice = range(max(found[-1] + 1, near - far), min(len(rows), near + far + 1))
        over = {row: sum(len(item.below) for item in rows[row - 1]) for row in choice}
        if over and min(over.values()) <= FEW:
            found.append(min(over, key=lambda row: (over[row], abs(row - near))))
    return found
