"""Kernels for arrays of any axes, strides and types: copies, elementwise operations, reductions, gathers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from on_cuda.captured_steps import check

RNG = np.random.default_rng(5)
TYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


def some(shape, dtype="float64"):
    """Whole numbers from 0 to 3, or values of a normal distribution; equal ones among them."""
    if np.dtype(dtype).kind == "f":
        return np.round(RNG.normal(size=shape), 1).astype(dtype)
    return RNG.integers(0, 4, size=shape).astype(dtype)


COPIES = {
    "transposed": lambda xp, x: (xp.permute_dims(x, (2, 0, 1)) + 0,),
    "backwards": lambda xp, x: (xp.flip(x, axis=1) + 0,),
    "every other": lambda xp, x: (x[::2, ::3, :] + 0,),
    "concatenated": lambda xp, x: (xp.concat([x, x * 2], axis=1),),
    "stacked": lambda xp, x: (xp.stack([x, x + 1], axis=-1),),
    "spread": lambda xp, x: (xp.broadcast_to(x[:1, :, :1], x.shape) + 0,),
    "converted": lambda xp, x: (xp.astype(xp.permute_dims(x, (1, 0, 2)), xp.int64),),
}


@pytest.mark.parametrize("name", COPIES)
def test_elements_are_moved(name):
    check(COPIES[name], some((3, 5, 4)))


def test_a_part_is_written_into_a_larger_array():
    def pad(xp, x, out):
        out[:, 1:-1, 2:5] = x
        out[:, 0, :] = 7.0
        return (out * 2,)

    check(pad, some((4, 5, 3)), some((4, 7, 6)))


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_a_copy_onto_itself_in_another_order_reads_first(dtype):
    def shift(xp, x):
        x[1:, :, :] = x[:-1, :, :]
        x[:, :, :] = xp.flip(x, axis=2)
        x[:, :-1, :] += x[:, 1:, :]
        return (x + 0,)

    check(shift, some((6, 5, 3), dtype))


def test_a_number_of_a_formula_is_no_local_variable_of_the_same_name():
    def between(xp, x):
        turned = xp.permute_dims(x, (1, 0, 2))
        return turned * 2.5, xp.maximum(turned, -0.25), xp.where(turned > 0.75, turned, 0.125)

    check(between, some((4, 5, 3)))


def test_in_place_the_wider_type_is_computed_in():
    """1 - (1 + 2⁻⁴⁰) is lost where both are float32 first."""

    def lessen(xp, x, y, k, n):
        x -= y
        k += n
        k[...] = k
        return (x * 2.0**40,)

    y = np.full(3, 1 + 2.0**-40)
    check(lessen, np.ones(3, "float32"), y, np.array([1, 2], "int32"), np.array([2**31 - 2, 5]))


def test_floats_are_divided_down_as_numpy_does_it():
    x = np.array([1.0, -1.0, 7.5, -7.5, 0.3, 6.0, 0.0, np.inf, 5.0, -5.0, 3.0, 1e300])
    y = np.array([0.1, 0.1, 2.0, 2.0, -0.1, 0.0, -3.0, 2.0, np.inf, np.inf, np.nan, 1e-300])
    with np.errstate(all="ignore"):
        check(lambda xp, x, y: (x // y, y // x), x, y)
        check(lambda xp, x, y: (x // y,), x.astype("float32"), y.astype("float32"))


OF_NUMBERS = ("sum", "prod", "max", "min")
OF_ALL = ("all", "any", "argmax", "argmin")
REDUCTIONS = [(name, of) for of in TYPES for name in (OF_ALL if of == "bool" else OF_NUMBERS + OF_ALL)]


@pytest.mark.parametrize(("name", "dtype"), REDUCTIONS)
def test_a_reduction_of_each_type(name, dtype):
    def reduce(xp, x):
        of = getattr(xp, name)
        return of(x, axis=1), of(x, axis=0, keepdims=True), of(xp.permute_dims(x, (2, 0, 1)), axis=-1)

    check(reduce, some((5, 3, 20), dtype), limit=1e-5 if dtype == "float32" else 1e-12)


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(
    shape=st.lists(st.sampled_from([1, 2, 3, 7, 33, 65]), min_size=1, max_size=4),
    axes=st.sets(st.integers(0, 3)),
    name=st.sampled_from(["sum", "max", "min"]),
)
def test_a_reduction_over_any_axes(shape, axes, name):
    axis = tuple(sorted({i % len(shape) for i in axes})) or None

    def reduce(xp, x):
        turned = xp.permute_dims(x, tuple(range(len(shape)))[::-1])
        return getattr(xp, name)(x * 2, axis=axis), getattr(xp, name)(turned, axis=axis)

    check(reduce, some(shape))


def test_what_is_not_a_number_is_found_by_every_reduction():
    x = some((40, 70))
    x[3, 60] = x[30, 2] = x[30, 50] = np.nan
    x[31] = -np.inf

    def reduce(xp, x):
        return (
            xp.max(x, axis=1),
            xp.min(x, axis=0),
            xp.argmax(x, axis=1),
            xp.argmax(x, axis=0),
            xp.argmin(x, axis=1),
            xp.max(x),
            xp.any(xp.isnan(x), axis=0),
        )

    check(reduce, x)


@pytest.mark.parametrize("length", [1, 16, 17, 5000])
def test_long_and_short_rows_are_reduced(length):
    check(lambda xp, x: (xp.sum(x, axis=1), xp.argmax(x, axis=1), xp.sum(x[::2, :], axis=1)), some((3, length)))


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_are_gathered(dtype):
    def take(xp, x, rows):
        return xp.take(x, rows, axis=0), xp.take(x, rows, axis=2), xp.take(x, -rows, axis=0)

    check(take, some((4, 3, 5), dtype), np.array([0, 3, 3, 1]))


FUNCTIONS = [
    "acos",
    "asin",
    "atan",
    "acosh",
    "asinh",
    "atanh",
    "cosh",
    "sinh",
    "tan",
    "log2",
    "log10",
    "trunc",
    "round",
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_that_only_general_kernels_have(dtype):
    def apply(xp, x):
        return tuple(getattr(xp, name)(x + 1.5 if name == "acosh" else x) for name in FUNCTIONS)

    # Two libraries' functions are each within a few units in the last place.
    check(apply, RNG.uniform(0.1, 0.9, size=(4, 3)).astype(dtype), limit=1e-6 if dtype == "float32" else 1e-14)


def test_a_whole_number_of_a_formula_keeps_all_its_digits():
    """A float64 would round it: keys of random numbers are such."""

    def advance(xp, key):
        key[...] = key + 0x51B54A32D192ED03
        return key * -0x61C8864680B583EB, key[:, None] + 0 * key[None, :] + 0x51B54A32D192ED03

    check(advance, np.array([3, -(2**63), 2**62 + 1]))


def test_whole_numbers_wrap():
    x = np.array([[2**62, -(2**63), 2**63 - 1, -1]])
    check(lambda xp, x: (x + x, x * x, x - 2**62 - 2**62, -x, xp.abs(x), x >> 1, x ^ (x >> 63)), x)
    y = np.array([[120, -128, 127]], dtype="int8")
    check(lambda xp, y: (y + y, y * y, -y, xp.abs(y), xp.sum(y, axis=1)), y)


def test_stacks_and_vectors_are_multiplied():
    def products(xp, s, a, v, wide):
        turned = xp.permute_dims(s, (0, 2, 1))
        return (
            xp.matmul(s, turned),
            xp.matmul(turned, s),
            s @ a,
            a @ v,
            v @ a,
            v @ v,
            wide[:, None, :, :] @ s[None, :, :, :],
            s[::2, :, ::2] @ a[:2, :],
        )

    check(products, some((3, 5, 4)), some((4, 4)), some((4,)), some((2, 4, 5)))
