"""scikit-learn's MLPClassifier: `partial_fit` on a batch, and on many batches at once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from bpnet_benchmarks.contenders.contender import Contender, Run, reason
from bpnet_benchmarks.problem import Problem
from bpnet_benchmarks.reference import BETA_1, BETA_2, EPSILON, RATE
from bpnet_benchmarks.workload import CHECKED_STEPS, Workload


class ScikitLearnRun(Run):
    """`partial_fit` on the rows of `batches` batches makes as many steps, with all that the library does around them.

    Its Adam adds ε to √v and folds the bias corrections into the learning rate: θ ← θ - η·√(1-β₂ᵗ)/(1-β₁ᵗ)·m/(√v + ε),
    which is the paper's with ε / √(1-β₂ᵗ) in place of ε.
    """

    def __init__(self, problem: Problem, batches: int) -> None:
        self._problem = problem
        self.steps_per_call = batches
        self._order = np.tile(problem.order, -(-batches // problem.steps) + 1)
        self._next = 0
        self._model = self._new(warm_start=False, shuffle=False)
        self._fitted: Any = None

    def step(self) -> None:
        """Gather and `partial_fit`."""
        problem = self._problem
        count = problem.batch * self.steps_per_call
        rows = self._order[self._next : self._next + count]
        self._next = (self._next + count) % problem.rows
        self._model.partial_fit(problem.x[rows], problem.y[rows])

    def synchronize(self) -> None:
        """`partial_fit` returns when it is done."""

    def weights(self) -> list[np.ndarray]:
        """`coefs_` and `intercepts_`."""
        return _alternating((self._fitted or self._model).coefs_, (self._fitted or self._model).intercepts_)

    def fit(self, epochs: int) -> None:
        """`fit` of a warm model; it prints a line an epoch, and has neither a bar nor an accuracy."""
        if self._fitted is None:
            self._fitted = self._new(warm_start=True, shuffle=True)
        self._fitted.set_params(max_iter=epochs, n_iter_no_change=epochs + 1)
        self._fitted.fit(self._problem.x, self._problem.y)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """`predict_proba`."""
        probabilities: np.ndarray = self._model.predict_proba(x)
        return probabilities

    def _new(self, *, warm_start: bool, shuffle: bool) -> Any:
        """A model at the first weights, with an optimizer that is yet to be made."""
        from sklearn.neural_network import MLPClassifier

        workload, problem = self._problem.workload, self._problem
        model = MLPClassifier(
            workload.sizes[1:-1],
            activation=workload.layers[0].activation,
            solver="adam",
            alpha=0.0,
            batch_size=problem.batch,
            learning_rate_init=RATE,
            shuffle=shuffle,
            random_state=0,
            warm_start=warm_start,
            verbose=warm_start,
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
        )
        x, y = problem.x[: problem.batch], problem.y[: problem.batch]
        model.partial_fit(x, y, classes=np.arange(workload.sizes[-1]))
        model.coefs_ = [w.copy() for w in problem.weights[0::2]]
        model.intercepts_ = [b.copy() for b in problem.weights[1::2]]
        del model._optimizer  # the next partial_fit makes one for these arrays, at t = 0
        return model


def _alternating(coefs: list[np.ndarray], intercepts: list[np.ndarray]) -> list[np.ndarray]:
    return [array.copy() for pair in zip(coefs, intercepts, strict=True) for array in pair]


class ScikitLearn(Contender):
    """scikit-learn, on NumPy; `partial_fit` takes `most` batches at once, or fewer large ones."""

    no_images = "it has no convolutions"

    def __init__(self, name: str, most: int, modes: Sequence[str]) -> None:
        self.name = name
        self.most = most
        self.modes = modes

    def why_not(self) -> str | None:
        """None: bpnet needs scikit-learn itself."""

        def attempt() -> None:
            import sklearn.neural_network  # noqa: F401

        return reason(attempt)

    def versions(self) -> dict[str, str]:
        """scikit-learn's and NumPy's."""
        return {"scikit-learn": version("scikit-learn"), "numpy": version("numpy")}

    def unfit(self, workload: Workload, mode: str) -> str | None:
        """Two classes are one logistic output there, which is another network."""
        if workload.sizes[-1] == 2:
            return "it trains two classes with one logistic output, which is another network"
        return super().unfit(workload, mode)

    def prepare(self, problem: Problem) -> Run:
        """A model at the first weights."""
        return ScikitLearnRun(problem, max(1, min(self.most, MANY_ROWS // problem.batch)))


MANY_ROWS = 65_536
"""Rows that are gathered at once, at most, where there are more than one batch."""

BATCH = ScikitLearn("scikit-learn", 1, ("step", "fit", "predict", "start"))
MANY = ScikitLearn("scikit-learn-many", CHECKED_STEPS, ("step",))
