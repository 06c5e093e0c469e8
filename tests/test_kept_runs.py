"""A second call of `fit` or `evaluate` on data of the same shapes takes up what the first one captured."""

import gc
import weakref

import numpy as np
import pytest

from bpnet import Adam, Callback, Dense, Input, Sequential, TrainingDivergedError
from bpnet.backend import make
from bpnet.training.inference import Inference
from bpnet.training.kept import LARGEST, MOST_RUNS

RNG = np.random.default_rng(11)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)
OTHER_X, OTHER_Y = X[::-1] * 1.5, 1 - Y
WEIGHTS = RNG.uniform(0.5, 2.0, 60)


def model(backend):
    made = Sequential([Input((4,)), Dense(5, "tanh"), Dense(2, "softmax")], backend=backend, dtype="float64")
    made.compile(Adam(0.03), "sparse_categorical_crossentropy", ["accuracy"])
    return made


def fit(made, x, y, **settings):
    made.fit(x, y, 16, verbose=0, **settings)


def forgetting(made):
    """The same model, which captures each call anew."""
    assert made._kept._waiting == {}
    made._kept._waiting = Nothing()
    return made


class Nothing(dict):
    def __setitem__(self, key, value):
        pass


def assert_same_weights(a, b):
    for ours, theirs in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_other_data_of_the_same_shapes_are_learned_from(backend, weights):
    kept, anew = model(backend), forgetting(model(backend))
    for made in (kept, anew):
        fit(made, X, Y, sample_weight=weights, validation_data=(X[:20], Y[:20]))
        fit(made, OTHER_X, OTHER_Y, sample_weight=None if weights is None else weights[::-1], epochs=2)
        fit(made, X, Y, sample_weight=weights, validation_data=(OTHER_X[:20], OTHER_Y[:20]))
    assert kept.history.history == anew.history.history
    assert_same_weights(kept, anew)
    assert kept.evaluate(OTHER_X, OTHER_Y) == anew.evaluate(OTHER_X, OTHER_Y) != kept.evaluate(X, Y)
    assert kept.evaluate(OTHER_X, OTHER_Y) == anew.evaluate(OTHER_X, OTHER_Y)


def test_the_callers_arrays_stay_as_they_are(backend):
    made, x, y = model(backend), X.copy(), Y.copy()
    fit(made, x, y)
    fit(made, OTHER_X, OTHER_Y)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


def test_a_callback_that_evaluates_does_not_touch_the_validation_at_work(backend):
    class Evaluates(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.evaluate(OTHER_X[:20], OTHER_Y[:20])
            fits.append(self.model.evaluate(X[:20], Y[:20], return_dict=True)["loss"])

    for _ in range(2):
        made, fits = model(backend), []
        made.evaluate(X[:20], Y[:20])
        fit(made, X, Y, epochs=3, validation_data=(X[:20], Y[:20]), callbacks=[Evaluates()])
        assert made.history.history["val_loss"] == fits


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
def test_what_an_earlier_fit_remembers_does_not_come_back(backend):
    """Weights that are bad at once stay: those of the earlier call are none of this one's."""
    made = Sequential([Input((4,)), Dense(1)], backend=backend, dtype="float64")
    made.compile("sgd", "mse")
    fit(made, X, X[:, 0], epochs=2)
    chosen = [np.full((4, 1), 1e200), np.zeros(1)]
    made.set_weights(chosen)
    with pytest.raises(TrainingDivergedError, match="The weights that training began with give that loss already"):
        fit(made, X, X[:, 0])
    for array, before in zip(made.get_weights(), chosen, strict=True):
        np.testing.assert_array_equal(array, before)


def test_compile_forgets():
    made = model("numpy")
    fit(made, X, Y)
    made.compile("sgd", "sparse_categorical_crossentropy")
    before = made.get_weights()[0]
    made.learning_rate = 1e-12
    fit(made, X, Y)
    np.testing.assert_allclose(made.get_weights()[0], before, rtol=0, atol=1e-10)


def test_only_a_few_runs_wait_and_no_large_ones():
    made = model("numpy")
    for rows in range(20, 20 + 3 * MOST_RUNS):
        made.evaluate(X[:rows], Y[:rows])
    assert len(made._kept._waiting) == MOST_RUNS
    rows = LARGEST // 5 + 1
    made.evaluate(np.zeros((rows, 4), np.float32), np.zeros(rows, int))
    assert rows not in {shapes[0][0] for _, shapes in made._kept._waiting}


def test_a_run_that_failed_does_not_wait():
    class Fails(Callback):
        def on_batch_end(self, batch, samples):
            raise RuntimeError("enough")

    made = model("numpy")
    with pytest.raises(RuntimeError, match="enough"):
        fit(made, X, Y, callbacks=[Fails()])
    assert not made._kept._waiting


def test_what_predicts_goes_without_a_garbage_collection(monkeypatch):
    """A CUDA graph that is collected at any time is collected while another is captured, and ends that capture."""
    backend, captured = make("numpy"), []
    capture = backend.capture

    def watched(step):
        captured.append(weakref.ref(step))
        return capture(step)

    monkeypatch.setattr(backend, "capture", watched)
    inference = Inference(model(backend).network)
    inference([X])
    gc.disable()
    try:
        del inference
        assert [step() for step in captured] == [None]
    finally:
        gc.enable()
