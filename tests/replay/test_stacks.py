"""Steps of stacked models: each model by itself on a thread, with the numbers of a step of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends_here import backend_named
from bpnet_backends.on_numba.models import Stacked
from bpnet_backends.on_numba.stacks import Run, runs
from bpnet_backends.on_numpy.program import shortened
from bpnet_backends.on_numpy.recording import record
from replay.replayed import check, normal, on_each, on_each_that_records

INPUTS, HIDDEN, OUTPUTS = 5, 7, 3
PARAMETERS = INPUTS * HIDDEN + HIDDEN * OUTPUTS + HIDDEN + OUTPUTS


def views(xp: Any, theta: Any) -> list[Any]:
    """w₁, w₂, b₁ and b₂ of one model or, with a first axis, of several."""
    found, begin = [], 0
    for shape in ((INPUTS, HIDDEN), (HIDDEN, OUTPUTS), (1, HIDDEN), (1, OUTPUTS)):
        size = shape[0] * shape[1]
        found.append(xp.reshape(theta[..., begin : begin + size], (*theta.shape[:-1], *shape)))
        begin += size
    return found


def learn(xp: Any, x: Any, y: Any, theta: Any, grad: Any, moment: Any, rate: Any) -> Any:
    """A step of a network with momentum; the loss of each model. All arrays may have a first axis of models."""
    w1, w2, b1, b2 = views(xp, theta)
    g1, g2, c1, c2 = views(xp, grad)
    a = xp.maximum(x @ w1 + b1, 0.0)
    z = a @ w2 + b2
    e = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    p = e / xp.sum(e, axis=-1, keepdims=True)
    dz = (p - y) * (1.0 / x.shape[-2])
    g2[...] = xp.matrix_transpose(a) @ dz
    c2[...] = xp.sum(dz, axis=-2, keepdims=True)
    da = xp.where(a > 0, dz @ xp.matrix_transpose(w2), 0.0)
    g1[...] = xp.matrix_transpose(x) @ da
    c1[...] = xp.sum(da, axis=-2, keepdims=True)
    moment[...] = 0.9 * moment + grad
    theta[...] = theta - rate * moment
    return xp.sum(xp.sum((p - y) * (p - y), axis=-1), axis=-1)


class Models:
    """A captured step on K stacked models, or of a single one where `models` is None; data and order are shared."""

    def __init__(self, spec: str, models: int | None, batch: int, dtype: str, first: int = 0) -> None:
        be, draw = backend_named(spec), np.random.default_rng(3)
        xp, samples, stack = be.xp, 4 * batch, () if models is None else (models,)
        chosen = first if models is None else slice(0, models)
        theta, rate = draw.normal(size=(40, PARAMETERS)), draw.uniform(0.01, 0.1, size=(40, 1))
        order = np.stack([draw.permutation(samples) for _ in range(40)])
        x, y = draw.normal(size=(samples, INPUTS)), draw.normal(size=(samples, OUTPUTS))
        self.theta = be.asarray(theta[chosen], dtype)
        grad, moment = be.asarray(0 * theta[chosen], dtype), be.asarray(0 * theta[chosen], dtype)
        rate, x, y = be.asarray(rate[chosen], dtype), be.asarray(x, dtype), be.asarray(y, dtype)
        order = be.asarray(order[chosen], "int64")
        offsets, cursor = be.asarray(np.arange(batch), "int64"), be.asarray(np.zeros(()), "int64")
        self.cursor = cursor
        self.losses, self.largest = be.asarray(np.zeros(stack), "float64"), be.asarray(np.zeros(stack), "float64")

        def step() -> None:
            rows = xp.reshape(xp.take(order, cursor + offsets, axis=len(stack)), (-1,))
            cursor[...] = cursor + batch
            taken = [xp.reshape(xp.take(z, rows, axis=0), (*stack, batch, -1)) for z in (x, y)]
            loss = learn(xp, *taken, self.theta, grad, moment, rate)
            self.losses[...] = self.losses + xp.astype(loss, xp.float64)
            numbers = xp.astype(xp.argmax(xp.take(y, rows, axis=0), axis=-1), xp.float64)  # of all models in one row
            self.largest[...] = self.largest + xp.sum(xp.reshape(numbers, (*stack, batch)), axis=-1)

        self.step = step
        self.captured = be.capture(step)

    def train(self) -> list[np.ndarray]:
        for _ in range(4):
            self.captured()
        return [np.array(self.theta), np.array(self.losses), np.array(self.largest)]


@pytest.mark.parametrize(("models", "batch"), [(2, 1), (3, 4), (8, 8), (37, 5)])
def test_each_model_is_its_single_run_bit_by_bit(models: int, batch: int, dtype: str) -> None:
    found = Models("numba", models, batch, dtype).train()
    for model in (0, models - 1):
        for of_all, own in zip(found, Models("numba", None, batch, dtype, model).train(), strict=True):
            np.testing.assert_array_equal(of_all[model], own)


@pytest.mark.parametrize(("models", "batch"), [(2, 3), (6, 6)])
def test_all_of_a_step_but_the_cursor_is_done_model_by_model(models: int, batch: int) -> None:
    made = Models("numba", models, batch, "float32")
    with record() as found:
        made.step()
    parts = runs(found, shortened(found))
    (run,) = [part for part in parts if isinstance(part, Run)]
    others = [call for part in parts if isinstance(part, list) for call in part]
    assert [call.outputs[0].shape for call in others] == [(batch,), ()]
    assert run.models == models
    work = Stacked(run)
    assert work.rows == models
    assert not any(made.theta.nbytes == array.nbytes for array in run.own.values())


def test_gradients_are_written_where_they_belong() -> None:
    """A stack of products is made elsewhere and copied; the product of one model goes to its place."""
    made = Models("numba", 3, 4, "float32")
    made.captured()
    names = [part.op for part in made.captured.parts()]
    assert "copy" not in names
    assert sum(name.startswith("matmul") for name in names) == 5


def test_a_single_network_is_not_a_stack() -> None:
    made = Models("numba", None, 4, "float32")
    with record() as found:
        made.step()
    calls = shortened(found)
    assert runs(found, calls) == [calls]


def mixed(xp: Any, x: Any, w: Any) -> Any:
    """Model k reads what model k - 1 wrote."""
    w[1:, ...] = w[:-1, ...] + 1.0
    return x @ w


def summed(xp: Any, x: Any, w: Any) -> Any:
    z = x @ w
    return xp.maximum(z - xp.mean(z, axis=0), 0.0) @ xp.matrix_transpose(w)


def shared(xp: Any, x: Any, w: Any) -> Any:
    """One model's weights belong to all."""
    z = x @ (w + w[0, ...])
    w[...] = w - 0.1 * (xp.matrix_transpose(x) @ z)
    return z


