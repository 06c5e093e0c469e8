"""Batch normalization's running statistics: those of Keras, or of PyTorch, and what inference does with them."""

import numpy as np
import pytest
import torch

from bpnet import BatchNormalization, Dense, Dropout, Input, Sequential, gradient_check

RNG = np.random.default_rng(5)
BATCHES = RNG.normal(2.0, 3.0, size=(4, 9, 5, 6, 3))


def statistics(layer, backend, dtype="float64"):
    model = Sequential([Input((5, 6, 3)), layer], backend=backend, dtype=dtype)
    network = model.network
    for batch in BATCHES:
        network.forward([backend.asarray(batch, dtype)], train=True)
    return model, [backend.to_numpy(getattr(network.p[0], name)) for name in ("mean", "variance")]


def test_the_running_statistics_are_those_of_keras(backend):
    """r ← 0.9 r + 0.1 batch, with the biased variance (Keras 3.15, BatchNormalization.call)."""
    _, found = statistics(BatchNormalization(momentum=0.9), backend)
    mean, variance = np.zeros(3), np.ones(3)
    for batch in BATCHES:
        mean = 0.9 * mean + 0.1 * batch.mean(axis=(0, 1, 2))
        variance = 0.9 * variance + 0.1 * batch.var(axis=(0, 1, 2))
    np.testing.assert_allclose(found[0], mean, rtol=1e-12)
    np.testing.assert_allclose(found[1], variance, rtol=1e-12)


def test_or_those_of_pytorch(backend):
    model, found = statistics(BatchNormalization(momentum=0.9, epsilon=1e-5, unbiased=True), backend)
    theirs = torch.nn.BatchNorm2d(3, momentum=0.1, dtype=torch.float64)
    for batch in BATCHES:
        theirs(torch.tensor(batch).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found[0], theirs.running_mean, rtol=1e-12)
    np.testing.assert_allclose(found[1], theirs.running_var, rtol=1e-12)
    theirs.eval()
    expected = theirs(torch.tensor(BATCHES[0]).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_allclose(model.predict(BATCHES[0]), expected, rtol=1e-10, atol=1e-12)


def test_inference_does_not_depend_on_the_batch(backend):
    model, _ = statistics(BatchNormalization(), backend)
    before = backend.to_numpy(model.network.state)
    np.testing.assert_array_equal(model.predict(BATCHES[0], batch_size=2), model.predict(BATCHES[0]))
    np.testing.assert_array_equal(backend.to_numpy(model.network.state), before)


def test_weights_and_statistics_go_to_another_backend_and_the_random_streams_stay(backend):
    def made(on, seed):
        layers = [Dense(5, "tanh"), BatchNormalization(), Dropout(0.5), Dense(1)]
        model = Sequential([Input((3,)), *layers], backend=on, dtype="float64", seed=seed)
        model.compile("adam", "mse")
        return model

    x = RNG.normal(size=(40, 3))
    trained, other = made("numpy", 0), made(backend, 1)
    trained.fit(x, x[:, 0], epochs=3, verbose=0)
    shapes = [array.shape for array in trained.get_weights()]
    assert shapes == [(3, 5), (5,), (5,), (5,), (5,), (5,), (5, 1), (1,)]
    keys = backend.to_numpy(other.network.keys)
    other.set_weights(trained.get_weights())
    np.testing.assert_allclose(other.predict(x), trained.predict(x), rtol=1e-12)
    np.testing.assert_array_equal(backend.to_numpy(other.network.keys), keys)


def test_derivatives(backend):
    layers = [Dense(5, "tanh"), BatchNormalization(), Dense(1)]
    model = Sequential([Input((3,)), *layers], backend=backend, dtype="float64")
    model.compile("sgd", "mse")
    report = gradient_check(model, RNG.normal(size=(20, 3)), RNG.normal(size=20))
    assert report.ok, report


def test_a_captured_run_is_the_run_as_written(backend):
    """The statistics move in every step, and a diverging or a replayed first step moves them once."""

    def run(captured):
        model = Sequential(
            [Input((3,)), Dense(4, "tanh"), BatchNormalization(), Dense(1)], backend=backend, dtype="float64", seed=1
        )
        model.compile("sgd", "mse")
        if not captured:
            model.backend.capture = lambda step: step
        try:
            x = np.random.default_rng(0).normal(size=(40, 3))
            model.fit(x, x[:, 0], batch_size=8, epochs=2, verbose=0)
        finally:
            vars(model.backend).pop("capture", None)
        return backend.to_numpy(model.network.state)

    np.testing.assert_allclose(run(True), run(False), rtol=1e-9)


@pytest.mark.parametrize("axis", [0, 1.5, True])
def test_an_axis_that_is_none_is_refused(axis):
    with pytest.raises(ValueError, match=r"axis: .* was given, expected a whole number other than 0, the batch axis"):
        BatchNormalization(axis)
