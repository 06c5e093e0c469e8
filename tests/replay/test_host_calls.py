"""A call of the host within a captured step is made again by each replay, at its place and on the same memory."""

import numpy as np
import pytest

from bpnet.backend import make
from bpnet.nn.op import call_host


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_each_replay_calls_the_host_between_its_kernels(spec):
    be = make(spec)
    x, total = be.asarray(np.arange(6.0).reshape(3, 2), "float64"), be.asarray(np.zeros(2), "float64")
    seen = []

    def doubled(vector):
        seen.append(np.array(vector))
        vector[...] = 2 * vector

    def step():
        column = be.xp.sum(x, axis=0)
        call_host(be, doubled, column)
        total[...] = column + 1.0

    captured = be.capture(step)
    for k in range(1, 5):
        x[...] = k * np.arange(6.0).reshape(3, 2)
        seen.clear()
        captured()
        assert (seen[-1] == [6 * k, 9 * k]).all()
        assert be.to_numpy(total).tolist() == [12 * k + 1, 18 * k + 1]


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_a_call_whose_result_nobody_reads_is_made(spec):
    """Other processes may wait for it."""
    be = make(spec)
    x, seen = be.asarray(np.ones(3), "float64"), []
    captured = be.capture(lambda: call_host(be, lambda vector: seen.append(1), x + 1.0))
    for _ in range(3):
        captured()
    assert len(seen) >= 3
    before = len(seen)
    captured()
    assert len(seen) == before + 1


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_what_a_call_changes_is_taken_back_before_the_first_replay(spec):
    """Of a step whose first run is replayed, memory that outlives it is changed once."""
    be = make(spec)
    grad = be.asarray(np.ones(4), "float64")

    def add_one(vector):
        vector[...] = vector + 1

    captured = be.capture(lambda: call_host(be, add_one, grad[1:3]))
    captured()
    assert be.to_numpy(grad).tolist() == [1, 2, 2, 1]
    captured()
    assert be.to_numpy(grad).tolist() == [1, 3, 3, 1]
