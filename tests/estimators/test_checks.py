"""scikit-learn's own checks of an estimator, none expected to fail."""

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from bpnet.sklearn import MLPClassifier, MLPRegressor, MLPSearchCV

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore:batch_size"),
]

NOT_FOR_US = ("check_array_api_input", "check_classifiers_multilabel_output_format_decision_function")
"""One needs SCIPY_ARRAY_API in the environment, one a decision_function, which scikit-learn's has not either."""


@pytest.fixture(autouse=True)
def on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPNET_BACKEND", "numpy")


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_on_numpy(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def searches() -> list[Any]:
    """Of each kind of estimator a grid of two candidates on two folds.

    The checks set a seed for the search alone, not for what it searches, and ask for the error of a fit that failed.
    """
    small: dict[str, Any] = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.01, "max_iter": 60, "random_state": 0}
    grid = {"alpha": [1e-4, 1e-2]}
    return [MLPSearchCV(kind(**small), grid, cv=2, error_score="raise") for kind in (MLPClassifier, MLPRegressor)]


# scikit-learn's choice of folds casts a y with inf to integers, before it refuses it
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(searches())
def test_searches(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def checks(spec: str) -> list[Any]:
    """Each check on a backend; a small network, whose steps cost PyTorch little."""
    settings: dict[str, Any] = {
        "backend": spec,
        "hidden_layer_sizes": (20,),
        "learning_rate_init": 0.01,
        "max_iter": 60,
    }
    return [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{spec}-{check.func.__name__}-{number}")
        for kind in (MLPClassifier, MLPRegressor)
        for number, (estimator, check) in enumerate(estimator_checks_generator(kind(**settings)))
        if check.func.__name__ not in NOT_FOR_US
    ]


@pytest.mark.parametrize(("estimator", "check"), checks("torch:cpu"))
def test_on_torch(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
