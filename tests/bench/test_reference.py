"""The judge is judged: the reference against central differences, and the contenders that are here against it."""

import warnings
from itertools import product

import numpy as np
import pytest
import torch

from bpnet_benchmarks.contenders import CONTENDERS, at
from bpnet_benchmarks.contenders.contender import Contender
from bpnet_benchmarks.contenders.torch_net import use_precision
from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.reference import allowed, cross_entropy, gradient, judged_loss, trained
from bpnet_benchmarks.workload import dense_net
from bpnet_benchmarks.workloads import KNOWN

SMALL = dense_net("5-7-6-3", (5, 7, 6, 3), hidden="tanh")


def test_the_gradient_against_central_differences():
    work = problem(SMALL, 32)
    x, y = work.x[:32], work.y[:32]
    weights = [array.astype(np.float64) for array in work.weights]
    found = gradient(SMALL, weights, x, y)
    for array, g in zip(weights, found, strict=True):
        expected = np.empty_like(array)
        for i in np.ndindex(array.shape):
            kept = array[i]
            array[i] = kept + 1e-6
            above = cross_entropy(SMALL, weights, x, y)
            array[i] = kept - 1e-6
            expected[i] = (above - cross_entropy(SMALL, weights, x, y)) / 2e-6
            array[i] = kept
        np.testing.assert_allclose(g, expected, atol=1e-8)


def test_the_first_step_of_adam_by_hand():
    work = problem(SMALL, 32)
    rows = work.order[:32]
    g = gradient(SMALL, work.weights, work.x[rows], work.y[rows])
    for w, after, each in zip(work.weights, trained(work, 1), g, strict=True):
        np.testing.assert_allclose(after, w - 1e-3 * each / (abs(each) + 1e-8), rtol=1e-9)


@pytest.mark.parametrize(
    ("workload", "batch"), [("64-128-10", 1), ("64-128-10", 32), ("xor", 4), ("64-16-10", 1_024), ("cnn", 32)]
)
def test_training_lowers_the_loss_and_one_step_fewer_would_be_noticed(workload, batch):
    work = problem(KNOWN[workload], batch)
    first, fewer, last = (judged_loss(work, trained(work, steps)) for steps in (0, 19, 20))
    assert last < first
    assert abs(last - fewer) > 1.2 * allowed(last, first)


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        *product(["bpnet-numpy", "bpnet-torch"], ["64-16-10", "xor"]),
        *product(["scikit-learn", "scikit-learn-many"], ["64-16-10"]),
    ],
)
def test_contenders_do_the_same_training(name, workload):
    contender, work = at(CONTENDERS[name]), problem(KNOWN[workload], 1_024)
    assert contender.unfit(work.workload, "step") is None
    run = contender.prepare(work)
    calls = -(-20 // run.steps_per_call)  # the order of the samples starts over on the way
    for _ in range(calls):
        run.step()
    run.synchronize()
    expected = judged_loss(work, trained(work, calls * run.steps_per_call))
    assert abs(judged_loss(work, run.weights()) - expected) < allowed(expected, judged_loss(work, work.weights)) / 5


def test_who_does_not_fit_says_why():
    sklearn, keras = at(CONTENDERS["scikit-learn"]), at(CONTENDERS["keras"])
    assert "one logistic output" in sklearn.unfit(KNOWN["xor"], "step")
    assert sklearn.unfit(KNOWN["4096x4"], "step") == "4096x4 is for GPUs"
    assert keras.unfit(KNOWN["xor"], "step") == "it is not timed in mode 'step'"
    assert sklearn.unfit(KNOWN["cnn"], "step") == "it has no convolutions"
    assert "dense nets alone" in keras.unfit(KNOWN["cnn-wide"], "fit")
    assert "dense layers alone" in at(CONTENDERS["products"]).unfit(KNOWN["cnn"], "step")
    assert at(CONTENDERS["jax"]).unfit(KNOWN["cnn"], "step") is None


def test_pytorch_2_9_s_warning_of_its_newer_switches_is_not_shown(monkeypatch):
    def warn(precision):
        warnings.warn("Please use the new API settings to control TF32 behavior", UserWarning, stacklevel=2)

    monkeypatch.setattr(torch, "set_float32_matmul_precision", warn)
    use_precision(torch, tf32=False)


def test_pytorch_s_precision_is_pinned_for_products_and_convolutions():
    try:
        for tf32, name in ((True, "high"), (False, "highest")):
            use_precision(torch, tf32)
            assert torch.get_float32_matmul_precision() == name
            assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == tf32
    finally:
        use_precision(torch, tf32=False)


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_is_there_under_its_name(name):
    contender = at(CONTENDERS[name])
    assert isinstance(contender, Contender)
    assert contender.name == name
