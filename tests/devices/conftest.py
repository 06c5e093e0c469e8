"""Stand-ins for NVIDIA's libraries and for CuPy."""

import sys
from types import ModuleType

import array_api_compat
import pytest
import torch

from bpnet_backends import on_cupy
from bpnet_backends.on_cuda import driver as our_driver
from devices.fake_cublaslt import FakeCublasLt
from devices.fake_cuda import FakeDriver, Streams
from devices.fake_cupy import FakeCuPy, Namespace
from devices.fake_torch import FakeCUDA


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
    monkeypatch.setattr(device, "compiled", lambda text, architecture: module.texts.append(text) or text.encode())
    monkeypatch.delenv("CUPY_TF32", raising=False)
    return module


@pytest.fixture
def cuda(monkeypatch, streams, driver):
    """PyTorch's tensors on the CPU, taken for those of a GPU; a product goes to the stream too."""
    from bpnet_backends.on_torch import device

    fake = FakeCUDA(streams)
    monkeypatch.setattr(torch, "cuda", fake)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", fake.end_allocation, raising=False)
    monkeypatch.setattr(torch._C, "_cuda_releasePool", fake.release_pool, raising=False)
    for name in ("mm", "bmm"):
        multiply = getattr(torch, name)

        def on_stream(*args, multiply=multiply, **kwargs):
            streams.do(fake.current, lambda: multiply(*args, **kwargs))

        monkeypatch.setattr(torch, name, on_stream)
    monkeypatch.setattr(device, "compiled", lambda text, architecture: text.encode())
    return fake
