"""What `precision` costs: a net's loss and gradient with matrix products of fewer bits, against NumPy in float64.

A factor that keeps m bits of mantissa is off by u = 2^-(m+1) of itself at most: m is 10 for TF32, 7 for bfloat16. The
net makes three products on the way forward and five back, each of two rounded factors, and the errors point in all
directions: 8 u bounds them. An error below u / 50 would say that the factors were not rounded at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpnet import Dense, Input, Sequential
from bpnet.backend import Backend, make
from bpnet.training.objective import Objective
from bpnet.training.terms import terms
from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_backends.on_cuda.device import Matrix
from emulator.device import EmulatedDevice
from limits import relative
from parity.arrays import Results, generator, host, normal
from parity.replayed import through_capture
from parity.table import PROPERTY, Measured

BITS = {"tf32": 10, "bf16": 7}
"""Of the mantissa, the leading one not counted."""

X, LABELS = normal("precision: x", 64, 64), generator("precision: y").integers(10, size=64)


def rounded(x: np.ndarray, bits: int) -> np.ndarray:
    """float32 numbers with so many bits of mantissa: to the nearest, of two equally near to the even one."""
    dropped = 23 - bits
    whole = np.ascontiguousarray(x).view(np.uint32)
    half = np.uint32((1 << (dropped - 1)) - 1) + ((whole >> np.uint32(dropped)) & np.uint32(1))
    return ((whole + half) >> np.uint32(dropped) << np.uint32(dropped)).view(np.float32)


class FewerBits(EmulatedDevice):
    """An emulated GPU whose products round their factors."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self._bits = bits

    def product(self, a: Matrix, b: Matrix, c: Matrix) -> Callable[[], None]:
        """Of rounded factors."""
        left, right, out = (self._stack(matrix) for matrix in (a, b, c))

        def run() -> None:
            out[...] = np.matmul(rounded(left, self._bits), rounded(right, self._bits))

        return lambda: self._do(run)


def backend_of(spec: str, precision: str) -> Backend:
    """The backend, skipped with its own reason where it needs a GPU that is not here."""
    if spec == "emulated":
        return CudaBackend(FewerBits(BITS[precision]))
    try:
        return make(spec, precision)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{spec}: {error}")


def loss_and_gradient(backend: Backend, dtype: str) -> Results:
    layers = [Input((64,)), Dense(128, "tanh"), Dense(128, "tanh"), Dense(10, "softmax")]
    model = Sequential(layers, backend=backend, dtype=dtype)
    objective = Objective(model.network, terms(model.output_names, "sparse_categorical_crossentropy"))
    x, y = backend.asarray(X, dtype), backend.asarray(LABELS, "int64")
    _, _, found = objective.value_and_gradient((x,), (y,), None)
    gradients: list[Any] = [g for layer in model.network.g for g in vars(layer).values()]
    return {"forward": host(backend, dtype, *found.outputs), "backward": host(backend, dtype, *gradients)}


@pytest.mark.parametrize("precision", list(BITS))
@pytest.mark.parametrize(
    "spec",
    ["emulated", pytest.param("cupy", marks=pytest.mark.gpu), pytest.param("torch:cuda", marks=pytest.mark.gpu)],
)
def test_precision(spec: str, precision: str, record_property: Callable[[str, object], None]) -> None:
    here = through_capture(loss_and_gradient, backend_of(spec, precision), "float32")
    reference = loss_and_gradient(make("numpy"), "float64")
    unit = 2.0 ** -(BITS[precision] + 1)
    for direction, arrays in here.items():
        errors = [relative(a, b) for a, b in zip(arrays, reference[direction], strict=True)]
        found = Measured(
            "net", "64-128-128-10", direction, spec, precision, "NumPy float64", float(np.max(errors)), 8 * unit
        )
        record_property(PROPERTY, tuple(found))
        assert found.ok
        assert found.error > unit / 50, "the products were not of that precision"
