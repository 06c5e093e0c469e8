"""Each function in a traced step: what the library computes at once, of the same type and shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.notes import numpy_type
from on_cuda.formulas import CASES
from on_cuda.interpreted import Interpreted
from on_cuda.numpy_device import NumPyDevice
from on_cuda.torch_device import TorchOnCPU

LIMITS = {"float32": 1e-6, "float64": 1e-14}
"""Relative: 8 units in the last place, as functions of one library are good to 4; sums are of 24 numbers at most."""

DEVICES = {"numpy": NumPyDevice, "torch": TorchOnCPU}

on_each = pytest.mark.parametrize("device", DEVICES)


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


WRITING = """x += 1.5
x -= x
x *= (x + 1)[:, :1]
x /= 3
x **= 2
k //= 2
k %= 2
k &= 1
k |= 4
k ^= 1
k <<= 1
k >>= 1
m &= x > 0
m |= x > 0
x[:, 0] = 7
x[...] = x.T[:, 0:1].T
x[0] = m[0, :]
x[1:, 2] += 1
k[...] = 3
x[2, 3] = k[0]
x[:, 1:3] = 0.5 * x[:, 3:5]
y = x[1]; y *= 2
x[...] = k[:, None]
x[:1, :] = x[None, :1, :]"""


@on_each
@pytest.mark.parametrize("text", WRITING.splitlines())
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
    default = numpy_type(backend.home.xp.__array_namespace_info__().default_dtypes()["real floating"]).name
    assert [call.outputs[0].dtype.name for call in traced.record.calls] == ["float32"] * 3 + ["int64", default]
