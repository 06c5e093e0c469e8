"""Sums, largest and smallest elements, argmax and gathers of a captured step."""

import numpy as np
import pytest

from replay.replayed import ROUNDINGS, check, normal, on_each

SHAPES = [(7, 5), (1, 5), (7, 1), (5, 5), (4096, 33), (9,), (1,), (), (6, 3, 2)]


@on_each
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_a_reduction_is_numpys_over_every_axis(spec, name, shape, keepdims, dtype):
    def f(xp, x):
        of = getattr(xp, name)
        axes = [None, *range(-len(shape), len(shape))]
        if len(shape) == 3:
            axes += [(1, 2), (0, 1), (0, 2), (0, 1, 2)]
        return tuple(of(x, axis=axis, keepdims=keepdims) for axis in axes)

    check(spec, f, normal(shape), dtype)


@on_each
@pytest.mark.parametrize("widths", [(3, 1), (1, 3), (1, 5, 1), (20, 1)], ids=str)
def test_columns_of_several_widths_are_summed_in_one_loop_over_the_rows(spec, widths, dtype):
    """A single column among wider ones: its sum has one place, wherever the loop over the others has stopped."""

    def f(xp, *arrays):
        return tuple(xp.sum(xp.tanh(x) * x, axis=0) for x in arrays)

    check(spec, f, normal(*((50, width) for width in widths)), dtype)


@on_each
@pytest.mark.parametrize("rows", [4, 5])
def test_a_sum_over_rows_goes_to_memory_that_was_filled_before(spec, rows, dtype):
    """As many rows as columns: what fills the memory, element by element, goes through as many rows as the sum."""

    def f(xp, x, y):
        made = xp.empty_like(y)
        made[...] = xp.sum(x * x, axis=0)
        return y - made, made

    check(spec, f, normal((rows, 4), (4,)), dtype)


@on_each
@pytest.mark.parametrize("view", ["x.T", "x[:, ::2]", "x[::3]", "x[:, 1:2]", "x[::-1]"])
def test_a_reduction_reads_a_view_where_it_lies(spec, view, dtype):
    def f(xp, x):
        part = eval(view)
        return xp.sum(part, axis=0), xp.sum(part, axis=1), xp.sum(part), xp.max(part, axis=1), xp.argmax(part, axis=1)

    check(spec, f, normal((700, 600)), dtype)


@on_each
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [(7, 5), (1, 5), (7, 1), (600, 40)], ids=str)
def test_argmax_is_the_first_of_the_largest(spec, shape, axis, dtype):
    def f(xp, x):
        return xp.argmax(x, axis=axis), xp.argmax(x, axis=axis, keepdims=True)

    check(spec, f, lambda rng: [np.round(rng.normal(size=shape))], dtype, limit=0)


@on_each
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite_is_reduced_as_in_numpy(spec, dtype):
    rows = np.array([[1, np.nan, 2], [np.inf, 1, 2], [-np.inf, -np.inf, -np.inf], [np.nan, np.inf, np.nan], [3, 1, 3]])

    def f(xp, x):
        each = [(xp.max(x, axis=1), xp.min(x, axis=1), xp.sum(x, axis=1), xp.argmax(x, axis=1)), (xp.max(x), xp.min(x))]
        return (*each[0], *each[1], xp.sum(x, axis=0))

    check(spec, f, lambda rng: [rng.permutation(rows)], dtype, limit=ROUNDINGS[dtype])
    check(spec, f, lambda rng: [rng.permutation(np.repeat(rows, 400, axis=0))], dtype, limit=ROUNDINGS[dtype])


@on_each
@pytest.mark.parametrize("shape", [(1,), (9,), (9, 1), (9, 4), (9, 3, 2)], ids=str)
@pytest.mark.parametrize("number", [1, 9, 3000])
def test_a_gather_takes_the_rows_of_its_indices(spec, shape, number, dtype):
    def f(xp, table, indices):
        return xp.take(table, indices, axis=0), xp.take(table, indices, axis=0) * 2

    def contents(rng):
        return [rng.normal(size=shape), rng.integers(0, shape[0], size=number)]

    check(spec, f, contents, dtype, limit=0)


@on_each
def test_a_gather_of_labels_or_of_truth_values_takes_them(spec):
    def f(xp, labels, truths, indices):
        return xp.take(labels, indices, axis=0), xp.take(truths, indices, axis=0)

    def contents(rng):
        return [rng.integers(0, 9, size=(8,)), rng.random((8, 3)) > 0.5, rng.integers(0, 8, size=20)]

    check(spec, f, contents, "float64", limit=0)


@on_each
def test_a_gather_by_indices_that_the_step_computes_or_reads_from_a_view(spec, dtype):
    """As the step of training takes its batch: a few numbers of the order, from a place that moves on."""

    def f(xp, table, order, cursor):
        first = xp.take(order, cursor + xp.arange(4), axis=0)
        cursor[...] = cursor + 4
        second = xp.take(order, cursor + xp.arange(4), axis=0)
        return xp.take(table, first, axis=0), xp.take(table, second, axis=0), xp.take(table, order[::2], axis=0)

    def contents(rng):
        return [rng.normal(size=(12, 3)), rng.permutation(12), np.array(rng.integers(0, 4))]

    check(spec, f, contents, dtype, limit=0)


@on_each
def test_a_negative_index_counts_from_the_end(spec, dtype):
    def f(xp, table, indices):
        return xp.take(table, indices, axis=0)

    check(spec, f, lambda rng: [rng.normal(size=(9, 2)), rng.integers(-9, 9, size=30)], dtype, limit=0)


@on_each
def test_another_axis_is_gathered_along_too(spec, dtype):
    def f(xp, table, indices):
        return xp.take(table, indices, axis=1), xp.take(table.T, indices, axis=0)

    check(spec, f, lambda rng: [rng.normal(size=(9, 6)), rng.integers(0, 6, size=5)], dtype, limit=0)


@on_each
def test_many_sums_of_one_array_in_one_step(spec, dtype):
    """Over rows, over columns, and over everything, of more rows than one chunk has."""

    def f(xp, x, y):
        product = x * y
        rows = xp.sum(product, axis=1)
        return xp.sum(product, axis=0), rows, xp.sum(rows), xp.max(product), xp.min(rows), x - xp.sum(y, axis=0)

    check(spec, f, normal((5000, 24), (5000, 24)), dtype)
