"""The parts that a captured step tells: done in their order they are the step, and they cost what they say."""

import numpy as np
import pytest

from backends_here import backend_named
from bpnet import Adam, Conv2D, Dense, Flatten, Input, MaxPooling2D, Sequential
from bpnet.backend import Backend
from bpnet.profiling.layers import by_layer
from bpnet.profiling.parts import told
from bpnet.profiling.step import OneStep
from replay.replayed import on_each

BATCH = 32
PRODUCTS = BATCH * (6 * (64 * 128 + 128 * 10) - 2 * 64 * 128)
"""FLOP of the products of 64-128-10: 2 forward, 2 for dw, 2 for dx, which the first layer's input does not need."""


def backend_of(spec):
    return backend_named(spec) if isinstance(spec, str) else spec


def dense(spec, dtype="float32"):
    model = Sequential(
        [Input((64,)), Dense(128, "relu"), Dense(10, "softmax")], backend=backend_of(spec), dtype=dtype, seed=3
    )
    model.compile(Adam(0.001), "sparse_categorical_crossentropy", ["accuracy"])
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(100, 64)), rng.integers(0, 10, 100)


def images(spec, dtype="float32"):
    layers = [Conv2D(4, 3, activation="relu"), MaxPooling2D(2), Flatten(), Dense(5, "softmax")]
    model = Sequential([Input((10, 10, 2)), *layers], backend=backend_of(spec), dtype=dtype, seed=3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(50, 10, 10, 2)), rng.integers(0, 5, 50)


def changed(step):
    """Copies of all that a step changes."""
    network, totals = step.network, step.totals
    vectors = [network.theta, network.grad, network.state, *step.optimizer.vectors(), step.data.cursor]
    totals = [*totals.losses.values(), *[x for sums in totals.sums for x in sums]]
    return [step.backend.to_numpy(x) for x in [*vectors, *totals]]


@pytest.mark.parametrize("made", [dense, images])
@pytest.mark.parametrize("batch", [BATCH, 2048])
def test_the_parts_in_their_order_are_a_step_bit_for_bit(backend: Backend, made, batch):
    """Batches of 2048 are divided among threads, and what they sum up is joined."""
    with OneStep(*made(backend), batch) as step:
        step.captured()
        if not told(step.captured):
            assert backend.name not in ("numpy", "numba")
            return
        first = changed(step)
        step.captured()
        expected = changed(step)
        assert any((x != y).any() for x, y in zip(first, expected, strict=True))
        step.put_back()
        step.captured()
        for part in told(step.captured):
            part.run()
        for x, y in zip(changed(step), expected, strict=True):
            np.testing.assert_array_equal(x, y)


@on_each
@pytest.mark.parametrize("calls", [1, 3])
def test_parts_are_told_after_the_first_call_and_change_nothing_themselves(spec, calls):
    with OneStep(*dense(spec), BATCH) as step:
        with pytest.raises(RuntimeError, match="never called"):
            step.captured.parts()
        for _ in range(calls):
            step.captured()
        before = changed(step)
        assert len(step.captured.parts()) > 5
        for x, y in zip(changed(step), before, strict=True):
            np.testing.assert_array_equal(x, y)


@on_each
@pytest.mark.filterwarnings("ignore:this step runs slower:RuntimeWarning")
def test_a_step_that_cannot_be_replayed_has_no_parts(spec):
    backend = backend_of(spec)
    x = backend.asarray(np.zeros(3), "float32")

    def step():
        x[...] = float(x[0]) + 1

    captured = backend.capture(step)
    captured()
    assert list(captured.parts()) == []


@pytest.mark.parametrize("spec", ["numpy", "numba", "torch:cpu"])
def test_the_flop_of_products_are_those_counted_by_hand(spec):
    model, x, y = dense(spec)
    with OneStep(model, x, y, BATCH) as step:
        step.captured()
        parts = told(step.captured) or by_layer(step)
        products = [part.flop for part in parts if part.op.startswith(("matmul", "forward", "backward"))]
        assert sum(products) == PRODUCTS
        assert sorted(products)[-1] in (2 * BATCH * 64 * 128, 4 * BATCH * 64 * 128)


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_adam_costs_17_operations_a_parameter_on_every_backend(spec):
    """m and v: 3 and 4, and each is compared with 0 by 2; the update has 6."""
    model, x, y = dense(spec)
    with OneStep(model, x, y, BATCH) as step:
        step.captured()
        size = model.network.layout.size
        own = [part for part in told(step.captured) if part.shape in ((size,), (size, 1))]
        assert sum(part.flop for part in own) == 17 * size
        if spec == "numba":  # θ, m, v are read and written, the gradient is read; all once
            (update,) = own
            assert abs(update.bytes - 7 * 4 * size) < 100


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_bytes_of_a_product_are_those_of_its_three_matrices(spec):
    with OneStep(*dense(spec, "float64"), BATCH) as step:
        step.captured()
        first = next(part for part in told(step.captured) if part.op == "matmul K=64")
        assert first.shape == (BATCH, 128)
        assert first.bytes == 8 * (BATCH * 64 + 64 * 128 + BATCH * 128)


def test_a_convolution_counts_its_taps_and_its_bias():
    with OneStep(*images("numba"), BATCH) as step:
        step.captured()
        by_name = {part.op: part for part in told(step.captured)}
        places = BATCH * 8 * 8 * 4
        assert by_name["conv2d"].flop == places * (2 * 9 * 2 + 1)
        assert by_name["conv2d weight gradient"].flop == places * (2 * 9 * 2 + 1)
        assert by_name["max pool"].shape == (BATCH, 4, 4, 4)
        assert by_name["max pool"].bytes == 4 * (places + places // 4)


def test_layers_are_told_where_a_backend_tells_no_parts():
    with OneStep(*images("torch:cpu"), BATCH) as step:
        parts = by_layer(step)
        ops = [part.op for part in parts]
        assert ops == [
            "gather the batch",
            *(f"forward {kind}" for kind in ("Conv2D", "MaxPooling2D", "Flatten", "Dense")),
            "loss",
            *(f"backward {kind}" for kind in ("Dense", "Flatten", "MaxPooling2D", "Conv2D")),
            "optimizer SGD",
            "losses and metrics",
        ]
        assert parts[1].flop == parts[9].flop == 2 * BATCH * 8 * 8 * 4 * 9 * 2  # no dx of the first layer
        assert parts[4].flop * 2 == parts[6].flop == 4 * BATCH * 64 * 5
        assert parts[1].bytes == 4 * (BATCH * 10 * 10 * 2 + 9 * 2 * 4 + 4 + BATCH * 8 * 8 * 4)
        assert parts[10].bytes == 4 * 3 * step.network.layout.size + 2 * 8  # θ twice, the gradient, and t twice


def test_layers_in_their_order_are_a_step():
    model, x, y = images("numpy", "float64")
    with OneStep(model, x, y, BATCH) as step:
        step.captured()
        expected = changed(step)
        step.put_back()
        by_layer(step)
        for a, b in zip(changed(step)[:3], expected, strict=False):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
