"""The code of the cupy backend on a stand-in for CuPy, so that a slip in it is found where there is no GPU.

The stand-in is NumPy under CuPy's names. It shows that `make` chooses, refuses and explains, and that a model trains
through the backend's nine members; what CuPy itself does is for the tests marked `gpu`.
"""

import sys
from types import ModuleType, SimpleNamespace

import array_api_compat.numpy
import numpy as np
import pytest

from bpnet import Adam, Dense, Input, Sequential
from bpnet.backend import Backend, load, make
from bpnet_backends import on_cupy


class CUDAFailureError(RuntimeError):
    """What CuPy raises where there is a driver and no usable GPU."""


class Device:
    used = -1
    waits = 0

    def __init__(self, index):
        self.index = index

    def use(self):
        Device.used = self.index

    def synchronize(self):
        Device.waits += 1


@pytest.fixture
def cupy(monkeypatch):
    """A machine with two GPUs and CuPy."""
    module = ModuleType("cupy")
    module.array, module.asnumpy = np.array, np.array
    runtime = SimpleNamespace(
        CUDARuntimeError=CUDAFailureError,
        getDeviceCount=lambda: 2,
        getDeviceProperties=lambda index: {"name": f"GPU number {index}".encode()},
        runtimeGetVersion=lambda: 12_090,
    )
    module.cuda = SimpleNamespace(Device=Device, runtime=runtime)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", array_api_compat.numpy)
    monkeypatch.setattr(array_api_compat, "cupy", array_api_compat.numpy, raising=False)
    monkeypatch.setattr(on_cupy, "require_driver", lambda: None)
    monkeypatch.delenv("CUPY_TF32", raising=False)
    return module


@pytest.mark.parametrize(("spec", "index"), [("cupy", 0), ("cupy:1", 1), ("cupy:cuda", 0), ("cupy:cuda:1", 1)])
def test_the_gpu_that_is_named_is_used(cupy, spec, index):
    backend = make(spec)
    assert isinstance(backend, Backend)
    assert (backend.name, backend.device) == ("cupy", f"GPU number {index} (CUDA 12.9)")
    assert Device.used == index


def test_a_model_trains_through_it_as_on_numpy(cupy):
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    weights = []
    for spec in ("cupy", "numpy"):
        model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(2, "softmax")], backend=spec)
        model.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(x, y, epochs=3, validation_split=0.2, verbose=0)
        weights.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    before = Device.waits
    load("cupy").synchronize()
    assert Device.waits == before + 1


def test_auto_takes_it(cupy, monkeypatch):
    monkeypatch.delenv("BPNET_BACKEND", raising=False)
    assert load("auto").name == "cupy"


@pytest.mark.parametrize("device", ["first", "1cuda", "cuda:", "-1"])
def test_a_device_that_does_not_exist_anywhere(cupy, device):
    with pytest.raises(ValueError, match="knows 'N' and 'cuda:N', a GPU's number"):
        make(f"cupy:{device}")


def test_a_gpu_that_this_machine_lacks(cupy):
    with pytest.raises(RuntimeError, match=r"GPU 2 was asked for, but this machine has 2 GPU\(s\). Mend:"):
        make("cupy:2")


def test_no_usable_gpu(cupy):
    def fail():
        raise CUDAFailureError("cudaErrorInsufficientDriver")

    cupy.cuda.runtime.getDeviceCount = fail
    with pytest.raises(RuntimeError, match=r"no usable GPU \(cudaErrorInsufficientDriver\). Mend: check the driver"):
        make("cupy")


def test_tf32_is_refused(cupy, monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "1")
    with pytest.raises(RuntimeError, match="Mend: unset CUPY_TF32"):
        make("cupy")


def test_cupy_is_not_installed(cupy, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match=r"CuPy cannot be imported.*Mend: pip install cupy-cuda12x or cupy-cuda13x"):
        make("cupy")
