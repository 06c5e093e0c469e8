"""CuPy, on an NVIDIA GPU. `cupy-cuda12x` and `cupy-cuda13x` are the same import: only one of them may be installed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends.nvidia import require_driver

INSTALL = "Mend: pip install cupy-cuda12x or cupy-cuda13x, whichever CUDA the driver serves (nvidia-smi)"


class CuPyBackend:
    """CuPy on one GPU, which becomes the thread's current one, in IEEE float32."""

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


def require_ieee_float32() -> None:
    """Raise RuntimeError where the environment makes CuPy round its products to TF32."""
    if os.environ.get("CUPY_TF32", "0") == "1":
        raise RuntimeError("CUPY_TF32=1 is set, but bpnet's float32 is IEEE. Mend: unset CUPY_TF32")


def make(device: str | None = None) -> CuPyBackend:
    """The backend `cupy`; `device` is the GPU's number, 0 where none is named."""
    match = re.fullmatch(r"(?:cuda:)?(\d+)|cuda", device or "0")
    if match is None:
        raise ValueError(f"device: {device!r} was given, but the cupy backend knows 'N' and 'cuda:N', a GPU's number")
    number = int(match[1] or 0)
    require_driver()
    require_ieee_float32()
    try:
        import cupy
    except (ImportError, OSError) as error:  # OSError: a library that it links to is missing
        raise ImportError(f"CuPy cannot be imported ({error}). {INSTALL}") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(f"CuPy found no usable GPU ({error}). Mend: check the driver with nvidia-smi") from error
    if number >= count:
        raise RuntimeError(
            f"GPU {number} was asked for, but this machine has {count} GPU(s). Mend: count them from cupy:0"
        )
    return CuPyBackend(number)
