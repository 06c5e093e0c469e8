"""MLPSearchCV against scikit-learn's searches over its own estimators: the same tables, whatever was stacked."""

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from scipy.stats import loguniform
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline

from bpnet.sklearn import MLPClassifier, MLPRegressor, MLPSearchCV, handing_over
from bpnet.sklearn.equality import data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = (array[:240] for array in load_digits(return_X_y=True))
X = X / 16
THEIRS = neural_network.MLPClassifier((10,), max_iter=8, random_state=0, learning_rate_init=0.01)
GRID = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(10,), (6, 5)], "learning_rate_init": [0.003, 0.03]}


@pytest.fixture(autouse=True)
def on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPNET_BACKEND", "numpy")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The estimators that got what a stack had trained."""
    found: list[Any] = []
    give = handing_over.Run.give

    def counted(run: handing_over.Run, estimator: Any) -> None:
        found.append(estimator)
        give(run, estimator)

    monkeypatch.setattr(handing_over.Run, "give", counted)
    return found


def same_results(ours: MLPSearchCV, theirs: Any, atol: float = 0.0) -> None:
    """All that scikit-learn tells of a search, but for times, key by key."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, expected in theirs.cv_results_.items():
        found = ours.cv_results_[name]
        if name.endswith("_time"):
            assert (np.asarray(found) >= 0).all()
        elif "_test_" in name or "_train_" in name:
            np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)
        else:
            assert list(found) == list(expected), name
    for name in ("best_index_", "best_params_", "n_splits_", "multimetric_"):
        assert getattr(ours, name, None) == getattr(theirs, name, None), name


def test_grid(given: list[Any]) -> None:
    theirs = GridSearchCV(THEIRS, GRID, cv=3, return_train_score=True).fit(X, Y)
    ours = MLPSearchCV(MLPClassifier(**THEIRS.get_params()), GRID, cv=3, return_train_score=True).fit(X, Y)
    same_results(ours, theirs)  # accuracies are shares of samples: equal where all decisions are
    assert len(given) == 8 * 3
    assert ours.best_score_ == theirs.best_score_
    assert isinstance(ours.best_estimator_, MLPClassifier)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
    assert ours.score(X, Y) == theirs.score(X, Y)
    assert list(ours.classes_) == list(theirs.classes_)
    assert ours.cv_results_["mean_fit_time"].min() > 0


def test_mixed_with_what_cannot_be_stacked(given: list[Any]) -> None:
    """lbfgs stands between two stacks, a wrong alpha fails alone, and scikit-learn's own estimator is exchanged."""
    grid = [{"solver": ["adam", "lbfgs", "sgd"], "alpha": [1e-4, -1.0]}, {"early_stopping": [True]}]
    searches = [kind(THEIRS, grid, cv=3) for kind in (GridSearchCV, MLPSearchCV)]
    for search in searches:
        with pytest.warns(FitFailedWarning, match="9 fits failed"), pytest.warns(UserWarning, match="non-finite"):
            search.fit(X, Y)
    same_results(searches[1], searches[0])
    assert len(given) == 3 * 3
    assert type(searches[1].estimator) is neural_network.MLPClassifier
    assert isinstance(searches[1].best_estimator_, MLPClassifier)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        MLPSearchCV(THEIRS, {"alpha": [-1.0, 0.1]}, cv=2, error_score="raise").fit(X, Y)


def test_random_search_of_a_regressor(given: list[Any]) -> None:
    x, y = (array[:150] for array in data("diabetes"))
    net = neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=6, random_state=0)
    drawn = {"alpha": loguniform(1e-4, 1.0), "activation": ["relu", "tanh"]}
    scoring = {"r2": "r2", "error": "neg_mean_absolute_error"}
    common: dict[str, Any] = {"n_iter": 4, "random_state": 3, "cv": KFold(3, shuffle=True, random_state=0)}
    common |= {"scoring": scoring, "refit": "error"}
    theirs = RandomizedSearchCV(net, drawn, **common).fit(x, y)
    for place in ("param_grid", "param_distributions"):
        ours = MLPSearchCV(net, **{place: drawn}, **common).fit(x, y)
        same_results(ours, theirs, atol=1e-9)  # estimators' weights agree within 1e-8 after 30 iterations
        assert isinstance(ours.best_estimator_, MLPRegressor)
    assert len(given) == 2 * 4 * 3
    assert len(MLPSearchCV(net, drawn, cv=2, random_state=0, refit=False).fit(x, y).cv_results_["params"]) == 10


def test_float32_and_random_states() -> None:
    """Each fold of a shuffled splitter is drawn once; a RandomState goes to each fit as it is."""
    x, state = X.astype("float32"), np.random.RandomState(5)
    grid = {"random_state": [1, state], "batch_size": [32, 500]}
    folds = [KFold(3, shuffle=True, random_state=np.random.RandomState(0)) for _ in range(2)]
    with pytest.warns(UserWarning, match="It is going to be clipped"):
        theirs = GridSearchCV(THEIRS, grid, cv=folds[0]).fit(x, Y)
    with pytest.warns(UserWarning, match="batch_size: 500"):
        ours = MLPSearchCV(THEIRS, grid, cv=folds[1]).fit(x, Y)
    found, expected = (search.cv_results_["mean_test_score"] for search in (ours, theirs))
    np.testing.assert_allclose(found, expected, atol=0.02)  # rounding decides of a few samples
    assert len(np.unique(found)) > 1


