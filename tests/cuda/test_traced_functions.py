"""Each function in a traced step: what the library computes at once, of the same type and shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.notes import numpy_type
from cuda.interpreted import Interpreted
from cuda.numpy_device import NumPyDevice
from cuda.torch_device import TorchOnCPU

LIMITS = {"float32": 1e-6, "float64": 1e-14}
"""Relative: 8 units in the last place, as functions of one library are good to 4; sums here are of 24 numbers at most."""

DEVICES = {"numpy": NumPyDevice, "torch": TorchOnCPU}

on_each = pytest.mark.parametrize("device", DEVICES)

Function = Callable[[Any, Any, Any, Any], Any]
"""Of xp, an array of floats (4, 6), one of whole numbers (4,) from 0 to 3, and one of truth values (4, 6)."""

FORMULAS = """
    x + x; x + 1; 1 - x; x * 2.5; 2.0 / (x + 7); x // 2; x % 2.0; -x; +x; abs(x); x @ x.T; x.T @ x; x[0] @ x.T; x @ x[0]
    x[0, :] @ x[0, :]; x ** 2; x ** 3; abs(x) ** 0.5; (x + 9) ** -1; k ** 2; 2.0 ** x; abs(x) ** x; k + k; k - 1; 7 // (k + 1)
    k % 3; k & 6; k | 8; k ^ 5; ~k; k << 2; k >> 1; m & (x > 0); m | (x > 0); m ^ (x > 0); ~m; x == x; x != 0; x < 0.5
    x >= x; 0 < x; x <= 1; x > -x; k == 2; True ^ m
    xp.add(x, 1.0); xp.abs(x); xp.exp(x); xp.expm1(x); xp.log(abs(x) + 1); xp.log1p(abs(x)); xp.log2(abs(x) + 1)
    xp.sqrt(abs(x)); xp.square(x); xp.sign(x); xp.tanh(x); xp.sin(x); xp.cos(x); xp.tan(x); xp.sinh(x); xp.cosh(x)
    xp.atan(x); xp.acos(x / 9); xp.asinh(x); xp.atanh(x / 9); xp.atan2(x, x + 1); xp.floor(x); xp.ceil(x); xp.trunc(x)
    xp.round(x * 3); xp.hypot(x, x); xp.copysign(x, -x); xp.logaddexp(x, x); xp.reciprocal(x + 9); xp.remainder(x, 2.0)
    xp.maximum(x, 0.0); xp.minimum(x, -x); xp.clip(x, -0.5, 0.5); xp.clip(x, max=0.25); xp.isfinite(x / 0.0); xp.isnan(x)
    xp.isinf(x / 0.0); xp.logical_and(m, x > 0); xp.logical_or(m, x > 0); xp.logical_xor(m, x > 0); xp.logical_not(m)
    xp.signbit(x); xp.pow(abs(x), 1.5); xp.bitwise_left_shift(k, 1); xp.bitwise_invert(k); xp.floor_divide(x, 2.0)
    xp.sum(x); xp.sum(x, axis=0); xp.sum(x, axis=-1, keepdims=True); xp.sum(m); xp.sum(k); xp.prod(x, axis=1)
    xp.sum(x, axis=(0, 1)); xp.sum(x, dtype=xp.float64); xp.max(x); xp.min(x, axis=0); xp.max(k); xp.all(m); xp.any(m, axis=1)
    xp.mean(x); xp.mean(x, axis=0); xp.mean(x, axis=(0, 1), keepdims=True); xp.var(x, axis=1); xp.std(x, correction=1.0)
    xp.count_nonzero(m, axis=0); xp.vecdot(x, x); xp.matmul(x, xp.matrix_transpose(x)); xp.argmax(x); xp.argmax(x, axis=0)
    xp.argmax(x, axis=-1, keepdims=True); xp.argmin(x, axis=1); xp.where(m, x, 0.0); xp.where(x > 0, x, -x)
    xp.where(m[:, :1], x, x[0, :]); xp.take(x, k, axis=0); xp.take(x, k, axis=1); xp.take(x.T, k, axis=0); xp.take(k, k)
    xp.take(x, k, axis=-1); x[k]; xp.take_along_axis(x, k[:, None], axis=1); xp.take_along_axis(x.T, k[None, :], axis=0)
    x[1]; x[1, 2]; x[1:3, ::2]; x[..., 1:]; x[None, :, 3]; x[-1, ...]; x[:, -2:]; x[...]; xp.reshape(x.T, (-1,)); x.mT; x.T
    xp.reshape(x, (2, -1, 3)); xp.reshape(x, (6, 4), copy=True); xp.permute_dims(x, (1, 0)); xp.expand_dims(x, axis=1)
    xp.squeeze(x[:1, :], axis=0); xp.broadcast_to(k[:, None], (2, 4, 3)); xp.flip(x); xp.flip(x, axis=0); xp.moveaxis(x, 0, 1)
    xp.roll(x, 1, axis=0); xp.roll(x, -2); xp.tile(k, (2, 3)); xp.tile(x, (2,)); xp.repeat(x, 2, axis=1); xp.repeat(k, 3)
    xp.concat([x, x + 1]); xp.concat([x, x[:, :1]], axis=1); xp.concat([x, xp.astype(k[:, None], x.dtype) + x], axis=None); xp.stack([x, x])
    xp.stack([x, -x], axis=-1); xp.unstack(x)[2]; xp.broadcast_arrays(x, k[:, None])[1]; xp.astype(x, xp.int64)
    xp.astype(x, xp.float64); xp.astype(m, x.dtype); xp.astype(k, xp.bool); xp.astype(x, x.dtype, copy=False); xp.asarray(x)
    xp.asarray(x, copy=True); xp.asarray(2.5); xp.asarray([1, 2]); xp.asarray(True); xp.asarray(x, dtype=xp.float64)
    xp.zeros((2, 3)); xp.zeros(3, dtype=xp.int64); xp.ones((), dtype=xp.bool); xp.full((2,), 3); xp.full((2,), 0.5, dtype=x.dtype)
    xp.zeros_like(x); xp.ones_like(k); xp.full_like(x, 2); xp.zeros_like(x, dtype=xp.int64); xp.arange(5); xp.arange(1, 2, 0.25)
    xp.eye(3, dtype=xp.float64); xp.linspace(0.0, 1.0, 5); xp.arange(3, dtype=x.dtype); xp.sum(x * xp.ones_like(x))
    """

CASES: dict[str, Function] = {
    text: eval(f"lambda xp, x, k, m: {text}") for text in map(str.strip, FORMULAS.replace("\n", ";").split(";")) if text
}


def inputs(backend: Interpreted, dtype: str) -> list[Any]:
    rng = np.random.default_rng(8)
    x = np.round(rng.normal(size=(4, 6)), 2)
    return [
        backend.asarray(x, dtype),
        backend.asarray([1, 3, 0, 2], "int64"),
        backend.asarray(rng.random((4, 6)) > 0.5, "bool"),
    ]


@on_each
@pytest.mark.parametrize("text", CASES)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_what_the_library_computes(device: str, text: str, dtype: str) -> None:
    backend = Interpreted(DEVICES[device]())
    xp, arguments = backend.xp, inputs(backend, dtype)
    expected = CASES[text](xp, *arguments)
    target = backend.asarray(np.zeros(expected.shape), numpy_type(expected.dtype).name)
    found: list[Any] = []

    def step() -> None:
        found.append(CASES[text](xp, *arguments))
        target[...] = found[0]

    backend.capture(step)()
    assert (found[0].shape, found[0].dtype, found[0].ndim, found[0].size) == (
        expected.shape,
        expected.dtype,
        expected.ndim,
        expected.size,
    )
    a, b = backend.to_numpy(target), backend.to_numpy(expected)
    np.testing.assert_allclose(a, b, rtol=LIMITS[dtype], atol=LIMITS[dtype], err_msg=text)


@on_each
@pytest.mark.parametrize("text", ["x += 1.5", "x -= x", "x *= (x + 1)[:, :1]", "x /= 3", "x **= 2", "k //= 2", "k %= 2",
                                  "k &= 1", "k |= 4", "k ^= 1", "k <<= 1", "k >>= 1", "m &= x > 0", "m |= x > 0",
                                  "x[:, 0] = 7", "x[...] = x.T[:, 0:1].T", "x[0] = m[0, :]",
                                  "x[1:, 2] += 1", "k[...] = 3", "x[2, 3] = k[0]", "x[:, 1:3] = 0.5 * x[:, 3:5]",
                                  "y = x[1]; y *= 2", "x[...] = k[:, None]", "x[:1, :] = x[None, :1, :]"])  # fmt: skip
def test_writing(device: str, text: str, dtype: str) -> None:
    backend = Interpreted(DEVICES[device]())
    now, later = inputs(backend, dtype), inputs(backend, dtype)
    code = compile(text, "step", "exec")
    exec(code, dict(zip("xkm", now, strict=True)))
    backend.capture(lambda: exec(code, dict(zip("xkm", later, strict=True))))()
    for a, b in zip(later, now, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(a), backend.to_numpy(b))


def test_writing_over_what_is_read() -> None:
    """PyTorch refuses it, NumPy copies first."""
    backend = Interpreted()
    x = backend.asarray(np.arange(12.0).reshape(4, 3), "float64")

    def step() -> None:
        x[1:, :] = x[:-1, :]
        x[:, 1:] += x[:, :-1]

    backend.capture(step)()
    moved = np.arange(12.0).reshape(4, 3)[[0, 0, 1, 2]]
    np.testing.assert_array_equal(backend.to_numpy(x), moved + np.pad(moved[:, :-1], ((0, 0), (1, 0))))


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data(), shape=SHAPES)
def test_shapes(data: Any, shape: tuple[int, ...]) -> None:
    """Views of turned and cut arrays, reshaped, joined, looked up, summed: whatever the shape."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    order = data.draw(st.permutations(range(len(shape))))
    indices = data.draw(st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=5))
    keepdims, step = data.draw(st.booleans()), data.draw(st.sampled_from([1, 2]))
    spread = data.draw(st.sampled_from([shape, (1,) * len(shape), shape[-1:], (2, *shape)]))
    backend = Interpreted()
    xp = backend.xp
    x = backend.asarray(np.random.default_rng(1).normal(size=shape), "float64")
    other = backend.asarray(np.random.default_rng(2).normal(size=spread), "float64")
    numbers = backend.asarray(indices, "int64")

    def results() -> list[Any]:
        turned = xp.permute_dims(x, tuple(order))[::step]
        return [
            xp.reshape(turned, (-1,)),
            xp.reshape(turned, (*turned.shape, 1)) + 0.5,
            xp.concat([x, x], axis=axis),
            xp.stack([turned, -turned], axis=axis),
            xp.take(x, numbers, axis=axis),
            xp.sum(turned, axis=axis, keepdims=keepdims) * 2,
            xp.argmax(x, axis=axis, keepdims=keepdims),
            xp.where(x > other, x, other),
            xp.repeat(turned, 2, axis=axis),
            xp.roll(turned, 1, axis=axis),
            xp.tile(turned, (2, 1)),
        ]

    expected = results()
    targets = [backend.asarray(np.zeros(each.shape), each.dtype.name) for each in expected]

    def step_() -> None:
        for target, each in zip(targets, results(), strict=True):
            target[...] = each

    backend.capture(step_)()
    for target, each in zip(targets, expected, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(target), backend.to_numpy(each))


@on_each
def test_numbers_of_python_stay_numbers_of_python(device: str) -> None:
    """In the record they have their own types: the arrays' type decides."""
    backend = Interpreted(DEVICES[device]())
    x, k, _ = inputs(backend, "float32")
    traced = tracing.trace(
        lambda: [x * 2, x * 2.5, np.float64(0.5) * x, k + True, backend.xp.zeros((2,))], backend.home
    )
    assert [call.inputs[-1] for call in traced.record.calls[:2]] == [2, 2.5]
    numbers = [n for call in traced.record.calls for n in call.inputs if not isinstance(n, np.ndarray)]
    assert [type(n) for n in numbers] == [int, float, float, bool, float]
    assert [call.outputs[0].dtype.name for call in traced.record.calls] == ["float32"] * 3 + ["int64", numpy_type(
        backend.home.xp.__array_namespace_info__().default_dtypes()["real floating"]
    ).name]  # fmt: skip
