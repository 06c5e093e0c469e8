"""The reference on images: against sums by hand and central differences; and contenders against it."""

import numpy as np
import pytest

from bpnet_benchmarks import reference_layers
from bpnet_benchmarks.contenders import CONTENDERS, at
from bpnet_benchmarks.layers import Conv, Dense, Flatten, Pool
from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.reference import allowed, cross_entropy, gradient, judged_loss, probabilities, trained
from bpnet_benchmarks.reference_layers import forward, rows_at_once
from bpnet_benchmarks.workload import Workload

SMALL = Workload(
    "small",
    (7, 6, 2),
    (
        Conv(3, 3, same=True, activation="tanh"),
        Pool(2),  # a row is left out
        Conv(4, 2, activation="relu"),  # 2 × 2
        Flatten(),
        Dense(5, "tanh"),
        Dense(3, "softmax"),
    ),
)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("size", [2, 3])
def test_a_convolution_by_hand(same, size):
    rng = np.random.default_rng(0)
    layer, x = Conv(2, size, same=same, activation="tanh"), rng.normal(size=(2, 4, 5, 3))
    w, b = rng.normal(size=(size, size, 3, 2)), rng.normal(size=2)
    y = forward(layer, [w, b], x)
    assert y.shape == (2, *layer.output((4, 5, 3)))
    zeros_before = (size - 1) // 2 if same else 0
    for n, i, j, f in np.ndindex(*y.shape):
        z = b[f]
        for k, l, c in np.ndindex(size, size, 3):  # noqa: E741
            row, column = i + k - zeros_before, j + l - zeros_before
            if 0 <= row < 4 and 0 <= column < 5:
                z += x[n, row, column, c] * w[k, l, c, f]
        np.testing.assert_allclose(y[n, i, j, f], np.tanh(z), rtol=1e-12)


def test_a_maximum_by_hand():
    x = np.arange(12.0).reshape(1, 3, 4, 1)
    np.testing.assert_array_equal(forward(Pool(2), [], x).ravel(), [5, 7])
    dx, _ = reference_layers.backward(Pool(2), [], 0 * x, np.zeros((1, 1, 2, 1)), np.ones((1, 1, 2, 1)), need_dx=True)
    np.testing.assert_array_equal(dx.reshape(3, 4), [[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])  # of equals, the first


@pytest.mark.parametrize("at_once", [8, 3])
def test_the_gradient_against_central_differences(at_once, monkeypatch):
    windows_of_dz = 7 * 6 * 3 * 3 * 3  # the largest array of a sample, in the first layer
    monkeypatch.setattr(reference_layers, "KEPT", at_once * windows_of_dz)
    assert rows_at_once(list(SMALL.chain())) == at_once
    work = problem(SMALL, 8)
    x, y = work.x[:8], work.y[:8]
    weights = [array.astype(np.float64) for array in work.weights]
    for array, g in zip(weights, gradient(SMALL, weights, x, y), strict=True):
        assert np.abs(g).max() > 1e-4
        expected = np.empty_like(array)
        for i in np.ndindex(array.shape):
            middle = array[i]
            array[i] = middle + 1e-6
            above = cross_entropy(SMALL, weights, x, y)
            array[i] = middle - 1e-6
            expected[i] = (above - cross_entropy(SMALL, weights, x, y)) / 2e-6
            array[i] = middle
        np.testing.assert_allclose(g, expected, atol=1e-8)


@pytest.mark.parametrize("name", ["bpnet-numpy", "bpnet-torch", "torch", "jax", "jax-scan"])
def test_contenders_do_the_same_training(name):
    contender, work = at(CONTENDERS[name]), problem(SMALL, 64)
    why_not = contender.why_not()
    if why_not is not None:
        pytest.skip(f"{name}: {why_not}")
    run = contender.prepare(work)
    for given, first in zip(work.weights, run.weights(), strict=True):
        np.testing.assert_array_equal(first, given)
    if "predict" in contender.modes:
        x = work.x[:64]
        np.testing.assert_allclose(run.predict(run.laid_out(x)), probabilities(SMALL, work.weights, x), atol=1e-5)
    for _ in range(20 // run.steps_per_call):
        run.step()
    run.synchronize()
    expected = judged_loss(work, trained(work, 20))
    assert abs(judged_loss(work, run.weights()) - expected) < allowed(expected, judged_loss(work, work.weights)) / 5
