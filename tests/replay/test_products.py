"""Matrix products of a captured step: every layout, every way to divide one among threads, and NumPy's own."""

import numpy as np
import pytest

from replay.replayed import check, normal, on_each, on_each_that_records

SIZES = [
    (5, 4, 3),
    (1, 4, 3),
    (5, 1, 3),
    (5, 4, 1),
    (1, 1, 1),
    (1, 4, 1),
    (1, 1, 6),
    (6, 1, 1),
    (300, 20, 10),
    (10, 20, 3000),
    (10, 3000, 20),
    (3000, 1, 40),
    (1, 3000, 40),
    (700, 300, 80),
    (300, 900, 70),
    (1, 40, 3000),
    (600, 600, 600),
]
"""Rows, columns, and the sum's length."""


def laid_out(transposed, rows, columns):
    return (columns, rows) if transposed else (rows, columns)


@on_each
@pytest.mark.parametrize("right", [False, True], ids=["b", "b.T"])
@pytest.mark.parametrize("left", [False, True], ids=["a", "a.T"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_product_is_right_however_its_factors_lie(spec, sizes, left, right, dtype):
    m, n, k = sizes

    def f(xp, a, b):
        return (a.T if left else a) @ (b.T if right else b)

    check(spec, f, normal(laid_out(left, m, k), laid_out(right, k, n)), dtype)


VIEWS = {
    "columns of a wider array": lambda x: x[:, 3:43],
    "rows of a longer one": lambda x: x[5:45, :40],
    "every other column": lambda x: x[:, :80:2],
    "every other row": lambda x: x[::2, :40],
    "backwards": lambda x: x[::-1, :40],
    "one column": lambda x: x[:, 3:4],
    "one row": lambda x: x[7:8, :],
    "a row spread": lambda x: x[7:8, :] + 0 * x[:, :1],
}


@on_each
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_a_factor_may_be_a_view(spec, view, transposed, dtype):
    def f(xp, x, y):
        a = VIEWS[view](x).T if transposed else VIEWS[view](x)
        return a @ y[: a.shape[1], :], y[:, : a.shape[0]] @ a, a @ a.T

    check(spec, f, normal((300, 90), (300, 300)), dtype)


@on_each
def test_vectors_and_stacks_are_multiplied_too(spec, dtype):
    def f(xp, a, v, s):
        return a @ v, v @ a, v @ v, s @ a, xp.matmul(s, xp.permute_dims(s, (0, 2, 1)))

    check(spec, f, normal((5, 5), (5,), (3, 4, 5)), dtype)


@on_each_that_records
def test_a_tensor_product_is_left_to_numpy(spec, dtype):
    check(spec, lambda xp, a: xp.tensordot(a, a, axes=2), normal((5, 5)), dtype)


@on_each
def test_products_follow_one_another_with_elementwise_operations_between(spec, dtype):
    """As in a network: forward, backward and the gradients, of more rows than one chunk has."""

    def f(xp, x, w, v, b):
        h = xp.tanh(x @ w + b)
        y = h @ v
        d = (y - x[:, :7]) / 2000
        back = d @ v.T * (1 - h * h)
        dw, dv, db = x.T @ back, h.T @ d, xp.sum(back, axis=0)
        w[...] = w - dw
        v[...] = v - dv
        b[...] = b - db
        return y, back @ w.T

    check(spec, f, normal((2000, 30), (30, 20), (20, 7), (20,)), dtype)


@on_each
def test_a_product_may_replace_its_factor(spec, dtype):
    def f(xp, a, b):
        a[...] = a @ b
        b[...] = b @ b.T
        return a @ b

    check(spec, f, normal((600, 12), (12, 12)), dtype)


@on_each
def test_a_product_is_written_into_a_part_of_an_array(spec, dtype):
    def f(xp, a, b, out):
        out[:, 2:9] = a @ b
        out[:, 9:] = (b.T @ a.T).T
        return xp.sum(out, axis=0)

    check(spec, f, normal((400, 12), (12, 7), (400, 16)), dtype)


@on_each
def test_what_lay_where_a_product_is_written_does_not_matter(spec, dtype):
    """Not even where it was no number: the BLAS adds nothing to what it finds."""

    def f(xp, a, b, out):
        out[...] = a @ b
        return out + 1

    def contents(rng):
        return [rng.normal(size=(300, 12)), rng.normal(size=(12, 7)), np.full((300, 7), np.nan)]

    check(spec, f, contents, dtype)
