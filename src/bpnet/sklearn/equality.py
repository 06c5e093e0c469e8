"""How near bpnet's estimators come to scikit-learn's: `python -m bpnet.sklearn.equality [BACKEND]` prints the table.

Both are fitted with the same parameters and `random_state`, in float64, for 30 iterations. Of the loss curves (of
L-BFGS, which has none, the last loss) the largest relative difference counts, of weights and biases the largest
difference.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cache
from itertools import groupby, product
from typing import Any

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning

from bpnet.sklearn import MLPClassifier, MLPRegressor

LOSS = 1e-10
"""How far the losses may be apart, relatively: rounding grows over the steps, and 30 iterations leave it far below."""
COEFS = 1e-8
"""The same for the weights."""

ITERATIONS = 30
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
MOMENTA: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.0},
    "sgd momentum": {"nesterovs_momentum": False},
    "sgd nesterov": {"nesterovs_momentum": True},
}
SCHEDULES = ("constant", "invscaling", "adaptive")
SOLVERS: dict[str, dict[str, Any]] = {
    **{
        f"{name} {schedule}": {"solver": "sgd", "learning_rate": schedule, "learning_rate_init": 0.01, **settings}
        for (name, settings), schedule in product(MOMENTA.items(), SCHEDULES)
    },
    "adam": {"solver": "adam"},
    "lbfgs": {"solver": "lbfgs"},
}
DATA = ("digits", "breast_cancer", "multi-label", "diabetes")


@dataclass(frozen=True)
class Case:
    """One fit of both libraries."""

    data: str
    solver: str
    activation: str
    alpha: float
    early_stopping: bool
    weighted: bool

    @property
    def parameters(self) -> dict[str, Any]:
        """Those that both take."""
        return {
            **SOLVERS[self.solver],
            "hidden_layer_sizes": (20, 10),
            "activation": self.activation,
            "alpha": self.alpha,
            "early_stopping": self.early_stopping,
            "max_iter": ITERATIONS,
            "n_iter_no_change": 2 if "adaptive" in self.solver else 10,
            "tol": 1e-3 if "adaptive" in self.solver else 1e-4,
            "random_state": 3,
        }


@dataclass(frozen=True)
class Difference:
    """How far apart the two fits are."""

    loss: float
    coefs: float
    predictions: float

    @property
    def is_small(self) -> bool:
        """Is it within the bounds?"""
        return self.loss <= LOSS and self.coefs <= COEFS


def all_cases() -> Iterator[Case]:
    """Every combination."""
    for data, solver, activation, alpha, early, weighted in product(
        DATA, SOLVERS, ACTIVATIONS, (0.0, 1e-2), (False, True), (False, True)
    ):
        if not (early and solver == "lbfgs"):
            yield Case(data, solver, activation, alpha, early, weighted)


def few_cases() -> list[Case]:
    """Each solver on each data set once, with the other settings in turn."""
    others = list(product((0.0, 1e-2), (False, True), (False, True)))
    found = []
    for number, (data, solver) in enumerate(product(DATA, SOLVERS)):
        alpha, early, weighted = others[(3 * number) % len(others)]
        activation = ACTIVATIONS[number % len(ACTIVATIONS)]
        found.append(Case(data, solver, activation, alpha, early and solver != "lbfgs", weighted))
    return found


@cache
def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    """X and y of a data set."""
    if name == "digits":
        x, y = datasets.load_digits(return_X_y=True)
        return x / 16, y
    if name == "multi-label":
        return datasets.make_multilabel_classification(400, n_classes=4, random_state=0)  # type: ignore[no-any-return]
    x, y = (datasets.load_diabetes if name == "diabetes" else datasets.load_breast_cancer)(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y if name == "breast_cancer" else (y - y.mean()) / y.std()


def difference(case: Case, backend: Any = None) -> Difference:
    """Fit both, and compare."""
    x, y = data(case.data)
    weight = np.random.default_rng(0).uniform(0.2, 2.0, len(x)) if case.weighted else None
    kind = "MLPRegressor" if case.data == "diabetes" else "MLPClassifier"
    theirs = getattr(neural_network, kind)(**case.parameters)
    ours = (MLPRegressor if case.data == "diabetes" else MLPClassifier)(**case.parameters, backend=backend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(x, y, sample_weight=weight)
        ours.fit(x, y, sample_weight=weight)
    return compared(theirs, ours, x)


def compared(theirs: Any, ours: Any, x: np.ndarray) -> Difference:
    """How far apart two fitted estimators are."""
    losses = [np.atleast_1d(getattr(each, "loss_curve_", each.loss_)) for each in (theirs, ours)]
    if len(losses[0]) != len(losses[1]):
        return Difference(np.inf, np.inf, np.inf)
    pairs = zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True)
    answers = [each.predict_proba(x) if hasattr(each, "predict_proba") else each.predict(x) for each in (theirs, ours)]
    return Difference(
        float(np.max(np.abs(losses[0] - losses[1]) / np.abs(losses[0]))),
        max(float(np.abs(a - b).max()) for a, b in pairs),
        float(np.abs(answers[0] - answers[1]).max()),
    )


def table(backend: Any = None) -> Iterator[tuple[str, str, Difference]]:
    """For each solver on each data set, the worst of its cases, as soon as they are done."""
    for (name, solver), cases in groupby(all_cases(), key=lambda case: (case.data, case.solver)):
        found = [difference(case, backend) for case in cases]
        yield name, solver, Difference(*(max(column) for column in zip(*map(astuple, found), strict=True)))


def main(backend: str | None = None) -> bool:
    """Print the table: is everything within the bounds?"""
    print(f"{'data':14} {'solver':25} {'loss':>9} {'weights':>9} {'outputs':>9}")
    held = True
    for name, solver, worst in table(backend):
        print(f"{name:14} {solver:25} {worst.loss:9.1e} {worst.coefs:9.1e} {worst.predictions:9.1e}", flush=True)
        held &= worst.is_small
    print(f"losses within {LOSS:g} and weights within {COEFS:g} of scikit-learn's: {'yes' if held else 'NO'}")
    return held


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:2]))
