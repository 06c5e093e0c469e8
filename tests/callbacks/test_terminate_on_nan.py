"""With the callback a run that diverges ends with a history that says so; without it, in an error."""

import numpy as np
import pytest

from bpnet import SGD, Dense, EarlyStopping, LearningRateScheduler, Sequential, TerminateOnNaN, TrainingDivergedError
from bpnet.sklearn import MLPRegressor

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3
EXPLODES = LearningRateScheduler(lambda epoch, rate: 0.05 if epoch < 2 else 1e25)

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")  # NumPy's own, of the overflow


def model(backend="numpy", optimizer=None):
    made = Sequential([Dense(1, input_dim=4)], backend=backend, dtype="float32")
    made.compile(optimizer or SGD(0.05), "mse")
    return made


def same(a, b):
    return all(np.array_equal(left, right) for left, right in zip(a, b, strict=True))


def test_the_run_ends_with_the_last_good_weights(on, capsys):
    diverging, good = model(on), model(on)
    history = diverging.fit(X, Y, 25, 9, 0, [EXPLODES, TerminateOnNaN()])
    expected = good.fit(X, Y, 25, 2, 0, [EXPLODES])
    assert history.diverged
    assert history.history == expected.history
    assert history.message.startswith("the loss became NaN or infinite in epoch 3, batch 2. ")
    assert diverging.history is history
    assert same(diverging.get_weights(), good.get_weights())
    assert capsys.readouterr() == (f"training ended: {history.message}\n", "")


def test_a_run_that_does_not_diverge_is_left_alone(on):
    history = model(on).fit(X, Y, 25, 2, 0, [TerminateOnNaN()])
    assert (history.epoch, history.diverged, history.message) == ([0, 1], False, "")


def test_lbfgs_ends_too():
    spoilt = model(optimizer="lbfgs")
    spoilt.set_weights([np.full((4, 1), 1e30), np.zeros(1)])
    history = spoilt.fit(X, Y, epochs=3, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.diverged
    assert history.epoch == []


def test_the_error_says_that_early_stopping_brings_its_weights_back():
    diverging, good = model(), model()
    stopping = EarlyStopping("loss", patience=5, restore_best_weights=True)
    with pytest.raises(TrainingDivergedError) as caught:
        diverging.fit(X, Y, 25, 9, 0, [EXPLODES, stopping])
    assert caught.value.__notes__ == [
        "EarlyStopping: the model gets the weights from the end of epoch 2 instead, whose loss is the best."
    ]
    good.fit(X, Y, 25, 2, 0, [EXPLODES])
    assert same(diverging.get_weights(), good.get_weights())


def test_an_estimator_stops_there():
    est = MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", learning_rate_init=1e30, max_iter=50, callbacks=[TerminateOnNaN()]
    )
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        est.fit(X, Y)
    assert est.n_iter_ < 5