def two_ways(xp: Any, x: Any, w: Any) -> Any:
    """As many rows as models: a number a row, of all models, and a number a model."""
    number = xp.sum(xp.sum(w, axis=-1), axis=-1)
    z = (x @ w) + xp.reshape(number, (-1, 1))
    return z * xp.reshape(number, (-1, 1, 1))


def turned(xp: Any, x: Any, w: Any) -> Any:
    return xp.permute_dims(xp.permute_dims(x, (1, 0, 2)) * 2.0, (1, 0, 2)) @ w


def flat(xp: Any, x: Any, w: Any) -> Any:
    """Rows of all models in one axis, and back."""
    z = xp.reshape(x @ w, (-1, w.shape[-1]))
    e = z - xp.max(z, axis=1, keepdims=True)
    return xp.reshape(e * e, (x.shape[0], x.shape[1], -1)) @ xp.matrix_transpose(w), xp.argmax(z, axis=1)


@on_each_that_records
@pytest.mark.parametrize("f", [mixed, summed, shared, two_ways, turned, flat])
def test_what_mixes_models_is_right_too(spec: str, f: Any, dtype: str) -> None:
    check(spec, f, normal((4, 4, 5), (4, 5, 6)), dtype)


def with_all(xp: Any, x: Any, w: Any, more: Any) -> Any:
    """Each model's x is a factor, and what all have together is added to each of `more`."""
    y = xp.exp(0.1 * (x @ w))
    return y * y, x + more


@on_each_that_records
def test_what_is_read_by_model_and_as_a_whole(spec: str, dtype: str) -> None:
    check(spec, with_all, normal((4, 4, 5), (4, 5, 6), (4, 4, 4, 5)), dtype)


def update(xp: Any, x: Any, y: Any, theta: Any, grad: Any, moment: Any, rate: Any) -> Any:
    loss = learn(xp, x, y, theta, grad, moment, rate)
    return loss, theta * 1.0


@on_each
def test_a_stacked_step_computes_what_it_says(spec: str, dtype: str) -> None:
    shapes = [(3, 6, INPUTS), (3, 6, OUTPUTS), (3, PARAMETERS), (3, PARAMETERS), (3, PARAMETERS), (3, 1)]
    check(spec, update, normal(*shapes), dtype)


@pytest.mark.parametrize(("models", "batch"), [(2, 1), (3, 4), (8, 8), (37, 2)])
def test_many_steps_in_a_call_are_these_steps(models: int, batch: int, dtype: str) -> None:
    one, many = (Models("numba", models, batch, dtype) for _ in range(2))
    expected = one.train()
    many.captured()
    many.captured.repeat(2)
    many.captured.repeat(1)
    found = [np.array(array) for array in (many.theta, many.losses, many.largest)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(many.cursor) == int(one.cursor) == 4 * batch


def test_steps_of_a_single_network_are_made_one_by_one() -> None:
    made = Models("numba", None, 4, "float32")
    made.captured()
    assert not hasattr(made.captured, "repeat")
