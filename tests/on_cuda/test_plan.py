"""What a training step comes to on a GPU: how many launches, in which memory, and the same bits in any order."""

import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

from bpnet import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, Sequential
from bpnet.nn.window import window
from bpnet_backends.on_cuda import captured, convolution, geometry, tracing
from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_backends.on_cuda.plan import Plan
from emulator.device import EmulatedDevice
from on_cuda.captured_steps import check, replayed

NVCC = shutil.which("nvcc") or next((str(path) for path in [Path("/usr/local/cuda/bin/nvcc")] if path.exists()), None)


def trained(layers, batch, *, backwards=False):
    """The plans of a few steps of training, and the weights after them."""
    plans = []

    class Kept(Plan):
        def __init__(self, *args):
            super().__init__(*args)
            plans.append(self)

    backend = CudaBackend(EmulatedDevice(backwards=backwards))
    model = Sequential(layers(), backend=backend)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3 * batch, *SHAPES[layers])).astype("float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captured, "Plan", Kept)
        model.fit(x, np.arange(3 * batch) % 10, batch_size=batch, epochs=1, verbose=0)
    return plans, model.get_weights()


def digits():
    return [Input((64,)), Dense(128, activation="relu"), Dense(10, activation="softmax")]


def images():
    return [
        Input((8, 8, 1)),
        Conv2D(3, 3, activation="tanh"),
        MaxPooling2D(2),
        Flatten(),
        Dropout(0.3),
        Dense(10, activation="softmax"),
    ]


SHAPES = {digits: (64,), images: (8, 8, 1)}


def test_a_small_nets_step_is_few_launches():
    """Gather, bias and relu, softmax with its loss, scalars, relu's derivative, Adam; five products."""
    (plan, *_), _ = trained(digits, 32)
    names = [launched.name for launched in plan.launches]
    assert names.count("product") == 5
    assert len(names) == 11


def test_the_optimizer_is_one_pass_over_theta():
    (plan, *_), _ = trained(digits, 32)
    last = plan.launches[-1]
    parameters = 64 * 128 + 128 + 128 * 10 + 10
    assert last.shape == (parameters, 1)
    # theta, its gradient and two moments are read, and three of them written; two scalars on top.
    assert last.bytes_read == 4 * 4 * parameters + 8
    assert last.bytes_written == 3 * 4 * parameters


def test_launches_say_what_they_do():
    (plan, *_), _ = trained(digits, 32)
    first = next(launched for launched in plan.launches if launched.name == "product")
    assert first.shape == (32, 128, 64)
    assert first.flop == 2 * 32 * 128 * 64
    assert first.bytes_read == 4 * (32 * 64 + 64 * 128)
    assert all(launched.bytes_written > 0 for launched in plan.launches)


@pytest.mark.parametrize("layers", [digits, images])
def test_blocks_and_threads_in_another_order_give_the_same_bits(layers):
    """Where they do not, threads race. Many blocks are had by letting each visit few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "ALONE", 1)
        patch.setattr(geometry, "VISITS", 1)
        _, weights = trained(layers, 96)
        _, others = trained(layers, 96, backwards=True)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_results_share_memory_when_they_are_not_needed_at_the_same_time():
    def steps(xp, x, w):
        for _ in range(6):
            x = xp.tanh(x @ w)
        return (x,)

    plan = check(steps, np.random.default_rng(0).normal(size=(64, 32)), np.eye(32))
    one = 64 * 32 * 8
    assert plan.workspace.size <= 3 * one


def test_a_convolution_is_not_made_in_memory_that_is_not_aligned():
    """Its kernel stores 16 bytes at once."""
    backend = CudaBackend(EmulatedDevice())
    x, w, kept = (backend.asarray(np.zeros(shape), "float32") for shape in [(2, 6, 6, 4), (3, 3, 4, 8), (1000,)])
    at = window((6, 6), (3, 3), (1, 1), (1, 1), "valid")

    def step():
        for start in (1, 4):
            z = convolution.conv2d(backend, x, w, None, at, 1)
            backend.xp.reshape(kept[start : start + z.size], z.shape)[...] = z

    plan = Plan(tracing.trace(step, backend._device), backend._device)
    outputs = [launched.run.args[0].arguments[-1] for launched in plan.launches if launched.name.startswith("conv2d")]
    assert len(outputs) == 2
    assert all(address % 16 == 0 for address in outputs)
    assert sum(launched.name == "copy" for launched in plan.launches) == 1  # where it is aligned there is none


def test_equal_kernels_are_compiled_once():
    def twice(xp, x, y, w):
        return xp.tanh(x @ w + 0.75), xp.tanh(y @ w + 0.25)

    rng = np.random.default_rng(0)
    plan = check(twice, *(rng.normal(size=(8, 8)) for _ in range(3)))
    assert plan.text.count("__global__") == 1
    assert len(plan.launches) == 4


@pytest.mark.filterwarnings("ignore:this step runs slower:RuntimeWarning")
def test_what_has_no_kernel_is_computed_by_the_library():
    x = np.arange(6).reshape(2, 3)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        outputs, _, plan = replayed(lambda xp, x: (x @ xp.permute_dims(x, (1, 0)),), [x], calls=3)
    assert plan is None
    np.testing.assert_array_equal(outputs[0], x @ x.T)
    assert len(found) == 1
    assert "matmul of int64 (2, 3), int64 (3, 2) cannot be replayed" in str(found[0].message)


def test_what_was_never_written_is_left_to_the_library():
    with pytest.warns(RuntimeWarning, match="an array that nothing was written into cannot be replayed"):
        outputs, _, plan = replayed(lambda xp, x: (xp.where(x < 9, x, xp.empty(4, dtype=x.dtype)),), [np.arange(4.0)])
    assert plan is None
    np.testing.assert_array_equal(outputs[0], np.arange(4))


@pytest.mark.skipif(NVCC is None, reason="nvcc, NVIDIA's compiler, is not installed")
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("layers", [digits, images])
def test_nvidias_compiler_takes_the_text(layers, architecture, tmp_path):
    plans, _ = trained(layers, 300)
    source = tmp_path / "step.cu"
    source.write_text(plans[0].text)
    command = [NVCC, f"-arch={architecture}", "-cubin", "-std=c++17", "--fmad=false", "-Werror", "all-warnings"]
    subprocess.run([*command, str(source), "-o", str(tmp_path / "step.cubin")], check=True)
