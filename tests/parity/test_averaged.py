"""`Averaged`: the weights that it shows, against the formula e ← β e + (1-β) θ, e / (1-βᵗ) written out in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bpnet import LBFGS, SGD, Adam, Averaged, Callback, Dense, Input, Sequential, TrainingDivergedError
from bpnet.backend import Backend
from bpnet.nn.optimizers import Optimizer
from limits import LIMITS, relative
from parity.arrays import normal

STEPS, DECAY = 100, 0.97
X = normal("averaged: x", 40, 4)
LABELS = (X[:, 0] > X[:, 1]).astype(int)


def average(thetas: Sequence[np.ndarray], decay: float = DECAY) -> np.ndarray:
    """As the definition has it, in float64."""
    e = np.zeros(len(thetas[0]))
    for theta in thetas:
        e = decay * e + (1 - decay) * theta.astype(np.float64)
    return np.asarray(e / (1 - decay ** len(thetas)))


def model(backend: Backend | str, optimizer: Optimizer | None = None, dtype: str = "float64") -> Sequential:
    made = Sequential([Input((4,)), Dense(5, "tanh"), Dense(2, "softmax")], backend=backend, dtype=dtype)
    made.compile(optimizer or Averaged(Adam(0.05), DECAY), "sparse_categorical_crossentropy")
    return made


def theta(made: Sequential) -> np.ndarray:
    return np.asarray(made.backend.to_numpy(made.network.theta))


class Raw(Callback):
    """The weights after each step, which are the raw ones, and after each epoch."""

    def __init__(self) -> None:
        self.steps: list[np.ndarray] = []
        self.epochs: list[np.ndarray] = []

    def on_batch_end(self, batch: int, samples: int) -> None:
        self.steps.append(theta(self.model))

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        self.epochs.append(theta(self.model))


def fit(made: Sequential, epochs: int, callbacks: Sequence[Callback] = (), **settings: Any) -> dict[str, list[float]]:
    return made.fit(X, LABELS, 8, epochs, verbose=0, callbacks=callbacks, **settings).history


def test_a_hundred_captured_steps(backend: Backend, dtype: str) -> None:
    made = model(backend, dtype=dtype)
    raw = Raw()
    fit(made, STEPS // 5, [raw])
    assert len(raw.steps) == STEPS
    assert relative(theta(made), average(raw.steps)) <= LIMITS[dtype]
    assert relative(theta(made), raw.steps[-1]) > 1e-3, "the average is not the last weights"
    for epoch, shown in enumerate(raw.epochs, 1):
        assert relative(shown, average(raw.steps[: 5 * epoch])) <= LIMITS[dtype]


def test_the_average_after_one_step_is_theta_to_the_bit(backend: Backend, dtype: str) -> None:
    averaged, plain = model(backend, dtype=dtype), model(backend, Adam(0.05), dtype)
    for made in (averaged, plain):
        made.train_on_batch(X, LABELS)
    np.testing.assert_array_equal(theta(averaged), theta(plain))


def test_training_is_that_of_the_raw_weights_over_several_calls(backend: Backend) -> None:
    """The losses are those without an average; two calls of two epochs are one of four."""
    plain, once, twice = model(backend, Adam(0.05)), model(backend), model(backend)
    losses = fit(plain, 4)["loss"]
    np.testing.assert_allclose(fit(once, 4)["loss"], losses, rtol=1e-12)
    raw = Raw()
    first = fit(twice, 2, [raw])["loss"]
    twice.evaluate(X, LABELS)  # reading changes nothing
    second = fit(twice, 2, [raw])["loss"]
    np.testing.assert_allclose([*first, *second], losses, rtol=1e-12)
    assert relative(theta(twice), average(raw.steps)) <= LIMITS["float64"]
    np.testing.assert_allclose(theta(twice), theta(once), rtol=1e-12)


def test_validation_and_predictions_are_those_of_the_average(backend: Backend) -> None:
    made = model(backend)
    raw = Raw()
    history = fit(made, 3, [raw], validation_data=(X, LABELS))
    assert history["val_loss"][-1] == pytest.approx(made.evaluate(X, LABELS), rel=1e-12)
    plain = model(backend, SGD())
    plain.network.theta[...] = backend.asarray(average(raw.steps), "float64")
    assert history["val_loss"][-1] == pytest.approx(plain.evaluate(X, LABELS), rel=1e-12)
    np.testing.assert_allclose(made.predict(X), plain.predict(X), rtol=1e-10)


def test_batches_one_at_a_time(backend: Backend) -> None:
    made, plain = model(backend), model(backend, Adam(0.05))
    raw = []
    for start in (0, 10, 20):
        batch = X[start : start + 10], LABELS[start : start + 10]
        assert made.train_on_batch(*batch) == pytest.approx(plain.train_on_batch(*batch), rel=1e-12)
        raw.append(theta(plain))
        assert relative(theta(made), average(raw)) <= LIMITS["float64"]


def test_weights_set_in_between_are_gone_on_from_and_the_average_begins_anew(backend: Backend) -> None:
    made, plain = model(backend, Averaged(SGD(0.1), DECAY)), model(backend, SGD(0.1))
    fit(made, 2)
    chosen = [1e-9 * array for array in made.get_weights()]
    for each in (made, plain):
        each.set_weights(chosen)
        each.train_on_batch(X, LABELS)
    np.testing.assert_allclose(theta(made), theta(plain), rtol=1e-12)


def test_weights_set_before_the_first_call_are_begun_with(backend: Backend) -> None:
    made, plain = model(backend, Averaged("sgd")), model(backend, "sgd")  # type: ignore[arg-type]
    for each in (made, plain):
        each.set_weights([np.zeros_like(array) for array in each.get_weights()])
        each.train_on_batch(X, LABELS)
    np.testing.assert_allclose(theta(made), theta(plain), rtol=1e-12)


class Fails(Raw):
    def on_batch_end(self, batch: int, samples: int) -> None:
        super().on_batch_end(batch, samples)
        if batch == 3:
            raise RuntimeError("enough")


def test_a_run_that_is_broken_off_leaves_the_average() -> None:
    made, raw = model("numpy"), Fails()
    with pytest.raises(RuntimeError, match="enough"):
        fit(made, 1, [raw])
    assert relative(theta(made), average(raw.steps)) <= LIMITS["float64"]


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_after_divergence_the_average_from_before_is_back() -> None:
    """And the raw weights with it: training goes on like that of a twin which met nothing."""
    made, twin = (Sequential([Input((4,)), Dense(1)], backend="numpy", dtype="float64") for _ in range(2))
    for each in (made, twin):
        each.compile(Averaged(SGD(0.1), DECAY), "mse")
        fit(each, 2, shuffle=False)
    before, made.learning_rate = theta(made), 1e200
    assert made.learning_rate == 1e200
    with pytest.raises(TrainingDivergedError):
        fit(made, 2, shuffle=False)
    np.testing.assert_array_equal(theta(made), before)
    made.learning_rate = 0.1
    for each in (made, twin):
        fit(each, 2, shuffle=False)
    np.testing.assert_array_equal(theta(made), theta(twin))


def test_what_cannot_be_averaged_is_refused() -> None:
    for inner in (LBFGS(), "lbfgs", Averaged("adam")):
        with pytest.raises(ValueError, match=r"optimizer: (LBFGS|Averaged) was given, expected one that steps"):
            Averaged(inner)
    for decay in (1.0, -0.1):
        with pytest.raises(ValueError, match="decay"):
            Averaged("adam", decay)
