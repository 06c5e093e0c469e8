"""A function as a captured step, next to the same function run as it is written, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from backends_here import backend_named
from limits import LIMITS

RECORDING = ("numpy", "numba")
"""The backends that compute a step while they write it down."""

REPLAYING = (*RECORDING, "emulated")
"""The backends that replay a step; the emulated GPU does it by CUDA kernels."""

on_each = pytest.mark.parametrize("spec", REPLAYING)
on_each_that_records = pytest.mark.parametrize("spec", RECORDING)

CALLS = 4
"""Of a captured step, each with other contents: what the first run froze would show from the second on."""

ROUNDINGS = {"float32": 8 * 2.0**-23, "float64": 8 * 2.0**-52}
"""Relative error of one operation: functions are good to 4 units in the last place, and some take two of them."""

Contents = Callable[[np.random.Generator], Sequence[np.ndarray]]


def on(backend: Any, arrays: Sequence[np.ndarray], dtype: str) -> list[Any]:
    """The arrays on the backend; those of floats in `dtype`."""
    return [backend.asarray(x, dtype if x.dtype.kind == "f" else x.dtype.name) for x in arrays]


def as_tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def check(spec: str, f: Callable[..., Any], contents: Contents, dtype: str, *, limit: float | None = None) -> None:
    """`f(xp, *arrays)` as a captured step gives what it gives eagerly in float64, call after call on new contents.

    Its results are written to memory that outlives the step; what it does to its inputs is compared too. `limit` is the
    largest error relative to the largest element of each array; LIMITS where it is None.
    """
    limit = LIMITS[dtype] if limit is None else limit
    plain, backend = backend_named("numpy"), backend_named(spec)
    rng = np.random.default_rng(11)
    first = [np.array(x) for x in contents(rng)]
    expected_inputs, inputs = on(plain, first, "float64"), on(backend, first, dtype)
    outputs = [np.zeros_like(backend.to_numpy(x)) for x in as_tuple(f(backend.xp, *on(backend, first, dtype)))]
    outputs = [backend.asarray(x, x.dtype.name) for x in outputs]

    def step() -> None:
        for target, result in zip(outputs, as_tuple(f(backend.xp, *inputs)), strict=True):
            target[...] = result

    captured = backend.capture(step)
    for call in range(CALLS):
        rounded = [np.asarray(x) for x in on(plain, [np.array(x) for x in contents(rng)], dtype)]
        for x, y, new in zip(inputs, expected_inputs, rounded, strict=True):
            x[...], y[...] = backend.asarray(new, new.dtype.name), new
        expected = [np.array(x) for x in as_tuple(f(plain.xp, *expected_inputs))]
        captured()
        pairs = [*zip(outputs, expected, strict=True), *zip(inputs, expected_inputs, strict=True)]
        for number, (x, y) in enumerate(pairs):
            close(backend.to_numpy(x), y, limit, f"call {call}, array {number}")


def close(x: Any, y: Any, limit: float, what: str = "") -> None:
    """No element of x is further from y's than `limit` times the largest of y; what is not finite is the same."""
    x, y = np.asarray(x), np.asarray(y)
    assert x.shape == y.shape, what
    if y.dtype.kind in "bi" or limit == 0:
        np.testing.assert_array_equal(x, y.astype(x.dtype), err_msg=what)
        return
    finite = np.abs(y[np.isfinite(y)])
    largest = float(finite.max()) if finite.size else 0.0
    np.testing.assert_allclose(x, y, rtol=limit, atol=limit * largest, err_msg=what)


def normal(*shapes: tuple[int, ...]) -> Contents:
    """Normally distributed contents of these shapes."""
    return lambda rng: [np.asarray(rng.normal(size=shape)) for shape in shapes]


def positive(*shapes: tuple[int, ...]) -> Contents:
    """Contents between 0.1 and 3, where logarithms and powers are defined."""
    return lambda rng: [np.asarray(rng.uniform(0.1, 3, size=shape)) for shape in shapes]
