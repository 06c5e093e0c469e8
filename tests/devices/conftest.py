"""Stand-ins for NVIDIA's libraries and for CuPy."""

import sys
from types import ModuleType

import array_api_compat
import pytest

from bpnet_backends import on_cupy
from bpnet_backends.on_cuda import driver as our_driver
from devices.fake_cublaslt import FakeCublasLt
from devices.fake_cuda import FakeDriver, Streams
from devices.fake_cupy import FakeCuPy, Namespace


@pytest.fixture
def streams():
    """Of the one GPU."""
    return Streams()


@pytest.fixture
def cublaslt(monkeypatch, streams):
    """nvmath's cuBLASLt, on the CPU."""
    fake = FakeCublasLt(streams)
    bindings = ModuleType("nvmath.bindings")
    bindings.cublasLt = fake
    bindings.cublas = ModuleType("nvmath.bindings.cublas")
    bindings.cublas.ComputeType = fake.compute_types
    monkeypatch.setitem(sys.modules, "nvmath", ModuleType("nvmath"))
    monkeypatch.setitem(sys.modules, "nvmath.bindings", bindings)
    return fake


@pytest.fixture
def driver(monkeypatch, streams):
    """CUDA's driver, on the emulator."""
    fake = FakeDriver(streams)
    monkeypatch.setattr(our_driver, "_driver", lambda: fake)
    return fake


@pytest.fixture
def cupy(monkeypatch, streams, driver):
    """A machine with two GPUs and CuPy; a kernel's machine code is its text."""
    from bpnet_backends.on_cupy import device

    module = FakeCuPy(streams)
    monkeypatch.setitem(sys.modules, "cupy", module)
    namespace = Namespace("array_api_compat.cupy")
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", namespace)
    monkeypatch.setattr(array_api_compat, "cupy", namespace, raising=False)
    monkeypatch.setattr(on_cupy, "require_driver", lambda: None)
    monkeypatch.setattr(device, "compiled", lambda text, architecture: text.encode())
    monkeypatch.delenv("CUPY_TF32", raising=False)
    return module
