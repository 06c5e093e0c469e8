"""The counts of a step against counts by hand, and the data that every contender gets."""

import numpy as np
import pytest

from bpnet_benchmarks.job import Job
from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.workloads import KNOWN, WORKLOADS


def test_flop_by_hand():
    forward = 2 * 32 * (64 * 128 + 128 * 10)
    assert WORKLOADS["64-128-10"].flop(32) == forward + forward + 2 * 32 * 128 * 10


def test_bytes_by_hand():
    workload = WORKLOADS["xor"]  # 3-5-2: 20 and 12 parameters
    assert workload.parameters == 32
    forward, dx, gradient, adam = 32, 12, 2 * 32, 6 * 32
    assert workload.bytes(4) == 4 * (forward + dx + gradient + adam + 2 * 4 * (3 + 5 + 2))


def test_long_steps_are_checked_less_often():
    assert WORKLOADS["64-128-10"].checked_steps(32) == 20
    assert WORKLOADS["4096x4"].checked_steps(16_384) == 3


@pytest.mark.parametrize("name", [name for name, workload in WORKLOADS.items() if not workload.gpu_only])
def test_a_problem_is_the_same_each_time_and_its_rows_are_whole_batches(name):
    one, other = problem(WORKLOADS[name], 100), problem(WORKLOADS[name], 100)
    assert one.rows % 100 == 0
    assert one.x.dtype == np.float32
    assert sorted(one.order) == list(range(one.rows))
    for a, b in zip(
        [one.x, one.y, one.order, *one.weights], [other.x, other.y, other.order, *other.weights], strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_the_first_rows_do_not_depend_on_the_batch_size():
    small, large = problem(KNOWN["64-16-10"], 1), problem(KNOWN["64-16-10"], 16_384)
    np.testing.assert_array_equal(small.x[:1024], large.x[:1024])
    np.testing.assert_array_equal(small.y[:1024], large.y[:1024])


def test_a_job_survives_its_json():
    job = Job("torch", "a:b", WORKLOADS["xor"], 4, "step", 0.5, 2, 123.0)
    assert Job.from_json(job.to_json()) == job
