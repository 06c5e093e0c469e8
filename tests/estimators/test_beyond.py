"""What bpnet's estimators offer beyond scikit-learn's."""

from collections.abc import Mapping

import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight

import bpnet
from bpnet.backend import Backend
from bpnet.sklearn import MLPClassifier, MLPRegressor
from bpnet.sklearn.equality import data
from terminal import terminal

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"hidden_layer_sizes": (8, 6), "max_iter": 15, "random_state": 0, "learning_rate_init": 0.01}


def test_class_weight() -> None:
    x, y = data("digits")
    for given in ("balanced", {0: 3.0, 1: 0.5}):
        weight = compute_sample_weight(given, y)
        by_class = MLPClassifier(**QUICK, class_weight=given).fit(x, y)
        by_sample = MLPClassifier(**QUICK).fit(x, y, sample_weight=weight)
        np.testing.assert_array_equal(by_class.coefs_[0], by_sample.coefs_[0])
    with pytest.raises(ValueError, match="balanced"):
        MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=np.arange(10))


def test_dropout(backend: Backend) -> None:
    """The same masks on every backend, none in predictions, and another run than without."""
    x, y = data("diabetes")
    x, y = x[:100], y[:100]
    fits = [MLPRegressor(**QUICK, dropout=0.4, backend=each).fit(x, y) for each in (backend, "numpy")]
    np.testing.assert_allclose(fits[0].coefs_[0], fits[1].coefs_[0], rtol=0, atol=1e-11)
    np.testing.assert_array_equal(fits[0].predict(x), fits[0].predict(x))
    assert fits[0].loss_ != MLPRegressor(**QUICK, backend=backend).fit(x, y).loss_


def test_an_activation_for_each_layer() -> None:
    x, y = data("diabetes")
    est = MLPRegressor(**QUICK, activation=["gelu", "logistic"]).fit(x, y)
    assert [layer.activation.name for layer in est.network_.layers] == ["gelu", "sigmoid", "linear"]
    alike = [MLPRegressor(**QUICK, activation=each).fit(x, y).loss_ for each in ("tanh", ["tanh", "tanh"])]
    assert alike[0] == alike[1]


@pytest.mark.parametrize(
    "loss",
    ["categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy", "multiclass_hinge", "mse"],
)
@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_losses_of_classes(name: str, loss: str) -> None:
    x, y = data(name)
    y = np.array(list("abcdefghij"))[y]
    est = MLPClassifier(**{**QUICK, "max_iter": 40, "hidden_layer_sizes": (40,)}, loss=loss).fit(x, y)
    assert est.score(x, y) > 0.9
    if loss in ("multiclass_hinge", "mse"):
        assert not hasattr(est, "predict_proba")
    else:
        np.testing.assert_allclose(est.predict_proba(x).sum(axis=1), 1.0)


def test_losses_of_numbers() -> None:
    x, y = data("diabetes")
    for loss in ("huber", bpnet.MeanAbsoluteError()):
        assert MLPRegressor(loss, **{**QUICK, "max_iter": 60}).fit(x, y).score(x, y) > 0.3


