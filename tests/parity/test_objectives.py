"""Every loss at the end of a model: L, the output, and the gradient of all parameters in one vector.

A softmax or sigmoid before its own cross-entropy becomes part of the loss here; the other heads stay in the network.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bpnet import L1L2, Dense, Input, Sequential
from bpnet.backend import Backend
from bpnet.training.objective import Objective
from parity.arrays import host, normal
from parity.loss_cases import CASES, HEADS, WEIGHT, K, N, weighed

X = normal("objectives: x", N, 7)
WEIGHTS = [normal("objectives: v", 7, 6), normal("objectives: c", 6), normal("objectives: w", 6, K), normal("b", K)]
L1, L2 = 0.01, 0.02

OTHER_HEAD = {
    "binary_crossentropy, probabilities": "softmax",
    "categorical_crossentropy, probabilities": "sigmoid",
    "sparse_categorical_crossentropy, probabilities": "sigmoid",
}
MODELS = {
    **CASES,
    **{f"{name} of a {head}": replace(CASES[name], head=head) for name, head in OTHER_HEAD.items()},
}


@pytest.mark.parametrize(
    ("weight", "reduction"), [(None, "sum"), (WEIGHT, "mean")], ids=["sum, unweighted", "mean, weighted"]
)
@pytest.mark.parametrize("name", MODELS)
def test_objective(name: str, weight: np.ndarray | None, reduction: str, agree) -> None:
    case = MODELS[name]
    loss = case.loss(reduction=reduction)
    fused = case.head is not None and case.head == loss.head

    def run(backend: Backend, dtype: str) -> dict[str, list[np.ndarray]]:
        model = Sequential(
            [Input((7,)), Dense(6, "tanh", kernel_regularizer=L1L2(L1, L2)), Dense(K, case.head)],
            backend=backend,
            dtype=dtype,
        )
        model.set_weights(WEIGHTS)
        objective = Objective(model.network, loss, [])
        assert objective.fused == fused
        y = backend.asarray(case.y, "int64" if loss.targets == "labels" else dtype)
        on_device = None if weight is None else backend.asarray(weight, dtype)
        value, output = objective.value_and_gradient(backend.asarray(X, dtype), y, on_device)
        gradients = [g for layer in model.network.g for g in vars(layer).values()]
        return {"forward": host(backend, dtype, value, output), "backward": host(backend, dtype, *gradients)}

    def reference() -> dict[str, list[np.ndarray]]:
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

    agree("model", name, run, reference)
