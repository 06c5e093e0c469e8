"""A dense layer for drawn shapes and memory layouts, against the formula in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet import Dense, Input, Sequential
from bpnet.backend import DTYPES, Backend
from limits import LIMITS, relative


def read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flags.writeable = False
    return a


def strided(a: np.ndarray) -> np.ndarray:
    room = np.full((2 * a.shape[0], 3 * a.shape[1]), np.nan)
    room[::2, ::3] = a
    return room[::2, ::3]


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rows": np.ascontiguousarray,
    "transposed": lambda a: a.T.copy().T,
    "strided": strided,
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "float32": lambda a: a.astype(np.float32),
    "big-endian": lambda a: a.astype(">f8"),
}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    batch=st.integers(1, 7),
    inputs=st.integers(1, 9),
    units=st.integers(1, 9),
    use_bias=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_dense(
    backend: Backend,
    batch: int,
    inputs: int,
    units: int,
    use_bias: bool,
    dtype: str,
    layouts: tuple[str, str, str],
    seed: int,
) -> None:
    draw = np.random.default_rng(seed)
    # All terms of every sum have one sign, so that nothing cancels and the relative errors stay those of rounding.
    x, w, y = (
        draw.uniform(low, high, shape).astype(np.float32).astype(np.float64)
        for low, high, shape in [
            (0.5, 1.5, (batch, inputs)),
            (0.1 / inputs, 1.0 / inputs, (inputs, units)),
            (-2.0, -1.0, (batch, units)),
        ]
    )
    b = np.full(units, 0.125)
    z = x @ w + (b if use_bias else 0.0)
    p = np.tanh(z)
    dz = (p - y) / batch * (1.0 - p * p)
    gradients = [x.T @ dz, dz.sum(axis=0)] if use_bias else [x.T @ dz]

    there, weights, targets = (LAYOUTS[layout](array) for layout, array in zip(layouts, (x, w, y), strict=True))
    layer = Dense(units, "tanh", use_bias=use_bias)
    model = Sequential([Input((inputs,)), layer], backend=backend, dtype=dtype)
    model.compile("sgd", "half_sum_of_squares")
    model.set_weights([weights, b] if use_bias else [weights])
    output = model.predict(there)
    loss = model.train_on_batch(there, targets)

    assert output.dtype == np.dtype(dtype)
    assert relative(output, p) <= LIMITS[dtype]
    assert relative(loss, 0.5 * ((p - y) ** 2).sum() / batch) <= LIMITS[dtype]
    for gradient, expected in zip(vars(model.network.g[0]).values(), gradients, strict=True):
        assert relative(backend.to_numpy(gradient), expected) <= LIMITS[dtype]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_asarray_copies_every_layout(layout: str, backend: Backend, dtype: str) -> None:
    values = np.arange(12.0).reshape(4, 3)
    given_array = LAYOUTS[layout](values)
    array = backend.asarray(given_array, dtype)
    assert backend.to_numpy(array).tolist() == values.tolist()
    array[...] = -1.0
    assert given_array.tolist() == values.tolist()
