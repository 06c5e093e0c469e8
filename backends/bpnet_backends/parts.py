"""What a captured step is made of, for whoever wants to know where its time goes.

What `capture` returns may have a method `parts()`: once it has been called, the parts of a step in their order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Part:
    """Work that can be done alone; all parts in their order are a step."""

    op: str
    """For people: `matmul`, `add, maximum`, `conv2d`, `gather, …`."""
    shape: tuple[int, ...]
    """Of what is made; of merged operations the rows and the widest row."""
    bytes: int
    """Read and written, each element once."""
    flop: int
    """2 for a multiplication with addition, 1 for any other operation on a floating-point number."""
    run: Callable[[], object]
    """Does it once. It may not wait for the device."""


MOST_NAMES = 4
"""Of merged operations that are told one by one."""


def merged(names: list[str]) -> str:
    """The names of operations that are done together, each once, in their order; long lists are cut."""
    known = list(dict.fromkeys(names))
    more = len(known) - MOST_NAMES
    return ", ".join(known) if more <= 0 else ", ".join(known[:MOST_NAMES]) + f", … {more} more"
