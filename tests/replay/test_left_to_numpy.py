"""Operations without a kernel, in the middle of a step: NumPy computes them, and the rest of the step is replayed."""

import warnings

import numpy as np
import pytest

from bpnet.backend import make
from replay.replayed import check, normal, on_each_that_records

OPERATIONS = {
    "flip": lambda xp, x: xp.flip(x, axis=1),
    "cumulative_sum": lambda xp, x: xp.cumulative_sum(x, axis=0),
    "cumulative_prod": lambda xp, x: xp.cumulative_prod(x, axis=1),
    "stack": lambda xp, x: xp.max(xp.stack([x, -x]), axis=0),
    "concat": lambda xp, x: xp.concat([x[3:], x[:3]]),
    "take_along_axis": lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=1), axis=1),
    "sort": lambda xp, x: xp.sort(x, axis=0),
    "roll": lambda xp, x: xp.roll(x, 2),
    "roll along an axis": lambda xp, x: xp.roll(x, 2, axis=0),
    "tile": lambda xp, x: xp.tile(x, (2, 1))[5:15],
    "repeat": lambda xp, x: xp.repeat(x, 2, axis=0)[::2],
    "reshape of a transposed array": lambda xp, x: xp.reshape(x.T, (10, 4)),
    "vecdot": lambda xp, x: xp.vecdot(x, x)[:, None] * x,
    "tril": lambda xp, x: xp.tril(x),
    "std": lambda xp, x: x - xp.std(x, axis=0),
    "var": lambda xp, x: x - xp.var(x, axis=1, keepdims=True),
    "prod": lambda xp, x: x * xp.prod(x, axis=1, keepdims=True),
    "any": lambda xp, x: xp.where(xp.any(x > 1, axis=1, keepdims=True), x, -x),
    "all": lambda xp, x: xp.where(xp.all(x > -1, axis=0), x, -x),
    "count_nonzero": lambda xp, x: x * xp.count_nonzero(x > 0),
    "count_nonzero along an axis": lambda xp, x: x * xp.astype(xp.count_nonzero(x > 0, axis=0), x.dtype),
    "logaddexp": lambda xp, x: xp.logaddexp(x, -x),
    "remainder": lambda xp, x: xp.remainder(x, 0.5),
    "round": lambda xp, x: xp.round(x * 4),
    "isin floor_divide": lambda xp, x: x // 0.5,
    "bitwise_and": lambda xp, x: xp.where((x > 0) & (x < 1), x, 0.0),
    "bitwise_invert": lambda xp, x: xp.where(~(x > 0), x, 0.0),
    "isinf": lambda xp, x: xp.where(xp.isinf(x), 0.0, x),
    "searchsorted": lambda xp, x: x * xp.astype(xp.searchsorted(xp.sort(x[:, 0]), x[:, 1]), x.dtype)[:, None],
    "rows by an array of indices": lambda xp, x: x[xp.argsort(x[:, 0])],
    "diff": lambda xp, x: x[1:] * xp.diff(x, axis=0),
    "outer": lambda xp, x: xp.linalg.outer(x[:, 0], x[0, :]),
    "vector_norm": lambda xp, x: x / xp.linalg.vector_norm(x),
    "broadcast_to": lambda xp, x: xp.broadcast_to(x[0], (10, 4)) + x,
    "full_like": lambda xp, x: xp.full_like(x, 2.0) * x,
    "largest of each column": lambda xp, x: x - xp.max(x, axis=0),
    "sum over a middle axis": lambda xp, x: xp.sum(xp.reshape(x, (5, 2, 4)), axis=1),
    "the methods sum and mean": lambda xp, x: x - x.sum() + x.mean(axis=0),
}


@on_each_that_records
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_without_a_kernel_is_replayed_between_others(spec, name):
    """No warning: it is part of the replay."""

    def f(xp, x, y):
        before = xp.tanh(x) + y
        made = OPERATIONS[name](xp, before)
        y[...] = y + before
        after = made * 2 + 1
        return after, made, xp.sum(y, axis=0)

    check(spec, f, normal((10, 4), (10, 4)), "float64")


UNPLANNED = {
    "several results": lambda xp, x: xp.unstack(x)[1],
    "elements by a mask": lambda xp, x: xp.sum(x[x > 0]),
    "nonzero": lambda xp, x: xp.astype(xp.nonzero(x > 0)[0][0], x.dtype),
}


@on_each_that_records
@pytest.mark.parametrize("name", UNPLANNED)
def test_what_is_not_replayed_runs_as_it_is(spec, name):
    """The shape of such a result may change from call to call."""
    backend = make(spec)
    xp = backend.xp
    x, out = backend.asarray(np.zeros((6, 3)), "float64"), backend.asarray(0.0, "float64")

    def step():
        out[...] = xp.sum(UNPLANNED[name](xp, x))

    captured = backend.capture(step)
    for seed in range(4):
        x[...] = np.random.default_rng(seed).normal(size=(6, 3))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "this step runs slower", RuntimeWarning)
            captured()
        found = float(out)
        step()
        assert found == float(out)
