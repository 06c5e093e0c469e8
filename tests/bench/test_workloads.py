"""The counts of a step against counts by hand, and the data that every contender gets."""

import numpy as np
import pytest

from bpnet_benchmarks.job import Job
from bpnet_benchmarks.layers import Conv, Dense, Flatten, Pool
from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.workload import Workload, workload_from
from bpnet_benchmarks.workloads import KNOWN, WORKLOADS


def test_flop_by_hand():
    forward = 2 * 32 * (64 * 128 + 128 * 10)
    assert WORKLOADS["64-128-10"].flop(32) == forward + forward + 2 * 32 * 128 * 10


def test_bytes_by_hand():
    workload = WORKLOADS["xor"]  # 3-5-2: 20 and 12 parameters
    assert workload.parameters == 32
    forward, dx, gradient, adam = 32, 12, 2 * 32, 6 * 32
    assert workload.bytes(4) == 4 * (forward + dx + gradient + adam + 2 * 4 * (3 + 5 + 2))


def test_images_by_hand():
    workload = WORKLOADS["cnn"]
    images = [24 * 24 * 4, 22 * 22 * 8, 11 * 11 * 8, 9 * 9 * 16, 4 * 4 * 16]
    assert workload.sizes == (28 * 28, *images, 128, 10)
    parameters = [5 * 5 * 4 + 4, 3 * 3 * 4 * 8 + 8, 3 * 3 * 8 * 16 + 16, 256 * 128 + 128, 128 * 10 + 10]
    assert workload.parameters == sum(parameters)
    assert workload.bytes(100) == 4 * (10 * sum(parameters) - parameters[0] + 2 * 100 * sum(workload.sizes))
    first, *others = 24 * 24 * 25 * 4, 22 * 22 * 9 * 4 * 8, 9 * 9 * 9 * 8 * 16, 256 * 128, 128 * 10
    assert workload.flop(100) == 2 * 100 * (2 * first + 3 * sum(others))


def test_same_keeps_the_size_of_the_image():
    products = [32 * 32 * 9 * 3 * 32, 32 * 32 * 9 * 32 * 64, 16 * 16 * 64 * 10]
    assert WORKLOADS["cnn-wide"].flop(1) == 2 * (3 * sum(products) - products[0])
    assert Conv(1, 4, same=True).output((5, 6, 2)) == (5, 6, 1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(2, "softmax")], r"sample of shape \(4, 5, 1\) came, expected 1 axes"),
        ([Flatten(), Conv(1, 2), Dense(2, "softmax")], "expected 3 axes"),
        ([Conv(1, 5), Flatten(), Dense(2, "softmax")], "its window does not fit"),
        ([Pool(5), Flatten(), Dense(2, "softmax")], "its window does not fit"),
        ([Flatten(), Dense(2)], "expected a softmax in the last layer"),
        ([Flatten(), Dense(2, "softmax"), Dense(2, "softmax")], "and there alone"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        Workload("odd", (4, 5, 1), tuple(layers))


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="'gelu' was given, expected one of relu"):
        Dense(3, "gelu")


def test_fit_has_fewer_rows_where_an_epoch_would_take_minutes():
    assert WORKLOADS["784-1024-1024-10"].fit_rows() == WORKLOADS["cnn"].fit_rows() == 16_384
    assert WORKLOADS["cnn-wide"].fit_rows() == 2_048
    assert WORKLOADS["4096x4"].fit_rows() == 16_384


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


@pytest.mark.parametrize("name", ["xor", "cnn", "cnn-wide"])
def test_a_job_survives_its_json(name):
    job = Job("torch", "a:b", WORKLOADS[name], 4, "step", 0.5, 2, 123.0)
    assert Job.from_json(job.to_json()) == job


def test_a_workload_of_an_older_file_is_read():
    fields = {"name": "xor", "sizes": [3, 5, 2], "hidden": "tanh", "batches": [4], "gpu_only": False, "data": "xor"}
    assert workload_from(fields) == WORKLOADS["xor"]
