"""Which items a thread runs on its rows before it waits for the others, and into how many chunks the rows are divided.

The division depends on the sizes alone, never on the number of threads: a run gives the same bits on any number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bpnet_backends.on_numba.items import Item, conflict

WORTH_DIVIDING = 40_000.0
"""Nanoseconds of work from which the start of threads, some 10,000, is worth it."""

CHUNK = 20_000.0
"""Nanoseconds of work that a chunk should have at least."""

MOST_CHUNKS = 64
FEWEST_ROWS = 16
"""Of a chunk: a product of fewer rows is slow."""


@dataclass
class Region:
    """Items that run chunk by chunk; with one chunk, one after another."""

    items: list[Item]

    @property
    def rows(self) -> int:
        """The rows that are divided; 0 where NumPy does the work."""
        return self.items[0].rows

    @property
    def chunks(self) -> int:
        """Into how many parts."""
        cost = sum(item.cost for item in self.items)
        if self.rows < 2 * FEWEST_ROWS or cost < WORTH_DIVIDING:
            return 1
        return max(1, min(MOST_CHUNKS, int(cost / CHUNK), self.rows // FEWEST_ROWS))


def regions(items: Sequence[Item]) -> list[Region]:
    """The items in regions; an item joins an earlier region of its rows if it may overtake what lies between."""
    found: list[Region] = []
    for item in items:
        if not _joined(item, found):
            found.append(Region([item]))
    return found


def _joined(item: Item, found: Sequence[Region]) -> bool:
    for region in reversed(found):
        fits = item.rows > 1 and item.rows == region.rows
        if fits and not any(conflict(old, item, by_rows=True) for old in region.items):
            region.items.append(item)
            return True
        if any(conflict(old, item) for old in region.items):
            return False
    return False
