"""Estimators that are trained as a stack: each has the numbers of its own fit, draws, schedule and end included."""

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold
from sklearn.utils.parallel import Parallel

from bpnet.nn.losses import MeanSquaredError
from bpnet.sklearn import MLPClassifier, MLPRegressor, together
from bpnet.sklearn.equality import data
from bpnet.sklearn.placed import Architecture
from bpnet.sklearn.stacked_fit import Kind
from bpnet.sklearn.stacked_update import StackedAdam

COMPARED = ("loss_curve_", "validation_scores_", "validation_loss_curve_", "coefs_", "intercepts_")

x, y = load_digits(return_X_y=True)
DIGITS = x[:200] / 16, y[:200]
TWO = data("breast_cancer")[0][:150], data("breast_cancer")[1][:150]
NUMBERS = data("diabetes")[0][:151], data("diabetes")[1][:151]
LABELS = DIGITS[0], np.stack([DIGITS[1] > 4, DIGITS[1] % 2 == 0], axis=1).astype(int)
COUNTS = NUMBERS[0], np.abs(np.round(NUMBERS[1] * 3))

CASES: dict[str, tuple[Any, list[dict[str, Any]], Any]] = {
    "adam": (
        MLPClassifier((12,), max_iter=6, random_state=0),
        [
            {"alpha": 1.0},
            {"learning_rate_init": 0.03, "random_state": 3},
            {"beta_1": 0.7, "beta_2": 0.99, "epsilon": 1e-3},
            {"max_iter": 2},
            {"tol": 1.0, "n_iter_no_change": 1},
        ],
        DIGITS,
    ),
    "sgd": (
        MLPClassifier((12, 5), "tanh", solver="sgd", max_iter=9, batch_size=64, random_state=0),
        [
            {"momentum": 0.0},
            {"momentum": 0.5, "learning_rate_init": 0.1},
            {"learning_rate": "invscaling", "power_t": 0.2, "learning_rate_init": 0.5},
            {"learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
            {"shuffle": False},
        ],
        DIGITS,
    ),
    "without nesterov": (
        MLPRegressor(
            hidden_layer_sizes=(7,),
            activation="logistic",
            solver="sgd",
            nesterovs_momentum=False,
            max_iter=5,
            random_state=0,
        ),
        [{"momentum": 0.5}, {"alpha": 0.1}],
        NUMBERS,
    ),
    "early stopping": (
        MLPClassifier((12,), early_stopping=True, max_iter=12, batch_size=50, random_state=0),
        [{"learning_rate_init": 0.02, "n_iter_no_change": 2, "tol": 0.01}, {"validation_fraction": 0.1, "alpha": 1.0}],
        DIGITS,
    ),
    "two classes": (MLPClassifier((4,), max_iter=5, random_state=1), [{}, {"alpha": 3.0}], TWO),
    "labels": (MLPClassifier((4,), max_iter=5, random_state=1), [{}, {"alpha": 3.0}], LABELS),
    "no hidden layer": (MLPRegressor(hidden_layer_sizes=(), max_iter=5, random_state=1), [{}, {"alpha": 3.0}], NUMBERS),
    "poisson": (MLPRegressor("poisson", (4,), max_iter=5, random_state=1), [{}, {"alpha": 3.0}], COUNTS),
    "stopping a regressor": (
        MLPRegressor(hidden_layer_sizes=(4,), early_stopping=True, max_iter=5, random_state=1),
        [{}, {"alpha": 3.0}],
        NUMBERS,
    ),
}


@pytest.mark.parametrize("backend", ["numpy", "numba", "torch:cpu"])
@pytest.mark.parametrize("case", CASES)
def test_equals_its_own_fit(case: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three places for all members: who waits enters where one has ended, and the last ones move together."""
    monkeypatch.setattr(together, "at_once", lambda *_: 3)
    estimator, candidates, (x, y) = CASES[case]
    estimator = clone(estimator).set_params(backend=backend)
    splits = list(KFold(3, shuffle=True, random_state=0).split(x))
    asked = [clone(estimator).set_params(**candidate) for candidate in candidates for _ in splits]
    folds = [fold for _ in candidates for fold in splits]
    runs = together.trained_together([clone(each) for each in asked], x, y, folds, Parallel())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each, (train, _), run in zip(asked, folds, runs, strict=True):
            alone = clone(each).fit(x[train], y[train])
            assert run.attributes is not None
            assert run.attributes["n_iter_"] == alone.n_iter_
            assert bool(run.warned) == (alone.n_iter_ == alone.max_iter)
            for name in COMPARED:
                found, expected = run.attributes.get(name), getattr(alone, name, None)
                assert (found is None) == (expected is None)
                if expected is not None:
                    for a, b in zip(found, expected, strict=True):
                        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)  # the bound for stacks


def test_on_a_gpu_what_is_held_out_of_all_models_fits_into_the_memory():
    gpu, cpu = SimpleNamespace(device="NVIDIA H100 (CUDA 13.0)"), SimpleNamespace(device="CPU")
    shape = Architecture((64, 100, 10), ("relu",), "softmax", 0.0, 0)
    few, many = (
        Kind(shape, "float32", 200, 10**5, held_out, MeanSquaredError(), StackedAdam) for held_out in (0, 10**5)
    )
    assert together.at_once(many, gpu) * 10**5 * (64 + 2 * 110) * 4 <= together.MEMORY
    assert together.at_once(few, gpu) > 1000
    assert together.at_once(few, cpu) == together.at_once(many, cpu)
