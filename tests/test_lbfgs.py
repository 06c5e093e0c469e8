"""L-BFGS in `fit`: what an epoch is, how it ends, and what it refuses."""

import os
import signal
import sys

import numpy as np
import pytest

from bpnet import (
    LBFGS,
    BatchNormalization,
    Callback,
    Dense,
    Dropout,
    HalfSumOfSquares,
    Input,
    Sequential,
    TrainingDivergedError,
)
from bpnet.data.lbfgs import minimize

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] + X[:, 1] > 0.3).astype(int)
VALUES = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 + 0.1 * RNG.normal(size=60)


def classifier(backend="numpy", **settings):
    model = Sequential([Input((4,)), Dense(5, "tanh"), Dense(2, "softmax")], backend=backend, dtype="float64")
    model.compile(LBFGS(**settings), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def line(backend="numpy", dtype="float64", loss="mse"):
    model = Sequential([Input((4,)), Dense(1)], backend=backend, dtype=dtype)
    model.compile("lbfgs", loss)
    return model


def test_it_finds_the_minimum_and_says_so(backend, dtype):
    """The loss is flat at its minimum: to within its roundings, so the weights to about the roots of these."""
    model = line(backend, dtype)
    history = model.fit(X, VALUES, epochs=50, verbose=0)
    best, *_ = np.linalg.lstsq(np.c_[X, np.ones(60)], VALUES)
    w, b = model.get_weights()
    np.testing.assert_allclose([*w[:, 0], *b], best, atol={"float64": 1e-4, "float32": 1e-3}[dtype])
    assert history.converged
    assert "CONVERGENCE" in history.message
    assert len(history.epoch) < 20
    assert history.epoch == list(range(len(history.epoch)))


def test_where_nothing_is_to_be_gained_no_epoch_is_made():
    model = classifier(gtol=10.0)
    history = model.fit(X, LABELS, epochs=5, verbose=0)
    assert (history.epoch, history.history, history.converged) == ([], {}, True)


def test_in_float32_a_gain_of_one_rounding_is_none():
    assert line(dtype="float32").bind()[1].options["ftol"] == np.finfo(np.float32).eps
    assert line(dtype="float64").bind()[1].options["ftol"] == 1e7 * np.finfo(np.float64).eps
    assert classifier(ftol=0.5).bind()[1].options["ftol"] == 0.5


def test_an_epochs_figures_are_those_at_its_end(backend):
    model = classifier(backend)
    history = model.fit(X, LABELS, epochs=4, verbose=0, validation_split=0.25).history
    for rows, prefix in ((slice(0, 45), ""), (slice(45, 60), "val_")):
        figures = model.evaluate(X[rows], LABELS[rows], return_dict=True)
        assert {name: history[prefix + name][-1] for name in figures} == pytest.approx(figures, rel=1e-12)
    assert np.all(np.diff(history["loss"]) < 0), "the line search lets no loss rise"
    assert not model.history.converged


def test_a_second_fit_goes_on(backend):
    model = classifier(backend)
    losses = [model.fit(X, LABELS, epochs=3, verbose=0).history["loss"] for _ in range(3)]
    assert np.all(np.diff(np.ravel(losses)) < 0)


def test_a_weight_of_two_is_a_sample_twice(backend):
    twice = np.r_[0:60, 0:20]
    weights = np.r_[np.full(20, 2.0), np.ones(40)]
    weighted, doubled = (line(backend, loss=HalfSumOfSquares(reduction="sum")) for _ in range(2))
    a = weighted.fit(X, VALUES, epochs=3, verbose=0, sample_weight=weights).history["loss"]
    b = doubled.fit(X[twice], VALUES[twice], epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(a, b, rtol=1e-9)
    assert a[-1] == pytest.approx(doubled.evaluate(X[twice], VALUES[twice]), rel=1e-9)


def test_running_statistics_move_once_an_iteration(backend):
    """Not once an evaluation: r ← 0.9 r + 0.1 μ from 0 is (1 - 0.9ᵏ) μ after k."""
    layers = [Input((4,)), BatchNormalization(momentum=0.9), Dense(5, "tanh"), Dense(2, "softmax")]
    model = Sequential(layers, backend=backend, dtype="float64")
    model.compile("lbfgs", "sparse_categorical_crossentropy")
    done = len(model.fit(X, LABELS, epochs=6, verbose=0).epoch)
    mean = model.get_weights()[2]
    np.testing.assert_allclose(mean, (1 - 0.9**done) * X.mean(axis=0), rtol=1e-12)


class Record(Callback):
    def __init__(self):
        self.events = []

    def on_train_begin(self, epochs, samples):
        self.events.append(("train", epochs, samples))

    def on_epoch_begin(self, epoch):
        self.events.append(("begin", epoch))

    def on_batch_end(self, batch, samples):
        self.events.append(("batch", batch, samples))

    def on_epoch_end(self, epoch, logs):
        self.events.append(("end", epoch))

    def on_train_end(self):
        self.events.append(("over",))


def test_callbacks_see_an_epoch_as_one_batch():
    record = Record()
    classifier().fit(X, LABELS, epochs=2, verbose=0, callbacks=[record])
    epochs = [[("begin", i), ("batch", 0, 60), ("end", i)] for i in range(2)]
    assert record.events == [("train", 2, 60), *epochs[0], *epochs[1], ("over",)]


class Stop(Callback):
    def __init__(self, when):
        self.when = when

    def on_epoch_end(self, epoch, logs):
        self.model.stop_training = epoch == self.when


class CtrlCInTheLineSearch(Callback):
    def on_epoch_begin(self, epoch):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(("callback", "epochs"), [(Stop(2), 3), (CtrlCInTheLineSearch(), 2)])
def test_it_ends_early_with_the_weights_of_the_last_whole_iteration(callback, epochs):
    model = classifier()
    history = model.fit(X, LABELS, epochs=9, verbose=0, callbacks=[callback])
    assert history.epoch == list(range(epochs))
    assert history.interrupted == isinstance(callback, CtrlCInTheLineSearch)
    assert model.evaluate(X, LABELS)[0] == pytest.approx(history.history["loss"][-1], rel=1e-12)


def test_an_early_end_that_is_no_convergence_warns():
    model = classifier(max_fun=4)
    with pytest.warns(RuntimeWarning, match=r"ended after \d of 50 iterations: .*EVALUATIONS.*larger max_fun"):
        history = model.fit(X, LABELS, epochs=50, verbose=0)
    assert not history.converged
    assert history.history["loss"][-1] == pytest.approx(model.evaluate(X, LABELS)[0], rel=1e-12)


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_weights_that_give_no_finite_loss_are_told():
    model = line()
    model.set_weights([np.full((4, 1), 1e200), np.zeros(1)])
    with pytest.raises(TrainingDivergedError, match=r"first weights or inputs .* give that loss already") as caught:
        model.fit(X, VALUES, epochs=3, verbose=0)
    assert caught.value.history.epoch == []
    np.testing.assert_array_equal(model.get_weights()[0], 1e200)


def test_a_loss_that_is_infinite_further_out_does_not_end_the_search():
    """5x - log(1 - x²) / 1000 has its minimum within the unit disc and is not finite outside it."""

    def barrier(theta):
        inside = 1 - theta @ theta
        if inside <= 0:
            return float("nan"), np.full(2, np.nan)
        return 5 * theta[0] - np.log(inside) / 1000, 2 * theta / inside / 1000 + np.array([5.0, 0.0])

    seen = []
    converged, _ = minimize(barrier, np.array([0.95, 0.1]), seen.append, 99, {})
    assert converged
    minimum = (0.002 - (0.002**2 + 100) ** 0.5) / 10  # where 5 (1 - x²) + 0.002 x = 0
    np.testing.assert_allclose(seen[-1], [minimum, 0], atol=1e-5)


def test_what_it_cannot_do_is_refused():
    model = classifier()
    with pytest.raises(ValueError, match="batch_size: 32 was given for 60 samples, but LBFGS"):
        model.fit(X, LABELS, batch_size=32)
    with pytest.raises(ValueError, match="batch_size: 60 was given for 45 samples"):
        model.fit(X, LABELS, batch_size=60, validation_split=0.25)
    with pytest.raises(ValueError, match="steps_per_epoch: 2 was given"):
        model.fit(X, LABELS, steps_per_epoch=2)
    with pytest.raises(ValueError, match="train_on_batch: the model was compiled with LBFGS"):
        model.train_on_batch(X, LABELS)
    with pytest.raises(ValueError, match="learning_rate: LBFGS has none"):
        print(model.learning_rate)
    with pytest.raises(ValueError, match="learning_rate: LBFGS has none"):
        model.learning_rate = 0.1
    model.fit(X, LABELS, batch_size=60, verbose=0)
    random = Sequential([Input((4,)), Dropout(0.5, name="drop"), Dense(1)], backend="numpy")
    with pytest.raises(ValueError, match="layer 'drop': it is random in training"):
        random.compile("lbfgs", "mse")


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"memory": 0}, "memory: 0"), ({"max_fun": 1.5}, "max_fun: 1.5"), ({"gtol": -1}, "gtol"), ({"ftol": -1}, "ftol")],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LBFGS(**settings)


def test_without_scipy_compile_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"LBFGS needs SciPy.*pip install scipy.*\[cpu\]"):
        line()
