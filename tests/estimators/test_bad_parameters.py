"""Bad parameters and bad data: scikit-learn's own exception types, as early as possible."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import bpnet
from bpnet.backend import Backend
from bpnet.sklearn import MLPClassifier, MLPRegressor, rows
from bpnet.sklearn.equality import data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BAD: dict[str, Any] = {
    "hidden_layer_sizes": 0,
    "activation": "softmax",
    "solver": "newton",
    "alpha": -1.0,
    "batch_size": 0,
    "learning_rate": "fast",
    "learning_rate_init": 0.0,
    "power_t": -0.5,
    "max_iter": 0,
    "shuffle": "yes",
    "random_state": "seed",
    "tol": -1e-4,
    "verbose": -1,
    "warm_start": "yes",
    "momentum": 1.5,
    "nesterovs_momentum": 2,
    "early_stopping": "yes",
    "validation_fraction": 1.0,
    "beta_1": 1.0,
    "beta_2": -0.1,
    "epsilon": 0.0,
    "n_iter_no_change": 0,
    "max_fun": 0,
    "loss": "surprise",
    "backend": 3,
    "device": 0,
    "dtype": "float16",
    "dropout": 1.0,
    "max_grad_norm": 0.0,
    "scoring": "beauty",
    "callbacks": print,
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_each_parameter(kind: type, name: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of {kind.__name__} must be"):
        kind(**{name: BAD[name]}).fit([[0.0], [1.0]], [0, 1])


def test_every_parameter_is_here() -> None:
    assert set(BAD) == set(MLPRegressor().get_params())
    assert set(BAD) | {"class_weight"} == set(MLPClassifier().get_params())


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": ["relu"]},
        {"activation": ["relu", "soft"]},
        {"callbacks": [print]},
        {"backend": "torch:cpu", "device": "cuda"},
        {"device": "cpu", "backend": "auto"},
    ],
)
def test_parameters_that_do_not_fit_together(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError, match=next(iter(settings)) if len(settings) == 1 else "device"):
        MLPRegressor(hidden_layer_sizes=(3, 3), **settings).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("name", ["dropout", "max_grad_norm"])
def test_not_with_lbfgs(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        MLPRegressor(solver="lbfgs", **{name: 0.5}).fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


def test_a_loss_of_one_class_for_several_labels() -> None:
    x, y = data("multi-label")
    with pytest.raises(ValueError, match="several labels"):
        MLPClassifier(loss="categorical_crossentropy").fit(x, y)


def test_data() -> None:
    x, y = data("breast_cancer")
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(x)
    with pytest.raises(NotFittedError):
        MLPClassifier().network_  # noqa: B018
    est = MLPClassifier(max_iter=2, hidden_layer_sizes=(3,)).fit(x, y)
    with pytest.raises(ValueError, match="features"):
        est.predict(x[:, :-1])
    for value in (np.nan, np.inf):
        bad = x.copy()
        bad[3, 4] = value
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            est.fit(bad, y)
    with pytest.raises(ValueError, match="too large for dtype"), np.errstate(over="ignore"):
        MLPClassifier(dtype="float32").fit(np.where(x > 1, 1e200, x), y)
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match="not in"):
        MLPClassifier().partial_fit(x, y, classes=[0, 1]).partial_fit(x, y + 1)
    with pytest.raises(ValueError, match="same classes"):
        MLPClassifier(max_iter=2, warm_start=True).fit(x, y).fit(x, y + 1)
    with pytest.raises(ValueError, match="early_stopping"):
        MLPRegressor(early_stopping=True).partial_fit(x, y)
    with pytest.raises(ZeroDivisionError, match="sample_weight"):
        MLPRegressor(max_iter=2, shuffle=False).fit(x, y, sample_weight=np.arange(len(y)) >= 200)


def test_weights_that_are_no_longer_finite() -> None:
    x, y = data("diabetes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            MLPRegressor(solver="sgd", learning_rate_init=1e30, max_iter=9).fit(1e30 * x, y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_outputs_that_are_no_longer_finite(backend: Backend) -> None:
    """A classifier that has diverged still has an accuracy, which ends the fit: scores and epochs of scikit-learn."""
    x, y = data("breast_cancer")
    settings: dict[str, Any] = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e4, "random_state": 0}
    settings |= {"early_stopping": True, "max_iter": 30, "n_iter_no_change": 3, "batch_size": 512}
    settings["hidden_layer_sizes"] = (6,)
    theirs = neural_network.MLPClassifier(**settings).fit(1e100 * x, 1 - y)
    ours = MLPClassifier(**settings, backend=backend).fit(1e100 * x, 1 - y)
    assert np.isnan(theirs.loss_)
    assert theirs.n_iter_ < 30
    assert ours.validation_scores_ == theirs.validation_scores_
    assert ours.n_iter_ == theirs.n_iter_


def test_counts_below_zero() -> None:
    with pytest.raises(ValueError, match="y: -1 came"):
        MLPRegressor("poisson").fit([[0.0], [1.0]], [3.0, -1.0])


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True, "solver": "lbfgs"}])
def test_a_scorer_with_nothing_to_score(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="early_stopping=True"):
        MLPRegressor(scoring="r2", **settings).fit([[0.0], [1.0]], [3.0, -1.0])


def test_interrupted() -> None:
    """Ctrl-C ends the fit with a warning; the estimator has the weights that it came to."""

    class Interrupt(bpnet.Callback):
        def on_epoch_end(self, epoch: int, logs: object) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    x, y = data("diabetes")
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        est = MLPRegressor(random_state=0, callbacks=[Interrupt()]).fit(x, y)
    two = MLPRegressor(random_state=0, max_iter=2).fit(x, y)
    np.testing.assert_array_equal(est.predict(x), two.predict(x))
    assert est.n_iter_ == 2


def test_a_batch_larger_than_the_data() -> None:
    x, y = data("diabetes")
    for solver, category in (("adam", UserWarning), ("lbfgs", ConvergenceWarning)):
        with pytest.warns(category, match=r"clipped to 442|failed to converge") as warned:
            MLPRegressor(batch_size=1000, max_iter=1, solver=solver).fit(x, y)
        assert all(each.filename == __file__ for each in warned)  # they point at the line above


def test_no_memory_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which batch fits: here those of up to 30 samples."""
    from bpnet.sklearn.objective import WeightedObjective

    gradient = WeightedObjective.gradient

    def small(self: Any, x: Any, *others: Any) -> Any:
        if x.shape[0] > 30:
            raise MemoryError
        return gradient(self, x, *others)

    monkeypatch.setattr(WeightedObjective, "gradient", small)
    x, y = data("diabetes")
    with pytest.raises(MemoryError, match=r"batch_size: 200 samples .* batch_size=25 fits") as caught:
        MLPRegressor(backend="numpy").fit(x, y)
    assert isinstance(caught.value, bpnet.OutOfMemoryError)
    assert caught.value.fits == 25
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        MLPRegressor(backend="numpy", batch_size=25, max_iter=1).fit(x, y)


def test_data_that_the_device_has_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay on the host, and the run is the same."""
    x, y = data("diabetes")
    there = MLPRegressor(backend="numpy", max_iter=3, random_state=0).fit(x, y)

    def full(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(rows, "RowsOnDevice", full)
    brought = MLPRegressor(backend="numpy", max_iter=3, random_state=0).fit(x, y)
    assert brought.loss_curve_ == there.loss_curve_
