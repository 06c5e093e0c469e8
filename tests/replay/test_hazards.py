"""Steps that read what they write: the order of the operations must be kept wherever it matters."""

import pytest

from replay.replayed import ROUNDINGS, check, normal, on_each

N, K = 50, 4


@on_each
def test_an_array_that_is_changed_twice_is_changed_twice(spec, dtype):
    def f(xp, a):
        a[...] = a + 1
        a[...] = a * 2
        return a - 1

    check(spec, f, normal((N, K)), dtype, limit=ROUNDINGS[dtype])


@on_each
def test_what_is_read_before_a_write_is_the_old_value(spec, dtype):
    def f(xp, a, b):
        before = a + 0.0
        a[...] = b
        after = a * 1.0
        b[...] = before
        return before, after, a - b

    check(spec, f, normal((N, K), (N, K)), dtype, limit=ROUNDINGS[dtype])


@on_each
def test_a_copy_that_is_needed_after_its_source_has_changed_is_kept(spec, dtype):
    def f(xp, a, b, c):
        result = a + b
        b[...] = result
        a[...] = xp.tanh(result)
        c[...] = result
        result += 1.0
        return result, c * b

    check(spec, f, normal((N, K), (N, K), (N, K)), dtype, limit=ROUNDINGS[dtype])


@on_each
def test_the_target_of_a_copy_keeps_its_old_value_until_the_copy(spec, dtype):
    def f(xp, a, target):
        made = a * 3
        used = target + 1
        target[...] = made
        return used, made

    check(spec, f, normal((N, K), (N, K)), dtype, limit=ROUNDINGS[dtype])


@on_each
@pytest.mark.parametrize("rows", [6, 2000])
def test_a_gather_comes_after_the_write_to_its_table(spec, rows, dtype):
    """With as many rows in the table as in the result."""

    def f(xp, table, indices):
        table[...] = table + 1
        return xp.take(table, indices, axis=0)

    check(spec, f, lambda rng: [rng.normal(size=(rows, K)), rng.permutation(rows)], dtype, limit=ROUNDINGS[dtype])


@on_each
def test_a_gather_from_a_result_of_the_step_finds_it(spec, dtype):
    def f(xp, a, indices):
        return xp.take(a * 2, indices, axis=0)

    check(spec, f, lambda rng: [rng.normal(size=(N, K)), rng.permutation(N)], dtype, limit=ROUNDINGS[dtype])


@on_each
def test_a_gather_comes_before_the_next_write_to_its_table(spec, dtype):
    def f(xp, table, indices):
        taken = xp.take(table, indices, axis=0)
        table[...] = table * 2
        return taken

    check(spec, f, lambda rng: [rng.normal(size=(N, K)), rng.permutation(N)], dtype, limit=ROUNDINGS[dtype])


@on_each
def test_rows_are_exchanged_in_place(spec, dtype):
    def f(xp, table, indices):
        table[...] = xp.take(table, indices, axis=0)
        return table + 0.0

    check(spec, f, lambda rng: [rng.normal(size=(N, K)), rng.permutation(N)], dtype, limit=0)


OVERLAPPING = {
    "down": lambda xp, a: (a[1:], a[:-1]),
    "up": lambda xp, a: (a[:-1], a[1:]),
    "right": lambda xp, a: (a[:, 1:], a[:, :-1]),
    "left": lambda xp, a: (a[:, :-1], a[:, 1:]),
    "backwards": lambda xp, a: (a, xp.flip(a)),
    "columns backwards": lambda xp, a: (a, xp.flip(a, axis=1)),
    "transposed": lambda xp, a: (a, a.T),
    "first row to all": lambda xp, a: (a, a[:1]),
    "last column to all": lambda xp, a: (a, a[:, -1:]),
    "one element to all": lambda xp, a: (a, a[3, 3]),
    "flat, down": lambda xp, a: (xp.reshape(a, (-1,))[3:], xp.reshape(a, (-1,))[:-3]),
}


@on_each
@pytest.mark.parametrize("how", OVERLAPPING)
def test_a_copy_onto_itself_reads_everything_first(spec, how):
    def f(xp, a):
        target, source = OVERLAPPING[how](xp, a)
        target[...] = source
        return a + 0.0

    check(spec, f, normal((8, 8)), "float64", limit=0)


@on_each
@pytest.mark.parametrize("how", OVERLAPPING)
def test_an_update_from_a_view_of_itself_reads_everything_first(spec, how):
    def f(xp, a):
        target, source = OVERLAPPING[how](xp, a)
        target += source
        return a + 0.0

    check(spec, f, normal((8, 8)), "float64", limit=ROUNDINGS["float64"])


