"""What L-BFGS was told in a run. SciPy does not show its memory; told the same again, it comes to the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zlib import crc32


@dataclass
class Evaluations:
    """The losses and gradients of a run from its start, in order; a resumed run takes them in place of computing them.

    They are memory like (evaluations × parameters), one or two evaluations an iteration.
    """

    start: Any = None
    """Theta at the first of them, on the host."""
    points: list[int] = field(default_factory=list)
    """CRC-32 of the points, float64: another version of SciPy may ask for others."""
    losses: list[float] = field(default_factory=list)
    gradients: list[Any] = field(default_factory=list)
    """On the host, in the model's float type."""
    whole: int = 0
    """How many there were at the end of the last iteration."""
    told: int = 0
    """How many of them the present call has taken or made."""

    def known(self, theta: Any) -> tuple[float, Any] | None:
        """The next of them, if it is known; RuntimeError where it was at another point."""
        at = self.told
        if at >= len(self.points):
            return None
        if crc32(theta.tobytes()) != self.points[at]:
            raise RuntimeError(
                f"resume: L-BFGS asks for another point than before at evaluation {at + 1} of {len(self.points)}, so "
                "this SciPy is not the one that the checkpoint was made with. Mend: that SciPy, or a run from the start"
            )
        self.told += 1
        return self.losses[at], self.gradients[at]

    def add(self, theta: Any, loss: float, gradient: Any) -> None:
        """Keep one; neither array is changed later."""
        self.points.append(crc32(theta.tobytes()))
        self.losses.append(loss)
        self.gradients.append(gradient)
        self.told += 1

    def end_iteration(self) -> None:
        """Those so far belong to whole iterations."""
        self.whole = self.told
