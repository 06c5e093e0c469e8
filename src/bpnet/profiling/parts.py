"""What a step is made of, as a backend tells it, or layer by layer where it does not.

What `Backend.capture` returns may have a method `parts()`, to be asked after the first call: a sequence of objects with
the members of `Part`. An empty one says that this step cannot be taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Part(Protocol):
    """Work that can be done alone; all parts in their order are a step."""

    @property
    def op(self) -> str:
        """For people."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is made."""

    @property
    def bytes(self) -> int:
        """Read and written."""

    @property
    def flop(self) -> int:
        """Operations on floating-point numbers."""

    @property
    def run(self) -> Callable[[], object]:
        """Does it once, and does not wait for the device."""


@dataclass(frozen=True)
class Piece:
    """A part that bpnet itself has found."""

    op: str
    shape: tuple[int, ...]
    bytes: int
    flop: int
    run: Callable[[], object]


def told(captured: Any) -> Sequence[Part]:
    """The parts that the captured step tells; none where it does not."""
    parts = getattr(captured, "parts", None)
    found: Sequence[Part] = () if parts is None else parts()
    return found
