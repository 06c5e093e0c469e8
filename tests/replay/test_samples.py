"""Kernels that work sample by sample, against the plain formulas: more samples than one chunk or plane holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpnet.backend import make
from bpnet.nn.convolution import conv2d, conv2d_grads, conv2d_input_grad
from bpnet.nn.depthwise import depthwise_conv2d, depthwise_conv2d_grads, depthwise_conv2d_input_grad
from bpnet.nn.op import OPS
from bpnet.nn.pooling import average_pool, average_pool_grad, max_pool, max_pool_grad
from bpnet.nn.window import Window, window
from bpnet_backends.on_numba import convolving, microkernels
from bpnet_backends.on_numba.ops import KERNELS
from limits import LIMITS, relative

CASES = {
    "one block of filters and a part": (37, 9, 8, 3, 11, window((9, 8), (3, 3), (1, 1), (1, 1), "valid"), 1),
    "kernel as large as the image": (20, 5, 4, 2, 3, window((5, 4), (5, 4), (1, 1), (1, 1), "valid"), 1),
    "one pixel": (3, 1, 1, 5, 9, window((1, 1), (1, 1), (1, 1), (1, 1), "same"), 1),
    "phases without taps": (18, 7, 9, 4, 6, window((7, 9), (2, 1), (3, 4), (1, 1), "same"), 2),
    "dilation and strides": (33, 12, 11, 6, 10, window((12, 11), (3, 2), (2, 3), (3, 2), "same"), 2),
    "planes longer than they need be": (5, 40, 39, 2, 2, window((40, 39), (5, 3), (1, 2), (1, 1), "same"), 1),
    "many groups": (17, 6, 6, 12, 24, window((6, 6), (3, 3), (1, 1), (1, 1), "same"), 12),
}


def contents(case: str, dtype: str) -> tuple[Any, ...]:
    samples, height, width, channels, filters, at, groups = CASES[case]
    draw = np.random.default_rng(1)
    x = draw.normal(size=(samples, height, width, channels)).astype(dtype)
    w = draw.normal(size=(*at.size, channels // groups, filters)).astype(dtype)
    b, dz = draw.normal(size=filters).astype(dtype), draw.normal(size=(samples, *at.places, filters)).astype(dtype)
    return x, w, b, dz, at, groups


def convolved(be: Any, dtype: str, case: str, *, times: int = 3) -> list[np.ndarray]:
    """z, dx, dw and db of a captured step, which is called on other contents first."""
    x, w, b, dz, at, groups = contents(case, dtype)
    x, w, b, dz = (be.asarray(array, dtype) for array in (x, w, b, dz))
    z, dx, dw, db = (be.asarray(np.zeros(array.shape), dtype) for array in (dz, x, w, b))

    def step() -> None:
        z[...] = conv2d(be, x, w, b, at, groups)
        conv2d_grads(be, x, dz, dw, db, at, groups)
        dx[...] = conv2d_input_grad(be, dz, w, at, groups)

    captured = be.capture(step)
    kept = np.array(x)
    for time in range(times):
        x[...] = kept if time == times - 1 else kept + time + 1
        captured()
    return [np.array(array) for array in (z, dx, dw, db)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_convolution(case: str, dtype: str) -> None:
    found, expected = convolved(make("numba"), dtype, case), convolved(make("numpy"), "float64", case, times=1)
    for ours, plain in zip(found, expected, strict=True):
        assert relative(ours, plain) <= LIMITS[dtype]


@pytest.mark.parametrize("registers", [(16, 16), (32, 16), (64, 32), (16, 32)])
def test_any_processors_registers(registers: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors that a processor has no registers for are computed in parts: the kernels are right everywhere."""
    monkeypatch.setattr(microkernels, "registers", lambda: registers)
    for made in (convolving.forward, convolving.gradients, convolving.input_gradient):
        monkeypatch.setattr(convolving, made.__name__, made.__wrapped__)
    case = "one block of filters and a part"
    expected = convolved(make("numpy"), "float64", case, times=1)
    for ours, plain in zip(convolved(make("numba"), "float64", case), expected, strict=True):
        assert relative(ours, plain) <= LIMITS["float64"]


def test_gradients_into_parts_of_arrays() -> None:
    """dw and db may lie apart in memory, x and dz in any order."""
    x, w, _, dz, at, groups = contents("dilation and strides", "float64")
    results = {}
    for name in ("numpy", "numba"):
        be = make(name)
        turned = be.xp.permute_dims(be.asarray(x.transpose(3, 1, 2, 0), "float64"), (3, 1, 2, 0))
        wide = be.asarray(np.zeros((*w.shape[:-1], 2 * w.shape[-1])), "float64")
        db = be.asarray(np.zeros(2 * w.shape[-1]), "float64")
        conv2d_grads(be, turned, be.asarray(dz, "float64"), wide[..., ::2], db[::2], at, groups)
        results[name] = np.array(wide), np.array(db)
    for ours, plain in zip(results["numba"], results["numpy"], strict=True):
        assert relative(ours, plain) <= LIMITS["float64"]


