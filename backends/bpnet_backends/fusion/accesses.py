"""Memory that a piece of a step touches, and whether it goes through it row by row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.array_utils import byte_bounds

from bpnet_backends.on_numpy.recording import is_alone, root

WHOLE = (0, 0)
"""The place of memory that is not visited row by row."""


@dataclass(frozen=True, eq=False)
class Access:
    """Memory that an item reads or writes, and where its row n lies: (address, bytes from row to row), or WHOLE."""

    array: np.ndarray
    place: tuple[int, int] = WHOLE

    @cached_property
    def owner(self) -> int | None:
        """The identity of the array whose memory this is; None where it is not NumPy's own."""
        owner = root(self.array)
        return id(owner) if is_alone(owner) else None

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The addresses of its first byte and of the byte after its last."""
        return byte_bounds(self.array)

    def meets(self, other: Access) -> bool:
        """May the two share a byte?"""
        if self.owner != other.owner and self.owner is not None and other.owner is not None:
            return False
        return self.bounds[0] < other.bounds[1] and other.bounds[0] < self.bounds[1]
