"""CuPy, on an NVIDIA GPU. `cupy-cuda12x` and `cupy-cuda13x` are the same import: only one of them may be installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends.nvidia import require_driver

INSTALL = "Mend: pip install 'bpnet[cuda12]' or 'bpnet[cuda13]', whichever CUDA the driver supports (nvidia-smi)"


class CuPyBackend:
    """CuPy on one GPU, in IEEE float32 (CuPy's default: CUPY_TF32 is off)."""

    name = "cupy"
    kernels: Mapping[str, Callable[..., Any]] = {}

    def __init__(self, index: int) -> None:
        import array_api_compat.cupy as xp
        import cupy

        self.xp: Any = xp
        self._cupy = cupy
        cupy.cuda.Device(index).use()
        self._gpu = cupy.cuda.Device(index)
        gpu_name = cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()
        version = cupy.cuda.runtime.runtimeGetVersion()
        self.device = f"{gpu_name} (CUDA {version // 1000}.{version % 1000 // 10})"

    def asarray(self, x: Any, dtype: str) -> Any:
        """An array of its own memory on the GPU."""
        return self._cupy.array(x, dtype=dtype, order="C")

    def to_numpy(self, x: Any) -> Any:
        """A copy in the host's memory; waits for the device."""
        return self._cupy.asnumpy(x)

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """The formula as written: one kernel an operation."""
        return f

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step as written, launched anew each time."""
        return step

    def synchronize(self) -> None:
        """Wait until the device has finished what was launched."""
        self._gpu.synchronize()


def make(device: str | None = None) -> CuPyBackend:
    """The backend `cupy`; `device` is the GPU's number, 0 where none is named."""
    number = (device or "0").removeprefix("cuda:").replace("cuda", "0")
    if not number.isdecimal():
        raise ValueError(f"device: {device!r} was given, but the cupy backend knows 'N' and 'cuda:N', a GPU's number")
    require_driver()
    try:
        import cupy
    except ImportError as error:
        raise ImportError(f"CuPy cannot be imported ({error}). {INSTALL}") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(f"CuPy found no usable GPU ({error}). Mend: check the driver with nvidia-smi") from error
    if int(number) >= count:
        raise RuntimeError(f"GPU {number} was asked for, but this machine has {count}, numbered from 0")
    return CuPyBackend(int(number))