def test_numbers_of_two_types() -> None:
    """As in the plain formulas, the result has the larger one."""
    x, w, b, dz, at, groups = contents("one block of filters and a part", "float32")
    be = make("numba")
    xs, ws, bs, dzs = (
        be.asarray(x, "float32"),
        be.asarray(w, "float64"),
        be.asarray(b, "float32"),
        be.asarray(dz, "float64"),
    )
    dw, db = be.asarray(np.zeros(w.shape), "float32"), be.asarray(np.zeros(b.shape), "float64")
    z, dx = conv2d(be, xs, ws, bs, at, groups), conv2d_input_grad(be, dzs, ws, at, groups)
    conv2d_grads(be, xs, dzs, dw, db, at, groups)
    assert [array.dtype for array in (z, dx, dw, db)] == ["float64", "float64", "float32", "float64"]
    expected = convolved(make("numpy"), "float32", "one block of filters and a part", times=1)
    for ours, plain in zip((z, dx, dw, db), expected, strict=True):
        assert relative(np.array(ours), plain) <= LIMITS["float32"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_depthwise(dtype: str) -> None:
    at = window((9, 7), (3, 2), (1, 2), (1, 1), "same")
    draw = np.random.default_rng(2)
    x, w = draw.normal(size=(21, 9, 7, 5)), draw.normal(size=(3, 2, 5, 3))
    b, dz = draw.normal(size=15), draw.normal(size=(21, *at.places, 15))
    results = {}
    for name, of in (("numpy", "float64"), ("numba", dtype)):
        be = make(name)
        xs, ws, bs, dzs = (be.asarray(array.astype(dtype), of) for array in (x, w, b, dz))
        dw, db = be.xp.zeros_like(ws), be.xp.zeros_like(bs)
        depthwise_conv2d_grads(be, xs, dzs, dw, db, at)
        made = depthwise_conv2d(be, xs, ws, bs, at), depthwise_conv2d_input_grad(be, dzs, ws, at), dw, db
        results[name] = [np.array(array) for array in made]
    for ours, plain in zip(results["numba"], results["numpy"], strict=True):
        assert relative(ours, plain) <= LIMITS[dtype]


def test_a_depthwise_gradient_into_a_part_of_an_array() -> None:
    at = window((5, 5), (3, 3), (1, 1), (1, 1), "valid")
    draw = np.random.default_rng(5)
    x, dz, results = draw.normal(size=(4, 5, 5, 2)), draw.normal(size=(4, 3, 3, 6)), {}
    for name in ("numpy", "numba"):
        be = make(name)
        wide = be.asarray(np.zeros((3, 3, 2, 6)), "float64")
        depthwise_conv2d_grads(be, be.asarray(x, "float64"), be.asarray(dz, "float64"), wide[..., :3], None, at)
        results[name] = np.array(wide)
    assert relative(results["numba"], results["numpy"]) <= LIMITS["float64"]


def test_layers_that_are_too_wide_are_left_to_the_plain_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    case = "one block of filters and a part"
    expected = convolved(make("numpy"), "float64", case, times=1)
    monkeypatch.setattr(convolving, "MOST_WEIGHTS", 10)
    monkeypatch.setattr(convolving.samples, "call", None)
    for ours, plain in zip(convolved(make("numba"), "float64", case), expected, strict=True):
        assert relative(ours, plain) <= LIMITS["float64"]


WINDOWS = [
    window((9, 7), (2, 2), (2, 2), (1, 1), "valid"),
    window((9, 7), (3, 2), (1, 2), (1, 1), "same"),
    window((5, 5), (5, 5), (5, 5), (1, 1), "valid"),
    window((4, 9), (4, 3), (2, 2), (1, 1), "same"),
]


@pytest.mark.parametrize("channels", [1, 3, 16])
@pytest.mark.parametrize("at", WINDOWS)
def test_pooling_of_equal_values(at: Window, channels: int) -> None:
    """Of several largest elements the first is chosen, so whole numbers from 0 to 2 are drawn: nothing is rounded."""
    draw = np.random.default_rng(3)
    x = draw.integers(0, 3, size=(30, *at.image, channels))
    dy = draw.integers(-5, 6, size=(30, *at.places, channels))
    results = {}
    for name in ("numpy", "numba"):
        be = make(name)
        xs, dys = be.asarray(x, "float64"), be.asarray(dy, "float64")
        y = max_pool(be, xs, at)
        made = y, max_pool_grad(be, xs, y, dys, at), average_pool(be, xs, at), average_pool_grad(be, dys, at)
        results[name] = [np.array(array) for array in made]
    for exact in (0, 1):
        np.testing.assert_array_equal(results["numba"][exact], results["numpy"][exact])
    for rounded in (2, 3):
        assert relative(results["numba"][rounded], results["numpy"][rounded]) <= LIMITS["float64"]


def test_what_is_no_number_stays_so() -> None:
    x = np.zeros((2, 4, 4, 1))
    x[0, 1, 1], x[1, 2, 3] = np.nan, np.inf
    at = window((4, 4), (2, 2), (2, 2), (1, 1), "valid")
    found, plain = (np.array(max_pool(be, be.asarray(x, "float32"), at)) for be in (make("numba"), make("numpy")))
    np.testing.assert_array_equal(found, plain)
    assert np.isnan(found[0, 0, 0, 0])


def test_every_kernel_has_a_plain_formula() -> None:
    assert set(KERNELS) <= set(OPS)
    assert not set(KERNELS) & set(make("numpy").kernels)
