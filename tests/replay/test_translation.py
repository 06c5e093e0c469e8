"""Kernels are translated to mean what Python means by the same text."""

from ctypes import CFUNCTYPE, c_int64

import numpy as np
import pytest

from bpnet_backends.on_numba.compiling import address_of
from bpnet_backends.on_numba.values import TranslationError
from bpnet_backends.on_numba.words import VECTORS as VECTOR_AT

WHOLE = """def kernel(out, a, b):
    result = int64_at(out)
    result[0] = function(a, b)
"""

REAL = """def kernel(out, a, b):
    result, x, y = float64_at(out), float64_at(a), float64_at(b)
    result[0] = function(x[0], y[0])
"""


def divisions(a, b):
    return a // b * 1000003 + a % b * 1009 + -a


def comparisons(a, b):
    low, high = a if a < b else b, b if a < b else a
    between = low <= 0 < high
    apart = not (a == b or low >= 7)
    return (1 if between else 0) + (2 if apart else 0) + (4 if a != b and high > 3 else 0)


def loops(a, b):
    total = 0
    for i in range(a):
        for j in range(i, b):
            if j % 3 == 0:
                total += i * j
            else:
                total = total - 1
    return total


def halvings(a, b):
    n, x = 0, a * a + 1
    while x > b * b:
        x = x // 2
        n += 1
    return n


def bits(a, b):
    return ((a << 3) | (b & 12) ^ a) >> (7 % 3)


SETTLED = None


def settled_by_the_caller(a):
    return a * SETTLED + 7 // 2


def callers(a, b):
    return settled_by_the_caller(a) - b


def calls(a, b):
    return divisions(comparisons(a, b) + 1, 2) + abs(b)


VECTORS = """def kernel(out, a, b):
    result, x, y = of_vectors(out), of_vectors(a), float32_at(b)
    first = x[0] * spread(y[0], x) + 2
    result[1] = first - x[1] / spread(y[1], x)
    float32_at(out)[0] = total(first)
"""


def fractions(x, y):
    return x * y + (x - y) / (abs(y) + 0.5) + (2 - 1 / 4)


def choices(x, y):
    return (x if x >= y or x != x else y) + (1.0 if x == y else -1.0)


def test_whole_numbers():
    numbers = [(a, b) for a in range(-9, 10) for b in range(-9, 10) if b]
    out = np.zeros(1, np.int64)
    for function in (divisions, comparisons, loops, halvings, bits, calls):
        kernel = CFUNCTYPE(None, c_int64, c_int64, c_int64)(address_of(WHOLE, function=function))
        for a, b in numbers:
            kernel(out.ctypes.data, a, b)
            assert out[0] == function(a, b), (function.__name__, a, b)


def test_names_that_the_caller_settles():
    out = np.zeros(1, np.int64)
    kernel = CFUNCTYPE(None, c_int64, c_int64, c_int64)(address_of(WHOLE, function=callers, SETTLED=5))
    kernel(out.ctypes.data, 4, 1)
    assert out[0] == 4 * 5 + 3 - 1


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_vectors_that_begin_anywhere(lanes):
    """Memory is shifted by one number, so no vector begins at a multiple of its size."""
    x = np.linspace(1, 2, 2 * lanes + 1, dtype=np.float32)[1:]
    out, y = np.zeros(2 * lanes + 1, np.float32)[1:], np.array([0.5, 4.0], np.float32)
    kernel = CFUNCTYPE(None, c_int64, c_int64, c_int64)(
        address_of(VECTORS, of_vectors=VECTOR_AT[f"float32x{lanes}_at"])
    )
    kernel(out.ctypes.data, x.ctypes.data, y.ctypes.data)
    first = x[:lanes] * 0.5 + 2
    # the sum of n numbers, in any order, is good to n roundings
    np.testing.assert_allclose(out[0], first.sum(), rtol=lanes * 2.0**-24)
    np.testing.assert_array_equal(out[1:lanes], 0)
    np.testing.assert_allclose(out[lanes:], first - x[lanes:] / 4, rtol=2.0**-23)


@pytest.mark.parametrize("function", [fractions, choices])
def test_floating_numbers(function):
    out = np.zeros(1)
    kernel = CFUNCTYPE(None, c_int64, c_int64, c_int64)(address_of(REAL, function=function))
    numbers = np.array([0.0, -0.0, 1.5, -2.25, 1e300, -1e-300, np.inf, -np.inf, np.nan])
    for i, x in enumerate(numbers):
        for j, y in enumerate(numbers):
            kernel(out.ctypes.data, numbers[i:].ctypes.data, numbers[j:].ctypes.data)
            with np.errstate(all="ignore"):
                expected = function(x, y)
            # a product and a sum may be rounded once
            np.testing.assert_allclose(out[0], expected, rtol=1e-15, atol=0, err_msg=f"{x} {y}")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("x = float32_at(a)[0] + float64_at(a)[0]", "float32 meets float64"),
        ("x = 1\n    x = 1.5", "x is int64, and would become float64"),
        ("x = 1 if a else 2", "a condition is int64, not bool"),
        ("x = [a]", "there is no translation of: \\[a\\]"),
        ("x = print(a)", "a kernel cannot call <built-in function print>"),
        ("x = a / a", "int64 Div int64 has no translation"),
        ("x = math", "which is no value of a kernel"),
        ("x = math.tanh(float32_at(a)[0])", "math.tanh takes float64, not float32"),
        ("x = a * 0.5", "0.5 meets int64: the fraction would be lost"),
        ("x = 1 << 4", "LShift of two plain numbers has no translation"),
        ("x = 1 if a is a else 2", "Is has no translation"),
        ("x = int64_at(address=a)", "there is no translation of: int64_at"),
        ("for i in range(0, a, 2): x = i", "there is no translation of: for i in range"),
        ("x = float32x4_at(a)[0] * 2.0 + float32_at(a)[0]", "float32x4 meets float32"),
        ("assert a", "there is no translation of: assert a"),
    ],
)
def test_what_has_no_meaning_in_a_kernel_is_refused(line, what):
    with pytest.raises(TranslationError, match=what):
        address_of(f"def kernel(a):\n    {line}\n")
