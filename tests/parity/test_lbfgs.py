"""L-BFGS: the losses of its iterations, against SciPy given the same problem with PyTorch's gradients, in float64."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

from bpnet import L2, LBFGS, Dense, Input, Sequential
from bpnet.backend import Backend
from parity.arrays import normal

X, LABELS = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SHAPES = [(4, 6), (6,), (6, 3), (3,)]
FIRST = [0.5 * normal(f"lbfgs: {shape}", *shape) for shape in SHAPES]
PENALTY = 1e-3

CLOSE, SAME = 40, 1e-10
"""Iterations feed the roundings of 1.1e-16 back: the losses were 1e-15 apart after 10, and at most 4e-12 after 40."""
END = 1e-5
"""Of the losses where both have converged: 4e-7 apart at most, since not all end in the same iteration."""


def fitted(backend: Backend | str, penalty: float = PENALTY, **settings: Any) -> Sequential:
    regularizer = L2(penalty) if penalty else None
    layers = [Dense(6, "tanh", kernel_regularizer=regularizer), Dense(3, "softmax", kernel_regularizer=regularizer)]
    model = Sequential([Input((4,)), *layers], backend=backend, dtype="float64")
    model.compile(LBFGS(**settings), "sparse_categorical_crossentropy")
    model.set_weights(FIRST)
    return model


@cache
def by_scipy(memory: int) -> tuple[list[float], str]:
    """SciPy's own curve: it owns the vector, PyTorch the gradient."""
    x, labels, curve = torch.tensor(X), torch.tensor(LABELS), []
    sizes = np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1]

    def loss_at(theta: torch.Tensor) -> torch.Tensor:
        w1, b1, w2, b2 = (
            part.reshape(shape) for part, shape in zip(torch.tensor_split(theta, sizes.tolist()), SHAPES, strict=True)
        )
        logits = torch.tanh(x @ w1 + b1) @ w2 + b2
        return torch.nn.functional.cross_entropy(logits, labels) + PENALTY * ((w1**2).sum() + (w2**2).sum())

    def value_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        leaf = torch.tensor(theta, requires_grad=True)
        loss = loss_at(leaf)
        loss.backward()  # type: ignore[no-untyped-call]
        assert leaf.grad is not None
        return float(loss.detach()), leaf.grad.numpy()

    first = np.concatenate([array.ravel() for array in FIRST])
    found = minimize(
        value_and_gradient, first, jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxcor": memory},
        callback=lambda theta: curve.append(value_and_gradient(theta)[0]),
    )  # fmt: skip
    return curve, found.message


@pytest.mark.parametrize("memory", [10, 3])
def test_the_losses_are_those_of_scipy_with_gradients_of_pytorch(memory: int, backend: Backend) -> None:
    curve, message = by_scipy(memory)
    history = fitted(backend, memory=memory).fit(X, LABELS, epochs=200, verbose=0)
    losses = np.array(history.history["loss"])
    np.testing.assert_allclose(losses[:CLOSE], curve[:CLOSE], rtol=SAME)
    np.testing.assert_allclose(losses[-1], curve[-1], rtol=END)
    assert history.converged
    assert "CONVERGENCE" in history.message
    assert "CONVERGENCE" in message
    assert abs(len(losses) / len(curve) - 1) < 0.2, "by then the roundings decide in which iteration it ends"


def test_scikit_learn_ends_at_the_same_loss() -> None:
    """Its first weights cannot be given, so both go on from those that it has after one iteration."""
    theirs = MLPClassifier((6,), "tanh", solver="lbfgs", alpha=0, max_iter=1, warm_start=True, random_state=3)
    with pytest.warns(Warning, match="lbfgs failed to converge"):
        theirs.fit(X, LABELS)
    ours = fitted("numpy", penalty=0.0, gtol=1e-4)
    ours.set_weights([theirs.coefs_[0], theirs.intercepts_[0], theirs.coefs_[1], theirs.intercepts_[1]])
    theirs.set_params(max_iter=30)
    with pytest.warns(Warning, match="lbfgs failed to converge"):
        theirs.fit(X, LABELS)
    history = ours.fit(X, LABELS, epochs=30, verbose=0).history
    np.testing.assert_allclose(history["loss"][-1], theirs.loss_, rtol=SAME)
