"""CuPy, on an NVIDIA GPU. `cupy-cuda12x` and `cupy-cuda13x` are the same import: only one of them may be installed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from bpnet_backends.nvidia import own_gpu, require_driver

if TYPE_CHECKING:
    from bpnet_backends.on_cuda.backend import CudaBackend

INSTALL = "Mend: pip install cupy-cuda12x or cupy-cuda13x, whichever CUDA the driver serves (nvidia-smi)"


def require_ieee_float32() -> None:
    """Raise RuntimeError where the environment makes CuPy round its products to TF32."""
    if os.environ.get("CUPY_TF32", "0") == "1":
        raise RuntimeError("CUPY_TF32=1 is set, but bpnet's float32 is IEEE. Mend: unset CUPY_TF32")


def make(device: str | None = None, precision: str = "strict") -> CudaBackend:
    """The backend `cupy`; `device` is the GPU's number, the process's own where none is named.

    `precision` is that of matrix products.
    """
    match = re.fullmatch(r"(?:cuda:)?(\d+)|cuda", device or "cuda")
    if match is None:
        raise ValueError(f"device: {device!r} was given, but the cupy backend knows 'N' and 'cuda:N', a GPU's number")
    number = own_gpu() if match[1] is None else int(match[1])
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
    from bpnet_backends.on_cuda.eager import backend_on
    from bpnet_backends.on_cupy.device import CuPyDevice

    return backend_on(CuPyDevice(number, precision), {}, precision)
