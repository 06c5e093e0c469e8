"""The kernels of convolution, however they are cut up, against the plain op."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.backend import DTYPES
from bpnet.nn.window import Window, window
from bpnet_backends.on_cuda import convolution, gathering, summing
from windows import WINDOWS, arrays, compare, drawn, needs_places, on_gpu

COMMON: dict[str, Any] = {
    "dtype": st.sampled_from(DTYPES),
    "at": WINDOWS,
    "batch": st.integers(1, 5),
    "groups": st.integers(1, 3),
    "each": st.tuples(st.integers(1, 4), st.integers(1, 9)),
    "bias": st.booleans(),
    "backwards": st.booleans(),
    "seed": st.integers(0, 2**16),
}


def check(
    at: Window, batch: int, groups: int, each: tuple[int, int], bias: bool, dtype: str, be: Any, seed: int
) -> None:
    into, out = groups * each[0], groups * each[1]
    x, w, b, dz = arrays(seed, (batch, *at.image, into), (*at.size, each[0], out), (out,), (batch, *at.places, out))
    b = b if bias else None
    compare(be, convolution.conv2d, (x, w, b), (at, groups), 0, dtype)
    compare(be, convolution.conv2d_input_grad, (dz, w), (at, groups), 0, dtype)
    compare(be, convolution.conv2d_grads, (x, dz, w, b), (at, groups), 2, dtype)


@drawn
@given(**COMMON)
def test_convolution(
    dtype: str, at: Window, batch: int, groups: int, each: Any, bias: bool, backwards: bool, seed: int
) -> None:
    needs_places(at)
    check(at, batch, groups, each, bias, dtype, on_gpu(backwards), seed)


@drawn
@given(**COMMON, which=st.integers(0, 10**6))
def test_the_work_may_be_cut_up_in_any_way(
    dtype: str, at: Window, batch: int, groups: int, each: Any, bias: bool, backwards: bool, seed: int, which: int
) -> None:
    needs_places(at)

    def other(module: Any) -> Any:
        def kernel(of: Any) -> Any:
            fitting = [sizes for sizes in module.candidates(of) if module.cost(of, sizes) is not None]
            return module.cut_up(of, fitting[which % len(fitting)])

        return kernel

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "kernel", other(gathering))
        patch.setattr(summing, "kernels", other(summing))
        check(at, batch, groups, each, bias, dtype, on_gpu(backwards), seed)


@drawn
@given(
    dtype=st.sampled_from(DTYPES), at=WINDOWS, batch=st.integers(1, 3), channels=st.sampled_from([1, 3, 32, 33, 40]),
    many=st.integers(1, 3), bias=st.booleans(), seed=st.integers(0, 2**16),
)  # fmt: skip
def test_depthwise_convolution(
    dtype: str, at: Window, batch: int, channels: int, many: int, bias: bool, seed: int
) -> None:
    needs_places(at)
    out, be = channels * many, on_gpu()
    shapes = (batch, *at.image, channels), (*at.size, channels, many), (out,), (batch, *at.places, out)
    x, w, b, dz = arrays(seed, *shapes)
    b = b if bias else None
    compare(be, convolution.depthwise_conv2d, (x, w, b), (at,), 0, dtype)
    compare(be, convolution.depthwise_conv2d_input_grad, (dz, w), (at,), 0, dtype)
    compare(be, convolution.depthwise_conv2d_grads, (x, dz, w, b), (at,), 2, dtype)


LAYERS = [((28, 28), 1, 5, 4), ((24, 24), 4, 3, 8), ((11, 11), 8, 3, 16), ((32, 32), 3, 3, 16)]
"""Of the notes' network, and the first of one for photographs."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("image", "channels", "size", "filters"), LAYERS)
def test_layers_of_well_known_networks(dtype: str, image: Any, channels: int, size: int, filters: int) -> None:
    at = window(image, (size, size), (1, 1), (1, 1), "valid")
    check(at, 32, 1, (channels, filters), True, dtype, on_gpu(), 0)


def test_arrays_that_are_not_contiguous_are_copied() -> None:
    at, be = window((5, 6), (3, 3), (1, 1), (1, 1), "same"), on_gpu()
    x, w = arrays(0, (2, 5, 6, 4), (3, 3, 2, 3))
    part = be.asarray(x, "float64")[..., 1:3]
    z = convolution.conv2d(be, part, be.asarray(w, "float64"), None, at, 1)
    again = convolution.conv2d(be, be.asarray(x[..., 1:3], "float64"), be.asarray(w, "float64"), None, at, 1)
    np.testing.assert_array_equal(z.own, again.own)

    dz = be.asarray(z.own, "float64")
    whole = be.asarray(np.zeros((3, 3, 2, 6)), "float64")
    convolution.conv2d_grads(be, part, dz, whole[..., ::2], None, at, 1)
    compact = be.asarray(w, "float64")
    convolution.conv2d_grads(be, part, dz, compact, None, at, 1)
    np.testing.assert_array_equal(whole.own[..., ::2], compact.own)
    assert not whole.own[..., 1::2].any()


def test_many_channels_are_left_to_the_library() -> None:
    at, be = window((8, 8), (3, 3), (1, 1), (1, 1), "same"), on_gpu()
    x, w, dz = (be.asarray(a, "float32") for a in arrays(0, (2, 8, 8, 32), (3, 3, 32, 32), (2, 8, 8, 32)))
    assert convolution.conv2d(be, x, w, None, at, 1) is NotImplemented
    assert convolution.conv2d_input_grad(be, dz, w, at, 1) is NotImplemented
    assert convolution.conv2d_grads(be, x, dz, w, None, at, 1) is NotImplemented
    whole = be.asarray(np.ones((1, 2, 2, 1)), "int64")
    assert (
        convolution.conv2d(be, whole, whole, None, window((2, 2), (1, 1), (1, 1), (1, 1), "same"), 1) is NotImplemented
    )


def test_weight_gradients_are_the_same_each_time_and_in_any_order() -> None:
    at = window((9, 9), (3, 3), (2, 2), (1, 1), "same")
    x, dz, dw, db = arrays(1, (40, 9, 9, 3), (40, 5, 5, 4), (3, 3, 3, 4), (4,))
    found = []
    for backwards in (False, True):
        be = on_gpu(backwards)
        made = [be.asarray(a, "float32") for a in (x, dz, dw, db)]
        convolution.conv2d_grads(be, *made, at, 1)
        found.append([a.own for a in made[2:]])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
