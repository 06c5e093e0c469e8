"""Loss curves, weights and outputs equal scikit-learn's; `python -m bpnet.sklearn.equality` makes the whole table."""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

from bpnet.backend import Backend
from bpnet.sklearn import MLPClassifier, MLPRegressor
from bpnet.sklearn.equality import COEFS, LOSS, Case, all_cases, compared, data, difference, few_cases

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("case", few_cases(), ids=lambda case: f"{case.data}-{case.solver}")
def test_every_solver_on_every_data_set(case: Case) -> None:
    found = difference(case, "numpy")
    assert found.is_small, found


@pytest.mark.parametrize("case", few_cases()[::5], ids=lambda case: f"{case.data}-{case.solver}")
def test_every_backend(backend: Backend, case: Case) -> None:
    found = difference(case, backend)
    assert found.is_small, found


def test_every_setting_is_met() -> None:
    """The few cases leave no value of a setting out."""
    few, every = few_cases(), list(all_cases())
    for name in ("data", "solver", "activation", "alpha", "early_stopping", "weighted"):
        assert {getattr(case, name) for case in few} == {getattr(case, name) for case in every}


def test_counts_with_poisson() -> None:
    x, y = data("diabetes")
    counts = np.round(np.exp(y))
    settings = {"loss": "poisson", "max_iter": 30, "random_state": 0, "hidden_layer_sizes": (8,)}
    theirs = neural_network.MLPRegressor(**settings).fit(x, counts)
    ours = MLPRegressor(**settings, backend="numpy").fit(x, counts)
    found = compared(theirs, ours, x)
    assert found.is_small
    assert ours.out_activation_ == "exp"


def test_saturated_probabilities() -> None:
    """Inputs that are not scaled bring probabilities to 0 and 1, where scikit-learn's loss is bounded and coarse."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    for solver in ("adam", "sgd"):
        settings = {"solver": solver, "max_iter": 20, "random_state": 1}
        theirs = neural_network.MLPClassifier(**settings).fit(x, y)
        ours = MLPClassifier(**settings, backend="numpy").fit(x, y)
        assert compared(theirs, ours, x).is_small


def test_float32_stays_float32() -> None:
    x, y = data("digits")
    x = x.astype(np.float32)
    settings = {"max_iter": 5, "random_state": 1}
    theirs = neural_network.MLPClassifier(**settings).fit(x, y)
    ours = MLPClassifier(**settings, backend="numpy").fit(x, y)
    assert {array.dtype for array in ours.coefs_ + ours.intercepts_} == {np.dtype("float32")}
    assert ours.predict_proba(x).dtype == theirs.predict_proba(x).dtype == np.float32
    assert ours.predict_proba(x.astype(np.float64)).dtype == theirs.predict_proba(x.astype(np.float64)).dtype
    # 45 steps of rounding to 24 bits: 45 · 2⁻²⁴ · the largest weight, and some.
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-5)


def test_the_same_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data("diabetes")
    printed = []
    for kind in (neural_network.MLPRegressor, MLPRegressor):
        kind(max_iter=40, early_stopping=True, random_state=1, tol=1.0, verbose=True, n_iter_no_change=3).fit(x, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Validation score did not improve" in printed[1]


def test_the_same_attributes() -> None:
    for name, ours in (("MLPClassifier", MLPClassifier), ("MLPRegressor", MLPRegressor)):
        theirs = getattr(neural_network, name)
        x, y = data("breast_cancer")
        for settings in ({"solver": "adam"}, {"solver": "lbfgs"}, {"early_stopping": True}):
            a, b = (kind(max_iter=3, random_state=0, **settings).fit(x, y) for kind in (theirs, ours))
            public = {key for key in vars(a) if key.endswith("_")}
            assert public - set(dir(b)) == set()
            for key in sorted(public - {"coefs_", "intercepts_"}):
                np.testing.assert_allclose(getattr(b, key), getattr(a, key), rtol=LOSS) if not isinstance(
                    getattr(a, key), str | type(None)
                ) else pytest.approx(getattr(a, key)) == getattr(b, key)


def test_the_same_parameters_in_the_same_order() -> None:
    from inspect import Parameter, signature

    for name, ours in (("MLPClassifier", MLPClassifier), ("MLPRegressor", MLPRegressor)):
        theirs = list(signature(getattr(neural_network, name)).parameters.values())
        mine = list(signature(ours).parameters.values())
        for a, b in zip(theirs, mine, strict=False):
            assert (a.name, a.default, a.kind) == (b.name, b.default, b.kind)
        assert all(extra.kind is Parameter.KEYWORD_ONLY for extra in mine[len(theirs) :])


def test_not_converged_is_said() -> None:
    x, y = data("diabetes")
    for solver in ("adam", "lbfgs"):
        with pytest.warns(ConvergenceWarning):
            MLPRegressor(max_iter=2, solver=solver).fit(x, y)


def test_bounds_are_those_asked_for() -> None:
    assert (LOSS, COEFS) == (1e-10, 1e-8)
