"""How the rows and columns of a kernel are divided among threads and blocks.

A block has `rows` rows of `lanes` threads; the lanes of a row go through its columns together, side by side, so that
neighbours read neighbouring elements. Blocks divide the rows and, where no row is reduced, the columns too. Nothing
depends on the GPU: sums have the same order everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

WARP = 32
THREADS, MOST_THREADS = 256, 1024
"""Of a block, usually and at most."""

IN_REGISTERS = 8
"""Elements of a row that a thread keeps from one stage to the next."""

WORTH_SPREADING = 1 << 15
"""Threads of a kernel up to which more of them share a row."""

ALONE = 8
"""Rows that a thread of the only block may visit one after another; a second block costs a kernel that joins sums."""

VISITS = 4
"""Rows that a thread visits where there are several blocks."""

MOST_PARTS = 128
"""Parts of a sum."""

MOST_BLOCKS = 65535
"""Along y, and along x, where a block then goes on to further rows."""


@dataclass(frozen=True)
class Geometry:
    """Threads and blocks."""

    lanes: int
    rows: int
    down: int
    """Blocks along the rows: x of the grid."""
    across: int
    """Blocks along the columns: y of the grid."""

    @property
    def threads(self) -> int:
        """Of a block."""
        return self.lanes * self.rows

    @property
    def step(self) -> int:
        """From a column of a thread to its next one."""
        return self.lanes * self.across

    def columns(self, width: int) -> int:
        """How many columns a thread visits at most."""
        return -(-width // self.step)


def power_of_two(n: int) -> int:
    """The least one that is not below n."""
    return 1 << max(n - 1, 0).bit_length()


def flat(size: int, *, summed: bool) -> Geometry:
    """A thread an element; where they are summed, several elements a thread."""
    if not summed:
        threads = min(THREADS, max(WARP, power_of_two(size)))
        return Geometry(threads, 1, min(-(-size // threads), MOST_BLOCKS), 1)
    if size <= ALONE * MOST_THREADS:
        return Geometry(min(MOST_THREADS, max(WARP, power_of_two(size))), 1, 1, 1)
    return Geometry(THREADS, 1, min(-(-size // (ALONE * THREADS)), MOST_PARTS), 1)


def of_rows(rows: int, width: int, *, reduces: bool, summed: bool, divisible: bool) -> Geometry:
    """For `rows` rows, the widest of `width` columns.

    `reduces`: rows are reduced, each by one block; `summed`: there are sums over rows; `divisible`: the columns of a
    row do not wait for one another.
    """
    most = min(power_of_two(width), MOST_THREADS)
    if reduces:
        lanes = min(most, WARP)
        while lanes < most and (width > IN_REGISTERS * lanes or rows * lanes < WORTH_SPREADING):
            lanes *= 2
    else:
        lanes = min(most, WARP if summed else THREADS // 2)
    together = (MOST_THREADS if summed else THREADS) // lanes
    height = max(1, min(together, power_of_two(rows)), WARP // lanes)
    across = min(-(-width // lanes), MOST_BLOCKS) if divisible and not reduces else 1
    visits = -(-rows // height)
    parts = 1 if visits <= ALONE else min(-(-visits // VISITS), MOST_PARTS)
    return Geometry(lanes, height, parts if summed else min(visits, MOST_BLOCKS), across)
