"""A model of two inputs and two outputs, with a shared layer and branches used twice: L, its gradient, and a run."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows

from backends_here import backend_named
from bpnet import L2, Add, Concatenate, Dense, Dropout, Input, Model, Multiply, gradient_check
from bpnet.backend import Backend
from parity.arrays import Agree, Results, generator, host, normal
from parity.table import PROPERTY
from parity.table import Measured as Row

N = 37
LEFT, RIGHT = normal("several: left", N, 4), normal("several: right", N, 4)
KIND = generator("several: kind").integers(3, size=N)
SIZE = normal("several: size", N, 2)
WEIGHT = generator("several: weight").integers(0, 4, size=N) / 2.0
PENALTY = 0.02
WEIGHTS = {"kind": 0.7, "size": 1.3}
# As the layers are first met: `tower` twice, `gate`, `inner`, `kind`, then `size`.
SHAPES = ((4, 5), (5,), (4, 5), (5,), (5, 5), (5,), (5, 3), (3,), (10, 2), (2,))
START = [normal(f"several: parameter {i}", *shape) * 0.5 for i, shape in enumerate(SHAPES)]


def model_of(backend: Backend, dtype: str = "float64", dropout: float = 0.0) -> Model:
    """`tower` sees both inputs; what it makes of the left one goes three ways, and the sum of all goes two."""
    left, right = Input((4,), name="left"), Input((4,), name="right")
    tower = Dense(5, "tanh", kernel_regularizer=L2(PENALTY), name="tower")
    h, k = tower(left), tower(right)
    gated = Multiply()(h, Dense(5, "sigmoid", name="gate")(right))
    merged = Add()([h, gated, Dense(5, "tanh", name="inner")(k)])
    if dropout:
        merged = Dropout(dropout)(merged)
    kind = Dense(3, "softmax", name="kind")(merged)
    size = Dense(2, name="size")(Concatenate()(merged, k))
    model = Model([left, right], [kind, size], backend=backend, dtype=dtype, seed=4)
    model.compile(
        "adam",
        loss={"size": "huber", "kind": "sparse_categorical_crossentropy"},
        metrics={"kind": ["accuracy"]},
        loss_weights=WEIGHTS,
    )
    return model


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_central_differences(weight: np.ndarray | None, backend: Backend) -> None:
    report = gradient_check(model_of(backend), [LEFT, RIGHT], [KIND, SIZE], sample_weight=weight)
    assert [place.layer for place in report.distances[::2]] == ["tower", "gate", "inner", "kind", "size"]
    assert report.ok, report


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_total_loss_and_all_gradients(weight: np.ndarray | None, agree: Agree) -> None:
    def run(backend: Backend, dtype: str) -> Results:
        model = model_of(backend, dtype)
        model.set_weights(START)
        objective, _ = model.bind()
        assert objective.fused == [True, False]
        x = (backend.asarray(LEFT, dtype), backend.asarray(RIGHT, dtype))
        y = (backend.asarray(KIND, "int64"), backend.asarray(SIZE, dtype))
        on_device = None if weight is None else backend.asarray(weight, dtype)
        value, penalty, found = objective.value_and_gradient(x, y, on_device)
        gradients = [g for layer in model.network.g for g in vars(layer).values()]
        forward = [value + penalty, *found.losses, *found.outputs]
        return {"forward": host(backend, dtype, *forward), "backward": host(backend, dtype, *gradients)}

    def reference() -> Results:
        parameters = [torch.tensor(array, requires_grad=True) for array in START]
        w, b, gate_w, gate_b, inner_w, inner_b, kind_w, kind_b, size_w, size_b = parameters
        left, right = torch.tensor(LEFT), torch.tensor(RIGHT)
        h, k = (left @ w + b).tanh(), (right @ w + b).tanh()
        merged = h + h * (right @ gate_w + gate_b).sigmoid() + (k @ inner_w + inner_b).tanh()
        logits, size = merged @ kind_w + kind_b, torch.cat([merged, k], 1) @ size_w + size_b
        weights = torch.tensor(np.ones(N) if weight is None else weight)
        of_kind = (weights * F.cross_entropy(logits, torch.tensor(KIND), reduction="none")).mean()
        of_size = (weights * F.huber_loss(size, torch.tensor(SIZE), reduction="none").mean(1)).mean()
        total = WEIGHTS["kind"] * of_kind + WEIGHTS["size"] * of_size + PENALTY * (w * w).sum()
        gradients = torch.autograd.grad(total, parameters)
        return {
            "forward": [array.detach().numpy() for array in (total, of_kind, of_size, logits, size)],
            "backward": [array.numpy() for array in gradients],
        }

    agree("model", f"two inputs and outputs{', weighted' * (weight is not None)}", run, reference)


# As in test_whole_runs: each of the updates starts from the roundings of those before.
LIMITS = {"float64": 1e-9, "float32": 1e-4}


def test_whole_run(backend: Backend, dtype: str, record_property: Any, request: pytest.FixtureRequest) -> None:
    expected, here = _on_numpy(dtype), _run(backend, dtype)
    assert list(here) == [*_NAMES, *(f"val_{name}" for name in _NAMES)]
    spec = request.node.callspec.params["backend"]
    errors = []
    for name in [name for name in here if name.endswith("loss")]:
        errors.append(float(np.max(np.abs(here[name] - expected[name]) / expected[name])))
        row = Row("run", "two inputs and outputs", name, spec, dtype, f"NumPy {dtype}", errors[-1], LIMITS[dtype])
        record_property(PROPERTY, tuple(row))
    assert here["kind_loss"][-1] < here["kind_loss"][0]
    assert here["size_loss"][-1] < here["size_loss"][0]
    assert max(errors) <= LIMITS[dtype]


_NAMES = ("loss", "kind_loss", "size_loss", "kind_accuracy")


@cache
def _on_numpy(dtype: str) -> dict[str, np.ndarray]:
    return _run(backend_named("numpy"), dtype)


def _run(backend: Backend, dtype: str) -> dict[str, np.ndarray]:
    """Weighted samples, shuffled, a fifth held out, batches of which the last is smaller, and dropout in the graph."""
    model = model_of(backend, dtype, dropout=0.2)
    history = model.fit(
        {"left": LEFT, "right": RIGHT}, [KIND, SIZE], batch_size=8, epochs=15, validation_split=0.2,
        sample_weight=WEIGHT + 0.5, verbose=0,
    ).history  # fmt: skip
    return {name: np.array(values) for name, values in history.items()}
