"""The gradient with several outputs is that of the stated loss; scikit-learn's is as many times too large."""

import numpy as np
import pytest
from sklearn import neural_network

from bpnet.backend import Backend
from bpnet.sklearn import MLPRegressor
from bpnet.sklearn.equality import data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def first_step(kind: type, y: np.ndarray, **more: object) -> np.ndarray:
    """The gradient of the weights of the last layer, from one plain step of rate 1 on all samples."""
    x, _ = data("diabetes")
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0, "alpha": 0.0, "batch_size": len(x)}
    settings |= {"hidden_layer_sizes": (3,), "activation": "tanh", "random_state": 0, "max_iter": 1, **more}
    est = kind(**settings)
    est.set_params(learning_rate_init=1e-30).fit(x, y)
    start = est.coefs_[-1].copy()
    est.set_params(learning_rate_init=1.0).fit(x, y)
    return start - est.coefs_[-1]


def test_gradient_of_the_loss(backend: Backend) -> None:
    """Central differences of ½ mean (y - p)², which both report as their loss."""
    x, y = data("diabetes")
    three = np.stack([y, y**2, np.sin(y)], axis=1)
    ours = first_step(MLPRegressor, three, backend=backend)
    theirs = first_step(neural_network.MLPRegressor, three)
    est = MLPRegressor(
        hidden_layer_sizes=(3,), activation="tanh", random_state=0, max_iter=1, solver="sgd", backend="numpy"
    )
    est.set_params(learning_rate_init=1e-30).fit(x, three)

    def loss() -> float:
        return float(0.5 * np.mean((est.predict(x) - three) ** 2))

    h = 1e-5
    for i, k in ((0, 0), (2, 1), (1, 2)):
        est.coefs_[-1][i, k] += h
        above = loss()
        est.coefs_[-1][i, k] -= 2 * h
        below = loss()
        est.coefs_[-1][i, k] += h
        # The truncation is h² times a third derivative, which is 0; the rounding 1e-16 / h.
        assert ours[i, k] == pytest.approx((above - below) / (2 * h), abs=1e-9)
    np.testing.assert_allclose(theirs, 3 * ours, rtol=1e-9, atol=1e-14)


def test_one_output_is_the_same() -> None:
    _, y = data("diabetes")
    np.testing.assert_allclose(
        first_step(MLPRegressor, y), first_step(neural_network.MLPRegressor, y), rtol=1e-10, atol=1e-14
    )


def test_the_reported_loss_is_scikit_learns() -> None:
    x, y = data("diabetes")
    two = np.stack([y, -y], axis=1)
    losses = [
        kind(max_iter=1, random_state=0, solver="sgd", learning_rate_init=1e-30).fit(x, two).loss_
        for kind in (neural_network.MLPRegressor, MLPRegressor)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_the_way_to_the_minimum() -> None:
    """The figure of the README: the loss on two outputs, without a penalty, after as many iterations of L-BFGS."""
    x, y = data("diabetes")
    two = np.stack([y, -y], axis=1)
    losses = [
        kind(solver="lbfgs", max_iter=200, random_state=0, hidden_layer_sizes=(4,), alpha=0.0, tol=1e-9)
        .fit(x, two)
        .loss_
        for kind in (neural_network.MLPRegressor, MLPRegressor)
    ]
    print(losses)
    assert losses[1] <= losses[0]
