"""Every activation and its derivative."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows

from bpnet import Elu, LeakyRelu
from bpnet.backend import Backend
from bpnet.nn.activations import ACTIVATIONS, ActivationFunction
from parity.arrays import Agree, Results, autograd, host, normal, off_zero

Z = off_zero("activations: z", 30, 10)
DY = normal("activations: dy", 30, 10)

REFERENCES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda z: z.clone(),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.2),
    "elu": F.elu,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "softmax": lambda z: F.softmax(z, dim=-1),
}

CASES: dict[str, tuple[ActivationFunction, Callable[[torch.Tensor], torch.Tensor]]] = {
    **{name: (ACTIVATIONS[name], reference) for name, reference in REFERENCES.items()},
    "leaky_relu(0.05)": (LeakyRelu(0.05), lambda z: F.leaky_relu(z, 0.05)),
    "elu(0.7)": (Elu(0.7), lambda z: F.elu(z, 0.7)),
}


def test_every_activation_has_a_reference() -> None:
    assert {*REFERENCES, "step"} == set(ACTIVATIONS)


@pytest.mark.parametrize("name", CASES)
def test_activation(name: str, agree: Agree) -> None:
    function, reference = CASES[name]

    def run(backend: Backend, dtype: str) -> Results:
        f = function.bind(backend)
        y, kept = f.forward(backend.asarray(Z, dtype))
        dz = f.backward(kept, backend.asarray(DY, dtype))
        return {"forward": host(backend, dtype, y), "backward": host(backend, dtype, dz)}

    agree("activation", name, run, lambda: autograd(reference, [Z], DY))


def test_step_has_values_but_no_gradient(agree: Agree, backend: Backend, dtype: str) -> None:
    def run(backend: Backend, dtype: str) -> Results:
        y, _ = ACTIVATIONS["step"].bind(backend).forward(backend.asarray(Z, dtype))
        return {"forward": host(backend, dtype, y)}

    one = torch.ones((), dtype=torch.float64)
    agree("activation", "step", run, lambda: {"forward": [torch.heaviside(torch.tensor(Z), one).numpy()]})

    bound = ACTIVATIONS["step"].bind(backend)
    y, kept = bound.forward(backend.asarray([[0.0, -0.5]], dtype))
    assert backend.to_numpy(y).tolist() == [[1.0, 0.0]]
    with pytest.raises(ValueError, match="no gradient"):
        bound.backward(kept, y)
