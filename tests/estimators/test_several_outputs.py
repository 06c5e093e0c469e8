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


def test_the_minimum_of_the_stated_loss() -> None:
    """Without hidden layers it is that of ridge regression, W = (XᵀX + K α I)⁻¹ XᵀY: bpnet ends there.

    scikit-learn ends at (XᵀX + α I)⁻¹ XᵀY, as if the loss were the sum over the K outputs.
    """
    x, y = data("diabetes")
    three = np.stack([y, -y, 2 * y], axis=1)
    alpha, identity = 100.0, np.eye(x.shape[1])

    def ridge(penalty: float) -> np.ndarray:
        return np.asarray(np.linalg.solve(x.T @ x + penalty * identity, x.T @ three))

    settings = {"solver": "lbfgs", "hidden_layer_sizes": (), "alpha": alpha, "tol": 1e-8, "max_iter": 1000}
    ours, theirs = (
        kind(**settings, random_state=0).fit(x, three) for kind in (MLPRegressor, neural_network.MLPRegressor)
    )
    # L-BFGS ends where the loss, near 1, falls by less than 2e-9: the weights are then within its root.
    np.testing.assert_allclose(ours.coefs_[0], ridge(3 * alpha), atol=2e-4)
    assert np.abs(theirs.coefs_[0] - ridge(3 * alpha)).max() > 0.1
    assert ours.loss_ < theirs.loss_
