"""The penalties: their values, and the gradients that they add for the weights of the layers that have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bpnet import L1, L1L2, L2, Dense, Input, Sequential
from bpnet.backend import Backend
from bpnet.nn.regularizers import Regularizer
from parity.arrays import Agree, Results, host, normal, off_zero

SHAPES = [(5, 12), (12, 9), (9, 8), (8, 3)]
WEIGHTS = sum(rows * columns for rows, columns in SHAPES)
SIZE = WEIGHTS + sum(columns for _, columns in SHAPES)
THETA = off_zero("regularizers: theta", SIZE)
GRADIENT = normal("regularizers: gradient", SIZE)

CASES: dict[str, tuple[Regularizer, Callable[[torch.Tensor], torch.Tensor]]] = {
    "l1": (L1(0.3), lambda w: 0.3 * w.abs().sum()),
    "l2": (L2(0.2), lambda w: 0.2 * (w * w).sum()),
    "l1_l2": (L1L2(0.3, 0.2), lambda w: 0.3 * w.abs().sum() + 0.2 * (w * w).sum()),
}


@pytest.mark.parametrize("name", CASES)
def test_regularizer(name: str, agree: Agree) -> None:
    regularizer, reference = CASES[name]
    # Two neighbours with the same penalty, one layer without, and one with another penalty.
    kinds = [regularizer, regularizer, None, L2(0.1)]

    def run(backend: Backend, dtype: str) -> Results:
        layers = [Dense(shape[1], kernel_regularizer=kind) for shape, kind in zip(SHAPES, kinds, strict=True)]
        network = Sequential([Input((5,)), *layers], backend=backend, dtype=dtype).network
        network.theta[...] = backend.asarray(THETA, dtype)
        network.grad[...] = backend.asarray(GRADIENT, dtype)
        value = network.penalty()
        network.add_penalty_gradient()
        return {"forward": host(backend, dtype, value), "backward": host(backend, dtype, network.grad)}

    def autograd() -> Results:
        theta = torch.tensor(THETA, requires_grad=True)
        sizes = [rows * columns for rows, columns in SHAPES]
        first, second, _, last, _ = theta.split([*sizes, SIZE - WEIGHTS])
        value = reference(first) + reference(second) + 0.1 * (last * last).sum()
        (gradient,) = torch.autograd.grad(value, theta)
        return {"forward": [value.detach().numpy()], "backward": [GRADIENT + gradient.numpy()]}

    agree("regularizer", name, run, autograd)
