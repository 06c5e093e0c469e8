"""What a captured step promises besides its results: warnings, once means once, and the same bits on any threads."""

import threading
import warnings

import numba
import numpy as np
import pytest
import threadpoolctl

from bpnet import Dense, Input, Sequential
from bpnet.backend import make
from replay.replayed import on_each_that_records

TO_THE_HOST = {
    "float": lambda backend, x: float(x[0, 0]),
    "bool": lambda backend, x: 1.0 if x[0, 0] > 0 else -1.0,
    "int": lambda backend, x: int(x[0, 0] * 10),
    "to_numpy": lambda backend, x: float(backend.to_numpy(x)[0, 0]),
}


def pair(spec, shape=(6, 3), dtype="float64"):
    backend = make(spec)
    return backend, backend.asarray(np.zeros(shape), dtype), backend.asarray(np.zeros(shape), dtype)


@on_each_that_records
@pytest.mark.parametrize("way", TO_THE_HOST)
def test_a_step_that_goes_to_the_host_runs_on_with_one_warning(spec, way):
    backend, x, out = pair(spec)

    def step():
        out[...] = x * TO_THE_HOST[way](backend, x)

    captured = backend.capture(step)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for seed in range(4):
            new = np.random.default_rng(seed).normal(size=(6, 3))
            x[...] = new
            captured()
            np.testing.assert_array_equal(np.asarray(out), new * TO_THE_HOST[way](make("numpy"), new))
    assert [w.category for w in found] == [RuntimeWarning]
    assert "Mend" in str(found[0].message)


@on_each_that_records
@pytest.mark.parametrize("goes_to_the_host", [False, True])
@pytest.mark.filterwarnings("ignore:this step runs slower:RuntimeWarning")
def test_each_call_changes_memory_once_the_first_too(spec, goes_to_the_host):
    backend, x, out = pair(spec)

    def step():
        x[...] = x * 2 + 1
        x[1:4, :] = x[:3, :] + 1.0
        out[:, 0] += x[:, 1]
        if goes_to_the_host:
            float(x[0, 0])

    captured = backend.capture(step)
    a, b = np.zeros((6, 3)), np.zeros((6, 3))
    for _ in range(4):
        captured()
        a = a * 2 + 1
        a[1:4] = a[:3] + 1.0
        b[:, 0] += a[:, 1]
        np.testing.assert_array_equal(np.asarray(x), a)
        np.testing.assert_array_equal(np.asarray(out), b)


@on_each_that_records
def test_a_captured_step_within_a_captured_step_is_part_of_it(spec):
    """Whether the inner one was called before or not."""
    backend, x, out = pair(spec)

    def add():
        x[...] = x + 1

    inner = backend.capture(add)

    def step():
        inner()
        out[...] = x * 2

    for before in (0, 2):
        x[...] = 0.0
        for _ in range(before):
            inner()
        outer = backend.capture(step)
        for calls in range(1, 4):
            outer()
            assert float(x[0, 0]) == before + calls
            assert float(out[0, 0]) == 2 * (before + calls)


@on_each_that_records
def test_a_step_that_fails_leaves_nothing_that_listens(spec):
    backend, x, _ = pair(spec)

    def step():
        raise KeyError("x")

    with pytest.raises(KeyError):
        backend.capture(step)()
    captured = backend.capture(lambda: x.__iadd__(1.0))
    captured()
    captured()
    assert float(x[0, 0]) == 2.0


@on_each_that_records
def test_two_captured_steps_that_share_memory_take_turns(spec):
    backend, x, y = pair(spec)

    def forth():
        y[...] = x * 2 + xp.sum(y, axis=0)

    def back():
        x[...] = y - 1

    xp = backend.xp
    steps = [backend.capture(forth), backend.capture(back)]
    a, b = np.ones((6, 3)), np.zeros((6, 3))
    x[...] = a
    for _ in range(4):
        for step in steps:
            step()
        b = a * 2 + b.sum(axis=0)
        a = b - 1
        np.testing.assert_array_equal(np.asarray(x), a)
        np.testing.assert_array_equal(np.asarray(y), b)


def bits(dtype):
    """Of a step with sums over many rows, on the threads that Numba has now."""
    backend = make("numba")
    xp, rng = backend.xp, np.random.default_rng(5)
    x, w = (backend.asarray(rng.normal(size=shape), dtype) for shape in ((4096, 64), (64, 32)))
    outs = [backend.asarray(np.zeros(shape), dtype) for shape in ((32,), (64, 32), (), (4096,))]

    def step():
        h = xp.tanh(x @ w)
        results = xp.sum(h, axis=0), x.T @ h, xp.sum(h), xp.sum(h * h, axis=1)
        for out, result in zip(outs, results, strict=True):
            out[...] = result

    captured = backend.capture(step)
    captured()
    captured()
    return [np.array(x) for x in outs]


def assert_same(first, second):
    for x, y in zip(first, second, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_bits_do_not_depend_on_the_number_of_threads(dtype):
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        first = bits(dtype)
        numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
        second = bits(dtype)
    finally:
        numba.set_num_threads(before)
    assert_same(first, second)


def test_a_step_captured_twice_gives_the_same_bits(dtype):
    assert_same(bits(dtype), bits(dtype))


def trained(backend):
    model = Sequential([Input((8,)), Dense(16, "tanh"), Dense(3, "softmax")], backend=backend, dtype="float32", seed=1)
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 8))
    losses = model.fit(x, (x[:, 0] > 0) + (x[:, 1] > 0), epochs=3, batch_size=64, verbose=0).history["loss"]
    return np.array(losses), model.predict(x)


@on_each_that_records
def test_training_twice_gives_the_same_bits(spec):
    assert_same(trained(spec), trained(spec))


def blas_threads():
    import scipy.linalg  # noqa: F401 - loads its BLAS

    pools = threadpoolctl.ThreadpoolController().select(user_api="blas").info()
    return sorted((pool["filepath"], pool["num_threads"]) for pool in pools)


def test_a_replay_leaves_the_blas_its_threads():
    """Also when two threads of Python replay at once."""
    steps = []
    for _ in range(2):
        backend, x, out = pair("numba", (200, 200))

        def step(x=x, out=out):
            out[...] = x @ x

        steps.append(backend.capture(step))
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        for step in steps:
            step()
        assert blas_threads() == before
        workers = [threading.Thread(target=lambda step=step: [step() for _ in range(50)]) for step in steps]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert blas_threads() == before
