"""The kernels of pooling against the plain ops, bit for bit where both round alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpnet.backend import DTYPES
from bpnet.nn.op import OPS
from bpnet.nn.window import Window, window
from bpnet_backends.on_cuda import pooling
from windows import WINDOWS, arrays, compare, drawn, needs_places, on_gpu, plain

COMMON: dict[str, Any] = {
    "dtype": st.sampled_from(DTYPES),
    "at": WINDOWS, "batch": st.integers(1, 3), "channels": st.integers(1, 5), "backwards": st.booleans(),
    "seed": st.integers(0, 2**16),
}  # fmt: skip


@drawn
@given(**COMMON)
def test_maximum(dtype: str, at: Window, batch: int, channels: int, backwards: bool, seed: int) -> None:
    needs_places(at)
    x, dy = arrays(seed, (batch, *at.image, channels), (batch, *at.places, channels))
    x, be = np.round(2 * x), on_gpu(backwards)  # many are equal, and the first of them counts
    y = OPS["max_pool"](plain, x, at)
    compare(be, pooling.max_pool, (x,), (at,), 0, dtype)
    compare(be, pooling.max_pool_grad, (x, y, dy), (at,), 0, dtype)


def shares(at: Window) -> None:
    OPS["average_pool"](plain, np.zeros((1, *at.image, 1)), at)


@drawn
@given(**COMMON)
def test_average(dtype: str, at: Window, batch: int, channels: int, backwards: bool, seed: int) -> None:
    needs_places(at)
    try:
        shares(at)
    except ZeroDivisionError:
        assume(False)  # a window that has only padding has no mean
    x, dy = arrays(seed, (batch, *at.image, channels), (batch, *at.places, channels))
    be = on_gpu(backwards)
    compare(be, pooling.average_pool, (x,), (at,), 0, dtype)
    compare(be, pooling.average_pool_grad, (dy,), (at,), 0, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_not_a_number_and_infinity_are_what_the_plain_version_makes_of_them(dtype: str) -> None:
    at, be = window((4, 4), (2, 2), (1, 1), (1, 1), "same"), on_gpu()
    x = np.full((1, 4, 4, 2), -np.inf, dtype)
    x[0, 1, 2, 0], x[0, 3, 0, 1] = np.nan, 1
    y = np.asarray(OPS["max_pool"](plain, x, at))
    dy = np.ones_like(y)
    np.testing.assert_array_equal(pooling.max_pool(be, be.asarray(x, dtype), at).own, y)
    dx = pooling.max_pool_grad(be, *(be.asarray(a, dtype) for a in (x, y, dy)), at)
    np.testing.assert_array_equal(dx.own, OPS["max_pool_grad"](plain, x, y, dy, at))


def test_other_types_are_left_to_the_library() -> None:
    at, be = window((2, 2), (1, 1), (1, 1), (1, 1), "same"), on_gpu()
    assert pooling.max_pool(be, be.asarray(np.ones((1, 2, 2, 1)), "int64"), at) is NotImplemented
