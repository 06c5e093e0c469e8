"""Do the backends compute the same? One forward and one backward pass, compared with NumPy's in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np

import bpnet.backend
from bpnet.backend import Backend
from bpnet.cli.doctor.fault import Fault
from bpnet.nn.dense import Dense
from bpnet.nn.graph import Input
from bpnet.sequential import Sequential

LIMITS = {"float64": 1e-12, "float32": 1e-5}
"""The largest error of each float type, ‖x - x₀‖ / ‖x₀‖, at which a backend counts as equal to NumPy."""


@dataclass(frozen=True)
class Check:
    """The errors of one backend in one float type; None where they could not be measured, and `fault` says why."""

    spec: str
    dtype: str
    limit: float
    output_error: float | None
    gradient_error: float | None
    seconds: float
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """True where both errors were measured and are within the limit."""
        return self.fault is None


def checks(spec: str, backend: Backend) -> list[Check]:
    """The comparison in each float type."""
    return [check(spec, backend, dtype) for dtype in LIMITS]


def check(spec: str, backend: Backend, dtype: str) -> Check:
    """Compare `backend` in `dtype` with NumPy in float64. Whatever the backend raises is reported."""
    limit, start = LIMITS[dtype], perf_counter()
    mend = "do not train on this backend: BPNET_BACKEND=numpy"
    try:
        expected = outputs_and_gradient(bpnet.backend.make("numpy"), "float64")
        found = outputs_and_gradient(backend, dtype)
        errors = [relative_error(x, x0) for x, x0 in zip(found, expected, strict=True)]
    except Exception as error:
        message = f"{spec} in {dtype} could not be compared with NumPy: {type(error).__name__}: {error}"
        return Check(spec, dtype, limit, None, None, perf_counter() - start, Fault.said(message, mend))
    output_error, gradient_error = errors
    fault = None
    if max(errors) > limit:
        fault = Fault(f"{spec} in {dtype} is {max(errors):.1e} from NumPy in float64; the limit is {limit:.0e}.", mend)
    return Check(spec, dtype, limit, output_error, gradient_error, perf_counter() - start, fault)


def outputs_and_gradient(backend: Backend, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The outputs of a small classifier, and the gradient of its loss; the same samples and first weights each time."""
    random = np.random.default_rng(0)
    x = random.standard_normal((32, 8), dtype=np.float32)  # no rounding when it becomes float32 or float64
    y = random.integers(0, 4, 32)
    model = Sequential(
        [Input((8,)), Dense(16, activation="tanh"), Dense(4, activation="softmax")],
        backend=backend,
        dtype=dtype,
        seed=0,
    )
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    outputs = model.predict(x)
    model.train_on_batch(x, y)
    return outputs, backend.to_numpy(model.network.grad)


def relative_error(x: np.ndarray, expected: np.ndarray) -> float:
    """‖x - expected‖ / ‖expected‖. ValueError: another shape, or a value that is not finite."""
    if x.shape != expected.shape:
        raise ValueError(f"an array of shape {x.shape} came, expected {expected.shape}")
    error = float(np.linalg.norm(x.astype(np.float64) - expected) / np.linalg.norm(expected))
    if not math.isfinite(error):
        raise ValueError("values came that are not finite")
    return error