def test_optimizers() -> None:
    x, y = data("digits")
    for solver in ("adamw", bpnet.RMSprop(0.01), bpnet.Averaged(bpnet.Adam(0.01), decay=0.9)):
        assert MLPClassifier(**QUICK, solver=solver).fit(x, y).score(x, y) > 0.8
    ours, theirs = bpnet.LBFGS(max_fun=15000, gtol=1e-4), "lbfgs"
    losses = [MLPClassifier(**QUICK, solver=solver, dtype="float64").fit(x, y).loss_ for solver in (ours, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_a_scorer_stops_and_the_best_weights_come_back() -> None:
    x, y = data("breast_cancer")
    settings = {**QUICK, "max_iter": 60, "learning_rate_init": 0.3, "early_stopping": True, "n_iter_no_change": 3}
    est = MLPClassifier(**settings, scoring="neg_log_loss").fit(x, y)
    assert est.best_validation_score_ == max(est.validation_scores_)
    assert len(est.validation_loss_curve_) == est.n_iter_ < 60
    # Without a penalty the loss on the held-out part is scikit-learn's log_loss.
    np.testing.assert_allclose(est.validation_loss_curve_, -np.array(est.validation_scores_), rtol=1e-6)
    best = np.argmax(est.validation_scores_)
    assert best < est.n_iter_ - 1
    again = MLPClassifier(**{**settings, "max_iter": int(best) + 1}, scoring="neg_log_loss").fit(x, y)
    np.testing.assert_array_equal(est.coefs_[0], again.coefs_[0])
    assert log_loss(y, est.predict_proba(x)) > 0


class Watch(bpnet.Callback):
    """Writes down what it is told, and stops after the third epoch."""

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []
        self.batches = 0

    def on_batch_end(self, batch: int, samples: int) -> None:
        self.batches += 1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self.seen.append(dict(logs))
        self.model.stop_training = epoch == 2


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks(solver: str) -> None:
    x, y = data("diabetes")
    watch = Watch()
    est = MLPRegressor(**QUICK, callbacks=[watch], solver=solver).fit(x, y)
    assert est.n_iter_ == len(watch.seen) == 3
    assert watch.seen[-1]["loss"] == est.loss_
    assert watch.batches == (9 if solver == "adam" else 3)


def test_scikit_learns_callbacks() -> None:
    callback = pytest.importorskip("sklearn.callback")
    x, y = data("diabetes")

    class Third:
        def __init__(self) -> None:
            self.told: list[str] = []
            self.errors: list[float] = []

        def setup(self, estimator: object, context: object) -> None:
            self.told.append("setup")

        def on_fit_task_begin(self, estimator: object, context: object) -> None:
            self.told.append("begin")

        def on_fit_task_end(self, estimator: object, context: object, *, fitted_estimator: MLPRegressor) -> bool:
            self.errors.append(float(np.mean((fitted_estimator.predict(x) - y) ** 2)))
            return len(self.errors) == 3

        def teardown(self, estimator: object, context: object) -> None:
            self.told.append("teardown")

    third = Third()
    est = MLPRegressor(**QUICK).set_callbacks(third).fit(x, y)
    assert isinstance(third, callback.FitCallback)
    assert est.n_iter_ == 3
    assert third.told == ["setup", *["begin"] * 4, "teardown"]
    assert third.errors[0] > third.errors[1] > third.errors[2] == third.errors[3]


def test_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = data("diabetes")
    screen = terminal(monkeypatch)
    MLPRegressor(**QUICK, verbose=2).fit(x, y)
    assert capsys.readouterr().out == ""
    assert "epoch 15/15 |" in screen.getvalue()


def test_gradients_are_bounded() -> None:
    """A plain step of rate 1 is as long as the gradient may be."""
    x, y = data("diabetes")
    settings = {**QUICK, "solver": "sgd", "momentum": 0.0, "batch_size": len(x), "max_iter": 1}
    for bound in (1e-3, None):
        far = MLPRegressor(**{**settings, "learning_rate_init": 1.0}, max_grad_norm=bound).fit(x, 100 * y)
        near = MLPRegressor(**{**settings, "learning_rate_init": 1e-30}).fit(x, 100 * y)
        pairs = zip(far.coefs_ + far.intercepts_, near.coefs_ + near.intercepts_, strict=True)
        length = np.sqrt(sum(((a - b) ** 2).sum() for a, b in pairs))
        assert bool(length == pytest.approx(1e-3, rel=1e-6)) is (bound is not None)


def test_the_network_goes_on_by_itself(backend: Backend) -> None:
    x, y = data("digits")
    est = MLPClassifier(**QUICK, backend=backend, dtype="float32").fit(x[:200], y[:200])
    network = est.network_
    assert isinstance(network, bpnet.Sequential)
    assert network.backend is backend
    np.testing.assert_allclose(network.predict(x[:50]), est.predict_proba(x[:50].astype("float32")), atol=1e-6)
    network.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    assert network.fit(x[:200], y[:200], verbose=0).history["loss"][0] < 3.0


def test_the_float_type_asked_for() -> None:
    x, y = data("digits")
    for dtype in ("float32", "float64"):
        for solver in ("adam", "lbfgs"):
            est = MLPClassifier(**QUICK, dtype=dtype, solver=solver).fit(x.astype(np.float32), y)
            assert est.coefs_[0].dtype == dtype
            assert est.predict_proba(x).dtype == dtype
