"""Every loss at the end of a model: L, the output, and the gradient of all parameters.

A softmax or sigmoid before its own cross-entropy becomes part of the loss here; a user's own stays in the network.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bpnet import L1L2, Dense, Input, Sequential
from bpnet.backend import Backend
from bpnet.training.objective import Objective
from bpnet.training.terms import terms
from parity.arrays import Agree, Results, host, normal
from parity.loss_cases import CASES, HEADS, OWN_HEADS, WEIGHT, K, N, weighed

X = normal("objectives: x", N, 7)
WEIGHTS = [normal("objectives: v", 7, 6), normal("objectives: c", 6), normal("objectives: w", 6, K), normal("b", K)]
L1, L2 = 0.01, 0.02

PROBABILITIES = [name for name, case in CASES.items() if case.head]
MODELS = [(name, False) for name in CASES] + [(name, True) for name in PROBABILITIES]


@pytest.mark.parametrize(("weight", "reduction"), [(None, "sum"), (WEIGHT, "mean")], ids=["sum", "weighted mean"])
@pytest.mark.parametrize(("name", "own"), MODELS, ids=[f"{name}{', own head' * own}" for name, own in MODELS])
def test_objective(name: str, own: bool, weight: np.ndarray | None, reduction: str, agree: Agree) -> None:
    case = CASES[name]
    loss = case.loss(reduction=reduction)
    head = OWN_HEADS[str(case.head)] if own else case.head
    fused = case.head is not None and not own

    def run(backend: Backend, dtype: str) -> Results:
        model = Sequential(
            [Input((7,)), Dense(6, "tanh", kernel_regularizer=L1L2(L1, L2)), Dense(K, head)],
            backend=backend,
            dtype=dtype,
        )
        model.set_weights(WEIGHTS)
        objective = Objective(model.network, terms(model.output_names, loss))
        assert objective.fused == [fused]
        y = backend.asarray(case.y, "int64" if loss.targets == "labels" else dtype)
        on_device = None if weight is None else backend.asarray(weight, dtype)
        value, penalty, found = objective.value_and_gradient((backend.asarray(X, dtype),), (y,), on_device)
        gradients = [g for layer in model.network.g for g in vars(layer).values()]
        return {
            "forward": host(backend, dtype, value + penalty, *found.outputs),
            "backward": host(backend, dtype, *gradients),
        }

    def reference() -> Results:
        v, c, w, b = parameters = [torch.tensor(array, requires_grad=True) for array in WEIGHTS]
        z = (torch.tensor(X) @ v + c).tanh() @ w + b
        p = z if case.head is None else HEADS[case.head](z)
        value = weighed(case.per_sample(p), weight, reduction) + L1 * v.abs().sum() + L2 * (v * v).sum()
        gradients = torch.autograd.grad(value, parameters)
        forward = [value, z if fused else p]
        return {
            "forward": [array.detach().numpy() for array in forward],
            "backward": [array.numpy() for array in gradients],
        }

    agree("model", f"{name}{', own head' * own}", run, reference)
