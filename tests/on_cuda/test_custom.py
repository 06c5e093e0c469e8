"""Hand-written kernels and calls of the library, launched at once and in traced steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.custom import Custom, by_library, empty, launched
from bpnet_backends.on_cuda.device import Launch
from bpnet_backends.on_cuda.plan import Plan
from on_cuda.interpreted import Interpreted
from on_cuda.numpy_device import NumPyDevice
from on_cuda.torch_device import TorchOnCPU

DOUBLED = Custom("doubled_3", 'extern "C" __global__ void doubled_3(const double* x, double* y) { … }', (1, 1), (32, 1))


class Launching(NumPyDevice):
    """It writes down what it loads and launches."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, Sequence[str]]] = []
        self.launches: list[Launch] = []

    def load(self, text: str, names: Sequence[str]) -> list[Any]:
        self.loaded.append((text, names))
        return [f"kernel {name}" for name in names]

    def launch(self, launch: Launch) -> None:
        self.launches.append(launch)


def test_a_kernel_is_loaded_once_for_each_device() -> None:
    for _ in range(2):
        backend = Interpreted(Launching())
        x = backend.asarray([1, 2, 3], "float64")
        for _ in range(2):
            y = empty((3,), x.dtype)
            assert (y.shape, y.dtype) == ((3,), x.dtype)
            launched(DOUBLED, [x], [y])
            address_of = backend.home.address_of
            arguments = (address_of(x.own), address_of(y.own))
            launch = backend.home.launches[-1]
            assert (launch.kernel, launch.grid, launch.block) == ("kernel doubled_3", (1, 1), (32, 1))
            assert launch.arguments == arguments
            assert y.home is backend.home
        assert backend.home.loaded == [(DOUBLED.text, [DOUBLED.entry])]


def test_a_kernel_in_a_traced_step_is_a_call() -> None:
    backend = Interpreted(Launching())
    x, out = backend.asarray([[1, 2, 3]], "float64"), backend.asarray(np.zeros(3), "float64")
    dtypes: list[Any] = []

    def step() -> None:
        y = empty((3,), x.dtype)
        dtypes.append(y.dtype)
        launched(DOUBLED, [x[0, :]], [y])
        out[...] = y

    traced = tracing.trace(step, backend.home)
    kernel, copy = traced.record.calls
    assert (kernel.kind, kernel.function, copy.kind) == ("custom", DOUBLED, "copy")
    assert [array.shape for array in (*kernel.inputs, *kernel.outputs)] == [(3,), (3,)]
    assert traced.record.is_own(kernel.outputs[0])
    assert not backend.home.loaded
    assert not backend.home.launches
    assert dtypes == [backend.xp.float64] == [np.dtype("float64")]


def test_a_second_plan_loads_nothing() -> None:
    backend = Interpreted(Launching())
    x, out = backend.asarray([1, 2, 3], "float64"), backend.asarray(np.zeros(3), "float64")
    plans = [Plan(tracing.trace(lambda: launched(DOUBLED, [x], [out]), backend.home), backend.home) for _ in range(2)]
    assert backend.home.loaded == [(DOUBLED.text, [DOUBLED.entry])]
    for plan in plans:
        plan.run()
    assert [launch.kernel for launch in backend.home.launches] == ["kernel doubled_3"] * 2


@pytest.mark.parametrize("device", [NumPyDevice, TorchOnCPU])
def test_a_call_of_the_library(device: type[NumPyDevice]) -> None:
    backend = Interpreted(device())
    x, out = backend.asarray([4.0, 9.0], "float64"), backend.asarray(np.zeros(2), "float64")
    types: list[type] = []

    def root_into(own: Any, target: Any) -> None:
        types.append(type(own))
        target[...] = own**0.5

    def step() -> None:
        y = empty((2,), "float64")
        by_library(root_into, [x], [y])
        out[...] = y + 1

    step()
    np.testing.assert_array_equal(backend.to_numpy(out), [3, 4])
    assert types == [type(x.own)]
    x[...] = x * 4
    backend.capture(step)()
    np.testing.assert_array_equal(backend.to_numpy(out), [5, 7])
    assert [call.kind for call in backend.traced[0].record.calls] == ["library", "elementwise", "copy"]


def test_outputs_that_have_memory_keep_it() -> None:
    backend = Interpreted()
    x, y = backend.asarray([4.0, 9.0], "float64"), backend.asarray(np.zeros((2, 2)), "float64")
    by_library(lambda own, target: np.sqrt(own, out=target), [x], [y[1, :]])
    np.testing.assert_array_equal(backend.to_numpy(y), [[0, 0], [2, 3]])


def test_a_kernel_takes_contiguous_arrays_only() -> None:
    backend = Interpreted(Launching())
    x, y = backend.asarray(np.zeros((3, 2)), "float64"), backend.asarray(np.zeros((2, 3)), "float64")

    def step() -> None:
        launched(DOUBLED, [x.T], [y])

    for run in (step, lambda: tracing.trace(step, backend.home)):
        with pytest.raises(ValueError, match=r"kernel 'doubled_3': an array of shape \(2, 3\) was given.* Mend: "):
            run()


@pytest.mark.parametrize("device", [NumPyDevice, TorchOnCPU])
def test_what_is_contiguous(device: type[NumPyDevice]) -> None:
    x = Interpreted(device()).asarray(np.zeros((3, 2)), "float64")
    assert [y.is_contiguous for y in (x, x[1:, :], x[1, :], x[1:2, :1].T)] == [True] * 4
    assert [y.is_contiguous for y in (x.T, x[:, 0], x[:, :1], x[::2, :])] == [False] * 4
