"""The float32 functions that are ours: how far they are from the exact value, over their whole range."""

from ctypes import CFUNCTYPE, c_int64

import numpy as np
import pytest

from bpnet_backends.on_numba.compiling import address_of

UNITS = {"exp": 2, "expm1": 2, "log": 2, "log1p": 4, "tanh": 4}
"""Units in the last place, of the exact value: what one who computes with float32 may expect of a function."""


EACH = """def kernel(source, target, n):
    x, y = float32_at(source), float32_at(target)
    for i in range(n):
        y[i] = function(x[i])
"""


def compiled(name):
    address = address_of(EACH.replace("function", f"fast.{name}"))
    kernel = CFUNCTYPE(None, c_int64, c_int64, c_int64)(address)

    def each(x):
        y = np.empty_like(x)
        kernel(x.ctypes.data, y.ctypes.data, x.size)
        return y

    return each


def all_magnitudes(*, negative):
    """Every 997th float32, from the smallest to the largest, and all numbers near where the formulas change."""
    bits = np.arange(0, 0x7F800000, 997, dtype=np.uint32).view(np.float32)
    dense = np.linspace(0, 4, 300_001, dtype=np.float32)
    x = np.concatenate([bits, dense])
    return np.concatenate([x, -x]) if negative else x


RANGES = {
    "exp": np.concatenate([np.linspace(-103.9, 88.72, 1_000_001, dtype=np.float32), all_magnitudes(negative=True)]),
    "expm1": np.concatenate([np.linspace(-40, 88.72, 1_000_001, dtype=np.float32), all_magnitudes(negative=True)]),
    "tanh": np.concatenate([np.linspace(-12, 12, 1_000_001, dtype=np.float32), all_magnitudes(negative=True)]),
    "log": all_magnitudes(negative=False),
    "log1p": np.concatenate([np.linspace(-1, 1, 1_000_001, dtype=np.float32), all_magnitudes(negative=False)]),
}


def units(found, exact):
    """The distance in units in the last place of float32 at the exact value; those of denormals are all alike."""
    spacing = np.spacing(np.maximum(np.abs(exact), np.finfo(np.float32).tiny).astype(np.float32))
    return np.abs(found.astype(np.float64) - exact) / spacing


@pytest.mark.parametrize("name", UNITS)
def test_a_function_is_within_a_few_units_of_the_exact_value(name):
    x = RANGES[name]
    found = compiled(name)(x)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.float64))
        representable = np.abs(exact.astype(np.float32)) < np.inf
    assert representable.sum() > 900_000
    worst = units(found[representable], exact[representable])
    place = worst.argmax()
    assert worst[place] <= UNITS[name], f"{worst[place]} units at {x[representable][place]}"
    np.testing.assert_array_equal(found[~representable], np.sign(exact[~representable]).astype(np.float32) * np.inf)


SPECIAL = np.array(
    [
        *(np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, -2.0, 1e-45, -1e-45, 1.1754944e-38),
        *(3.4028235e38, -3.4028235e38, 88.722839, 88.8, -87.3, -103.0, -104.5, 1e-8, -1e-8, -0.99999994, 5e-39),
    ],
    dtype=np.float32,
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", UNITS)
def test_what_is_not_finite_and_what_is_tiny_comes_out_as_in_numpy(name):
    found = compiled(name)(SPECIAL)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(SPECIAL.astype(np.float64))
        rounded = exact.astype(np.float32)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite], rounded[~finite], err_msg=str(SPECIAL[~finite]))
    assert units(found[finite], exact[finite]).max() <= UNITS[name]


@pytest.mark.parametrize("name", ["expm1", "tanh", "log1p"])
def test_a_small_argument_loses_nothing(name):
    """Near 0 these are x itself but for a term of the order x²."""
    x = np.array([1e-30, -1e-30, 1e-20, 3e-12, -3e-12], dtype=np.float32)
    np.testing.assert_array_equal(compiled(name)(x), x)
