"""Elementwise operations of a captured step, in every type, shape and layout, on the backends that replay."""

import numpy as np
import pytest

from backends_here import backend_named
from bpnet.backend import make
from bpnet_backends.fusion.expressions import ARITHMETIC, FLOATING, TESTS, WHOLE
from bpnet_backends.fusion.operations import operation
from bpnet_backends.on_numpy.recording import record
from replay.replayed import ROUNDINGS, check, normal, on_each, positive

FUNCTIONS = sorted({*ARITHMETIC, *FLOATING, *TESTS})
DEFINED_ABOVE_0 = {"log", "log1p", "sqrt", "power", "divide", "reciprocal"}


STANDARD = {"absolute": "abs", "power": "pow", "right_shift": "bitwise_right_shift"}
STANDARD |= {name: f"bitwise_{name.removeprefix('bitwise_')}" for name in WHOLE}


def applied(name):
    """NumPy's function; where the arrays are not NumPy's, the standard's, or nothing that it lacks."""
    ufunc = getattr(np, name)

    def apply(xp, *arrays):
        own = isinstance(arrays[0], np.ndarray)
        return (ufunc if own else getattr(xp, STANDARD.get(name, name)))(*arrays[: ufunc.nin])

    return apply


@on_each
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_elementwise_function_is_replayed(spec, name, dtype):
    of = positive if name in DEFINED_ABOVE_0 else normal
    check(spec, applied(name), of((9, 5), (9, 5)), dtype, limit=ROUNDINGS[dtype])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_elementwise_function_has_a_kernel(name, dtype):
    """Without one it would be right too, computed by NumPy."""
    backend = make("numba")
    a, b = (backend.asarray(np.full((3, 2), 0.5), dtype) for _ in range(2))
    with record() as found:
        applied(name)(backend.xp, a, b)
    (call,) = found.calls
    assert operation(call) is not None


@on_each
@pytest.mark.parametrize("name", sorted({*ARITHMETIC, *TESTS}))
def test_whole_numbers_are_replayed_too(spec, name):
    check(spec, applied(name), lambda rng: [rng.integers(-3, 4, size=(6, 3)) for _ in range(2)], "float64", limit=0)


@on_each
@pytest.mark.parametrize("name", sorted(WHOLE))
def test_bits_of_whole_numbers_are_replayed(spec, name):
    def contents(rng):
        x = rng.integers(-(2**63), 2**63 - 1, size=(6, 3))
        return [x, rng.integers(0, 70, size=(6, 3)) if name == "right_shift" else rng.permutation(x)]

    check(spec, applied(name), contents, "float64", limit=0)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_bits_of_whole_numbers_have_a_kernel(name):
    backend = make("numba")
    with record() as found:
        applied(name)(backend.xp, *(backend.asarray([[1, 2]], "int64") for _ in range(2)))
    assert operation(found.calls[-1]) is not None


@on_each
@pytest.mark.parametrize("name", sorted(TESTS))
def test_truth_values_are_compared_like_numbers(spec, name):
    check(spec, applied(name), lambda rng: [rng.random((6, 3)) > 0.5 for _ in range(2)], "float64", limit=0)