def test_weights_and_groups(given: list[Any]) -> None:
    """Weights are learned with one by one; groups go to the splitter alone."""
    weight, groups = np.linspace(0.1, 1.0, len(Y)), np.arange(len(Y)) % 5
    for params, stacked in (({"sample_weight": weight, "groups": groups}, 0), ({"groups": groups}, 2 * 3)):
        searches = [kind(THEIRS, {"alpha": [0.1, 1.0]}, cv=GroupKFold(3)) for kind in (GridSearchCV, MLPSearchCV)]
        theirs, ours = (search.fit(X, Y, **params) for search in searches)
        same_results(ours, theirs, atol=1e-9)
        assert len(given) == stacked


def test_warnings_are_those_of_each_fit() -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        MLPSearchCV(THEIRS, {"alpha": [0.1, 1.0]}, cv=3, refit=False).fit(X, Y)
    assert [each.category for each in found] == [ConvergenceWarning] * 6
    assert {each.filename for each in found} == {__file__}


def test_a_scorer_that_fits_gets_its_own_fit() -> None:
    """Within a search only the fits that it asks for are handed over."""

    def refitted(estimator: Any, x: np.ndarray, y: np.ndarray) -> float:
        return float(clone(estimator).fit(x, y).score(x, y))

    grid = {"alpha": [0.1, 1.0]}
    theirs, ours = (kind(THEIRS, grid, cv=3, scoring=refitted).fit(X, Y) for kind in (GridSearchCV, MLPSearchCV))
    same_results(ours, theirs)


def test_processes_of_joblib() -> None:
    """GridSearchCV over bpnet's estimator, and stacks, in two processes as in one."""
    net, grid = (
        MLPClassifier((6,), max_iter=4, random_state=0),
        {"alpha": [0.1, 1.0], "hidden_layer_sizes": [(6,), (4,)]},
    )
    alone = GridSearchCV(net, grid, cv=2).fit(X, Y)
    with parallel_config("loky", inner_max_num_threads=1):
        for kind in (GridSearchCV, MLPSearchCV):
            search = kind(net, grid, cv=2, n_jobs=2).fit(X, Y)
            same_results(search, alone)
            np.testing.assert_allclose(search.predict_proba(X), alone.predict_proba(X), rtol=0, atol=1e-12)
    get_reusable_executor().shutdown(wait=True)


def test_clone_pickle_and_parameters() -> None:
    search = MLPSearchCV(
        MLPClassifier((5,), max_iter=4, random_state=0), {"alpha": [0.1, 1.0]}, n_iter=1, random_state=0
    )
    search.set_params(estimator__tol=0.5, cv=2, scoring=make_scorer(accuracy_score))
    copy = clone(search)
    assert copy.get_params()["estimator__tol"] == 0.5
    fitted = pickle.loads(pickle.dumps(copy.fit(X, Y)))
    assert len(fitted.cv_results_["params"]) == 1
    np.testing.assert_allclose(fitted.predict_proba(X), copy.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (MLPSearchCV(THEIRS, {"alfa": [1.0]}), "Invalid parameter 'alfa' for estimator MLPClassifier"),
        (MLPSearchCV(THEIRS, {"alpha": []}), "must be a non-empty sequence|need a non-empty|non-empty"),
        (MLPSearchCV(THEIRS, {"alpha": 1.0}), "Parameter grid for parameter 'alpha' needs to be"),
        (MLPSearchCV(THEIRS, []), "No fits were performed"),
        (MLPSearchCV(THEIRS, {"alpha": [1.0]}, cv=[]), "No fits were performed|No split|n_splits|split"),
        (MLPSearchCV(THEIRS, {"alpha": [1.0]}, cv=1000), "n_splits=1000 greater than the number of samples"),
        (MLPSearchCV(THEIRS, {"alpha": [1.0]}, scoring="best"), "'scoring' parameter"),
        (MLPSearchCV(THEIRS, {"alpha": [1.0]}, n_iter=0), "'n_iter' parameter of MLPSearchCV"),
        (MLPSearchCV(THEIRS), "one of the parameters 'param_grid' and 'param_distributions'. Got neither"),
        (MLPSearchCV(THEIRS, {"alpha": [1.0]}, param_distributions={"alpha": [1.0]}), "Got both"),
        (MLPSearchCV(GridSearchCV(THEIRS, {}), {"alpha": [1.0]}), "'estimator' parameter.* Got GridSearchCV"),
        (MLPSearchCV(make_pipeline(THEIRS), {"alpha": [1.0]}), "GridSearchCV searches any estimator, pipelines too"),
    ],
)
def test_bad_input(search: MLPSearchCV, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        search.fit(X, Y)
