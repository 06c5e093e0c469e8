"""What may be changed of a model between two updates: the learning rate."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from bpnet.nn.checks import require_number
from bpnet.nn.optimizers import BoundOptimizer


class Steered:
    """η(t) = η₀ · factor(t): `learning_rate` gives η(t) and sets η₀, which `initial_learning_rate` gives.

    Without a schedule factor(t) = 1, and they are the same. ValueError: the optimizer has no learning rate (L-BFGS).
    """

    @abstractmethod
    def bind(self) -> tuple[Any, BoundOptimizer]:
        """The objective and the optimizer at work."""

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update; setting it replaces the schedule's initial rate."""
        return self._read("rate")

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        require_number("learning_rate", value, above=0)
        self.bind()[1].set_rate(value)

    @property
    def initial_learning_rate(self) -> float:
        """What the schedule multiplies by its factor: the rate given, or set since."""
        return self._read("initial_rate")

    def _read(self, which: str) -> float:
        optimizer = self.bind()[1]
        return float(optimizer.backend.to_numpy(getattr(optimizer, which)()))
