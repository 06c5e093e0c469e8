"""The model that callbacks of an estimator see."""

from __future__ import annotations

from bpnet.nn.checks import require_number
from bpnet.sequential import Sequential
from bpnet.sklearn.optimizers import Optimization


class Learner(Sequential):
    """The network in training. It is not compiled: the estimator has the loss, and the optimizer, whose rate this has.

    ValueError of the rates: L-BFGS has none, and an estimator with learning_rate="invscaling" sets it itself.
    """

    optimization: Optimization | None = None
    """The estimator's; None of L-BFGS."""

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update; setting it replaces the schedule's initial rate."""
        return self._optimization.rate()

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        require_number("learning_rate", value, above=0)
        self._optimization.set_rate(value)

    @property
    def initial_learning_rate(self) -> float:
        """What a schedule multiplies by its factor."""
        return self._optimization.initial_rate()

    @property
    def _optimization(self) -> Optimization:
        if self.optimization is None:
            raise ValueError("learning_rate: LBFGS has none; its line search finds the length of each step")
        return self.optimization