@on_each
@pytest.mark.parametrize("target", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("source", ["float32", "float64", "int64", "bool"])
def test_a_conversion_is_numpys(spec, source, target):
    def contents(rng):
        x = rng.integers(-2, 3, size=(7, 3)) * 0.75
        return [x.astype(source)]

    dtype = source if source.startswith("float") else "float64"
    check(spec, lambda xp, x: xp.astype(x, getattr(xp, target)), contents, dtype, limit=0)


@on_each
def test_a_fraction_is_cut_where_it_is_written_to_whole_numbers(spec):
    def f(xp, x, numbers, truths):
        numbers[...] = x * 3.0
        truths[...] = x - x
        return xp.astype(numbers, xp.float64), truths

    def contents(rng):
        return [rng.normal(size=(5, 2)), np.zeros((5, 2), np.int64), np.ones((5, 2), np.bool_)]

    check(spec, f, contents, "float64", limit=0)


@on_each
def test_types_are_mixed_as_numpy_promotes_them(spec):
    def f(xp, x, n, t):
        return x * n, n + 0.5, t * x, n * t, n > 0.5, n / 3, t == n, xp.where(t, n, 2)

    def contents(rng):
        return [rng.normal(size=(6, 3)), rng.integers(-3, 4, size=(6, 3)), rng.random((6, 3)) > 0.5]

    check(spec, f, contents, "float64", limit=ROUNDINGS["float64"])


@on_each
def test_numbers_of_python_take_part_on_either_side(spec, dtype):
    check(
        spec,
        lambda xp, x: (2 - x, x**2, x**3, x**0.5, 1 / x, 3 * x + 1, x > 1, x <= 1, -x, abs(x - 1)),
        positive((8, 3)),
        dtype,
        limit=ROUNDINGS[dtype],
    )


@on_each
@pytest.mark.parametrize("special", [float("nan"), float("inf"), -float("inf"), 1e-300, True, -0.0])
def test_a_special_number_of_python_is_itself(spec, special):
    check(spec, lambda xp, x: (xp.where(x > 0, special, x), x == special), normal((5, 4)), "float64", limit=0)


@on_each
@pytest.mark.parametrize(
    "shapes",
    [
        ((7, 4), (4,)),
        ((7, 4), (7, 1)),
        ((7, 4), ()),
        ((7, 4), (1, 4)),
        ((7, 4), (1, 1)),
        ((7, 1), (1, 4)),
        ((7, 1), (4,)),
        ((7, 1), (7, 1)),
        ((1, 4), (4,)),
        ((1, 1), ()),
        ((4, 4), (4,)),
        ((4, 1), (4,)),
        ((7,), ()),
        ((7,), (1,)),
        ((), ()),
        ((5, 3, 2), (3, 2)),
        ((5, 3, 2), (2,)),
        ((5, 3, 2), (5, 1, 1)),
        ((5, 3, 2), (5, 3, 1)),
        ((5, 3, 2), (3, 1)),
        ((5, 1, 2), (1, 3, 1)),
        ((1, 3, 2), (5, 1, 2)),
        ((600, 40), (40,)),
        ((2, 3, 2, 2), (3, 1, 2)),
    ],
    ids=str,
)
def test_shapes_are_broadcast(spec, shapes):
    def f(xp, a, b):
        return a * b + a, b - a, xp.where(a > b, a, b), xp.where(b > 0, 1.0, a)

    check(spec, f, normal(*shapes), "float64", limit=ROUNDINGS["float64"])


VIEWS = {
    "transposed": lambda xp, x: x.T,
    "every other column": lambda xp, x: x[:, ::2],
    "every other row": lambda xp, x: x[1::2, :],
    "a block": lambda xp, x: x[2:5, 1:4],
    "one column": lambda xp, x: x[:, 2:3],
    "one column without its axis": lambda xp, x: x[:, 2],
    "one row": lambda xp, x: x[3:4, :],
    "one row without its axis": lambda xp, x: x[3, :],
    "one element": lambda xp, x: x[3, 2],
    "backwards": lambda xp, x: xp.flip(x),
    "rows backwards": lambda xp, x: xp.flip(x, axis=0),
    "columns backwards": lambda xp, x: xp.flip(x, axis=1),
    "a new first axis": lambda xp, x: x[None, :, :],
    "a new last axis": lambda xp, x: x[:, :, None],
    "a new axis between": lambda xp, x: x[:, None, :],
    "flat": lambda xp, x: xp.reshape(x, (-1,)),
    "folded": lambda xp, x: xp.reshape(x, (4, 2, 6)),
    "axes exchanged": lambda xp, x: xp.permute_dims(xp.reshape(x, (4, 2, 6)), (2, 0, 1)),
    "inner axes exchanged": lambda xp, x: xp.permute_dims(xp.reshape(x, (4, 2, 6)), (0, 2, 1)),
}


@on_each
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_read_where_it_lies(spec, view):
    check(
        spec, lambda xp, x: xp.tanh(VIEWS[view](xp, x)) * 2 + 1, normal((8, 6)), "float64", limit=ROUNDINGS["float64"]
    )


@on_each
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_written_where_it_lies(spec, view):
    def f(xp, x, y):
        part = VIEWS[view](xp, x)
        part[...] = VIEWS[view](xp, y) * 2 + part
        return x + 0.0

    check(spec, f, normal((8, 6), (8, 6)), "float64", limit=ROUNDINGS["float64"])


@on_each
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite_passes_through_as_in_numpy(spec, dtype):
    strange = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1000.0, -1000.0, 2.5])

    def f(xp, a, b):
        return (
            *(xp.maximum(a, b), xp.minimum(a, b), xp.sign(a), a / b, a - b, a * b, xp.abs(a)),
            *(xp.exp(a), xp.expm1(a), xp.log(a), xp.log1p(a), xp.tanh(a), xp.sqrt(a), xp.floor(a)),
            *(xp.isnan(a), xp.isfinite(a), xp.isinf(a), a == b, a != b, a < b, a >= b, xp.logical_not(a)),
            *(xp.where(a > b, a, b), xp.clip(a, -2.0, 2.0), xp.logical_and(a, b), xp.astype(a, xp.bool)),
        )

    def contents(rng):
        strange_a = rng.permutation(np.repeat(strange, strange.size))
        return [strange_a.reshape(10, 10), rng.permutation(np.tile(strange, 10)).reshape(10, 10)]

    with np.errstate(all="ignore"):
        check(spec, f, contents, dtype, limit=ROUNDINGS[dtype])


@on_each
def test_a_step_without_anything_to_do_is_replayed(spec):
    captured = backend_named(spec).capture(lambda: None)
    for _ in range(3):
        captured()


@on_each
def test_arrays_without_elements_are_replayed(spec):
    check(spec, lambda xp, x: (x + 1, xp.sum(x), xp.sum(x, axis=0), x @ x.T), normal((0, 3)), "float64")
