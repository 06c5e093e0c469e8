"""Every backend that the tests know, and which of them run on this machine."""

from __future__ import annotations

from functools import cache

import pytest

from bpnet.backend import Backend, make
from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_strict import StrictBackend
from emulator.device import EmulatedDevice
from on_cuda.interpreted import Interpreted
from on_cuda.numpy_device import NumPyDevice
from on_cuda.torch_device import TorchOnCPU

SPECS = [
    pytest.param("numpy", id="numpy"),
    pytest.param("numba", id="numba"),
    pytest.param("torch:cpu", id="torch:cpu"),
    pytest.param("strict", id="strict"),
    pytest.param("emulated", id="emulated"),
    pytest.param("cupy", id="cupy", marks=pytest.mark.gpu),
    pytest.param("torch:cuda", id="torch:cuda", marks=pytest.mark.gpu),
]
"""NumPy, the same with compiled steps, PyTorch on the CPU, the strictest reading of the standard, the backends' way of
steps on a GPU with its CUDA kernels run by the CPU, and two on a GPU."""

TRACED = {"traced:numpy": NumPyDevice, "traced:torch": TorchOnCPU}
"""The arrays and the tracing of the backends on a GPU, over libraries on the CPU."""

ON_GPU = ("cupy", "torch:cuda")


def backend_named(spec: str) -> Backend:
    """The backend `spec`; one that needs a GPU is skipped, with its own reason, where it cannot run."""
    backend, reason = _made(spec)
    if backend is None:
        pytest.skip(f"{spec}: {reason}")
    return backend


@cache
def _made(spec: str) -> tuple[Backend | None, str]:
    """The backend, or None and why not; a backend of the CPU has no excuse."""
    if spec == "strict":
        return StrictBackend(), ""
    if spec == "emulated":
        return CudaBackend(EmulatedDevice()), ""
    if spec in TRACED:
        return Interpreted(TRACED[spec]()), ""
    try:
        return make(spec), ""
    except (ImportError, RuntimeError) as error:
        if spec not in ON_GPU:
            raise
        return None, str(error)
