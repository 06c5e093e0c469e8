"""A run whose loss is no longer finite: it ends, says why, and the good weights stay."""

import os
import signal

import numpy as np
import pytest

from bpnet import SGD, Callback, Dense, Input, Sequential, TrainingDivergedError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 4))
VALUES = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_a_loss_that_is_no_number_stops_training_and_the_good_weights_stay(backend):
    model = Sequential([Input((4,)), Dense(1)], backend=backend)
    model.compile(SGD(1e18), "mse")
    before = model.get_weights()
    with pytest.raises(TrainingDivergedError, match=r"epoch 1, batch [23]\. .*learning rate below 1e\+18") as caught:
        model.fit(X, VALUES, batch_size=10, epochs=5, verbose=0)
    assert caught.value.epoch == 1
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_weights_whose_own_loss_is_not_finite_are_not_kept(backend):
    """With one batch an epoch the weights after epoch 1 are finite, but their loss is not: those of its start stay."""
    model = Sequential([Input((4,)), Dense(1)], backend=backend)
    model.compile(SGD(1e25), "mse")
    before = model.get_weights()
    with pytest.raises(TrainingDivergedError) as caught:
        model.fit(X, VALUES, batch_size=50, epochs=5, verbose=0)
    assert (caught.value.epoch, caught.value.batch) == (2, 1)
    assert len(caught.value.history.epoch) == 1
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert np.isfinite(model.evaluate(X, VALUES, return_dict=True)["loss"])


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
@pytest.mark.parametrize("rate", [3e38, 1e19])
def test_the_last_update_of_a_run_is_looked_at_too(backend, rate):
    """The only loss of the run is finite; the weights after it are not, or their own loss is not."""
    model = Sequential([Input((4,)), Dense(1)], backend=backend, dtype="float32")
    model.compile(SGD(rate), "mse")
    before = model.get_weights()
    with pytest.raises(TrainingDivergedError, match=r"epoch 1, batch 1\. .*from the start of epoch 1, whose"):
        model.fit(X, VALUES, batch_size=50, epochs=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_weights_that_were_bad_from_the_start_are_not_called_good():
    model = Sequential([Input((4,)), Dense(1)], backend="numpy", dtype="float64")
    model.compile("sgd", "mse")
    model.set_weights([np.full((4, 1), 1e200), np.zeros(1)])
    with pytest.raises(TrainingDivergedError, match="The weights that training began with give that loss already"):
        model.fit(X, VALUES, verbose=0)


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_ctrl_c_does_not_hide_it():
    class PressCtrlC(Callback):
        def on_batch_end(self, batch, samples):
            if batch == 3:
                os.kill(os.getpid(), signal.SIGINT)

    model = Sequential([Input((4,)), Dense(1)], backend="numpy")
    model.compile(SGD(1e18), "mse")
    before = model.get_weights()
    with pytest.raises(TrainingDivergedError):
        model.fit(X, VALUES, batch_size=10, epochs=5, verbose=0, callbacks=[PressCtrlC()])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
