"""A batch of which each process has a part: what a layer needs to know of the whole."""

from __future__ import annotations

from typing import Protocol

from bpnet.backend import Array


class WholeBatch(Protocol):
    """The batch, as a process sees it that has some of its samples, or none: then a sample stands in for them."""

    samples: int
    """Of the whole batch."""
    is_empty: bool
    """Has this process none of them?"""

    def add_up(self, part: Array) -> Array:
        """The sum of the processes' parts, of which an empty one counts nothing. All have to ask for it."""