@on_each
def test_a_choice_may_replace_its_condition(spec):
    def f(xp, condition, a, b):
        condition[...] = xp.where(condition, a, b)
        return xp.logical_not(condition)

    check(spec, f, lambda rng: [rng.random((6, 3)) > 0.5 for _ in range(3)], "float64", limit=0)


@on_each
@pytest.mark.parametrize("place", [0, 1])
def test_a_choice_may_replace_either_of_its_values(spec, place, dtype):
    def f(xp, *values):
        values[place][...] = xp.where(values[0] > 0, values[0], values[1])
        return values[0] + values[1]

    check(spec, f, normal((6, 3), (6, 3)), dtype, limit=ROUNDINGS[dtype])


@on_each
def test_a_vector_is_read_and_written_through_views_of_other_shapes(spec, dtype):
    def f(xp, theta, x):
        weights, bias = xp.reshape(theta[: K * K], (K, K)), theta[K * K :]
        y = x @ weights + bias
        theta[...] = theta * 0.5
        z = x @ weights + bias
        bias[...] = xp.sum(z, axis=0) / N
        weights[...] = x.T @ y / N
        return y, z, theta + 1

    check(spec, f, normal((K * K + K,), (N, K)), dtype)


@on_each
def test_slices_that_overlap_are_written_one_after_another(spec, dtype):
    def f(xp, theta, a, b):
        theta[:600] = a
        theta[300:900] = b
        first = theta * 2
        theta[1:] = first[1:] + theta[:-1]
        theta[200:800] = a - b
        return first, theta + 0.0

    check(spec, f, normal((900,), (600,), (600,)), dtype, limit=ROUNDINGS[dtype])


@on_each
@pytest.mark.parametrize("size", [5, 40, 1024])
def test_a_sum_over_rows_is_complete_when_as_many_rows_need_it(spec, size, dtype):
    """In a square array a sum over rows has as many elements as there are rows, but not the same ones."""

    def f(xp, x):
        sums = xp.sum(xp.tanh(x), axis=0)
        return sums * 2

    check(spec, f, normal((size, size)), dtype)


@on_each
def test_a_sum_over_everything_is_complete_when_rows_need_it(spec, dtype):
    def f(xp, x):
        x[...] = x / xp.sum(x * x)
        return x - xp.max(x), xp.sum(x)

    check(spec, f, normal((4096, 30)), dtype)


@on_each
def test_a_value_a_row_is_spread_over_the_row_that_it_came_from(spec, dtype):
    def f(xp, x):
        shifted = x - xp.max(x, axis=1, keepdims=True)
        e = xp.exp(shifted)
        p = e / xp.sum(e, axis=1, keepdims=True)
        entropy = xp.sum(p * shifted, axis=1)
        x[...] = p
        return p, entropy, xp.sum(x * x, axis=1, keepdims=True) - x

    check(spec, f, normal((700, 40)), dtype)


@on_each
def test_an_array_that_the_step_fills_part_by_part_begins_anew_each_time(spec, dtype):
    def f(xp, x):
        made = xp.zeros((N, K), dtype=x.dtype)
        made[1:, :] = x[:-1, :]
        made[:, 1:] += x[:, :-1]
        empty = xp.empty((N,), dtype=x.dtype)
        empty[:10], empty[10:] = x[:10, 0], 2.0
        return made, empty, xp.ones((N, K), dtype=x.dtype) * made, xp.full((3,), 2.5) * xp.arange(3.0)

    check(spec, f, normal((N, K)), dtype, limit=ROUNDINGS[dtype])


@on_each
def test_an_array_made_of_numbers_begins_anew_each_time(spec):
    def f(xp, x):
        made = xp.asarray([1.0, 2.0, 3.0])
        made += x
        return made

    check(spec, f, normal((3,)), "float64", limit=0)


@on_each
def test_results_that_live_at_the_same_time_do_not_share_memory(spec, dtype):
    """Ten of them, each used again at the end, in the other order."""

    def f(xp, x, w):
        made = [x @ w * float(i) for i in range(1, 11)]
        total = x * 0.0
        for part in reversed(made):
            total = (total + part) @ w
        return total, made[3] - made[7]

    check(spec, f, lambda rng: [rng.normal(size=(N, K)), rng.normal(size=(K, K)) / 4], dtype)


@on_each
def test_a_long_chain_is_divided_into_kernels_and_stays_right(spec, dtype):
    def f(xp, x, y):
        for i in range(70):
            x[...] = xp.tanh(x + y * (i / 70))
            y[...] = y * 0.9 - x * 0.1
        return x * y

    check(spec, f, normal((300, 3), (300, 3)), dtype)
